"""The metrics, compared with scikit-learn's."""

from __future__ import annotations

import pytest
import torch
from sklearn import metrics as sklearn_metrics

from bmnas.errors import BmnasError
from bmnas.tasks import METRICS, accuracy, f1, from_torchmetrics, get_metric, mean_squared_error


@pytest.fixture
def outputs() -> torch.Tensor:
    return torch.randn(60, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def classes() -> torch.Tensor:
    return torch.randint(4, (60,), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def several() -> torch.Tensor:
    return (torch.rand(60, 4, generator=torch.Generator().manual_seed(2)) < torch.tensor([0.1, 0.3, 0.5, 0.9])).float()


def test_accuracy_is_the_share_of_greatest_outputs_at_the_label() -> None:
    outputs = torch.tensor([[0.1, 0.9], [2.0, -1.0], [0.0, 1.0], [3.0, 4.0]])
    assert accuracy.score(outputs, torch.tensor([1, 0, 0, 1])) == 0.75
    assert accuracy.name == "accuracy"
    assert accuracy.higher_is_better


@pytest.mark.parametrize("average", ["weighted", "macro", "micro"])
def test_f1_is_scikit_learns(average: str, outputs: torch.Tensor, classes: torch.Tensor, several: torch.Tensor) -> None:
    expected = sklearn_metrics.f1_score(classes, outputs.argmax(1), average=average)
    assert get_metric(f"f1-{average}").score(outputs, classes) == pytest.approx(expected, abs=1e-6)
    for threshold in (0.3, 0.5):
        expected = sklearn_metrics.f1_score(several, outputs.sigmoid() > threshold, average=average)
        assert f1(average, threshold).score(outputs, several) == pytest.approx(expected, abs=1e-6)


def test_outputs_between_0_and_1_are_logits_too(several: torch.Tensor) -> None:
    outputs = torch.full((60, 4), 0.4)  # as probabilities they would all be below the threshold
    expected = sklearn_metrics.f1_score(several, torch.ones(60, 4), average="weighted")
    assert f1("weighted").score(outputs, several) == pytest.approx(expected, abs=1e-6)


def test_accuracy_of_several_labels_counts_answers(outputs: torch.Tensor, several: torch.Tensor) -> None:
    expected = ((outputs > 0).float() == several).float().mean().item()
    assert accuracy.score(outputs, several) == pytest.approx(expected)


def test_mean_squared_error_of_one_number_and_of_several(outputs: torch.Tensor) -> None:
    labels = torch.zeros(60, 4)
    assert mean_squared_error.score(outputs, labels) == pytest.approx(outputs.square().mean().item())
    assert mean_squared_error.score(outputs[:, :1], labels[:, 0]) == pytest.approx(outputs[:, 0].square().mean().item())
    assert not mean_squared_error.higher_is_better


def test_any_metric_of_torchmetrics(outputs: torch.Tensor, classes: torch.Tensor) -> None:
    from torchmetrics.classification import MulticlassAUROC
    from torchmetrics.regression import MeanAbsoluteError

    expected = sklearn_metrics.roc_auc_score(classes, outputs.softmax(1), multi_class="ovr", average="macro")
    metric = from_torchmetrics(MulticlassAUROC(4), "auroc", lambda raw: raw.softmax(1))
    assert metric.score(outputs, classes) == pytest.approx(expected, abs=1e-6)
    assert metric.higher_is_better
    absolute = from_torchmetrics(MeanAbsoluteError())
    assert absolute.name == "MeanAbsoluteError"
    assert not absolute.higher_is_better
    # A score depends on its own samples alone, whatever was scored before.
    assert absolute.score(outputs[:, 0], outputs[:, 0] + 2) == pytest.approx(2)
    assert absolute.score(outputs[:, 0], outputs[:, 0] + 1) == pytest.approx(1)


def test_a_metric_without_a_direction_is_refused() -> None:
    from torchmetrics.classification import MulticlassConfusionMatrix

    with pytest.raises(BmnasError, match="MulticlassConfusionMatrix does not say whether a higher value is better"):
        from_torchmetrics(MulticlassConfusionMatrix(3))


def test_a_metric_is_found_by_its_name() -> None:
    assert [get_metric(name).name for name in METRICS] == list(METRICS)
    with pytest.raises(BmnasError, match=r"unknown metric 'f1-weigted'; did you mean 'f1-weighted'\?"):
        get_metric("f1-weigted")
    with pytest.raises(BmnasError, match="the threshold of a metric is 50"):
        f1("macro", 50)
