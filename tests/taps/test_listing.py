from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

from bmnas.taps import NotTraceable, Tap, TapError, Tapped, list_nodes, list_taps
from tests.taps.nets import Net, Residual, Words


class Sideways(nn.LayerNorm):
    """As timm's LayerNorm2d: normalises along axis 1."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def names(module: nn.Module, inputs: object) -> list[str]:
    return [place.tap.node for place in list_taps(module, inputs)]


def test_what_runs_in_the_order_it_finishes() -> None:
    # `flat` returns no axis but the batch, `unused` does not run, `pair` returns two tensors.
    assert names(Net(), torch.randn(5, 3)) == ["first", "twice", "pair", "pair", "twice_1", ""]
    places = {place.tap: place for place in list_taps(Net(), torch.randn(5, 3))}
    assert places[Tap("first")].shape == (5, 4)
    assert places[Tap("first")].kind == "Linear"
    assert places[Tap("pair", item=1)].shape == (5, 4)
    assert (places[Tap("twice")].call, places[Tap("twice_1")].call) == (0, 1)


@pytest.mark.parametrize("kind", [Net, Residual, Words])
def test_every_place_can_be_tapped_and_has_that_shape(kind: type[nn.Module]) -> None:
    net = kind().eval()
    if isinstance(net, Residual):
        net.classify = nn.Identity()
    inputs = {
        Net: torch.randn(2, 3),
        Residual: torch.randn(2, 3, 5, 5),
        Words: {"input_ids": torch.randint(50, (2, 7)), "attention_mask": torch.ones(2, 7)},
    }[kind]
    for place in list_taps(net, inputs):
        if place.batch_first:
            feature = Tapped(net, {"A": place.tap})(inputs)["A"]
            moved = list(place.shape)
            moved.insert(1, moved.pop(place.tap.axis))
            assert feature.shape == tuple(moved)


def test_axes_of_channels() -> None:
    words = {place.tap.node: place for place in list_taps(Words(), torch.randint(50, (2, 7)))}
    assert words["embed"].tap.axis == words["embed"].axis == -1
    assert words["rnn"].batch_first is False  # its last item is the state, (1, B, C)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(2), Turned(), nn.Linear(8, 8))
    assert [place.axis for place in list_taps(net, torch.randn(2, 3, 9, 9))][:-1] == [1, 1, 1, None, None, -1]
    net = nn.Sequential(nn.Conv2d(3, 8, 3), Sideways(8))
    assert [place.axis for place in list_taps(net, torch.randn(2, 3, 9, 9))] == [1, 1, 1]
    swin = torchvision.models.swin_transformer.SwinTransformerBlock(8, 2, [3, 3], [0, 0])
    assert list_taps(swin, torch.randn(2, 6, 6, 8))[-1].axis == -1


class Turned(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


def test_parameters_up_to_there() -> None:
    net = torchvision.models.resnet18()
    places = {place.tap.node: place for place in list_taps(net, torch.randn(2, 3, 32, 32))}
    assert places["conv1"].parameters == net.conv1.weight.numel()
    before_fc = sum(parameter.numel() for name, parameter in net.named_parameters() if not name.startswith("fc"))
    assert places["layer4"].parameters == before_fc
    assert places[""].parameters == sum(parameter.numel() for parameter in net.parameters())
    attention = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True))
    assert list_taps(attention, torch.randn(2, 5, 8))[-1].parameters == sum(p.numel() for p in attention.parameters())


def test_depth_leaves_lists_out() -> None:
    class Deep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Sequential(nn.Linear(3, 3)), nn.Linear(3, 3)])

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x)
            return x

    depths = {place.tap.node: place.depth for place in list_taps(Deep(), torch.randn(2, 3))}
    assert depths == {"layers.0.0": 2, "layers.0": 1, "layers.1": 1, "": 0}


def test_the_network_stays_as_it_was() -> None:
    net = Residual().train()
    net.classify = nn.Identity()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = torch.get_rng_state()
    list_taps(net, torch.randn(2, 3, 5, 5, generator=torch.Generator()))
    list_nodes(net, torch.randn(2, 3, 5, 5, generator=torch.Generator()))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert net.norm.training
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())


def test_a_network_that_fails_is_refused_in_a_sentence() -> None:
    net = Net()
    with pytest.raises(TapError, match=r"the backbone cannot run on the sample: RuntimeError: .*mat1 and mat2"):
        list_taps(net, torch.randn(5, 7))
    assert not any(part._forward_hooks for part in net.modules())


def test_operations_between_modules() -> None:
    net = torchvision.models.resnet18().eval()
    image = torch.randn(2, 3, 32, 32)
    places = {place.tap.node: place for place in list_nodes(net, image)}
    assert places["layer1.0.add"].shape == (2, 64, 8, 8)
    assert "conv1" not in places
    torch.testing.assert_close(
        Tapped(net, {"A": "layer1.0.add"})(image)["A"].relu(), Tapped(net, {"A": "layer1.0"})(image)["A"]
    )
    with pytest.raises(NotTraceable):
        list_nodes(Words(), {"input_ids": torch.randint(50, (2, 7)), "attention_mask": torch.ones(2, 7)})
