"""A backbone is trained on samples in memory and on those that are read one by one, and goes on after any kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bmnas.errors import BmnasError
from bmnas.fit.checkpoint import Keeper
from bmnas.fit.seeding import seeded
from bmnas.genotype import Feature
from bmnas.tasks import Progress, Split, SplitName, Task, Tick
from bmnas.tasks.raw_batches import RawBatches
from bmnas.tasks.source_training import SourceTraining, computed_with, train_on_source
from bmnas.tasks.training import kept

SIZES: dict[str, int] = {"train": 21, "validation": 30, "test": 2}
SETTINGS = SourceTraining(epochs=2, batch_size=8, learning_rate=1e-2, workers=0)


class Points(Task):
    """Points whose sign is the label; a view has noise. The other modality cannot be read."""

    name = "points"
    outputs = 2
    features = tuple(Feature(name=f"{name}_1", modality=name, channels=4, reshape="sequence") for name in "XY")
    taps = {"X_1": "0", "Y_1": "0"}  # noqa: RUF012

    def split(self, name: SplitName) -> Any:
        with seeded(SIZES[name]):
            points = torch.randn(SIZES[name], 4)
        return Split({"X": points} if self.modalities == ("X",) else {"X": points, "Y": points}, self._labels(points))

    def _labels(self, points: torch.Tensor) -> torch.Tensor:
        return (points[:, 0] > 0).long()


class Augmented(Points):
    def view(self, name: SplitName, view: int) -> Any:
        split = self.split(name)
        return Split({"X": split.inputs["X"] + 0.1 * torch.randn(len(split), 4)}, split.labels)


class Rows:
    def __init__(self, split: Split, view: int) -> None:
        self.split, self.view = split, view

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: int) -> Any:
        noise = 0.1 * torch.randn(4) if self.view else 0
        return {"X": self.split.inputs["X"][index] + noise}, int(self.split.labels[index])


class Read(Points):
    def split(self, name: SplitName) -> Any:
        return Rows(super().split(name), 0)

    def view(self, name: SplitName, view: int) -> Any:
        return Rows(super().split(name), view)


def network() -> nn.Module:
    with seeded(0):
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, 2))


def trained(task: Task, settings: SourceTraining = SETTINGS, report: Any = None) -> tuple[torch.Tensor, float]:
    """All of the state after a training, and the score."""
    module = network()
    score = train_on_source(task, "X", module, settings, report=report or (lambda _: None))
    return torch.cat([tensor.flatten().double() for tensor in module.state_dict().values()]), score


@pytest.mark.parametrize("kind", [Points, Augmented, Read])
def test_it_learns_and_reports(kind: Any) -> None:
    events: list[Any] = []
    _, score = trained(kind(), SETTINGS.model_copy(update={"epochs": 60}), events.append)
    assert score > 0.8
    epochs = [event for event in events if event.phase == "backbone X" and not isinstance(event, Tick)]
    assert [(event.done, event.total, event.unit) for event in epochs] == [(done, 60, "epochs") for done in range(61)]
    assert events[-1] == Progress("score of backbone X", 30, 30, "", "samples")


def test_the_score_is_that_of_the_whole_validation_split_in_eval_mode() -> None:
    task, module = Points(), network()
    score = train_on_source(task, "X", module, SETTINGS)
    split = task.split("validation")
    assert not module.training
    assert score == task.metric.score(module(split.inputs["X"]).detach(), split.labels)


@pytest.mark.parametrize("kind", [Points, Augmented, Read])
def test_the_seed_alone_decides(kind: Any) -> None:
    first, again = trained(kind()), trained(kind(), SETTINGS.model_copy(update={"workers": 2}))
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], trained(kind(), SETTINGS.model_copy(update={"seed": 1}))[0])


def test_views_are_used_where_there_are_some() -> None:
    assert not torch.equal(trained(Points())[0], trained(Augmented())[0])


class Killed(BaseException):
    """Stands for a SIGKILL: nothing in the package may catch it."""


@pytest.mark.parametrize("kind", [Augmented, Read])
@pytest.mark.parametrize("amp", ["none", "float16"])
def test_a_training_that_was_killed_at_any_step_goes_on(
    kind: Any, amp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, save = SETTINGS.model_copy(update={"amp": amp}), Keeper.save
    whole = trained(kind(), settings)
    for writes in range(1, 9):  # two epochs of three steps, and the ends of both
        left = writes

        def dying(self: Keeper, training: Any) -> None:
            nonlocal left
            save(self, training)
            left -= 1
            if not left:
                raise Killed

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(Keeper, "save", dying)
            with kept(tmp_path / "weights", "toy", seconds=0):
                trained(kind(), settings)
        with kept(tmp_path / "weights", "toy", seconds=0):
            state, score = trained(kind(), settings)
        assert torch.equal(state, whole[0]), f"killed at checkpoint {writes}"
        assert score == whole[1]
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("amp", ["bfloat16", "float16"])
def test_mixed_precision_learns_the_same_with_other_roundings(amp: Any) -> None:
    longer = SETTINGS.model_copy(update={"epochs": 40})
    plain = trained(Points(), longer)
    with computed_with(amp=amp):
        mixed = trained(Points(), longer)
    assert not torch.equal(plain[0], mixed[0])
    assert mixed[1] == pytest.approx(plain[1], abs=0.1)
    assert torch.equal(mixed[0], trained(Points(), longer.model_copy(update={"amp": amp}))[0])


def test_a_batch_is_divided_where_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(self: nn.Linear, points: torch.Tensor) -> torch.Tensor:
        if len(points) > 4:
            raise torch.OutOfMemoryError("too many")
        return nn.functional.linear(points, self.weight, self.bias)

    monkeypatch.setattr(nn.Linear, "forward", forward)
    assert 0 <= trained(Points())[1] <= 1


def test_raw_inputs_of_a_split_are_not_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[int] = []
    in_order = RawBatches.in_order

    def watched(self: RawBatches, split: SplitName) -> Any:
        import weakref

        batches: list[weakref.ref[Any]] = []
        for batch in in_order(self, split):
            batches.append(weakref.ref(batch))
            yield batch
            del batch
            alive.append(sum(one() is not None for one in batches))

    monkeypatch.setattr(RawBatches, "in_order", watched)
    trained(Read())
    assert max(alive) <= 2


def test_what_cannot_be_trained_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pair(nn.Linear):
        def forward(self, input: torch.Tensor) -> Any:
            return (input, super().forward(input))

    with pytest.raises(BmnasError, match="the backbone 'X' of task points gives a tuple, but to be trained"):
        train_on_source(Points(), "X", Pair(4, 2), SETTINGS)
    monkeypatch.setitem(SIZES, "validation", 0)
    with pytest.raises(BmnasError, match="task points has no samples in its validation split"):
        trained(Points())
