"""Backbones that are trained beforehand, found again, go on after a kill, and are given to others."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bmnas.errors import BmnasError
from bmnas.tasks import Task, backbones, get_task
from bmnas.tasks.progress import Report, silent
from bmnas.tasks.source_training import SourceTraining, train_on_source
from bmnas.tasks.unimodal import copy_weights, train_backbones
from tests.processes import Forked, execute
from tests.tasks.small_task import SmallTask
from tests.tasks.test_source_training import Read

SETTINGS = SourceTraining(epochs=3, batch_size=4, learning_rate=1e-2, workers=0)


class ReadTask(Read):
    """Samples are read one by one, and a backbone is trained on them."""

    def build_backbone(self, modality: str) -> nn.Module:
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, 2))

    def train_backbone(
        self, modality: str, backbone: nn.Module, *, device: str | torch.device, report: Report = silent
    ) -> float:
        return train_on_source(self, modality, backbone, SETTINGS, device=device, report=report)

    def data_fingerprint(self, modalities: object = None) -> str:
        return "points"


def trained(cache: Path, task: Task | None = None, modalities: Any = ("X",), **how: Any) -> Any:
    return train_backbones(task or ReadTask(), modalities, cache=cache, **how)


def test_they_are_trained_once_and_every_command_finds_them(tmp_path: Path) -> None:
    (first,), (again,) = trained(tmp_path), trained(tmp_path)
    assert (first.modality, first.how, again.how) == ("X", "trained", "found")
    assert again.path == first.path
    assert again.score == first.score
    found = backbones(ReadTask().with_modalities(["X"]), cache=tmp_path)["X"]
    assert found.score == first.score


def test_how_the_machine_computes_is_no_part_of_what_they_are(tmp_path: Path) -> None:
    (mixed,) = trained(tmp_path, amp="bfloat16", workers=0)
    assert trained(tmp_path)[0].how == "found"
    (plain,) = trained(tmp_path / "plain")
    assert plain.path.read_bytes() != mixed.path.read_bytes()


def train_and_wait(cache: str, steps: int) -> None:
    """A training that says when it has done so many steps, and then waits to be killed."""
    import functools
    import time

    from bmnas.tasks import training

    training.kept = functools.partial(training.kept, seconds=0)
    done = 0

    def report(event: Any) -> None:
        nonlocal done
        done += 1
        if done == steps:
            print("far", flush=True)
            time.sleep(600)

    trained(Path(cache), report=report)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is POSIX")
@pytest.mark.parametrize("steps", [2, 9, 17])
def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path, steps: int) -> None:
    (whole,) = trained(tmp_path / "whole")
    code = f"import sys; from tests.tasks.test_unimodal import train_and_wait\ntrain_and_wait(sys.argv[1], {steps})\n"
    with Forked(execute, code, str(tmp_path / "killed")) as process:
        assert process.stdout.readline() == "far\n"
        process.send_signal(signal.SIGKILL)
    assert not list((tmp_path / "killed").rglob("X.safetensors"))
    remarks: list[str] = []
    (again,) = trained(tmp_path / "killed", report=lambda event: remarks.append(getattr(event, "info", "")))
    assert again.how == "trained"
    assert ("continued" in remarks) == (steps > 2)
    assert again.path.read_bytes() == whole.path.read_bytes()
    assert again.score == whole.score
    assert not list((tmp_path / "killed").rglob("*.ckpt"))


def test_what_is_copied_is_what_others_take(tmp_path: Path) -> None:
    (own,) = trained(tmp_path / "cache")
    copy_weights(own, tmp_path / "x.safetensors")
    other = ReadTask().with_weights({"X": tmp_path / "x.safetensors"})
    (given,) = trained(tmp_path / "other", other)
    assert (given.how, given.score, given.path) == ("given", None, tmp_path / "x.safetensors")
    mine, theirs = (
        backbones(task.with_modalities(["X"]), cache=tmp_path / "cache")["X"].module for task in (ReadTask(), other)
    )
    assert all(map(torch.equal, mine.state_dict().values(), theirs.state_dict().values()))
    with pytest.raises(BmnasError, match=r"the weights of the backbone 'X' are your own; copy .*x.safetensors"):
        copy_weights(given, tmp_path / "y.safetensors")
    (tmp_path / "x.safetensors").write_bytes(b"no weights")
    with pytest.raises(BmnasError, match=r"x.safetensors: is no safetensors file"):
        trained(tmp_path / "other", other)


def test_features_that_are_ready_have_none(tmp_path: Path) -> None:
    with pytest.raises(BmnasError, match="the features of A, B of task planted are ready: there is no backbone"):
        train_backbones(get_task("planted"), cache=tmp_path)
    with pytest.raises(BmnasError, match="task points has no modality 'Z'"):
        trained(tmp_path, modalities=["Z"])


def test_nothing_is_downloaded_unless_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    monkeypatch.setattr("bmnas.tasks.unimodal.download", lambda address, report: fetched.append(address))
    task = SmallTask()
    task.pretrained = {"..": "https://example.org/net-0123abcd.pth"}
    train_backbones(task, cache=tmp_path)
    assert fetched == []
    train_backbones(task, ["Ton/é"], cache=tmp_path, fetch=True)
    assert fetched == []
    train_backbones(task, cache=tmp_path, fetch=True)
    assert fetched == ["https://example.org/net-0123abcd.pth"]
