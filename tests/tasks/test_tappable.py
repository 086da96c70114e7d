from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from bmnas.errors import BmnasError
from bmnas.tasks import Split
from bmnas.tasks.module_task import ModuleTask
from bmnas.tasks.tappable import tappable
from bmnas.tasks.task import SplitName
from tests.tasks.small_task import SmallTask


def make(**changed: Any) -> ModuleTask:
    """One modality, without taps."""
    split = {name: Split({"A": torch.zeros(4, 3, 5)}, torch.arange(4) % 2) for name in ("train", "validation", "test")}
    backbone = nn.Sequential(nn.Conv1d(3, 4, 1), nn.ReLU())
    arguments: dict[str, Any] = {**split, "backbones": {"A": backbone}, "taps": {}, "outputs": 2, **changed}
    return ModuleTask("own", **arguments)


def test_a_task_without_taps_is_listed_too() -> None:
    places = tappable(make())
    assert list(places) == ["A"]
    assert [(place.tap.node, place.shape) for place in places["A"]] == [(n, (2, 4, 5)) for n in ("0", "1", "")]


def test_modalities_with_awkward_names() -> None:
    assert list(tappable(SmallTask())) == ["Ton/é", ".."]
    assert list(tappable(SmallTask(), "..")) == [".."]
    with pytest.raises(BmnasError, match=r"task small has no modality 'Tone'"):
        tappable(SmallTask(), "Tone")


def test_one_modality_needs_the_data_of_no_other() -> None:
    class NoSound(SmallTask):
        def split(self, name: SplitName) -> Split:
            if "Ton/é" in self.modalities:
                raise BmnasError("the sounds are missing")
            return super().split(name)

    assert list(tappable(NoSound(), "..")) == [".."]
    with pytest.raises(BmnasError, match="the sounds are missing"):
        tappable(NoSound())


def test_operations_between_modules_where_there_are_some() -> None:
    class Doubled(nn.Sequential):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return super().forward(input + input)

    task = make(backbones={"A": Doubled(nn.Conv1d(3, 4, 1))})
    assert [place.tap.node for place in tappable(task)["A"]] == ["0", ""]
    assert [place.tap.node for place in tappable(task, nodes=True)["A"]] == ["0", "", "add"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"backbones": {"A": nn.Conv1d(2, 4, 1)}},
            r"modality 'A': the backbone cannot run on the sample: Runtime",
        ),
        ({"backbones": {"B": nn.Identity()}}, r"the samples of task own have no input 'B'; they have A"),
    ],
)
def test_what_cannot_be_run(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BmnasError, match=sentence):
        tappable(make(**changed))


def test_a_sample_that_cannot_be_read() -> None:
    class Broken:
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> Any:
            raise FileNotFoundError(2, "No such file or directory", "a.png")

    with pytest.raises(BmnasError, match=r"sample 0 of the train split of task own: .*\(a.png\)"):
        tappable(make(train=Broken()))
