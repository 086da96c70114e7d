"""Forms of what was found: which there are, what they keep, and how earlier runs told them."""

from __future__ import annotations

import pytest

from bmnas.genotype import dumps, from_dict, loads
from bmnas.searcher.run.forms import form_told, forms_of, in_form

CELL = {"name": "C", "inputs": ["A_1", "B_2"], "steps": [{"op": "Sum", "inputs": ["x", "y"]}]}


def genotype(**changes):
    features = [{"name": name, "modality": name[0], "channels": 4} for name in ("A_1", "A_2", "B_1", "B_2")]
    content = {
        "name": "found",
        "representation": {"channels": 16, "length": 4},
        "features": features,
        "cells": [CELL],
        "output": ["A_1", "A_2", "B_1", "B_2", "C"],
        "join": "sum",
        "head": {"outputs": 3},
    }
    return from_dict({**content, **changes}, "found")


def test_an_anchored_network_has_three():
    found = genotype()
    forms = forms_of(found)
    assert list(forms) == ["as found", "concatenated", "wide"]
    assert forms["as found"] == found
    assert forms["concatenated"].output == forms["wide"].output == ("A_2", "B_2", "C")
    assert forms["concatenated"].representation == found.representation
    assert forms["wide"].representation.model_dump() == {"channels": 256, "length": 1}
    for form, made in forms.items():
        assert loads(dumps(made)) == made == in_form(found, form)
        assert made.cells == found.cells


@pytest.mark.parametrize(
    ("changes", "forms"),
    [
        ({"join": "concat", "output": ["C"]}, ["as found"]),
        ({"cells": [], "output": ["A_1", "B_1"]}, ["as found"]),
        ({"representation": {"channels": 256, "length": 1}}, ["as found", "concatenated"]),
        ({"representation": {"channels": 256, "length": 2}}, ["as found", "concatenated", "wide"]),
    ],
)
def test_others_have_fewer(changes, forms):
    assert list(forms_of(genotype(**changes))) == forms


def test_features_that_are_not_reshaped_have_one_size():
    features = [{**each.model_dump(), "reshape": "none", "channels": 16} for each in genotype().features]
    found = genotype(features=features)
    assert list(forms_of(found)) == ["as found", "concatenated"]
    assert in_form(found, "wide") == found


@pytest.mark.parametrize(
    ("entry", "form"),
    [
        ({"form": "wide"}, "wide"),
        ({"join": "concat"}, "concatenated"),
        ({"join": "sum"}, "as found"),
        ({}, "as found"),
    ],
)
def test_earlier_runs_told_the_join(entry, form):
    assert form_told(entry) == form
