"""Modalities that are missing or noisy, in an evaluation and in a training."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.errors import BmnasError
from bmnas.evaluation import Corruption
from bmnas.tasks import Samples
from bmnas.tasks.missing import ModalityDropout, averages
from tests.searcher.problems import NAMES, task_and_store

MODALITIES = {name: name[0] for name in NAMES}


@pytest.fixture(scope="module")
def store():
    return task_and_store()[1]


def test_averages_are_those_of_the_split(store):
    whole = store.split("train")
    for name, found in averages(store.data("train")).items():
        torch.testing.assert_close(found.mean, whole.features[name].mean(0))
        channels = whole.features[name].transpose(0, 1).flatten(1)
        torch.testing.assert_close(found.deviation, channels.std(1, correction=0))


def changed(store, how, size=5):
    data = how.of(store.data("test"), averages(store.data("train")), MODALITIES)
    batches = list(data.batches(data.rows().split(size)))
    return {name: torch.cat([batch.features[name] for batch in batches]) for name in NAMES}


def test_what_is_dropped_is_the_average_and_the_rest_stays(store):
    found, before = changed(store, Corruption(drop=("A",))), store.split("test").features
    means = averages(store.data("train"))
    for name in NAMES:
        expected = means[name].mean.expand_as(before[name]) if name.startswith("A") else before[name]
        assert torch.equal(found[name], expected)


def test_noise_has_the_size_that_is_asked_for_and_is_the_same_in_every_batch(store):
    how = Corruption(noise={"B": 2.0})
    found, before = changed(store, how), store.split("test").features
    assert all(torch.equal(found[name], before[name]) for name in ("A_1", "A_2"))
    deviation = averages(store.data("train"))["B_1"].deviation
    noise = (found["B_1"] - before["B_1"]) / deviation[:, None]
    assert 1.7 < noise.std().item() < 2.3
    assert all(torch.equal(each, found[name]) for name, each in changed(store, how, size=3).items())
    other = changed(store, Corruption(noise={"B": 2.0}, seed=1))
    assert not torch.equal(other["B_1"], found["B_1"])
    assert not torch.equal(found["B_1"] - before["B_1"], found["B_2"] - before["B_2"])


@pytest.mark.parametrize(
    ("drop", "noise", "sentence"),
    [
        (["Image"], {}, "the network has no modality 'Image'; known: 'A', 'B'"),
        ([], {"C": 1.0}, "the network has no modality 'C'"),
        (["A", "b"], {}, "nothing is left without A, B"),
        (["A"], {"A": 1.0}, "modality 'A' is both dropped and noisy"),
        ([], {"A": -0.5}, "the noise of modality 'A' is -0.5"),
        ([], {"A": float("nan")}, "the noise of modality 'A' is nan"),
    ],
)
def test_what_cannot_be_done(drop, noise, sentence):
    with pytest.raises(BmnasError, match=sentence):
        Corruption.checked(drop, noise, 0, ["A", "B"])


def test_it_says_what_it_does():
    how = Corruption.checked(["a"], {"B": 0.5}, 0, ["A", "B", "C"])
    assert how.sentence() == "without A, B with noise of 0.5 deviations"
    assert not Corruption.checked([], {"B": 0.0}, 0, ["A", "B"])


@given(p=st.floats(0.01, 0.99), modalities=st.integers(1, 5), samples=st.integers(1, 40), seed=st.integers(0, 2**62))
def test_no_sample_loses_all(p, modalities, samples, seed):
    names = {f"F_{k}": f"M{k}" for k in range(modalities)}
    lost = ModalityDropout(p, names, {}).lost(samples, seed)
    assert lost.shape == (samples, modalities)
    assert not lost.all(1).any()
    assert torch.equal(lost, ModalityDropout(p, names, {}).lost(samples, seed))


def test_each_modality_is_lost_as_often_as_asked():
    """With two modalities and p = 0.3: lost is p less half of the p² that would have lost both."""
    lost = ModalityDropout(0.3, {"A_1": "A", "B_1": "B"}, {}).lost(20_000, 0).double().mean(0)
    torch.testing.assert_close(lost, torch.full((2,), 0.3 - 0.09 / 2, dtype=torch.float64), atol=0.01, rtol=0)


def test_all_features_of_a_modality_are_lost_together_and_parts_have_their_own_seeds(store):
    batch, means = store.split("train"), {name: each.mean for name, each in averages(store.data("train")).items()}
    drop = ModalityDropout(0.5, MODALITIES, means)
    found = drop(batch, 3, 4)
    lost = torch.cat([drop.lost(24, 3), drop.lost(24, 4)])
    for name in NAMES:
        gone = lost[:, "AB".index(name[0])]
        assert torch.equal(found.features[name][~gone], batch.features[name][~gone])
        assert torch.equal(found.features[name][gone], means[name].expand(int(gone.sum()), -1, -1))
    first = drop(Samples({name: each[:24] for name, each in batch.features.items()}, batch.labels[:24]), 3)
    assert torch.equal(first.features["A_1"], found.features["A_1"][:24])
