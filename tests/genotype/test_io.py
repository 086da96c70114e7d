"""Reading and writing genotype files."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from bmnas.errors import GenotypeError
from bmnas.genotype import Genotype, Provenance, dumps, from_dict, load, loads, save
from tests.genotype.test_schema import SHORT, changed
from tests.strategies import genotypes


@given(genotypes())
def test_what_is_written_is_what_is_read(genotype):
    assert loads(dumps(genotype)) == genotype


@given(genotypes())
def test_a_written_genotype_is_complete(genotype):
    data = json.loads(dumps(genotype))
    # What the paper's networks do not have is said only where a network has it.
    ordinary = {"provenance": None, "join": "concat", "members": 1}
    left_out = {key for key, value in ordinary.items() if getattr(genotype, key) == value}
    assert data.keys() == Genotype.model_fields.keys() - left_out
    for cell in data["cells"]:
        assert cell.keys() == {"name", "inputs", "steps", "output"}
    for feature in data["features"]:
        assert feature.keys() - {"scale"} == {"name", "modality", "channels", "reshape"}
        assert feature.get("scale") != "none"


def test_a_written_genotype_is_readable():
    text = dumps(from_dict(SHORT))
    assert '    {"name": "Video_3", "modality": "Video", "channels": 2048, "reshape": "sequence"},\n' in text
    assert '        {"name": "Step_1", "op": "Attention", "inputs": ["x", "y"]},\n' in text
    assert all(len(line) <= 120 for line in text.splitlines())


def test_provenance_is_kept():
    provenance = Provenance(seed=3, scores={"test": 0.97}, seconds={"search": 12.5})
    genotype = from_dict(SHORT).model_copy(update={"provenance": provenance})
    assert loads(dumps(genotype)).provenance == provenance
    assert hash(loads(dumps(genotype))) == hash(genotype)


def test_save_replaces_a_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "new" / "g.json"
    save(from_dict(SHORT), path)
    save(from_dict(changed(name="other")), path)
    assert load(path).name == "other"
    assert [entry.name for entry in path.parent.iterdir()] == ["g.json"]


def test_a_genotype_with_unknown_channels_is_not_written(tmp_path):
    genotype = from_dict(changed(features__1__channels=...))
    with pytest.raises(GenotypeError, match=r"features\[1\].channels is missing"):
        save(genotype, tmp_path / "g.json")
    assert not list(tmp_path.iterdir())


BAD_TEXT = {
    "is not JSON: expecting value at line 1, column 1": "hello",
    "is not JSON: expecting property name enclosed in double quotes at line 2, column 1": "{\n",
    "is empty": " \n",
    "is not JSON: expecting property name enclosed in double quotes at line 2, column 1; JSON has no": "{\n// x\n}",
    "is not JSON: expecting property name enclosed in double quotes at line 1, column 2; JSON writes": "{'a': 1}",
    "is not JSON: expecting value at line 1, column 7; JSON has null, true and false": '{"a": None}',
    "is not JSON: expecting ',' delimiter at line 2, column 1; perhaps a comma is missing": '{"a": 1\n"b": 2}',
    "is not JSON: expecting value at line 1, column 1; bmnas convert reads": "Genotype(edges=[], steps=[], concat=[])",
    "is [], but a genotype is a JSON object": "[]",
    "has the key 'cells' twice in one object": '{"cells": [], "cells": []}',
    "has NaN, which is not a JSON number": '{"dropout": NaN}',
    "has a number that is too long": '{"dropout": ' + "9" * 10_000 + "}",
    "is nested too deeply": "[" * 200_000,
}


@pytest.mark.parametrize("sentence", BAD_TEXT)
def test_bad_text_is_refused_in_one_sentence(tmp_path, sentence):
    path = tmp_path / "g.json"
    path.write_text(BAD_TEXT[sentence])
    with pytest.raises(GenotypeError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: {sentence}")


def test_a_note_for_editors_is_no_part_of_a_genotype():
    data = {"$schema": "genotype.schema.json", **SHORT}
    assert loads(json.dumps(data)) == from_dict(SHORT)


def test_what_is_broken_is_not_written(tmp_path):
    broken = from_dict(SHORT).model_copy(update={"output": ("Top_9",)})
    with pytest.raises(GenotypeError, match=r"output\[0\] names 'Top_9'"):
        save(broken, tmp_path / "g.json")
    assert not list(tmp_path.iterdir())


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(GenotypeError, match="cannot be read: no such file or directory"):
        load(tmp_path / "none.json")
    with pytest.raises(GenotypeError, match="cannot be read: is a directory"):
        load(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GenotypeError, match="is not UTF-8 text"):
        load(tmp_path / "binary.json")
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(100 * 2**20)
    with pytest.raises(GenotypeError, match="is larger than 1 MiB"):
        load(tmp_path / "huge.json")
