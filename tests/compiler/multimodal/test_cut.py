"""Backbones that torch.fx can trace are cut after their last tap."""

from __future__ import annotations

import copy

import pytest
import torch
import torchvision
from torchvision.models.feature_extraction import get_graph_node_names

from bmnas.compiler.multimodal import Tap, assemble
from bmnas.taps import tracing
from tests.compiler.multimodal.nets import Maps, fusing

IMAGE = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))


def tapped(net, node, training=False, image=IMAGE, **how):
    """What the model gives for one tap."""
    torch.manual_seed(1)
    genotype = fusing(("A", "Image", None))
    model = assemble(genotype, {"Image": net}, {"A": Tap(node, **how)}, examples={"Image": image}).train(training)
    assert model.modalities == ("Image",)
    torch.manual_seed(2)
    return model.features({"Image": image})["A"]


def by_hand(net, image=IMAGE, training=False):
    """What the places of `Maps` give, said once more."""
    net = copy.deepcopy(net).train(training)
    found = {"conv_1": net.conv_1(image)}
    found["norm"] = net.norm(found["conv_1"])
    found["relu"] = found["norm"].relu()
    found["block"] = net.block(found["relu"])
    found["relu_1"] = (found["block"] - 0.1).relu()
    found["block_1"] = net.block(found["relu_1"])
    found["block.1_1"] = found["block_1"]
    found["pair"] = found["block_1"] * 2
    found["add"] = found["block_1"] * 3 - 1
    return {name: value.detach() for name, value in found.items()}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "node", ["conv_1", "norm", "relu", "block", "relu_1", "block_1", "block.1_1", "add", "pair", "counted", ""]
)
def test_every_place_gives_what_the_code_computes_there(node, training):
    net = Maps()
    net.last = torch.nn.Identity()
    if training and node in ("counted", ""):
        zeros = tapped(net, node, training) == 0
        assert zeros.float().mean() > 0.5  # two dropouts of one half
        return
    how = {"item": 0} if node == "pair" else {}
    expected = by_hand(net, training=training)["add" if node in ("counted", "") else node]
    torch.testing.assert_close(tapped(net, node, training, **how).detach(), expected)


def test_nothing_after_the_last_tap_runs_or_is_stored():
    net = Maps()
    model = assemble(fusing(("block", "Image", 4), ("drop", "Image", 4), used=1), {"Image": net})
    model({"Image": IMAGE})
    kept = {name for name in model.state_dict() if name.startswith("backbones.Image.")}
    assert {name.split(".")[2] for name in kept} == {"conv_1", "norm", "block"}
    assert not any(hasattr(model.backbones["Image"], name) for name in ("pair", "drop", "counted", "last"))


def test_the_names_of_weights_are_those_of_the_backbone():
    net = torchvision.models.resnet18(weights=None)
    model = assemble(fusing(("layer2", "Image", 128)), {"Image": net})
    state = model.backbones["Image"].state_dict()
    own = net.state_dict()
    assert {name.split(".")[0] for name in state} == {"conv1", "bn1", "layer1", "layer2"}
    assert set(state) <= set(own)
    assert all(torch.equal(state[name], own[name]) for name in state)


def test_buffers_that_are_not_stored_stay_so():
    class Shifted(Maps):
        def __init__(self):
            super().__init__()
            self.register_buffer("shift", torch.ones(1), persistent=False)

        def forward(self, x):
            return super().forward(x + self.shift)

    model = assemble(fusing(("conv_1", "Image", 4)), {"Image": Shifted()})
    assert "backbones.Image.shift" in dict(model.named_buffers())
    assert "backbones.Image.shift" not in model.state_dict()


def small_vgg():
    layers = torchvision.models.vgg.make_layers([8, "M", 8, "M", 16], batch_norm=True)
    with torch.device("meta"):
        net = torchvision.models.VGG(torch.nn.Sequential(), init_weights=False)
    net.features, net.classifier = layers, torch.nn.Identity()
    return net


def small_swin():
    return torchvision.models.SwinTransformer([4, 4], 8, [1, 2], [1, 2], [4, 4])


