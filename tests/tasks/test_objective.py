"""What labels may be, and what a loss makes of them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bmnas.errors import BmnasError
from bmnas.tasks import OBJECTIVES, MultiLabel, Regression, SingleLabel


@pytest.mark.parametrize(
    ("objective", "labels", "outputs", "expected"),
    [
        (SingleLabel(), [0, 2, 1], 3, None),
        (SingleLabel(), [0, 3, 1], 3, (1, "is 3, but the task has 3 classes, 0 to 2")),
        (SingleLabel(), [0, 1, -1], 3, (2, "is -1, but the task has 3 classes, 0 to 2")),
        (SingleLabel(), [0.0, 1.5], 3, (1, "is 1.5, but a class index is a whole number")),
        (SingleLabel(), [[0, 1], [1, 0]], 2, (0, "has shape (2,), but a class index is one number")),
        (MultiLabel(), [[0, 1], [1, 1]], 2, None),
        (MultiLabel(), [[0, 1], [1, 2]], 2, (1, "has 2, but a label of several classes is 0 or 1")),
        (MultiLabel(), [0, 1], 2, (0, "has shape (), but the task has 2 classes: (2,) in 0 and 1")),
        (Regression(), [0.5, 2.0], 1, None),
        (Regression(), [[0.5, 2.0]], 2, None),
        (Regression(), [0.5, float("nan")], 1, (1, "is not a finite number")),
        (Regression(), [[0.5], [1.0]], 2, (0, "has shape (1,), but the task has 2 outputs")),
    ],
)
def test_a_label_that_cannot_be_one_is_named(objective, labels, outputs, expected) -> None:
    assert objective.problem(objective.cast(torch.tensor(labels)), outputs) == expected


def test_whole_numbers_of_any_type_are_classes() -> None:
    for dtype in (torch.uint8, torch.int32, torch.float64):
        labels = SingleLabel().cast(torch.tensor([0, 2], dtype=dtype))
        assert labels.dtype == torch.int64
        assert labels.tolist() == [0, 2]


def test_balanced_weights_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = torch.tensor([0, 0, 0, 1, 2, 2])
    fitted = SingleLabel(class_weights="balanced").fitted(labels, 3)
    expected = compute_class_weight("balanced", classes=labels.unique().numpy(), y=labels.numpy())
    assert fitted.class_weights == pytest.approx(expected)
    outputs = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    weight = torch.tensor(expected, dtype=torch.float32)
    torch.testing.assert_close(fitted.loss(outputs, labels), nn.functional.cross_entropy(outputs, labels, weight))


def test_a_class_without_samples_does_not_spoil_balanced_weights() -> None:
    weights = SingleLabel(class_weights="balanced").fitted(torch.tensor([0, 0, 2, 2]), 4).class_weights
    assert weights is not None
    assert weights[0] == weights[2] == 1
    assert all(weight < float("inf") for weight in weights)


def test_balanced_weights_of_several_labels_are_negatives_by_positives() -> None:
    labels = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    fitted = MultiLabel(class_weights="balanced").fitted(labels, 2)
    assert fitted.class_weights == pytest.approx((1 / 3, 3))
    outputs = torch.randn(4, 2)
    expected = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1 / 3, 3]))(outputs, labels)
    torch.testing.assert_close(fitted.loss(outputs, labels), expected)


@pytest.mark.parametrize(
    ("objective", "labels", "sentence"),
    [
        (SingleLabel(), [1, 1, 1], "has one class only: every label is 1"),
        (MultiLabel(), [[1.0, 0.0], [1.0, 0.0]], "has the same labels for every sample"),
        (Regression(), [2.0, 2.0], "has the same label for every sample"),
        (SingleLabel(class_weights=(1.0, 2.0, 3.0)), [0, 1], "has 3 class weights, but 2 classes"),
    ],
)
def test_labels_that_teach_nothing_are_refused(objective, labels, sentence) -> None:
    with pytest.raises(BmnasError, match=f"^{sentence}$"):
        objective.fitted(torch.tensor(labels), 2)


@pytest.mark.parametrize("criterion", ["mse", "l1", "huber"])
def test_a_regression_of_one_number_takes_labels_with_and_without_an_axis(criterion) -> None:
    outputs, labels = torch.tensor([[1.0], [2.0]]), torch.tensor([1.5, 5.0])
    expected = {"mse": nn.MSELoss(), "l1": nn.L1Loss(), "huber": nn.HuberLoss()}[criterion](outputs[:, 0], labels)
    for given in (labels, labels[:, None]):
        torch.testing.assert_close(Regression(criterion=criterion).loss(outputs, given), expected)


def test_an_unknown_criterion_is_refused() -> None:
    with pytest.raises(BmnasError, match=r"criterion of a regression is 'hubr'; did you mean 'huber'\?"):
        Regression(criterion="hubr")


def test_every_kind_has_a_metric_and_a_name() -> None:
    assert {name: kind().metric.name for name, kind in OBJECTIVES.items()} == {
        "single-label": "accuracy",
        "multi-label": "f1-weighted",
        "regression": "mse",
    }
