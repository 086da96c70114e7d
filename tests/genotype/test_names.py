"""Names that programs give: never too long, never the same for two texts."""

from __future__ import annotations

from hypothesis import given, strategies as st

from bmnas.genotype.genotype import Genotype
from bmnas.genotype.names import LONGEST, fitting, joined
from bmnas.genotype.schema import Representation


@given(st.text(max_size=300), st.text(max_size=300))
def test_every_text_has_a_name_of_its_own_that_a_genotype_can_have(one, other):
    for text in (one, other):
        name = fitting(text)
        Genotype.model_validate(
            {
                "name": name,
                "representation": Representation(channels=1, length=1),
                "features": [{"name": "a", "modality": "m"}],
                "cells": [],
                "output": ["a"],
            }
        )
    assert (fitting(one) == fitting(other)) == (one == other)


def test_what_fits_stays_as_it_is():
    assert fitting("Grüße") == "Grüße"
    assert joined(["Video_3", "Skeleton_4"]) == "Video_3 + Skeleton_4"


def test_many_names_are_cut_between_two():
    name = joined([f"sensor{number}" for number in range(50)])
    assert len(name) <= LONGEST
    assert name.startswith("sensor0 + sensor1 + ") and " + ... (50 features) " in name
    assert len({joined([f"sensor{number}" for number in range(50)] + [last]) for last in ("a", "b")}) == 2
