from __future__ import annotations

import numpy as np
import pytest
import torch

import bmnas
from bmnas.compiler import pool
from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.tasks import SPLITS, prepare
from bmnas.tasks.arrays import ArrayTask
from bmnas.tasks.objective import Regression, SingleLabel
from bmnas.tasks.tappable import tappable
from tests.tasks.arrays.samples import SAMPLES, SPLIT_LISTS, arrays


def task(**changed):
    given = {**arrays(), **{name: changed.pop(name) for name in list(changed) if name in arrays()}}
    labels = given.pop("labels")
    return ArrayTask(given, labels, changed.pop("splits", SPLIT_LISTS), **changed)


def test_features_modalities_and_what_labels_are():
    made = task()
    assert made.features == (
        Feature(name="Video_2", modality="Video", channels=4),
        Feature(name="Video_10", modality="Video", channels=5),
        Feature(name="Audio", modality="Audio", channels=3),
    )
    assert (made.outputs, made.objective, made.metric.name) == (3, SingleLabel(), "accuracy")
    assert made.settings["batch_size"] == len(SPLIT_LISTS["validation"])


def test_features_of_a_modality_stand_together():
    made = task(modalities={"Video_2": "Face", "Audio": "Face"}, reshape={"Video_2": "grid"})
    assert [(feature.name, feature.modality) for feature in made.features] == [
        ("Video_2", "Face"),
        ("Audio", "Face"),
        ("Video_10", "Video"),
    ]
    assert made.settings["length"] == 9  # a grid needs a square


def test_ready_features_decide_the_size():
    made = task(reshape={"Audio": "none"})
    assert (made.settings["channels"], made.settings["length"]) == (3, 7)
    assert task(reshape={"Audio": "none"}, settings={"epochs": 2}).settings["epochs"] == 2


@pytest.mark.parametrize(
    ("labels", "objective", "outputs"),
    [
        (np.arange(SAMPLES, dtype=np.uint8) % 4, "single-label", 4),
        (torch.arange(SAMPLES) % 4, "single-label", 4),
        (np.arange(SAMPLES)[:, None] % 4, "single-label", 4),
        (np.arange(SAMPLES) % 2 == 0, "single-label", 2),
        ((np.arange(SAMPLES)[:, None] % 4 == np.arange(3)).astype(float), "multi-label", 3),
        (np.arange(SAMPLES)[:, None] % 4 == np.arange(3), "multi-label", 3),
        (np.arange(SAMPLES) / 7, "regression", 1),
        (np.arange(SAMPLES, dtype=">f4"), "regression", 1),
        (np.ones((SAMPLES, 2)) * np.arange(SAMPLES)[:, None], "regression", 2),
    ],
)
def test_the_objective_follows_from_the_labels(labels, objective, outputs):
    made = task(labels=labels)
    assert (made.objective.name, made.outputs) == (objective, outputs)
    source = made.split("train")
    loss = made.loss(torch.zeros(len(source), outputs), source.part(0, len(source)).labels)
    assert loss.isfinite()


def test_what_is_said_goes_before_what_is_guessed():
    made = task(objective="regression", metric="mse", outputs=1, options={"criterion": "huber"}, name="mine")
    assert made.objective == Regression("huber")
    balanced = task(options={"class_weights": "balanced"})
    assert balanced.fitted(balanced.split("train").labels).objective.class_weights == pytest.approx((1.0, 1.0, 1.0))
    assert task(options={"class_weights": [1, 2, 3]}).objective.class_weights == (1, 2, 3)


def test_samples_one_by_one_and_in_runs_are_the_arrays():
    made = task()
    for name in SPLITS:
        source, indices = made.split(name), SPLIT_LISTS[name]
        assert len(source) == len(indices)
        part = source.part(1, 4)
        assert part.labels.tolist() == [index % 3 for index in indices[1:4]]
        for modality, features in part.inputs.items():
            for feature, tensor in features.items():
                assert tensor.dtype == torch.float32
                np.testing.assert_array_equal(tensor.numpy(), arrays()[feature][indices[1:4]].astype(np.float32))
                one, label = source[-1]
                np.testing.assert_array_equal(one[modality][feature].numpy(), arrays()[feature][indices[-1]])
                assert label == indices[-1] % 3
        with pytest.raises(IndexError):
            source[len(indices)]
    assert made.split("test").describe(0) == "feature 'Video_2': sample 29"


