"""``bmnas backbones``: trained once, shown with scores and files, given to others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.cli.calling import bmnas

TASK = """
import torch
from torch import nn
from bmnas.tasks import Split
from bmnas.tasks.module_task import ModuleTask
from bmnas.tasks.source_training import SourceTraining, train_on_source

def split(size):
    rows = torch.linspace(-1, 1, 4 * size).view(size, 4)
    return Split({"Rows": rows, "Lines": -rows}, (rows[:, 0] > 0).long())

class Own(ModuleTask):
    def train_backbone(self, modality, backbone, *, device, report):
        if modality == "Lines":
            return None
        settings = SourceTraining(epochs=2, batch_size=8, learning_rate=0.01)
        return train_on_source(self, modality, backbone, settings, device=device, report=report)

def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))

task = Own("own", train=split(20), validation=split(10), test=split(4), outputs=2,
    backbones={"Rows": net(), "Lines": net()}, taps={"Rows": "0", "Lines": "0"})
"""


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    (tmp_path / "my_task.py").write_text(TASK)
    return tmp_path


def run(cwd: Path, *arguments: str, code: int = 0) -> tuple[str, str]:
    return bmnas("backbones", *arguments, "--device", "cpu", cwd=cwd, cache=cwd / "cache", code=code)


def test_scores_and_files_are_shown_and_nothing_is_trained_twice(cwd: Path) -> None:
    out, err = run(cwd, "--task", "my_task.py")
    first, file, second, *_ = out.splitlines()
    assert first.startswith("Rows: validation accuracy ")
    assert first.endswith(" % (trained now)")
    assert second == "Lines: no score (trained now)"
    assert set(load_file(file.strip())) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert "backbone Rows: 2 epochs" in err
    told = json.loads(run(cwd, "--task", "my_task.py", "--json")[0])
    assert (told["task"], told["metric"]) == ("own", "accuracy")
    assert [(each["modality"], each["how"]) for each in told["backbones"]] == [("Rows", "found"), ("Lines", "found")]
    assert told["backbones"][0]["file"] == file.strip()
    assert 0 <= told["backbones"][0]["score"] <= 1


def test_one_is_copied_and_taken_by_others(cwd: Path) -> None:
    out, _ = run(cwd, "--task", "my_task.py", "--modality", "rows", "--amp", "bfloat16", "--to", "rows.safetensors")
    assert out.endswith("Copied to rows.safetensors; others take it by --backbone Rows=rows.safetensors\n")
    assert "Lines" not in out
    taken, _ = run(cwd, "--task", "my_task.py", "--backbone", "Rows=rows.safetensors")
    assert taken.startswith("Rows: no score (weights of your own)\n  rows.safetensors\n")
    _, err = run(cwd, "--task", "my_task.py", "--modality", "Rows", "--to", "rows.safetensors", code=2)
    assert err == "bmnas: rows.safetensors: exists; --force overwrites it\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "name the task with --task"),
        (["--task", "planted"], "the features of A, B of task planted are ready: there is no backbone to train"),
        (["--task", "digits", "--modality", "tip"], "task digits has no modality 'tip'; did you mean 'Top'?"),
        (
            ["--task", "digits", "--to", "x.safetensors"],
            "--to takes the weights of one backbone; name one of Top, Bottom with --modality",
        ),
        (["--task", "digits", "--to", "x.pth"], "x.pth: weights are written as FILE.safetensors"),
        (["--task", "digits", "--amp", "float8"], "--amp is 'float8': it is one of none, bfloat16, float16; did you"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(cwd: Path, options: list[str], said: str) -> None:
    out, err = run(cwd, *options, code=2)
    assert out == ""
    assert err.startswith(f"bmnas: {said}")
