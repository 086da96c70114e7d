"""Measures: what libraries compute, and the same for resamples; which ones there are; where they are undefined."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torchmetrics.functional import classification as tm

from bmnas import MultiLabel, Regression, SingleLabel
from bmnas.evaluation.answers import Answers
from bmnas.evaluation.measures import Undefined, measures_of
from bmnas.tasks import METRICS, f1

OBJECTIVES = {"single": SingleLabel(), "multi": MultiLabel(threshold=0.3), "regression": Regression()}


def answers(kind: str, samples: int = 40, outputs: int = 7, seed: int = 0) -> Answers:
    """Random ones, with equal scores among them."""
    random = torch.Generator().manual_seed(seed)
    given = (2 * torch.randn(samples, outputs, generator=random)).round(decimals=1)
    labels = {
        "single": torch.randint(outputs, (samples,), generator=random),
        "multi": torch.randint(2, (samples, outputs), generator=random),
        "regression": torch.randn(samples, outputs, generator=random),
    }[kind]
    return Answers.checked(given, labels, OBJECTIVES[kind], None, None, None)


@pytest.mark.parametrize("kind", OBJECTIVES)
@given(seed=st.integers(0, 10_000), samples=st.integers(2, 30), outputs=st.integers(2, 8))
def test_a_resample_has_the_value_of_its_samples(kind, seed, samples, outputs):
    whole = answers(kind, samples, outputs, seed)
    rows = torch.randint(samples, (3, samples), generator=torch.Generator().manual_seed(seed))
    weights = np.stack([np.bincount(row, minlength=samples) for row in rows.numpy()]).astype(float)
    for measure in measures_of(whole):
        found = measure.resampled(whole, weights)
        for row, value in zip(rows, found, strict=True):
            try:
                expected = measure.value(whole.part(row))
            except Undefined:
                expected = np.nan
            np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-9, err_msg=measure.name)


def values(of: Answers) -> dict[str, float]:
    return {measure.name: measure.value(of) for measure in measures_of(of)}


def test_one_label_as_torchmetrics_has_it():
    of = answers("single", 60, 7)
    found, probabilities = values(of), of.outputs.softmax(1)
    classes = {"num_classes": 7}
    assert found == pytest.approx(
        {
            "accuracy": tm.multiclass_accuracy(of.outputs, of.labels, average="micro", **classes).item(),
            "top-5 accuracy": tm.multiclass_accuracy(of.outputs, of.labels, average="micro", top_k=5, **classes).item(),
            "f1-micro": tm.multiclass_f1_score(of.outputs, of.labels, average="micro", **classes).item(),
            "f1-macro": tm.multiclass_f1_score(of.outputs, of.labels, average="macro", **classes).item(),
            "f1-weighted": tm.multiclass_f1_score(of.outputs, of.labels, average="weighted", **classes).item(),
            "mAP": tm.multiclass_average_precision(probabilities, of.labels, **classes).item(),
            "AUROC": tm.multiclass_auroc(probabilities, of.labels, **classes).item(),
            "log-likelihood": -torch.nn.functional.cross_entropy(of.outputs, of.labels).item(),
            "Brier score": (probabilities - torch.eye(7)[of.labels]).square().sum(1).mean().item(),
            "ECE": tm.multiclass_calibration_error(probabilities, of.labels, n_bins=15, **classes).item(),
        },
        abs=1e-5,
    )


def test_several_labels_as_torchmetrics_has_it():
    of = answers("multi", 60, 7)
    found, p = values(of), of.outputs.sigmoid()
    whole, labels = of.labels.long(), {"num_labels": 7}
    assert found == pytest.approx(
        {
            "accuracy": tm.multilabel_accuracy(p, whole, threshold=0.3, average="micro", **labels).item(),
            "all right": tm.multilabel_exact_match(p, whole, threshold=0.3, **labels).item(),
            "f1-micro@0.3": f1("micro", 0.3).score(of.outputs, of.labels),
            "f1-macro@0.3": f1("macro", 0.3).score(of.outputs, of.labels),
            "f1-weighted@0.3": f1("weighted", 0.3).score(of.outputs, of.labels),
            "mAP": tm.multilabel_average_precision(p, whole, **labels).item(),
            "AUROC": tm.multilabel_auroc(p, whole, **labels).item(),
            "log-likelihood": -torch.nn.functional.binary_cross_entropy_with_logits(of.outputs, of.labels).item(),
            "Brier score": (p - of.labels).square().mean().item(),
            "ECE": tm.binary_calibration_error(p.flatten(), whole.flatten(), n_bins=15).item(),
        },
        abs=1e-5,
    )


def test_what_a_task_may_have_as_its_metric_is_among_them():
    """So that an evaluation and the table of a search say the same."""
    for kind in ("single", "multi", "regression"):
        of = answers(kind, 60, 7)
        of = Answers.checked(of.outputs, of.labels, type(of.objective)(), None, None, None)
        found = values(of)
        for name, metric in METRICS.items():
            if (name == "mse") == (kind == "regression"):
                assert found[name] == pytest.approx(metric.score(of.outputs, of.labels), abs=1e-6), (kind, name)


def test_top_five_needs_more_than_five_classes():
    assert "top-5 accuracy" not in values(answers("single", outputs=5))
    assert "top-5 accuracy" in values(answers("single", outputs=6))


def test_great_labels_keep_their_spread():
    labels = torch.tensor([1e6, 1e6 + 1, 1e6 + 2, 1e6 + 3], dtype=torch.float64)
    of = Answers.checked(labels + 0.1, labels, Regression(), None, None, None)
    (explained,) = [measure for measure in measures_of(of) if measure.name == "R²"]
    assert explained.resampled(of, np.ones((1, 4)))[0] == pytest.approx(explained.value(of), abs=1e-3)


def test_one_class_of_several_labels_is_no_pair_of_classes():
    of = Answers.checked([[1.0], [1.0], [-1.0], [-1.0]], [[1], [0], [1], [0]], MultiLabel(), None, None, None)
    assert {name: value for name, value in values(of).items() if name.startswith("f1")} == dict.fromkeys(
        ("f1-micro", "f1-macro", "f1-weighted"), 0.5
    )
