"""Every example validates, draws, compiles, runs; the presets among them are what the presets give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import bmnas
from bmnas.cli.imports import import_code
from bmnas.genotype import extension, presets
from bmnas.genotype.drawing import to_dot
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
