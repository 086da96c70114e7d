from __future__ import annotations

import torch

from bmnas.taps import run_taps
from bmnas.tasks.models.text_mlp import TextMLP


def test_layers_have_the_sizes_that_are_said() -> None:
    network = TextMLP(5, 100, width=8).eval()
    bag = torch.rand(3, 100)
    taps = {name: name for name in ("layer1", "layer2", "layer3")}
    assert [tuple(found.shape) for found in run_taps(network, taps, bag).values()] == [(3, 16), (3, 8), (3, 8)]
    assert network(bag).shape == (3, 5)


def test_words_are_left_out_in_training_alone() -> None:
    torch.manual_seed(0)
    network, bag = TextMLP(5, 100), torch.rand(3, 100)
    assert not torch.equal(network(bag), network(bag))
    network.eval()
    assert torch.equal(network(bag), network(bag))
