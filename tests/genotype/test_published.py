"""The paper's nine architectures."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from bmnas.errors import GenotypeError
from bmnas.genotype import dumps, from_dict, load, published, save
from tests.genotype.test_schema import SHORT

FACTS = json.loads((Path(__file__).parent.parent / "reference" / "published.json").read_text())
BY_NAME = {facts["name"]: facts for facts in FACTS["genotypes"]}
OURS = {"Sum": "Sum", "ScaleDotAttn": "Attention", "LinearGLU": "LinearGLU", "ConcatFC": "ConcatFC"}


def rebuilt(facts):
    """The architecture as plain data, from the reference's own terms."""
    features = [{**each, "reshape": FACTS["pool"][facts["task"]]} for each in FACTS["features"][facts["task"]]]
    nodes = [feature["name"] for feature in features]
    cells = []
    for n, official in enumerate(facts["steps"]):
        inner, steps = ["x", "y"], []
        for m, op in enumerate(official["inner_steps"]):
            first, second = official["inner_edges"][2 * m], official["inner_edges"][2 * m + 1]
            steps.append({"name": f"Step_{m + 1}", "op": OURS[op], "inputs": [inner[first], inner[second]]})
            inner.append(f"Step_{m + 1}")
        cells.append(
            {
                "name": f"Cell_{n + 1}",
                "inputs": [nodes[facts["edges"][2 * n]], nodes[facts["edges"][2 * n + 1]]],
                "steps": steps,
                "output": inner[len(inner) - facts["node_multiplier"] :],
            }
        )
        nodes.append(f"Cell_{n + 1}")
    return {
        "format": "bmnas/1",
        "name": facts["name"],
        "dialect": "official",
        "representation": {"channels": facts["channels"], "length": facts["length"]},
        "features": features,
        "cells": cells,
        "output": [nodes[i] for i in facts["concat"]],
        "head": {"outputs": facts["classes"]},
        "dropout": facts["dropout"],
    }


def test_all_nine_have_names_and_files():
    assert published.names() == tuple(BY_NAME)
    shipped = [entry.name for entry in resources.files(published).iterdir() if entry.name.endswith(".json")]
    assert sorted(shipped) == sorted(f"{name}.json" for name in published.every_name())
    assert published.every_name()[: len(BY_NAME)] == published.names()


@pytest.mark.parametrize("name", BY_NAME)
def test_each_is_what_the_reference_says(name):
    assert published.load(name) == from_dict(rebuilt(BY_NAME[name]))


@pytest.mark.parametrize("name", BY_NAME)
def test_a_shipped_file_is_complete_and_in_the_written_form(name):
    text = resources.files(published).joinpath(f"{name}.json").read_text(encoding="utf-8")
    assert json.loads(text) == rebuilt(BY_NAME[name])
    assert text == dumps(published.load(name))


def test_a_cell_may_put_out_its_input():
    assert [cell.output for cell in published.load("mmimdb-1").cells] == [("y", "Step_1"), ("y", "Step_1")]


def test_an_unknown_name():
    with pytest.raises(GenotypeError, match=r"^'ntu-5' is not a published genotype; did you mean 'ntu-\d'\?$"):
        published.load("ntu-5")
    with pytest.raises(GenotypeError, match="is not a published genotype"):
        published.load("../published/ntu-1")


def test_a_name_stands_for_a_file_that_does_not_exist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load("ego-3") == load(Path("ego-3")) == published.load("ego-3")
    Path("ego-3").mkdir()
    assert load("ego-3") == published.load("ego-3"), "a folder is no genotype file"
    save(from_dict(SHORT), "ntu-1")
    assert load("ntu-1") == from_dict(SHORT), "a file wins"


def test_a_missing_file_whose_name_could_be_a_published_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nor = r"cannot be read: no such file or directory; nor is it a published genotype; did you mean 'mmimdb-1'\?$"
    with pytest.raises(GenotypeError, match=nor):
        load("mmimdb1")
    for file in ("mmimdb1.json", "folder/mmimdb1"):
        with pytest.raises(GenotypeError, match=r"no such file or directory$"):
            load(file)
