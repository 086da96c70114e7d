"""Files of weights that others wrote are read as data, however they are wrapped."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.tasks.backbones import backbones as backbones_of
from bmnas.tasks.state_files import misfit, read_state
from bmnas.tasks.task import Task
from tests.tasks.small_task import SmallTask


def _module() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def _same(found: dict[str, Tensor]) -> bool:
    wanted = _module().state_dict()
    return list(found) == list(wanted) and all(torch.equal(found[name], value) for name, value in wanted.items())


def test_weights_are_found_however_they_are_wrapped(tmp_path: Path) -> None:
    state = _module().state_dict()
    parallel = OrderedDict((f"module.{name}", value) for name, value in state.items())
    epoch = {"epoch": 3, "arch": "net", "optimizer": {"state": {0: {"step": 1}}}, "best_prec1": 0.9}
    cases = {
        "plain.pth": state,
        "wrapped.pth": {**epoch, "state_dict": state},
        "parallel.checkpoint": {**epoch, "state_dict": parallel},
        "compiled.pt": {"model": {f"_orig_mod.{name}": value for name, value in parallel.items()}},
    }
    for name, content in cases.items():
        torch.save(content, tmp_path / name)
        assert _same(read_state(tmp_path / name)), name
    torch.save({"state_dict": state}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert _same(read_state(tmp_path / "old.pth"))
    assert set(read_state(tmp_path / "parallel.checkpoint", wanted=parallel)) == set(parallel)
    safetensors.torch.save_file(dict(state), tmp_path / "net.safetensors")
    assert set(read_state(tmp_path / "net.safetensors")) == set(state)


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"text", "is neither a safetensors file nor one of torch.save|is damaged"),
        ([1, 2], "holds a list, but should hold a state_dict"),
        ({"epoch": 3}, r"holds no weights, but \['epoch'\]"),
        ({"a": torch.zeros(2), "lr": 0.1}, "holds lr, which are no tensors"),
        (
            {"state_dict": _module().state_dict(), "best": np.float64(3.0)},
            "holds an object of numpy.*save its state_dict",
        ),
        (_Evil(), "holds an object of .*print"),
    ],
)
def test_what_is_no_file_of_weights_is_one_sentence(
    content: object, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(BmnasError, match=sentence) as caught:
        read_state(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert "run" not in capsys.readouterr().out


def test_half_a_file_and_no_file_are_one_sentence(tmp_path: Path) -> None:
    torch.save(_module().state_dict(), tmp_path / "whole.pth")
    content = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "half.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(BmnasError, match=r"half\.pth: is damaged"):
        read_state(tmp_path / "half.pth")
    with pytest.raises(BmnasError, match=r"none\.pth: the weights cannot be read: no such file"):
        read_state(tmp_path / "none.pth")


def test_what_does_not_fit_is_listed() -> None:
    wanted = _module().state_dict()
    assert misfit(wanted, wanted) == ""
    old = {name: value for name, value in wanted.items() if name != "1.num_batches_tracked"}
    assert misfit(wanted, old) == ""
    other = {"0.weight": torch.zeros(3, 4), "fc.bias": torch.zeros(1), **{name: old[name] for name in list(old)[2:]}}
    assert misfit(wanted, other) == (
        "it lacks 0.bias; it has besides fc.bias; of other shape: 0.weight is (3, 4) instead of (3, 2)"
    )


class _Renaming(SmallTask):
    def own_names(self, modality: str, state: dict[str, Tensor]) -> dict[str, Tensor]:  # type: ignore[override]
        if any(value.shape[0] == 7 for value in state.values()):
            raise BmnasError("the weights are of a network for seven classes")
        return {name.removeprefix("features."): value for name, value in state.items()}


def test_a_task_knows_the_names_of_others(tmp_path: Path) -> None:
    module = SmallTask().build_backbone("..")
    old = {f"features.{name}": value for name, value in module.state_dict().items() if "num_batches" not in name}
    torch.save({"state_dict": old}, tmp_path / "other.pth")
    task: Task = _Renaming().with_weights({"..": tmp_path / "other.pth"})
    found = backbones_of(task, cache=tmp_path / "cache")
    assert all(map(torch.equal, found[".."].module.state_dict().values(), module.state_dict().values()))
    torch.save({"a": torch.zeros(7)}, tmp_path / "other.pth")
    with pytest.raises(BmnasError, match=r"other\.pth: the weights are of a network for seven classes"):
        backbones_of(task, cache=tmp_path / "cache")
