"""Data of one's own on the command line: a folder of arrays, a Python file, some modalities of a task."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bmnas.cli.app import app
from bmnas.errors import BmnasError
from bmnas.genotype import load
from tests.cli.calling import bmnas

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_task.py"
SMALL = ["--channels", "6", "--length", "4", "--steps", "1", "--cells", "1", "--epochs", "1", "--train-epochs", "1"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``arrays/`` and the cache of these tests."""
    place = tmp_path_factory.mktemp("own-data")
    folder = place / "arrays"
    folder.mkdir()
    random = np.random.default_rng(0)
    labels = random.integers(3, size=120)
    np.save(folder / "Sound_1.npy", random.normal(size=(120, 5, 7)) + labels[:, None, None])
    np.save(folder / "Sound_2.npy", random.normal(size=(120, 6)))
    np.save(folder / "Text_1.npy", random.normal(size=(120, 4)) + labels[:, None])
    np.save(folder / "labels.npy", labels)
    (folder / "splits.json").write_text(
        json.dumps({"train": [*range(80)], "validation": [*range(80, 100)], "test": [*range(100, 120)]})
    )
    return place


@pytest.fixture(scope="module")
def searched(workplace: Path) -> tuple[Path, str]:
    run = workplace / "run"
    out, _ = bmnas("search", "--features", "arrays", *SMALL, "--out", run, cache=workplace / "cache", cwd=workplace)
    return run, out


def test_a_folder_of_arrays_goes_straight_to_a_search(searched: tuple[Path, str]) -> None:
    run, out = searched
    for row in ("Sound alone", "Text alone", "late fusion", "found network"):
        assert row in out
    genotype = load(run / "genotype.json")
    assert {feature.modality for feature in genotype.features} == {"Sound", "Text"}
    assert genotype.provenance is not None
    assert genotype.provenance.command is not None
    assert genotype.provenance.command.startswith("bmnas search --features arrays ")
    config = json.loads((run / "config.json").read_text())
    assert (config["modalities"], config["metric"]) == (["Sound", "Text"], "accuracy")


def test_the_found_genotype_is_trained_where_the_data_are_named(searched: tuple[Path, str], workplace: Path) -> None:
    genotype = searched[0] / "genotype.json"
    _, err = bmnas("train", genotype, "--out", "again", cache=workplace / "cache", cwd=workplace, code=2)
    assert err == "bmnas: the genotype was found on the task 'arrays'; name it with --task or --features\n"
    options = ["--features", "arrays", "--epochs", "1", "--batch-size", "32", "--out", "again"]
    out, _ = bmnas("train", genotype, *options, cache=workplace / "cache", cwd=workplace)
    assert "test accuracy" in out


@pytest.mark.parametrize(
    ("options", "what"),
    [(["--modalities", "sound"], "modalities"), (["--precision", "float16"], "features.precision")],
)
def test_another_choice_is_another_search(
    searched: tuple[Path, str], workplace: Path, options: list[str], what: str
) -> None:
    command = ["search", "--features", "arrays", *SMALL, *options, "--out", searched[0]]
    _, err = bmnas(*command, cache=workplace / "cache", cwd=workplace, code=2)
    assert f"holds a search with {what} " in err
    assert err.count("\n") == 1


def test_extraction_tells_what_it_kept(workplace: Path) -> None:
    command = ["extract", "--features", "arrays", "--length", "4", "--precision", "float16"]
    out, _ = bmnas(*command, "--json", cache=workplace / "cache", cwd=workplace)
    told = json.loads(out)
    assert told["samples"] == {"train": 80, "validation": 20, "test": 20}
    assert told["features"] == {"Sound_1": [5, 4], "Sound_2": [6, 1], "Text_1": [4, 1]}
    assert (told["precision"], told["views"], told["skipped"]) == ("float16", 1, [])
    assert Path(told["folder"], "manifest.json").exists()
    out, _ = bmnas(*command, cache=workplace / "cache", cwd=workplace)
    assert "80 training, 20 validation, 20 test samples" in out
    assert told["folder"] in out.replace("\n", "")


def test_a_python_file_is_a_task(workplace: Path) -> None:
    shutil.copy(EXAMPLE, workplace)
    out, _ = bmnas(
        "search", "--task", "my_task.py", *SMALL, "--no-evaluate", "--modalities", "text", "--out", workplace / "mine",
        cache=workplace / "cache", cwd=workplace,
    )  # fmt: skip
    assert "best validation accuracy" in out
    genotype = load(workplace / "mine" / "genotype.json")
    assert {feature.name for feature in genotype.features} == {"Text_1", "Text_2"}
    assert genotype.provenance is not None
    assert "--task my_task.py --modalities Text" in str(genotype.provenance.command)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["search", "--features", "nowhere"], "nowhere: there is no such folder; --features takes a folder of arrays"),
        (["search", "--features", "arrays", "--task", "digits"], "--features names the data in place of a task"),
        (["search", "--task", "utd-mhad"], "task utd-mhad needs its data, --data DIR: "),
        (["search", "--task", "digits", "--data", "arrays"], "task digits brings its own data; leave --data out"),
        (["search", "--modalities", "botom"], "task digits has no modality 'botom'; did you mean 'Bottom'?"),
        (["search", "--task", "nothing.py"], "nothing.py: "),
        (["search", "--backbone", "top"], "--backbone is 'top'; it is MODALITY=FILE"),
        (["search", "--backbone", "botom=x"], "task digits has no modality 'botom'; did you mean 'Bottom'?"),
        (["search", "--backbone", "top=nowhere"], "nowhere: the weights cannot be read: no such file"),
        (["extract", "--length", "4"], "name the task with --task, or a folder of arrays with --features"),
        (["search", "--features", "arrays", "--views", "2"], "task arrays has no augmented views; leave --views out"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("BMNAS_CACHE", str(workplace / "cache"))
    # In this process, since a new one takes seconds; that such an error is printed, with exit code 2, others test.
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, BmnasError), result.output
    assert str(result.exception).startswith(sentence)
    assert "\n" not in str(result.exception)
    assert not list(workplace.glob("runs/*/config.json"))  # a corrected search may begin


def test_a_genotype_is_checked_against_a_task_without_its_data(tmp_path: Path) -> None:
    features = [{"name": "Skeleton_4", "modality": "Skeleton"}, {"name": "Inertial_4", "modality": "Inertial"}]
    genotype = {
        "representation": {"channels": 8, "length": 4},
        "features": features,
        "cells": [],
        "output": ["Skeleton_4", "Inertial_4"],
        "head": {"outputs": 27},
    }
    path = tmp_path / "g.json"
    path.write_text(json.dumps(genotype))
    out, _ = bmnas("validate", path, "--task", "utd-mhad")
    assert "valid" in out
    path.write_text(json.dumps({**genotype, "head": {"outputs": 20}}))
    _, err = bmnas("validate", path, "--task", "utd-mhad", code=2)
    assert err == f"bmnas: {path}: head has 20 outputs, but task utd-mhad needs 27 outputs\n"