def test_there_is_no_backbone_and_nothing_to_tap(tmp_path):
    made = task()
    assert (dict(made.taps), made.tapped_modalities) == ({}, ())
    for refused in (
        lambda: made.build_backbone("Video"),
        lambda: tappable(made),
        lambda: made.with_weights({"Audio": tmp_path / "w.safetensors"}),
    ):
        with pytest.raises(BmnasError, match=r"features of modality '(Video|Audio)'.* are ready"):
            refused()
    assert prepare(made, length=2, pool=pool, cache=tmp_path).scores == {}
    assert [path.name for path in (tmp_path / "arrays").iterdir()] == ["features"]


def test_names_may_be_awkward_and_modalities_left_out(tmp_path):
    names = ["labels", "a.b_1", "a.b_2", "名 ../c", "forward"]
    features = {name: np.full((SAMPLES, number), number) for number, name in enumerate(names, 1)}
    made = ArrayTask(features, np.arange(SAMPLES) % 2, SPLIT_LISTS)
    store = prepare(made, length=1, pool=pool, cache=tmp_path)
    assert {name: tensor.unique().tolist() for name, tensor in store.split("test").features.items()} == {
        name: [number] for number, name in enumerate(names, 1)
    }
    some = made.with_modalities(["a.b", "forward"])
    assert {modality: list(tree) for modality, tree in some.split("test")[0][0].items()} == {
        "a.b": ["a.b_1", "a.b_2"],
        "forward": ["forward"],
    }
    assert some.data_fingerprint() != made.data_fingerprint()
    assert list(prepare(some, length=1, pool=pool, cache=tmp_path).shapes) == ["a.b_1", "a.b_2", "forward"]


def test_the_fingerprint_changes_with_what_determines_the_features():
    before = task().data_fingerprint()
    assert before == task().data_fingerprint()
    other = arrays()
    other["Audio"][3, 1, 2] += 1
    assert task(Audio=other["Audio"]).data_fingerprint() != before
    assert task(Audio=other["Audio"]).data_fingerprint(["Video"]) == task().data_fingerprint(["Video"])
    assert task(labels=(np.arange(SAMPLES) + 1) % 3).data_fingerprint() != before
    assert task(splits={**SPLIT_LISTS, "test": [28, 29, *range(22, 28)]}).data_fingerprint() != before


def test_nan_is_told_where_it_is_used():
    spoilt = arrays()["Video_2"]
    spoilt[29, 1, 2, 0] = np.nan
    with pytest.raises(BmnasError, match=r"^feature 'Video_2': sample 29 is NaN at \[1, 2, 0\]"):
        task(Video_2=spoilt).check()
    task(Video_2=spoilt, splits={**SPLIT_LISTS, "test": [28]}).check()
    task().check()


def test_features_of_an_array_task_are_stored_as_they_are(tmp_path):
    made = task(reshape={"Audio": "none", "Video_2": "sequence"})
    store = prepare(made, length=7, pool=pool, cache=tmp_path)
    test = store.split("test")
    np.testing.assert_array_equal(test.features["Audio"].numpy(), arrays()["Audio"][SPLIT_LISTS["test"]])
    np.testing.assert_array_equal(test.features["Video_10"].numpy()[..., 0], arrays()["Video_10"][SPLIT_LISTS["test"]])
    np.testing.assert_array_equal(test.features["Video_2"].numpy(), arrays()["Video_2"][SPLIT_LISTS["test"]].max(-1))
    assert test.labels.tolist() == [index % 3 for index in SPLIT_LISTS["test"]]


