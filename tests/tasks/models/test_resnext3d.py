"""The 3D ResNeXt-101 computes the golden numbers of the released networks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bmnas.taps import Tapped
from bmnas.tasks.models.resnext3d import ResNeXt3D
from tests import paper_golden

TAPS = {"tap1": "layer2", "tap2": "layer3", "tap3": "layer4", "tap4": "avgpool", "logits": "fc"}
CHANNELS = {"ego-rgb": 3, "ego-depth": 1}
LABELS = torch.tensor([0, 7, 31, 82])
BOUND = 1e-9


def network(tag: str, **options) -> ResNeXt3D:
    # Weights are loaded, so the seconds that drawing them takes are spared.
    with torch.device("meta"):
        module = ResNeXt3D(83, CHANNELS[tag], **options)
    module.load_state_dict(paper_golden.state(tag), assign=True)
    return module.double().eval()


def outputs(module: ResNeXt3D, clips: Tensor) -> dict[str, Tensor]:
    return Tapped(module, TAPS)(clips)


def test_the_names_and_shapes_are_those_of_the_released_networks():
    for tag, channels in CHANNELS.items():
        with torch.device("meta"):
            module = ResNeXt3D(83, channels)
        known = paper_golden.backbones()[tag]
        found = {name: list(value.shape) for name, value in module.state_dict().items()}
        assert found == {name: shape for name, (shape, _) in known["state_dict"].items()}
        assert sum(parameter.numel() for parameter in module.parameters()) == known["parameters"]


CASES = [("small", (1, 1, 1)), pytest.param("paper", (2, 4, 4), marks=pytest.mark.slow)]


@pytest.mark.parametrize("tag", CHANNELS)
@pytest.mark.parametrize(("case", "pool"), CASES)
def test_taps_and_logits_are_the_golden_ones(tag, case, pool):
    with torch.no_grad():
        found = outputs(network(tag, pool=pool), paper_golden.input_of(tag, case))
    assert set(found) == set(paper_golden.backbones()[tag]["cases"][case]["outputs"])
    assert paper_golden.compare(tag, case, found) < BOUND


@pytest.mark.slow
@pytest.mark.parametrize("tag", CHANNELS)
def test_a_training_step_is_the_golden_one(tag):
    module = network(tag, pool=(1, 2, 2)).train()
    clips, known = paper_golden.input_of(tag, "train"), paper_golden.backbones()[tag]["train"]
    found = outputs(module, clips)
    loss = torch.nn.functional.cross_entropy(found["logits"], LABELS)
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
    assert abs(loss.item() / known["loss"] - 1) < BOUND
    assert paper_golden.compare(tag, "train", found) < BOUND
    assert paper_golden.compare_step(tag, module, gradients) < BOUND
    with torch.no_grad():
        for parameter in module.parameters():
            assert parameter.grad is not None
            parameter -= 0.01 * parameter.grad
        after = module.eval()(clips)
    kept = {"shape": list(after.shape), **known["logits_after_sgd"]}
    assert paper_golden._output_error(f"{tag}/train/logits_after_sgd", after, kept) < BOUND
