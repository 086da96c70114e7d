"""A genotype and backbones become one module, or one sentence says why not."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from bmnas.compiler import compile_genotype
from bmnas.compiler.multimodal import InputError, MultimodalNetwork, Tap, TapError, assemble
from bmnas.errors import BmnasError, GenotypeError
from tests.compiler.multimodal.nets import Maps, Words, fusing

IMAGE = torch.randn(4, 3, 9, 9, generator=torch.Generator().manual_seed(0))
WORDS = torch.randint(1, 20, (4, 7), generator=torch.Generator().manual_seed(0))
INPUTS = {"Image": IMAGE, "Text": WORDS}
FEATURES = (("conv_1", "Image", 4), ("block", "Image", 4), ("W", "Text", 8), ("unused", "Sound", 5))
TAPS = {"W": Tap("blocks.1", axis=-1)}


def backbones():
    torch.manual_seed(0)
    return {"Image": Maps(), "Text": Words()}


def whole(fusion=None, given=None, **changes) -> MultimodalNetwork:
    how = {"taps": TAPS, "examples": {"Text": WORDS}} | changes
    return assemble(fusion or fusing(*FEATURES, used=3), given or backbones(), **how)


def test_logits_are_those_of_the_fusion_network_on_the_features():
    model = whole().eval()
    features = model.features(INPUTS)
    assert list(features) == ["conv_1", "block", "W"]
    assert torch.equal(model(INPUTS), model.fusion(features))
    assert model(INPUTS).shape == (4, 3)
    assert model.modalities == ("Image", "Text")


def test_a_trained_network_keeps_its_weights():
    network = compile_genotype(fusing(*FEATURES, used=3))
    model = whole(network).eval()
    features = model.features(INPUTS)
    assert torch.equal(model(INPUTS), network.eval()(features))
    model.fusion.get_parameter("output.head.bias").data.add_(1)
    assert not torch.equal(model(INPUTS), network(features))


def test_a_network_for_inference():
    network = compile_genotype(fusing(*FEATURES, used=3))
    model, slower = whole(network.for_inference()).eval(), whole(network).eval()
    with torch.no_grad():
        torch.testing.assert_close(model(INPUTS), slower(INPUTS), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_backbones_of_another_type_before_a_network_for_inference(dtype):
    network = compile_genotype(fusing(*FEATURES, used=3))
    given = {name: net.to(dtype) for name, net in backbones().items()}
    examples = {"Text": WORDS, "Image": IMAGE.to(dtype)}
    model, slower = (whole(each, given, examples=examples).eval() for each in (network.for_inference(), network))
    inputs = {**INPUTS, "Image": IMAGE.to(dtype)}
    assert {feature.dtype for feature in model.features(inputs).values()} == {torch.float32}
    with torch.no_grad():
        torch.testing.assert_close(model(inputs), slower(inputs), rtol=1e-4, atol=1e-5)


def test_what_is_given_stays_as_it_was():
    given = backbones()
    given["Image"].norm.eval()
    states = copy.deepcopy({name: net.state_dict() for name, net in given.items()})
    modes = [module.training for net in given.values() for module in net.modules()]
    model = whole(given=given).to(torch.float64).eval()
    model({"Image": IMAGE.double(), "Text": WORDS})
    model.train()
    loss = model({"Image": IMAGE.double(), "Text": WORDS}).square().sum()
    loss.backward()
    torch.optim.SGD(model.parameters(), 0.1).step()
    assert modes == [module.training for net in given.values() for module in net.modules()]
    for name, net in given.items():
        assert all(not module._forward_hooks and not module._forward_pre_hooks for module in net.modules())
        assert all(parameter.grad is None for parameter in net.parameters())
        for key, value in net.state_dict().items():
            assert value.dtype == states[name][key].dtype
            assert torch.equal(value, states[name][key])


def test_gradients_reach_both_backbones():
    model = whole()
    model(INPUTS).square().sum().backward()
    without = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    assert not [name for name in without if name.startswith("backbones")], without
    with torch.no_grad():
        assert not model(INPUTS).requires_grad


def test_a_modality_of_which_nothing_is_used_needs_nothing():
    model = whole()
    assert model({**INPUTS, "Sound": torch.zeros(1)}).shape == (4, 3)
    given = whole(given={**backbones(), "Sound": nn.Linear(2, 2)}, taps={**TAPS, "unused": "anything"})
    assert list(given.backbones) == ["Image", "Text"]


def test_modalities_of_any_name():
    names = ["keys", "a.b", "a b", "training"]
    genotype = fusing(*[(f"F{number}", name, 4) for number, name in enumerate(names)])
    model = assemble(genotype, dict.fromkeys(names, Maps()), {f"F{number}": "block" for number in range(4)})
    assert model(dict.fromkeys(names, IMAGE)).shape == (4, 3)
    assert list(model.backbones) == ["keys_", "a_b", "a_b_2", "training_"]


def test_channels_come_from_an_example():
    unknown = fusing(("conv_1", "Image", None))
    model = assemble(unknown, {"Image": Maps()}, examples={"Image": IMAGE})
    assert model.genotype.feature("conv_1").channels == 4
    assert model.fusion.genotype == model.genotype
    with pytest.raises(
        GenotypeError, match=r"channels of feature 'conv_1' are not known; .* example input of modality"
    ):
        assemble(unknown, {"Image": Maps()})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"given": {"Image": Maps()}}, r"^modality 'Text' has no backbone, but the network uses its features W$"),
        ({"given": {**backbones(), "Imgae": Maps()}}, r"backbone is given for 'Imgae', .*did you mean 'Image'\?"),
        ({"given": {"Image": Maps, "Text": Words()}}, r"backbone of modality 'Image' is a type, not a torch module"),
        ({"taps": {**TAPS, "blcok": "x"}}, r"tap is given for 'blcok', .*did you mean 'block'\?"),
        ({"taps": {**TAPS, "block": 3}}, r"the tap of feature 'block' is a int, but should be a name or a Tap"),
        (
            {"taps": {**TAPS, "block": "blokc"}},
            r"'block' taps 'blokc', which .* 'Image' lacks \(.*\); did you mean 'block'\?",
        ),
        (
            {"taps": {"W": "blocks.9"}},
            r"'W' taps 'blocks.9', which .* 'Text' lacks \(.*\); did you mean 'blocks\.\d'\?",
        ),
        ({"taps": {}}, r"feature 'W' taps 'W', which the backbone of modality 'Text' lacks"),
        ({"examples": {"Txet": WORDS}}, r"example is given for 'Txet', .*did you mean 'Text'\?"),
        ({"examples": {}}, r"give an example input, examples=\{'Text': \.\.\.\}"),
        (
            {"taps": {"W": "rnn"}},
            r"'W' taps 'rnn', which returns a tuple of 2, not a tensor; Tap\('rnn', item=\.\.\.\) takes",
        ),
        (
            {"taps": {"W": "blocks.1"}},
            r"\(4, 7, 8\), .* 8 channels, as axis 1; Tap\('blocks.1', axis=-1\) takes axis -1",
        ),
        ({"taps": {"W": Tap("blocks.1", axis=3)}}, r"shape \(4, 7, 8\), which has no axis 3"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(changes, sentence):
    with pytest.raises(BmnasError, match=sentence) as caught:
        whole(**changes)
    assert "\n" not in str(caught.value)


def test_a_genotype_is_needed():
    with pytest.raises(TypeError, match="not a dict"):
        whole({"format": "bmnas/1"})


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"Image": IMAGE}, r"the input of modality 'Text' is missing; the model needs Image, Text"),
        ({**INPUTS, "Txt": WORDS}, r"'Txt' is not a modality of the genotype; did you mean 'Text'\?"),
        (IMAGE, r"the inputs are a Tensor, but should be given by modality"),
    ],
)
def test_inputs_that_are_not_the_modalities(inputs, sentence):
    with pytest.raises(InputError, match=sentence):
        whole()(inputs)


def test_a_backbone_that_gives_another_shape_than_the_genotype_says():
    model = assemble(fusing(("block", "Image", 5)), {"Image": Maps()})
    with pytest.raises(TapError, match=r"'block' taps 'block', which returns shape \(4, 4, 7, 7\), but .* 5 channels"):
        model({"Image": IMAGE})
