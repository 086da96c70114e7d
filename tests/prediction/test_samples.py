"""New samples in folders: features and raw inputs, with names and lengths; what is wrong with them is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import bmnas
from bmnas.errors import BmnasError
from bmnas.prediction import open_samples
from bmnas.tasks.digits import DigitsTask


@pytest.fixture(scope="module")
def model(arrays_run):
    return bmnas.load_model(arrays_run)


def save(folder, **arrays):
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def opened(folder, model):
    return open_samples(folder, model.record, model.network.features)


def test_features_without_labels_have_names_where_the_folder_says_them(tmp_path, model):
    random = np.random.default_rng(1)
    sound, text = random.normal(size=(3, 5, 7)).astype(np.float32), random.normal(size=(3, 4)).astype(np.float32)
    save(tmp_path, Sound_1=sound, Text_1=text)
    (tmp_path / "ids.json").write_text(json.dumps(["one", 2, "three"]))
    samples = opened(tmp_path, model)
    assert samples.ids == ("one", "2", "three")
    found = model.predict_source(samples.source, ids=samples.ids)
    expected = model.predict({"Sound_1": sound, "Text_1": text})
    torch.testing.assert_close(found.outputs, expected.outputs)


def test_lengths_say_where_a_sample_ends(tmp_path, model):
    random = np.random.default_rng(1)
    sound, text = random.normal(size=(2, 5, 7)), np.zeros((2, 4))
    save(tmp_path, Sound_1=sound, Text_1=text, **{"Sound_1.lengths": np.array([7, 3])})
    told = model.predict_source(opened(tmp_path, model).source).outputs
    short = model.predict({"Sound_1": sound[1:, :, :3], "Text_1": text[1:]}).outputs
    torch.testing.assert_close(told[1:], short)


def test_raw_inputs_of_backbones(tmp_path, digits_run):
    model = bmnas.load_model(digits_run)
    part = DigitsTask().split("test").part(0, 5)
    save(tmp_path, **{name: tensor.double().numpy() for name, tensor in part.inputs.items()})
    found = model.predict_source(opened(tmp_path, model).source)
    torch.testing.assert_close(found.outputs, model.predict(part.inputs).outputs)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"Text_1": np.zeros((3, 4))}, "has no array 'Sound_1'"),
        ({"Sound_1": np.zeros((3, 5, 7)), "Text_1": np.zeros((2, 4))}, "the arrays have different numbers of samples"),
        ({"Sound_1": np.zeros((3, 6, 7)), "Text_1": np.zeros((3, 4))}, "but the network was trained on 5 channels"),
        ({"Sound_1": np.zeros((3, 5, 7)), "Text_1": np.array([[0.0] * 4, [np.nan] * 4, [0.0] * 4])}, "sample 1 is NaN"),
        ({"Sound_1": np.zeros((3, 5, 7)), "Text_1": np.zeros((3, 4)), "ids": np.arange(2)}, "has 3 samples, but 2 ids"),
    ],
)
def test_what_is_wrong_with_a_folder(tmp_path, model, given, said):
    save(tmp_path, **given)
    with pytest.raises(BmnasError) as error:
        opened(tmp_path, model)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_of_splits_and_no_folder(tmp_path, model):
    (tmp_path / "test").mkdir()
    with pytest.raises(BmnasError, match=r"has folders of splits; name one of them, such as .*test"):
        opened(tmp_path, model)
    with pytest.raises(BmnasError, match="is not there; new samples are a folder with an array for Sound_1, Text_1"):
        opened(tmp_path / "none", model)
