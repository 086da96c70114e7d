"""Genotypes whose output is a sum of heads, and features that are scaled: refused, hashed, compared, drawn, written."""

from __future__ import annotations

import json

import pytest

import bmnas
from bmnas.errors import BmnasError, GenotypeError
from bmnas.genotype import Feature, dumps, from_dict, loads, presets
from bmnas.genotype.canonical import canonical_hash, equivalent
from bmnas.genotype.diff import diff
from bmnas.genotype.drawing import to_dot
from bmnas.genotype.official import from_genotype
from bmnas.genotype.space import Space

FEATURES = [{"name": name, "modality": name[0], "channels": 3} for name in ("A_1", "A_2", "B_1")]
ANCHORED = {
    "representation": {"channels": 4, "length": 4},
    "features": FEATURES,
    "cells": [{"inputs": ["A_1", "B_1"], "steps": [{"op": "Sum", "inputs": ["x", "y"]}]}],
    "output": ["A_2", "B_1", "Cell_1"],
    "join": "sum",
    "head": {"outputs": 5},
}


def test_a_sum_of_heads_needs_a_head():
    with pytest.raises(GenotypeError, match=r"genotype: join is 'sum', .* so the genotype needs a head"):
        from_dict({**ANCHORED, "head": None})


def test_other_values_are_refused():
    with pytest.raises(GenotypeError, match=r"join is 'add'"):
        from_dict({**ANCHORED, "join": "add"})
    with pytest.raises(GenotypeError, match=r"features\[0\]\.scale is 'all'"):
        from_dict({**ANCHORED, "features": [{**FEATURES[0], "scale": "all"}, *FEATURES[1:]]})


def test_what_the_paper_does_not_have_is_written_where_it_is():
    text = dumps(from_dict(ANCHORED))
    assert json.loads(text)["join"] == "sum" and "scale" not in text
    plain = dumps(from_dict({**ANCHORED, "join": "concat"}))
    assert "join" not in plain
    assert loads(text) == from_dict(ANCHORED)


def test_join_and_scale_count_and_the_order_of_the_output_does_not():
    anchored = from_dict(ANCHORED)
    assert canonical_hash(anchored) != canonical_hash(anchored.replace(join="concat"))
    scaled = anchored.replace(features=[{**FEATURES[0], "scale": "each"}, *FEATURES[1:]])
    assert not equivalent(anchored, scaled)
    assert not equivalent(scaled, anchored.replace(features=[{**FEATURES[0], "scale": "one"}, *FEATURES[1:]]))
    assert equivalent(anchored, anchored.replace(output=["Cell_1", "B_1", "A_2"]))


def test_the_difference_is_told():
    anchored = from_dict(ANCHORED)
    other = anchored.replace(join="concat", features=[{**FEATURES[0], "scale": "one"}, *FEATURES[1:]])
    told = [str(each) for each in diff(anchored, other, ("one", "other"))]
    assert told == ["join is sum in one, concat in other", "features[0] (A_1): scale is none in one, one in other"]


def test_it_is_drawn_as_a_sum_of_heads():
    text = to_dot(from_dict(ANCHORED))
    assert "Sum → 5" in text and "a linear head each" in text and "Linear → 5" not in text
    assert "Linear → 5" in to_dot(from_dict({**ANCHORED, "join": "concat"}))


def test_the_released_code_has_no_such_networks():
    with pytest.raises(GenotypeError, match="join is 'sum', but the released code concatenates"):
        from_genotype(from_dict({**ANCHORED, "output": ["Cell_1"]}))
    scaled = {
        **ANCHORED,
        "output": ["Cell_1"],
        "join": "concat",
        "features": [{**FEATURES[0], "scale": "each"}, *FEATURES[1:]],
    }
    with pytest.raises(GenotypeError, match=r"features\[0\]\.scale is 'each', but the released code scales no feature"):
        from_genotype(from_dict(scaled))


def test_a_space_knows_its_anchor():
    features = [Feature(**feature) for feature in FEATURES]
    frame = {"representation": {"channels": 4, "length": 4}, "head": {"outputs": 2}}
    space = Space.paper(features, cells=1, steps=1, anchor=("A_2", "B_1"), **frame)
    assert space.count == Space.paper(features, cells=1, steps=1, **frame).count
    genotype = space.random(0)
    assert genotype.output == ("A_2", "B_1", "Cell_1") and genotype.join == "sum"
    assert from_dict(genotype.model_dump()) == genotype and space[space.index(genotype)] == genotype
    with pytest.raises(GenotypeError, match=r"output is not as in the space.* behind 'A_2, B_1'"):
        space.index(genotype.replace(output=["Cell_1"]))
    with pytest.raises(BmnasError, match=r"space: .*A_3.* is not a feature"):
        Space.paper(features, cells=1, steps=1, anchor=("A_3",), **frame)
    with pytest.raises(BmnasError, match="needs a head"):
        Space.paper(features, cells=1, steps=1, anchor=("A_2",), **{**frame, "head": None})


def test_the_preset_takes_any_number_of_features():
    features = [Feature(**feature) for feature in FEATURES]
    assert presets.heads(features, outputs=2).output == ("A_1", "A_2", "B_1")
    assert presets.like(from_dict(ANCHORED), "heads").output == ("A_2", "B_1")
    assert bmnas.compile(presets.heads(features[:1], outputs=2)).features == ("A_1",)
