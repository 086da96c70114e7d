"""Answers as values, and as files that other programs read: no formula, no object, nothing lost."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.errors import BmnasError, printable
from bmnas.prediction import Predictions, write
from bmnas.prediction.predictions import to_csv, to_jsonl

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [-3.0, 1.0, 4.0]])


def single(names=("a", "b", "c"), ids=("x", "y")):
    return Predictions(LOGITS, ids, names)


def test_one_class_is_the_most_probable_one():
    found = single()
    torch.testing.assert_close(found.probabilities, LOGITS.softmax(1))
    assert found.answers == ["a", "c"]


def test_several_classes_are_those_above_the_threshold():
    found = Predictions(LOGITS, ("x", "y"), ("a", "b", "c"), "multi-label", 0.6)
    torch.testing.assert_close(found.probabilities, LOGITS.sigmoid())
    assert found.answers == [["a"], ["b", "c"]]
    rows = list(csv.reader(io.StringIO(to_csv(found))))
    assert [row[1] for row in rows] == ["answer", "a", "b;c"]


def test_numbers_have_no_probabilities():
    found = Predictions(LOGITS, ("x", "y"), ("height", "weight", "age"), "regression")
    assert found.probabilities is None
    rows = list(csv.reader(io.StringIO(to_csv(found))))
    assert rows[0] == ["id", "height", "weight", "age"]
    assert [float(value) for value in rows[2][1:]] == [-3.0, 1.0, 4.0]
    assert json.loads(to_jsonl(found).splitlines()[1]) == {
        "id": "y",
        "values": {"height": -3.0, "weight": 1.0, "age": 4.0},
    }


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_cell_of_a_table_is_a_formula_and_none_is_lost(name, sample):
    rows = list(csv.reader(io.StringIO(to_csv(single(names=(name, "b", "c"), ids=(sample, "y")))), strict=True))
    assert rows[0][2].removeprefix("'") == printable(name).removeprefix("'")
    assert rows[1][0].removeprefix("'") == printable(sample).removeprefix("'")
    for cell in (*rows[0], *rows[1][:2], *rows[2][:2]):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".npz"])
def test_files_say_the_same(tmp_path, ending):
    path = tmp_path / f"answers{ending}"
    write(single(), path)
    if ending == ".npz":
        with np.load(path, allow_pickle=False) as found:
            assert found["ids"].tolist() == ["x", "y"]
            np.testing.assert_allclose(found["probabilities"], LOGITS.softmax(1), rtol=1e-6)
            np.testing.assert_array_equal(found["outputs"], LOGITS)
    elif ending == ".jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert [row["answer"] for row in rows] == ["a", "c"]
    else:
        assert path.read_text().splitlines()[0] == "id,answer,a,b,c"


def test_an_ending_that_is_none_is_said(tmp_path):
    with pytest.raises(
        BmnasError, match=r"answers.cvs: answers are written as .csv, .jsonl, .npz; did you mean '.csv'"
    ):
        write(single(), tmp_path / "answers.cvs")
