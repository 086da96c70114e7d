"""`bmnas diagnose` shows what the library says of a task."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import bmnas as package
from bmnas import Diagnosis
from tests.cli.calling import bmnas


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``arrays/``, of two modalities each of which knows two of four classes apart."""
    place = tmp_path_factory.mktemp("diagnose")
    folder = place / "arrays"
    folder.mkdir()
    random = np.random.default_rng(0)
    labels = random.integers(4, size=240)
    np.save(folder / "Sound_1.npy", random.normal(size=(240, 5, 7)) + (labels % 2)[:, None, None])
    np.save(folder / "Text_1.npy", random.normal(size=(240, 4)) + 2 * (labels // 2)[:, None])
    np.save(folder / "Text_2.npy", random.normal(size=(240, 4)) + (labels // 2)[:, None])
    np.save(folder / "labels.npy", labels)
    np.save(folder / "groups.npy", np.arange(240) // 7)
    (folder / "splits.json").write_text(
        json.dumps({"train": [*range(120)], "validation": [*range(120, 180)], "test": [*range(180, 240)]})
    )
    return place


def test_what_is_shown(workplace):
    out, err = bmnas("diagnose", "--features", "arrays", cache=workplace / "cache", cwd=workplace)
    assert [line.partition(":")[2].partition(":")[0] for line in err.splitlines()][-1] == " diagnosis"
    for row in ("Sound_1 ", "Text_2 ", "last features, score fusion ", "all features together ", "nonlinear, Text_2 "):
        assert row in out
    text = " ".join(out.split())
    assert "Held out in cross-validation: 180 samples of the training and the validation split." in text
    assert "Data: 120 training, 60 validation and 60 test samples; 4 classes; repeated are 0 training samples" in text
    assert "Groups: 18 of the train split, 9 of the validation split, 10 of the test split" in text
    assert "Warning: task arrays: group 17 is in both the train and the validation split" in text
    assert text.count("is in both the train and the validation split") == 1
    assert "Room for fusion of last features over Sound: yes; the loss of" in text
    assert "Room for intermediate layers: yes; the loss of all features" in text
    assert max(map(len, out.splitlines())) <= 100


def test_for_machines(workplace):
    out, _ = bmnas("diagnose", "--features", "arrays", "--json", cache=workplace / "cache", cwd=workplace)
    found = Diagnosis.model_validate_json(out)
    task = package.get_task(str(workplace / "arrays"))
    assert found == package.diagnose(task, cache=workplace / "cache", device="cpu")
    assert json.loads(out)["verdicts"][0]["answer"] == "yes"


def test_of_one_modality(workplace):
    options = ["--features", "arrays", "--modalities", "text"]
    out, _ = bmnas("diagnose", *options, cache=workplace / "cache", cwd=workplace)
    assert "there is one modality, Text, so there is nothing to fuse." in " ".join(out.split())
    assert "Sound_1" not in out


def test_a_task_has_to_be_named():
    _, err = bmnas("diagnose", "--length", "4", code=2)
    assert err == "bmnas: name the task with --task, or a folder of arrays with --features\n"
