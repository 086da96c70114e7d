"""`evaluate`: what it says of ordinary, lopsided and impossible outputs and labels."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch

import bmnas
from bmnas import Evaluation, MultiLabel, evaluate
from bmnas.errors import BmnasError
from bmnas.tasks import Metric


def outputs(samples=60, classes=4, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(classes, size=samples)
    given = random.normal(size=(samples, classes))
    given[np.arange(samples), labels] += 1.5
    return given, labels


def test_confusion_and_classes_count_the_same():
    found = evaluate(*outputs(), class_names=["a", "b", "c", "d"])
    counts = np.array(found.confusion)
    assert counts.sum() == found.samples == 60
    for k, each in enumerate(found.classes):
        assert (each.name, each.support, each.answers) == ("abcd"[k], counts[k].sum(), counts[:, k].sum())
        assert each.recall == counts[k, k] / counts[k].sum()
        assert each.precision == counts[k, k] / counts[:, k].sum()
    assert found["accuracy"].value == counts.trace() / 60
    assert found.one_sample == 1 / 60


def test_its_json_reads_back():
    for found in (evaluate(*outputs()), evaluate([[1.0]], [1.0]), evaluate([[0.0, 1.0]], [1])):
        assert Evaluation.model_validate_json(found.model_dump_json()) == found
        json.loads(found.model_dump_json(), parse_constant=pytest.fail)


def test_the_interval_of_a_share_is_nearly_that_of_its_standard_error():
    given, labels = outputs(2000)
    found = evaluate(given, labels)["accuracy"]
    half = 1.96 * (found.value * (1 - found.value) / 2000) ** 0.5
    assert found.low == pytest.approx(found.value - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.value + half, abs=0.1 * half)


def test_samples_that_say_the_same_are_no_more_than_one():
    """Each sample ten times, as frames of a clip: with its groups the interval is that of the clips."""
    given, labels = outputs(50)
    clips = evaluate(given, labels)["accuracy"]
    frames = np.repeat(given, 10, 0), np.repeat(labels, 10)
    found = evaluate(*frames, groups=np.repeat(np.arange(50), 10))
    assert (found.groups, found["accuracy"].low, found["accuracy"].high) == (50, clips.low, clips.high)
    alone = evaluate(*frames)["accuracy"]
    assert alone.high - alone.low < 0.5 * (clips.high - clips.low)


def test_groups_of_one_are_as_none_and_one_group_is_told():
    given, labels = outputs()
    plain = evaluate(given, labels)
    assert evaluate(given, labels, groups=[f"p{i}" for i in range(60)]).measures == plain.measures
    one = evaluate(given, labels, groups=[7] * 60)
    assert one.measures == plain.measures
    assert one.groups == 1 and any("all samples are of one group" in remark for remark in one.remarks)


def test_where_all_is_right_the_interval_is_exact():
    """Resamples would all say 100 %; of 20 samples the lower limit of Clopper and Pearson is 0.025^(1/20)."""
    found = evaluate(np.eye(2)[[0, 1] * 10], [0, 1] * 10)["accuracy"]
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.025 ** (1 / 20))


def test_what_is_undefined_says_so_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = evaluate([[2.0, 1, 0], [1.0, 2, 0]], [0, 0])
        assert (found["AUROC"].value, found["AUROC"].low) == (None, None)
        assert "no class has both" in found["AUROC"].why
        assert [(each.precision, each.recall) for each in found.classes] == [(1, 0.5), (0, None), (None, None)]
        assert found.classes[2].f1 is None
        several = evaluate([[-1.0, -1], [-1, -1]], [[0, 0], [0, 0]], MultiLabel())
        assert several["f1-macro"].value is None and several["mAP"].value is None
        numbers = evaluate([1.0, 2, 3], [5.0, 5, 5])
        assert numbers["R²"].value is None and numbers["R²"].why == "all labels are the same"
        assert numbers.errors[0].r2 is None
    assert "all samples are of class 0" in found.remarks
    assert any("no sample is of classes 1 and 2" in remark for remark in found.remarks)


def test_one_sample_has_values_and_no_intervals():
    found = evaluate([[0.0, 1.0]], [1])
    assert found["accuracy"].value == 1
    assert all(each.low is None for each in found.measures)
    assert "there is one sample, so there are no intervals" in found.remarks


def test_a_measure_that_many_resamples_leave_undefined_has_no_interval():
    """One sample of the second class among ten: a third of the resamples has none."""
    found = evaluate(np.eye(2)[[0] * 9 + [1]] + 0.1 * np.arange(10)[:, None], [0] * 9 + [1])
    assert found["AUROC"].value == 1 and found["AUROC"].low is None


def test_classes_that_training_never_saw_are_named():
    found = evaluate(*outputs(), trained_on=[0, 1, 2, 2])
    assert "the training saw no sample of class 3, which these samples have" in found.remarks
    several = evaluate([[0.0, 1.0], [1.0, 0.0]], [[1, 0], [0, 1]], trained_on=np.array([[1, 0], [1, 0]]))
    assert "the training saw no sample of class 1, which these samples have" in several.remarks


def test_a_metric_of_ones_own_is_measured_too():
    best = Metric("worst class", lambda given, labels: float((given.argmax(1) == labels)[labels == 3].float().mean()))
    found = evaluate(*outputs(), metrics=[best], resamples=50)["worst class"]
    assert found.value == pytest.approx(evaluate(*outputs()).classes[3].recall)
    assert found.low < found.value < found.high


def test_the_seed_decides_the_intervals():
    first, again, other = (evaluate(*outputs(), seed=seed)["f1-macro"] for seed in (0, 0, 1))
    assert first == again
    assert first.value == other.value and (first.low, first.high) != (other.low, other.high)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([[0.0, 1]], None), "there are no labels"),
        (([[0.0, 1]], [0, 1]), "there are 2 labels for 1 samples"),
        (([], []), r"the outputs have shape \(0, 1\)"),
        (([[[0.0]]], [0]), r"the outputs have shape \(1, 1, 1\)"),
        (([[0.0, 1], [float("nan"), 1]], [0, 1]), "that of sample 1 is nan, no finite number"),
        (([[0.0, 1], [float("inf"), 1]], [0, 1]), "that of sample 1 is inf, no finite number"),
        (([[0.0, 1], [1, 0]], [0, 2]), "the label of sample 1 is 2, but the task has 2 classes"),
        (([[0.0, 1], [1, 0]], [0, -1]), "the label of sample 1 is -1"),
        (([[0.0, 1], [1, 0]], [0, float("nan")], "single-label"), "the label of sample 1 is nan"),
        (([[0.0, 1], [1, 0]], ["a", "b"]), "the labels are .* should be an array of numbers"),
        (([[0.0, 1], [1, 0]], [0, 1], "single"), "unknown objective 'single'; did you mean 'single-label'"),
    ],
)
def test_what_cannot_be_evaluated(arguments, sentence):
    with pytest.raises(BmnasError, match=sentence):
        evaluate(*arguments)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"class_names": ["a"]}, "there are 1 class names for 4 outputs"),
        ({"class_names": ["a", "b", "a", "c"]}, "two classes have the name 'a'"),
        ({"groups": [1, 2]}, r"the groups: has shape \(2,\), but there are 60 samples"),
        ({"ids": ["x"]}, "there are 1 sample ids for 60 samples"),
        ({"level": 95}, "level is 95; it is a share"),
        ({"resamples": 0}, "resamples is 0"),
    ],
)
def test_what_does_not_fit(more, sentence):
    with pytest.raises(BmnasError, match=sentence):
        evaluate(*outputs(), **more)


def test_a_sample_is_named_by_its_id():
    with pytest.raises(BmnasError, match=r"that of sample 1 \('clip7'\) is nan"):
        evaluate([[0.0, 1], [float("nan"), 1]], [0, 1], ids=["clip3", "clip7"])


def test_tensors_of_any_device_and_type_are_taken():
    given, labels = outputs()
    plain = evaluate(given, labels)
    assert evaluate(torch.tensor(given, requires_grad=True), torch.tensor(labels, dtype=torch.int32)) == plain
    assert bmnas.evaluate is evaluate


def test_the_interval_of_the_calibration_error_is_around_it():
    """That of resamples is greater: of nearly calibrated outputs hardly any would have the value itself."""
    random = np.random.default_rng(0)
    given = 1.5 * random.normal(size=(240, 3))
    shares = np.exp(given) / np.exp(given).sum(1, keepdims=True)
    labels = (shares.cumsum(1) < random.random((240, 1))).sum(1)
    found = evaluate(given, labels)["ECE"]
    assert 0 <= found.low < found.value < found.high
