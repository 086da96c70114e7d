"""Genotypes of ensembles: refused, written, hashed, compared, drawn."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from bmnas.errors import GenotypeError
from bmnas.genotype import Feature, dumps, from_dict, json_schema, load, loads
from bmnas.genotype.canonical import canonical_form, canonical_hash, equivalent
from bmnas.genotype.diff import diff
from bmnas.genotype.drawing import to_dot
from bmnas.genotype.lint import errors
from bmnas.genotype.official import from_genotype
from bmnas.genotype.space import Space
from tests.genotype.test_anchored import ANCHORED, FEATURES
from tests.profiles import examples
from tests.strategies import genotypes

ENSEMBLE = {**ANCHORED, "members": 3}
CONCATENATED = {**ENSEMBLE, "join": "concat"}


def test_an_ensemble_needs_a_head():
    with pytest.raises(GenotypeError, match=r"members is 3, networks whose outputs are averaged, .* needs a head"):
        from_dict({**CONCATENATED, "head": None})
    assert from_dict({**CONCATENATED, "head": None, "members": 1}).members == 1


@pytest.mark.parametrize("members", [0, -1, 65, "3", 2.5, True, None])
def test_other_numbers_are_refused(members):
    with pytest.raises(GenotypeError, match=r"genotype: members is "):
        from_dict({**ENSEMBLE, "members": members})
    assert not Draft202012Validator(json_schema()).is_valid({**ENSEMBLE, "members": members})


def test_all_that_is_wrong_is_told():
    with pytest.raises(GenotypeError) as caught:
        from_dict({**CONCATENATED, "head": None, "cells": [{**ANCHORED["cells"][0], "inputs": ["A_1", "B_2"]}]})
    assert {problem.place for problem in errors(caught.value, "g.json")} == {"cells[0].inputs[1]", "members"}


def test_it_is_written_where_it_is_not_one():
    text = dumps(from_dict(ENSEMBLE))
    assert json.loads(text)["members"] == 3
    assert loads(text) == from_dict(ENSEMBLE)
    assert "members" not in dumps(from_dict(ANCHORED))
    assert "members" not in dumps(load("ntu-1"))


def test_single_networks_are_what_they_were():
    """Hashes stand in files of provenance and in results."""
    assert canonical_hash(load("ntu-1")).startswith("794725f0b04f7e1a")
    assert canonical_hash(from_dict(ANCHORED)).startswith("96643cf4e74d4036")


def test_the_number_counts():
    ensemble = from_dict(ENSEMBLE)
    assert len({canonical_hash(ensemble.replace(members=members)) for members in (1, 2, 3)}) == 3
    assert equivalent(ensemble, ensemble.replace(output=["Cell_1", "B_1", "A_2"]))
    assert canonical_form(ensemble).members == 3


@given(genotypes())
@settings(max_examples=examples(30))
def test_canonical_forms_keep_it(genotype):
    assert canonical_form(genotype).members == genotype.members


def test_the_difference_is_told():
    ensemble = from_dict(ENSEMBLE)
    assert [str(each) for each in diff(ensemble, ensemble.replace(members=1), ("one", "other"))] == [
        "members is 3 in one, 1 in other"
    ]


@pytest.mark.parametrize("data", [ENSEMBLE, CONCATENATED, {**CONCATENATED, "dialect": "paper", "output": ["Cell_1"]}])
def test_it_is_drawn(data):
    assert to_dot(from_dict(data)).count("mean of 3 such networks") == 1
    assert "such networks" not in to_dot(from_dict({**data, "members": 1}))


def test_the_released_code_has_no_ensembles():
    with pytest.raises(GenotypeError, match="members is 3, but the released code has no ensembles"):
        from_genotype(from_dict({**CONCATENATED, "output": ["Cell_1"]}))


def test_a_space_has_none():
    features = [Feature(**feature) for feature in FEATURES]
    frame = {"representation": {"channels": 4, "length": 4}, "head": {"outputs": 2}}
    space = Space.paper(features, cells=1, steps=1, **frame)
    genotype = space.random(0)
    assert genotype.members == 1 and from_dict(genotype.model_dump()) == genotype
    assert genotype.replace(members=2) not in space
    with pytest.raises(GenotypeError, match="members is 2, but the space has single networks"):
        space.index(genotype.replace(members=2))
