from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as arrays_of

from bmnas.errors import BmnasError
from bmnas.tasks.arrays.rows import Rows
from bmnas.tasks.arrays.stored import in_memory
from tests.profiles import examples

TYPES = ["<f2", "<f4", "<f8", ">f4", ">i4", "<u2", "i1", "?", "<i8", ">u8"]
SHAPES = arrays_of.array_shapes(min_dims=2, max_dims=5, min_side=1, max_side=5)


def rows(*arrays):
    return Rows([in_memory(f"part {number}", array) for number, array in enumerate(arrays)])


@st.composite
def parts_and_indices(draw):
    """One to three arrays of any types and orders with samples of one shape, and some indices in any order."""
    shape = draw(SHAPES)
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    parts = []
    for size in sizes:
        elements = {"min_value": 0, "max_value": 100}
        kind = np.dtype(draw(st.sampled_from(TYPES)))
        whole = (size, *shape[1:])
        part = draw(arrays_of.arrays(kind, whole, elements=elements if kind.kind != "b" else None))
        parts.append(np.asfortranarray(part) if draw(st.booleans()) else part)
    indices = draw(st.lists(st.integers(0, sum(sizes) - 1), min_size=1, max_size=8))
    return parts, np.array(indices)


@settings(max_examples=examples(60))
@given(parts_and_indices())
def test_samples_come_as_floats_in_the_order_asked_for(case):
    parts, indices = case
    taken = rows(*parts).take(indices)
    assert taken.dtype == torch.float32
    expected = np.concatenate([part.astype(np.float32) for part in parts])[indices]
    np.testing.assert_array_equal(taken.numpy(), expected)


@settings(max_examples=examples(60))
@given(parts_and_indices())
def test_a_scan_finds_the_bad_samples_and_depends_on_the_content_alone(case):
    parts, _ = case
    before = rows(*parts).scan()
    assert len(before.bad) == 0
    assert rows(*[part.copy(order="C") for part in parts]).scan().digest == before.digest
    changed = [np.array(part, order="C") for part in parts]
    changed[-1].reshape(-1)[-1] = changed[-1].reshape(-1)[-1] == 0  # another value, in every type
    assert rows(*changed).scan().digest != before.digest
    spoilt = [np.array(part, np.float64, order="C") for part in parts]
    spoilt[0][0].reshape(-1)[0] = np.nan
    assert rows(*spoilt).scan().bad.tolist() == [0]


def test_bfloat16():
    tensor = torch.randn(6, 3, 2).to(torch.bfloat16)
    assert torch.equal(rows(tensor).take(np.array([4, 1])), tensor[[4, 1]].float())
    tensor[3, 2, 1] = float("inf")
    assert rows(tensor).scan().bad.tolist() == [3]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_bad_value_is_told_with_its_place(value):
    good, spoilt = np.zeros((4, 3)), np.zeros((5, 3))
    spoilt[2, 1] = value
    both = rows(good, spoilt)
    (bad,) = both.scan().bad.tolist()
    assert bad == 6
    what = "NaN" if np.isnan(value) else "infinite"
    assert f"{both.place(bad)} {both.problem(bad)}".startswith(f"part 1: sample 2 is {what}")
    assert "at [1]" in both.problem(bad)


def test_a_number_is_bad_exactly_where_it_becomes_infinite():
    limit = 2.0**128 - 2.0**103
    array = np.array([[limit], [np.nextafter(limit, 0)], [-limit], [-np.nextafter(limit, 0)]])
    assert rows(array).scan().bad.tolist() == [0, 2]
    assert rows(array.astype(np.longdouble)).scan().bad.tolist() == [0, 2]
    assert rows(array).take(np.arange(4)).isfinite()[:, 0].tolist() == [False, True, False, True]


def test_blocks_cover_arrays_that_are_larger_than_one(monkeypatch):
    monkeypatch.setattr("bmnas.tasks.arrays.rows._BLOCK", 100)
    monkeypatch.setattr("bmnas.tasks.arrays.rows._FORTRAN_BLOCK", 70)
    array = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    array[[0, 6, 7, 49], 3] = np.nan
    assert rows(array).scan().bad.tolist() == [0, 6, 7, 49]
    assert rows(array).scan().digest == rows(np.asfortranarray(array)).scan().digest


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(5), r"part 0: has shape \(5,\), but a feature is \(samples, channels\)"),
        (np.zeros((0, 5)), r"part 0: has shape \(0, 5\), so there is nothing in it"),
        (np.zeros((5, 0, 2)), r"so there is nothing in it"),
        (np.array([["a", "b"]]), "part 0: holds text, but should hold numbers"),
        (np.array([[{}]]), "part 0: holds Python objects"),
        (np.zeros((2, 2), complex), "part 0: holds complex numbers"),
        (np.zeros((2, 2), "M8[s]"), "part 0: holds dates"),
        ([[1.0], [2.0, 3.0]], "part 0: is no array"),
    ],
)
def test_what_is_no_feature(array, message):
    with pytest.raises(BmnasError, match=message):
        rows(array)


def test_parts_of_other_shapes():
    with pytest.raises(BmnasError, match=r"part 1: its samples have shape \(4,\), but those of part 0 have \(3,\)"):
        rows(np.zeros((5, 3)), np.zeros((5, 4)))
