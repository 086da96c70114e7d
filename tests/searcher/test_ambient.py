"""What a caller has set in torch (default type, default device, gradients) changes nothing in a search."""

from __future__ import annotations

import contextlib

import pytest
import torch

import bmnas
from bmnas.compiler.features import FeatureError
from tests.searcher.problems import task_and_store
from tests.searcher.small import CONFIG, TRAIN

SHORT = CONFIG.changed(epochs=1, cells=1, batch_size=12)
SHORT_TRAIN = TRAIN.model_copy(update={"epochs": 1, "batch_size": 12})


@contextlib.contextmanager
def double():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextlib.contextmanager
def other_device():
    """One that computes nothing, so that a tensor which is made there by mistake is noticed."""
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return lambda folder: bmnas.search(
        task_and_store()[0], SHORT, train=SHORT_TRAIN, folder=folder, cache=cache, device="cpu"
    )


@pytest.fixture(scope="module")
def usual(search, tmp_path_factory):
    return search(tmp_path_factory.mktemp("usual") / "run")


@pytest.mark.parametrize("ambient", [double, other_device, torch.no_grad, torch.inference_mode])
def test_the_same_is_found(search, usual, tmp_path, ambient):
    with ambient():
        found = search(tmp_path / "run")
    assert found.genotype.cells == usual.genotype.cells
    assert [row.test for row in found.rows] == [row.test for row in usual.rows]


def test_a_network_of_another_type_than_its_features_says_so(usual):
    with double():
        network = bmnas.compile(usual.genotype)
    features = {name: torch.randn(2, 5, 3) for name in network.features}
    with pytest.raises(FeatureError, match="is float32, but the network's weights are float64: bring one to the type"):
        network(features)
    for one in (network, network.eval().for_inference()):
        assert one({name: feature.double() for name, feature in features.items()}).dtype == torch.float64
    assert network.float()(features).dtype == torch.float32