MODELS = {
    torchvision.models.resnet18: (["layer1", "layer1.0.relu", "layer1.0.relu_1", "layer2.0.add", "layer4"], 1),
    small_vgg: (["features.0", "features.1", "features.2", "features.9"], 1),
    torchvision.models.mobilenet_v3_small: (["features.0", "features.0.1", "features.3.add", "features.5"], 1),
    small_swin: (["features.1", "features.3", "permute"], -1),
}


@pytest.mark.parametrize("make", MODELS)
def test_torchvision_models_by_node_name(make):
    torch.manual_seed(0)
    net = make().eval()
    nodes, axis = MODELS[make]
    image = torch.randn(2, 3, 64, 64)
    expected = {}

    def recorder(node):
        def record(_module, _inputs, output):
            expected.setdefault(node, output.clone())

        return record

    hooks = [m.register_forward_hook(recorder(n)) for n, m in net.named_modules() if n in nodes]
    with torch.no_grad():
        net(image)
    for hook in hooks:
        hook.remove()
    axes = {node: 1 if node == "permute" else axis for node in nodes}
    taps = {node: Tap(node, axis=axes[node]) for node in nodes}
    model = assemble(fusing(*[(n, "Image", None) for n in nodes]), {"Image": net}, taps, examples={"Image": image})
    with torch.no_grad():
        found = model.eval().features({"Image": image})
    assert expected
    for node, value in expected.items():
        torch.testing.assert_close(found[node], value.movedim(axes[node], 1))
    # every name that torchvision gives is one here too, but for those of modules that end in a number
    ours = tracing.trace(net)[False][1]
    assert set(get_graph_node_names(net, suppress_diff_warning=True)[1]) - {"output"} <= set(ours)


def test_each_mode_has_its_own_graph():
    """googlenet runs its auxiliary classifiers in training, between the layers; nothing needs them here."""
    net = torchvision.models.googlenet(weights=None, init_weights=False)
    model = assemble(fusing(("inception4e", "Image", 832)), {"Image": net})
    assert not any("aux" in name or "inception5" in name for name in model.state_dict())
    image = torch.randn(2, 3, 64, 64)
    before = model.backbones["Image"].conv1.bn.running_mean.clone()
    model.eval()
    assert torch.equal(model({"Image": image}), model({"Image": image}))
    assert torch.equal(before, model.backbones["Image"].conv1.bn.running_mean)
    model.train()({"Image": image})
    assert not torch.equal(before, model.backbones["Image"].conv1.bn.running_mean)


def test_a_frozen_batch_norm_stays_frozen():
    net = Maps().train()
    net.norm.eval()
    model = assemble(fusing(("block", "Image", 4)), {"Image": net}, examples={"Image": IMAGE})
    assert model.training
    assert not model.backbones["Image"].norm.training
    assert model.backbones["Image"].training
    before = model.backbones["Image"].norm.running_mean.clone()
    model({"Image": IMAGE})
    assert torch.equal(before, model.backbones["Image"].norm.running_mean)


class Deceiving(Maps):
    """A proxy is no tensor, so its trace goes another way than its code."""

    def forward(self, x):
        return self.conv_1(x * 2 if isinstance(x, torch.Tensor) else x)


class Noisy(Maps):
    """The noise would be a constant in the trace."""

    def forward(self, x):
        return self.conv_1(x + torch.randn(3, 1, 1))


def test_a_trace_is_checked_on_the_example():
    net = Deceiving()
    torch.testing.assert_close(tapped(net, "conv_1"), net.conv_1(IMAGE * 2))


def test_what_is_random_in_the_code_is_so_in_the_model():
    net = Noisy()
    model = assemble(fusing(("conv_1", "Image", 4)), {"Image": net}, examples={"Image": IMAGE}).eval()
    assert not torch.equal(model({"Image": IMAGE}), model({"Image": IMAGE}))


class Effects(Maps):
    """Work in place whose result nobody takes."""

    def forward(self, x):
        x = self.conv_1(x)
        torch.relu_(x)
        x.mul_(2)
        x[:, 0] = 7
        torch.nn.functional.relu(x.sub_(1), inplace=True)
        return self.norm(x)


def test_work_in_place_is_no_dead_code():
    net = Effects().eval()
    torch.testing.assert_close(tapped(net, "norm"), net(IMAGE))
