"""Folders of arrays from anywhere: each is a task, or refused in one sentence that a terminal can show."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest

from bmnas.errors import BmnasError
from bmnas.tasks.arrays import ArrayTask, open_folder
from bmnas.tasks.objective import MultiLabel, SingleLabel
from tests.tasks.arrays.samples import SAMPLES, SPLIT_LISTS, arrays, write

LONG = "x" * 10_000
NINES = 999_999_999_999_999_999  # stands for thousands of them


def refused(folder) -> str:
    with pytest.raises(BmnasError) as caught:
        open_folder(folder).check()
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert len(sentence.replace(str(folder), "")) < 600
    return sentence


@pytest.mark.parametrize(
    "said",
    [
        {"metric": LONG},
        {LONG: 1},
        {"features": {LONG: {}}},
        {"features": {"Audio": {"reshape": LONG}}},
        {"features": {"Audio": {"modality": LONG}}},
        {"features": {"\x1b[2J": {}}},
        {"features": {"\ud800": {}}},
        {"name": LONG + "/"},
        {"outputs": NINES},
        {"outputs": NINES, "class_weights": "balanced"},
        {"outputs": 10**12, "class_weights": "balanced"},
        {"settings": {"channels": NINES}},
        {"class_weights": [1e308, 1e308, 1e308]},
        {"class_weights": [10**400, 1, 1]},
    ],
)
def test_a_description(tmp_path, said):
    folder = write(tmp_path / "d")
    text = json.dumps(said)
    for digits in (4000, 5000):
        (folder / "task.json").write_text(text.replace(str(NINES), "9" * digits))
        refused(folder)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (%s,), }" % ("9" * 4000),
        "{'descr': '<f4', 'fortran_order': False, 'shape': (30, %s), }" % ("9" * 300),
        "{'descr': '\x1b[2J', 'fortran_order': False, 'shape': (30, 3), }",
        "[" * 5000,
    ],
)
def test_the_header_of_a_file(tmp_path, header):
    folder = write(tmp_path / "d")
    text = header.encode() + b"\n"
    (folder / "Bad.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(360))
    refused(folder)


def test_a_type_in_a_safetensors_file(tmp_path):
    folder = write(tmp_path / "d")
    header = json.dumps({"A": {"dtype": LONG, "shape": [SAMPLES, 1], "data_offsets": [0, 4 * SAMPLES]}}).encode()
    (folder / "bad.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4 * SAMPLES))
    refused(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
@pytest.mark.parametrize("name", [b"\xff\xfe_1.npy", b"a\x1b[31m.npy", b"a\nb.npy", b"\xff.lengths.npy"])
def test_a_name(tmp_path, name):
    folder = write(tmp_path / "d")
    np.save(folder / os.fsdecode(name), np.zeros(SAMPLES, int))
    refused(folder)


@pytest.mark.parametrize("outputs", [0, -1, 10**12, pytest.param(10**5000, id="huge"), 2.5, "3"])
def test_a_number_of_outputs(outputs):
    given = arrays()
    with pytest.raises(BmnasError, match=r"outputs is .*it is a whole number from 1 to 1,000,000"):
        ArrayTask({"Audio": given["Audio"]}, given["labels"], SPLIT_LISTS, outputs=outputs)


@pytest.mark.parametrize("kind", [SingleLabel, MultiLabel])
@pytest.mark.parametrize("weights", ["balance", (1.0, float("nan")), (1.0, -1.0), (1.0, "2"), [1.0, 2.0], 3, (1e308,)])
def test_class_weights(kind, weights):
    with pytest.raises(BmnasError, match=r'^class_weights is .*, or "balanced"$'):
        kind(class_weights=weights)


@pytest.mark.parametrize("smoothing", [1.0, float("nan"), "a"])
def test_label_smoothing(smoothing):
    with pytest.raises(BmnasError, match=r"label_smoothing is .*; it is a share"):
        SingleLabel(label_smoothing=smoothing)


def test_types_that_numpy_lacks(tmp_path):
    types = pytest.importorskip("ml_dtypes")
    given, values = arrays(), np.random.default_rng(0).normal(size=(SAMPLES, 3))
    array = values.astype(types.bfloat16)
    task = ArrayTask({"A": array}, given["labels"], SPLIT_LISTS)
    np.testing.assert_array_equal(
        task.split("train").part(0, 15).inputs["A"]["A"].numpy(), array[:15].astype(np.float32)
    )
    with pytest.raises(BmnasError, match=r"feature 'A': holds float8_e4m3fn, .* convert it to float32"):
        ArrayTask({"A": values.astype(types.float8_e4m3fn)}, given["labels"], SPLIT_LISTS)
    folder = write(tmp_path / "d", A=array)
    assert "numbers of 2 bytes without a type, as NumPy saves bfloat16; save them as float32, or" in refused(folder)
