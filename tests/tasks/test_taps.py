from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bmnas.genotype import BmnasError
from bmnas.tasks.taps import run_taps


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.twice = nn.ReLU(inplace=True)
        self.unused = nn.Linear(2, 2)
        self.pair = Pair()
        self.flat = Flat()

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.twice(self.first(x))
        self.flat(hidden)
        return self.twice(self.pair(hidden)[0])


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


class Flat(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(dim=1)


def hooks(module: nn.Module) -> int:
    return sum(len(part._forward_hooks) for part in module.modules())


def test_taps_give_the_outputs_of_submodules_before_later_layers_change_them_in_place() -> None:
    net, x = Net(), torch.randn(5, 3)
    features = run_taps(net, {"A": "first", "B": "first"}, x)
    assert list(features) == ["A", "B"]
    assert (features["A"] < 0).any()
    torch.testing.assert_close(features["A"], net.first(x), rtol=0, atol=0)
    assert hooks(net) == 0


def test_the_whole_network_can_be_tapped() -> None:
    net, x = Net(), torch.randn(5, 3)
    assert torch.equal(run_taps(net, {"A": ""}, x)["A"], net(x))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("frist", r"feature 'A' taps 'frist', which the backbone lacks; did you mean 'first'\?"),
        ("unused", r"feature 'A' taps 'unused', which does not run"),
        ("twice", r"feature 'A' taps 'twice', which runs 2 times"),
        ("pair", r"feature 'A' taps 'pair', which returns a tuple, not a tensor"),
        ("flat", r"feature 'A' taps 'flat', which returns shape \(5,\)"),
    ],
)
def test_a_tap_that_gives_no_feature_is_refused(name: str, sentence: str) -> None:
    net = Net()
    with pytest.raises(BmnasError, match=sentence):
        run_taps(net, {"A": name}, torch.randn(5, 3))
    assert hooks(net) == 0


def test_hooks_are_removed_when_the_network_fails() -> None:
    net = Net()
    with pytest.raises(RuntimeError):
        run_taps(net, {"A": "first"}, torch.randn(5, 7))
    assert hooks(net) == 0
