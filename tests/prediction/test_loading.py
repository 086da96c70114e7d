"""`load_model`: a run by itself answers as the training's own test did; what is missing or changed is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import bmnas
from bmnas.errors import BmnasError
from bmnas.genotype.presets import PRESETS
from bmnas.prediction import of_test_split, open_samples
from bmnas.searcher.run.outcome import save_outcome
from bmnas.tasks.digits import DigitsTask
from tests.runs import NAMES


def test_a_run_that_was_moved_answers_as_it_was_tested(digits_run, tmp_path, monkeypatch):
    moved = shutil.copytree(digits_run, tmp_path / "elsewhere")
    monkeypatch.setenv("BMNAS_CACHE", str(tmp_path / "none"))
    model = bmnas.load_model(moved)
    found = model.predict_source(DigitsTask().split("test"))
    tested = of_test_split(moved)
    torch.testing.assert_close(found.outputs, tested.outputs, atol=1e-5, rtol=1e-5)
    assert found.answers == tested.answers
    assert not (tmp_path / "none").exists(), "no cache is needed"


def test_it_is_a_frozen_module_in_eval_mode_with_names(digits_run):
    model = bmnas.load_model(digits_run)
    assert isinstance(model, torch.nn.Module)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert model.class_names == tuple("0123456789")
    inputs = DigitsTask().split("test").inputs
    assert model({name: tensor[:3] for name, tensor in inputs.items()}).shape == (3, 10)


def test_features_are_as_good_as_raw_inputs(digits_run):
    model = bmnas.load_model(digits_run)
    part = DigitsTask().split("test").part(0, 20)
    pooled = model.features(part.inputs)
    torch.testing.assert_close(model(pooled), model(part.inputs))
    mixed = {"Top": part.inputs["Top"], **{name: each for name, each in pooled.items() if name.startswith("Bottom")}}
    torch.testing.assert_close(model(mixed), model(part.inputs))


def test_the_answers_of_a_sample_do_not_depend_on_the_others(digits_run):
    model = bmnas.load_model(digits_run)
    split = DigitsTask().split("test")
    every = model.predict(split.inputs).outputs
    some = model.predict({name: tensor[5:8].numpy() for name, tensor in split.inputs.items()}).outputs
    torch.testing.assert_close(some, every[5:8], atol=1e-5, rtol=1e-5)


def test_features_with_padding_are_pooled_as_in_the_training(arrays, arrays_run):
    model = bmnas.load_model(arrays_run)
    assert model.class_names == NAMES
    opened = open_samples(arrays, model.record, model.network.features)
    found = model.predict_source(opened.source)
    torch.testing.assert_close(found.outputs[100:], of_test_split(arrays_run).outputs, atol=1e-5, rtol=1e-5)


def test_a_genotype_that_was_trained_by_itself(digits_run, shared, tmp_path):
    task, genotype = bmnas.get_task("digits"), bmnas.load(digits_run)
    config = bmnas.TrainConfig(epochs=1, batch_size=60)
    trained = bmnas.train(genotype, task, config, cache=shared / "cache", device="cpu")
    save_outcome(genotype, trained, task, config, tmp_path / "mine.json")
    found = bmnas.load_model(tmp_path / "mine.json").predict_source(task.split("test"))
    torch.testing.assert_close(found.outputs, trained.outputs, atol=1e-5, rtol=1e-5)


def test_a_modality_may_be_missing_where_it_was_in_the_training(arrays, tmp_path):
    task = bmnas.get_task(str(arrays))
    last = [feature for feature in task.features if feature.name.endswith("_1")]
    genotype = PRESETS["glu"](last, outputs=task.outputs, channels=6, length=4)
    config = bmnas.TrainConfig(epochs=1, batch_size=10, modality_dropout=0.3)
    trained = bmnas.train(genotype, task, config, cache=tmp_path / "cache", device="cpu")
    save_outcome(genotype, trained, task, config, tmp_path / "mine.json")
    model = bmnas.load_model(tmp_path / "mine.json")
    sound = {"Sound_1": np.load(arrays / "Sound_1.npy")[1:3]}
    assert trained.averages is not None
    average = trained.averages["Text_1"].expand(2, *trained.averages["Text_1"].shape)
    torch.testing.assert_close(model.predict(sound).outputs, model.predict({**sound, "Text_1": average}).outputs)
    with pytest.raises(BmnasError, match="feature 'Sound_1' is missing"):
        model.predict({})
    path = tmp_path / "mine.averages.safetensors"
    save_file({"Sound_1": torch.zeros(5, 4)}, path)
    with pytest.raises(BmnasError, match=r"mine\.averages\.safetensors: has no average of feature 'Text_1' of shape"):
        bmnas.load_model(tmp_path / "mine.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda run: (run / "genotype.safetensors").unlink(),
            "genotype.safetensors: is missing: the weights of its netw",
        ),
        (lambda run: (run / "genotype.model.json").unlink(), "genotype.model.json: is missing: the record of its task"),
        (lambda run: _edit(run / "genotype.model.json", '"batch": 128', '"batch": 127'), "genotype.model.json: "),
        (lambda run: shutil.rmtree(run / "backbones"), "is missing: the weights of the backbone 'Top'"),
        (lambda run: _damage(next((run / "backbones").glob("Top*"))), "is damaged: it is not what was written"),
    ],
)
def test_what_is_missing_or_changed_is_said(digits_run, tmp_path, change, said):
    moved = shutil.copytree(digits_run, tmp_path / "run")
    change(moved)
    with pytest.raises(BmnasError) as error:
        bmnas.load_model(moved)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_run_that_is_not_finished(digits_run, tmp_path):
    config = bmnas.open_run(digits_run).config.changed(select_budget=0)
    bmnas.search("digits", config, folder=tmp_path / "run", evaluate=False, device="cpu")
    with pytest.raises(BmnasError, match=r"genotype.safetensors: is missing: .*the search in .*run is not finished"):
        bmnas.load_model(tmp_path / "run")
    with pytest.raises(BmnasError, match="its result has not been tested yet"):
        of_test_split(tmp_path / "run")


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"Top": torch.zeros(2, 1, 4, 8)}, "the input of modality 'Bottom' is missing; the network needs Top, Bottom"),
        (
            {"Top": torch.zeros(2, 1, 4, 8), "Buttom": torch.zeros(2, 1, 4, 8)},
            "'Buttom' is neither a modality nor a feature of the task; did you mean 'Bottom'?",
        ),
        (
            {"Top": torch.zeros(2, 1, 4, 8), "Bottom": torch.zeros(3, 1, 4, 8)},
            "the inputs have different numbers of samples: Top 2, Bottom 3",
        ),
        ({"Top": torch.zeros(2, 4, 8), "Bottom": torch.zeros(2, 1, 4, 8)}, "has shape (2, 4, 8), but a batch of it is"),
        ({"Top": torch.zeros(2, 1, 4, 8), "Bottom": torch.full((2, 1, 4, 8), torch.nan)}, "sample 0: "),
        ({"Top": "image.png", "Bottom": torch.zeros(2, 1, 4, 8)}, "'Top' is a str, but should be a tensor or an array"),
    ],
)
def test_inputs_that_cannot_be_used(digits_run, inputs, said):
    model = bmnas.load_model(digits_run)
    with pytest.raises(BmnasError) as error:
        model.predict(inputs)
    assert said in str(error.value)


def test_ids_are_as_many_as_samples(arrays_run):
    model = bmnas.load_model(arrays_run)
    inputs = {"Sound_1": np.zeros((2, 5, 7)), "Text_1": np.zeros((2, 4))}
    assert model.predict(inputs, ids=["a", "b"]).ids == ("a", "b")
    with pytest.raises(BmnasError, match="there are 2 samples, but 1 ids"):
        model.predict(inputs, ids=["a"])


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
