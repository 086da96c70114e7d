"""The JSON Schema says about single values what the models say, and the published file is that schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from bmnas.genotype import OPERATIONS, dumps, json_schema
from tests.genotype.test_schema import SHORT, changed
from tests.profiles import examples
from tests.strategies import genotypes

PUBLISHED = Path(__file__).parents[2] / "docs" / "genotype.schema.json"
VALIDATOR = Draft202012Validator(json_schema())


def test_it_is_a_schema():
    Draft202012Validator.check_schema(json_schema())


@given(genotypes())
@settings(max_examples=examples(50))
def test_what_is_written_fits(genotype):
    assert VALIDATOR.is_valid(json.loads(dumps(genotype)))


def test_what_a_person_may_leave_out_may_be_left_out():
    assert VALIDATOR.is_valid(SHORT)


@pytest.mark.parametrize(
    "changes",
    [
        {"cells__0__steps__0__op": "Atention"},
        {"cells__0__steps__0__heads": 2},
        {"cells__0__steps__0__op": "MultiHeadAttention", "cells__0__steps__0__heads": 0},
        {"cells__0__steps__0__op": "MultiHeadAttention", "cells__0__steps__0__hads": 2},
        {"cells__0__steps__0__inputs": ["x", "y", "x", "y"]},
        {"cells__0__steps__1__inputs": ["x"]},
        {"features__0__chanels": 3},
        {"features__0__channels": "3"},
        {"features__0__reshape": "cube"},
        {"cells__0__inputs": ["Video_3"]},
        {"dialect": "offical"},
        {"dropout": 1.0},
        {"representation": ...},
    ],
)
def test_what_is_wrong_by_itself_does_not_fit(changes):
    assert not VALIDATOR.is_valid(changed(**changes))


def test_an_editor_can_complete_operations_and_options():
    step = json_schema()["$defs"]["Step"]
    assert [choice["const"] for choice in step["properties"]["op"]["oneOf"]] == list(OPERATIONS)
    assert all(choice["description"] for choice in step["properties"]["op"]["oneOf"])
    assert "heads" in step["properties"]


def test_the_published_schema_is_that_of_the_models():
    """If this fails, write the file anew: bmnas schema > docs/genotype.schema.json"""
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == json_schema()
