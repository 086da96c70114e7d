"""How a search stands is noted in its folder, and so is what it went through: weights of alternatives, and curves."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.files import unsealed_json
from bmnas.searcher.run.interrupt import Interrupted
from bmnas.searcher.run.layout import curve_file, mixing_file
from bmnas.searcher.run.seed_folder import SeedFolder
from bmnas.searcher.run.status import noted_status
from tests.runs import CONFIG, TRAIN


def read(path):
    return unsealed_json(json.loads(path.read_text()))


@pytest.mark.parametrize(
    ("error", "state", "why"),
    [
        (None, "done", ""),
        (BmnasError("the search diverged"), "failed", "the search diverged"),
        (ValueError("x"), "failed", "ValueError: x"),
        (Interrupted("stopped by Ctrl-C in epoch 2"), "interrupted", "stopped by Ctrl-C in epoch 2"),
    ],
)
def test_how_it_ended(tmp_path, error, state, why):
    expected = nullcontext() if error is None else pytest.raises(type(error))
    with expected, noted_status(tmp_path, "bmnas search", torch.device("cpu")):
        assert read(tmp_path / ".status")["state"] == "running"
        if error is not None:
            raise error
    status = read(tmp_path / ".status")
    assert (status["state"], status["why"], status["command"]) == (state, why, "bmnas search")
    assert status["peak_memory"]["process"] > 2**20
    assert status["environment"]["torch"] == torch.__version__


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").touch()
    with noted_status(tmp_path / "file", "bmnas search", torch.device("cpu")):
        pass
    assert (tmp_path / "file").read_bytes() == b""


def test_a_search_keeps_what_it_went_through(digits_run):
    assert read(digits_run / ".status")["state"] == "done"
    for epoch in range(1, CONFIG.epochs + 1):
        for cell in read(mixing_file(digits_run, epoch))["cells"]:
            for shares in (*cell["inputs"].values(), *cell["operations"]):
                assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
            assert [set(step) for step in cell["steps"]] == [{"x", "y"}] * CONFIG.steps
    losses = read(curve_file(digits_run, "late fusion"))["losses"]
    assert 1 <= len(losses) <= TRAIN.epochs


def test_a_training_that_goes_on_keeps_its_curve(tmp_path):
    place = SeedFolder(tmp_path)
    place.keep_curve("late fusion", {1: 3.0, 2: 2.0, 3: 1.5})
    place.keep_curve("late fusion", {3: 1.0, 4: 0.5})
    assert read(curve_file(tmp_path, "late fusion"))["losses"] == {"1": 3.0, "2": 2.0, "3": 1.0, "4": 0.5}
    place.keep_curve("late fusion", {1: 9.0})  # a training that begins anew
    assert read(curve_file(tmp_path, "late fusion"))["losses"] == {"1": 9.0}
    curve_file(tmp_path, "late fusion").write_text("{")
    place.keep_curve("late fusion", {5: 1.0})
    assert read(curve_file(tmp_path, "late fusion"))["losses"] == {"5": 1.0}
