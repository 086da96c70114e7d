"""Every example validates, draws, compiles, runs; the presets among them are what the presets give."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
import torch

import bmnas
from bmnas.cli.imports import import_code
from bmnas.genotype import extension, presets
from bmnas.genotype.drawing import to_dot
from bmnas.searcher import SearchConfig, search
from bmnas.tasks import get_task
from tests.compiler.test_network import inputs_of
from tests.genotype.test_schema_file import VALIDATOR

EXAMPLES = Path(__file__).parent.parent / "examples"
FILES = sorted(path.name for path in EXAMPLES.glob("*.json"))
OWN = "own-operation.json"


@pytest.fixture(autouse=True)
def own_operation(monkeypatch):
    monkeypatch.setattr(extension, "_registered", {})
    import_code(str(EXAMPLES / "own_operation.py"))


def test_the_folder_is_described():
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert FILES
    assert all(f"`{name}`" in text for name in FILES)
    assert {f"{name}.json" for name in presets.PRESETS} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_an_example_runs(name):
    genotype = bmnas.load(EXAMPLES / name)
    network = bmnas.compile(genotype)
    out = network(inputs_of(genotype))
    assert out.shape == (3, genotype.head.outputs)
    out.sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in network.parameters())
    assert to_dot(genotype).startswith("digraph")
    assert (name == OWN) or VALIDATOR.is_valid(json.loads((EXAMPLES / name).read_text()))


@pytest.mark.parametrize("preset", presets.PRESETS)
def test_a_preset_on_the_digits_is_the_example(preset):
    task = get_task("digits")
    features = task.features if preset == "random" else presets.last_features(task.features)
    options = {"seed": 1} if preset == "random" else {}
    made = presets.get(preset)(features, channels=32, length=8, outputs=10, **options)
    assert bmnas.load(EXAMPLES / f"{preset}.json") == made


def test_a_task_of_ones_own_is_searched(tmp_path):
    task = get_task(str(EXAMPLES / "my_task.py"))
    task.check()
    config = SearchConfig.for_task(task).model_copy(update={"epochs": 1, "cells": 1, "steps": 1})
    result = search(task, config, folder=tmp_path / "run", cache=tmp_path, device="cpu", evaluate=False)
    assert {feature.modality for feature in result.genotype.features} <= {"Image", "Text"}
    assert result.genotype.head.outputs == 4
    assert len((EXAMPLES / "my_task.py").read_text().splitlines()) < 60


def test_features_of_ones_own_are_searched(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("BMNAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["own_features.py", "made-up-features"])
    example = runpy.run_path(str(EXAMPLES / "own_features.py"), run_name="__main__")
    assert capsys.readouterr().out == "bmnas search --features made-up-features\n"
    from_folder = get_task("made-up-features")
    assert from_folder.modalities == ("Audio", "Video")
    found = example["search"](epochs=1, channels=4, length=2, batch_size=100, evaluate=False)
    assert len(found.genotype.cells) == 2
    assert found.genotype.head.outputs == from_folder.outputs == 9
