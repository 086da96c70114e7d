"""Heads of features: the optimum of scikit-learn, the way that held-out samples prefer, the same whatever the order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression, Ridge

from bmnas.fit.folds import folds
from bmnas.fit.heads import HeadsFit, choose_fit, choose_fits
from bmnas.fit.linear import fit_apart, fit_joint, summed

CLASSES = 3


def views(count: int = 240, seed: int = 0, noise: float = 1.0) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Two features that tell of the class additively."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (count,), generator=random)
    xs = [
        torch.randn(CLASSES, width, generator=random)[labels] + noise * torch.randn(count, width, generator=random)
        for width in (4, 7)
    ]
    return xs, labels


def test_together_they_are_a_logistic_regression():
    xs, labels = views()
    l2 = 0.02
    heads = fit_joint(xs, labels, F.cross_entropy, CLASSES, l2, steps=2000, tolerance=1e-12)
    theirs = LogisticRegression(C=1 / (l2 * len(labels)), tol=1e-8, max_iter=5000).fit(torch.cat(xs, 1), labels)
    ours = summed(heads, xs).softmax(1)
    assert np.abs(ours.numpy() - theirs.predict_proba(torch.cat(xs, 1))).max() < 1e-3


def test_of_numbers_they_are_a_ridge_regression():
    xs, _ = views()
    labels = xs[0] @ torch.arange(4.0)[:, None] + xs[1] @ torch.arange(7.0)[:, None] + 3
    (a, b) = fit_joint(xs, labels, F.mse_loss, 1, 0.5, steps=2000, tolerance=1e-12)
    theirs = Ridge(alpha=0.25 * len(labels)).fit(torch.cat(xs, 1), labels)
    np.testing.assert_allclose(torch.cat([a.weight, b.weight], 1).numpy(), theirs.coef_.reshape(1, -1), rtol=1e-2)


def test_apart_each_is_what_it_is_alone():
    xs, labels = views()
    heads = fit_apart(xs, labels, F.cross_entropy, CLASSES, 0.1)
    for head, x in zip(heads, xs, strict=True):
        alone = fit_joint([x], labels, F.cross_entropy, CLASSES, 0.1)[0]
        torch.testing.assert_close(head.weight, alone.weight)
        torch.testing.assert_close(head.bias, alone.bias)


def test_a_beginning_changes_the_way_and_not_the_result():
    xs, labels = views()
    options = {"steps": 2000, "tolerance": 1e-12}
    begin = fit_joint(xs, labels, F.cross_entropy, CLASSES, 1.0)
    one = fit_joint(xs, labels, F.cross_entropy, CLASSES, 0.1, **options)
    other = fit_joint(xs, labels, F.cross_entropy, CLASSES, 0.1, begin, **options)
    torch.testing.assert_close(summed(one, xs), summed(other, xs), atol=2e-3, rtol=1e-2)


def test_its_loss_is_that_of_samples_that_were_held_out():
    xs, labels = views()
    cut = folds(labels, None, 3, 0)
    fit = choose_fit(xs, labels, F.cross_entropy, CLASSES, cut, way="joint", l2=0.1)
    parts = []
    for fitted, held in cut:
        heads = fit_joint([x[fitted] for x in xs], labels[fitted], F.cross_entropy, CLASSES, 0.1)
        parts.append(F.cross_entropy(summed(heads, [x[held] for x in xs]), labels[held], reduction="sum"))
    assert fit.loss == pytest.approx(float(sum(parts)) / len(labels), rel=1e-2)
    assert torch.equal(fit.held_out, torch.arange(len(labels)))
    assert F.cross_entropy(fit.outputs, labels).item() == pytest.approx(fit.loss, rel=1e-5)


def test_noise_asks_for_a_great_penalty_and_signal_for_a_small_one():
    (clear, labels), random = views(noise=0.3), torch.Generator().manual_seed(1)
    cut = folds(labels, None, 3, 0)
    noise = [torch.randn(x.shape, generator=random) for x in clear]
    greatest = choose_fit(noise, labels, F.cross_entropy, CLASSES, cut)
    assert greatest.l2 > choose_fit(clear, labels, F.cross_entropy, CLASSES, cut).l2
    assert greatest.loss == pytest.approx(np.log(CLASSES), abs=0.05)


def test_a_feature_of_noise_counts_little_in_a_sum_of_heads():
    (clear, labels), random = views(noise=0.5), torch.Generator().manual_seed(1)
    xs = [clear[0], torch.randn(len(labels), 40, generator=random)]
    fit = choose_fit(xs, labels, F.cross_entropy, CLASSES, folds(labels, None, 3, 0), way="apart", l2=1e-3)
    assert fit.factors[1] < 0.5 < fit.factors[0]


def test_a_subset_gets_what_it_gets_alone():
    xs, labels = views()
    cut = folds(labels, None, 3, 0)
    both, first = choose_fits(xs, labels, F.cross_entropy, CLASSES, cut, [[0, 1], [0]])
    assert both.loss < first.loss
    alone = choose_fit(xs[:1], labels, F.cross_entropy, CLASSES, cut)
    assert (first.l2, first.apart, first.factors) == (alone.l2, alone.apart, alone.factors)
    assert first.loss == alone.loss


def test_what_nothing_has_chosen_is_given():
    xs, labels = views()
    fit = HeadsFit.given(True, None, 2, labels, CLASSES)
    assert fit.apart and fit.l2 == 1e-2 and fit.factors == (1, 1)
    theirs = fit_apart(xs, labels, F.cross_entropy, CLASSES, 1e-2)
    for ours, other in zip(fit.heads(xs, labels, F.cross_entropy), theirs, strict=True):
        torch.testing.assert_close(ours.weight, other.weight)
