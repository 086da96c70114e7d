from __future__ import annotations

import pytest
import torch

from bmnas.taps import run_taps
from bmnas.tasks.models.maxout_mlp import Maxout, MaxoutMLP
from tests import paper_golden as golden
from tests.tasks.models.multi_label_step import worst_error

TAG = "mmimdb-text"
TAPS = {"tap1": "op1", "tap2": "op3", "logits": "hid2val"}


@pytest.fixture
def network() -> MaxoutMLP:
    network = MaxoutMLP(23, dropout=0.0)
    golden.fill(network, TAG)
    return network


def test_it_has_the_entries_of_the_released_network(network: MaxoutMLP) -> None:
    assert list(network.state_dict()) == list(golden.backbones()[TAG]["state_dict"])
    assert sum(each.numel() for each in network.parameters()) == golden.backbones()[TAG]["parameters"] == 141_271


def test_taps_and_logits_are_the_golden_ones(network: MaxoutMLP) -> None:
    network.eval()
    vector = golden.input_of(TAG, "paper")
    outputs = run_taps(network, TAPS, vector)
    assert golden.compare(TAG, "paper", outputs) < 1e-9


def test_a_training_step_is_the_golden_one(network: MaxoutMLP) -> None:
    assert worst_error(TAG, network, TAPS) < 1e-9


def test_a_maxout_is_the_greatest_of_five_neighbours() -> None:
    layer, x = Maxout(3, 4), torch.randn(2, 3)
    pieces = layer.lin(x)
    assert torch.equal(layer(x), torch.stack([pieces[:, 5 * m : 5 * m + 5].max(1).values for m in range(4)], 1))


def test_numbers_are_left_out_in_training_alone() -> None:
    torch.manual_seed(0)
    network, vector = MaxoutMLP(23), torch.randn(4, 300)
    assert not torch.equal(network(vector), network(vector))
    network.eval()
    assert torch.equal(network(vector), network(vector))