@pytest.mark.parametrize("labels", [np.arange(SAMPLES) % 3, np.arange(SAMPLES) / 9])
def test_a_search_from_python(tmp_path, labels):
    found = bmnas.search(
        task(labels=labels),
        bmnas.SearchConfig(channels=4, length=2, epochs=1, cells=1, steps=1, batch_size=7),
        folder=tmp_path / "run",
        cache=tmp_path / "cache",
        evaluate=False,
    )
    assert {feature.name for feature in found.genotype.features} <= {"Video_2", "Video_10", "Audio"}
    assert [event["event"] for event in found.history] == ["EpochDone", "RunnerUp", "SelectionDone"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Audio": np.zeros((29, 3))}, "feature 'Video_2' has 30 samples, but feature 'Audio' has 29"),
        ({"labels": np.arange(31)}, "labels: has 31 labels, but feature 'Video_2' has 30 samples"),
        ({"labels": np.full(SAMPLES, 2)}, "has one class only: every label is 2"),
        ({"labels": np.arange(SAMPLES) % 3 - 1}, "labels: sample 0 is -1, but the task has 2 classes, 0 to 1"),
        ({"outputs": 2}, "labels: sample 2 is 2, but the task has 2 classes"),
        ({"labels": np.array(["cat", "dog"] * 15)}, "labels: holds text; number the classes"),
        ({"labels": np.zeros((SAMPLES, 2, 2))}, r"labels: has shape \(30, 2, 2\), but labels are"),
        ({"labels": np.arange(2 * SAMPLES).reshape(-1, 2)}, "other than 0 and 1; say what they are"),
        ({"labels": np.arange(SAMPLES) * 10**9}, "number the classes 0, 1, 2, ..., or say outputs"),
        ({"labels": np.full(SAMPLES, np.nan)}, "labels: sample 0 is not a finite number"),
        ({"labels": np.full(SAMPLES, np.nan), "objective": "single-label"}, "sample 0 is nan, but a class index"),
        ({"labels": np.ones(SAMPLES)}, "has the same label for every sample"),
        ({"objective": "multilabel"}, "unknown objective 'multilabel'; did you mean 'multi-label'"),
        ({"objective": "multi-label"}, r"labels: sample 0 has shape \(\), but the task has 1 classes"),
        ({"options": {"criterion": "l1"}}, "'criterion' is not an option of the objective single-label"),
        ({"options": {"class_weights": [1.0, 2.0]}}, "has 2 class weights, but 3 classes"),
        ({"metric": "f1"}, "unknown metric 'f1'"),
        ({"metric": "mse"}, "metric 'mse' does not fit the objective single-label; there is accuracy, f1-weighted"),
        ({"reshape": {"Audio": "grid"}}, r"feature 'Audio': has shape \(30, 3, 7\), but reshape 'grid' takes"),
        ({"reshape": {"Video_2": "none"}}, "but reshape 'none' takes"),
        ({"reshape": {"Audio": "sequense"}}, "feature 'Audio': its reshape is 'sequense': it should be"),
        ({"reshape": {"audio": "grid"}}, "reshape names the feature 'audio', which is not there; did you mean 'Audio'"),
        ({"modalities": {"Vid": "A"}}, "modalities names the feature 'Vid', which is not there"),
        ({"modalities": {"Audio": ""}}, "feature 'Audio': its modality is ''"),
        ({"name": "../a"}, "'../a' cannot be the name of a task"),
        ({"settings": ["channels"]}, "settings is a list, but should give values by the names of settings"),
    ],
)
def test_what_is_wrong_is_named(changed, message):
    with pytest.raises(BmnasError, match=message):
        task(**changed)


def test_sizes_that_do_not_go_together():
    ready = {"A": np.zeros((SAMPLES, 4, 8)), "B": np.zeros((SAMPLES, 4, 6)), "C": np.zeros((SAMPLES, 4, 6, 6))}
    reshape = {"A": "none", "B": "none"}
    with pytest.raises(BmnasError, match=r"have reshape 'none', so .* but have \(4, 8\) and \(4, 6\)"):
        ArrayTask(ready, np.arange(SAMPLES), SPLIT_LISTS, reshape=reshape)
    with pytest.raises(BmnasError, match="makes the length 6, but a feature with reshape 'grid' needs a square"):
        ArrayTask(ready, np.arange(SAMPLES), SPLIT_LISTS, reshape={"B": "none", "C": "grid"})
    with pytest.raises(BmnasError, match="a feature cannot be named 'self'"):
        ArrayTask({"self": ready["A"]}, np.arange(SAMPLES), SPLIT_LISTS)
    with pytest.raises(BmnasError, match="features has the name 3, but names are text"):
        ArrayTask({3: ready["A"]}, np.arange(SAMPLES), SPLIT_LISTS)
    with pytest.raises(BmnasError, match="has no features"):
        ArrayTask({}, np.arange(SAMPLES), SPLIT_LISTS)
