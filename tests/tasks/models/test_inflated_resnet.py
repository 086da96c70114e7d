"""The inflated ResNet-50: golden numbers, and that it is the 2D network frame by frame."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet50

from bmnas.errors import BmnasError
from bmnas.taps import run_taps
from bmnas.tasks.models.inflated_resnet import InflatedResNet50, inflated
from tests.paper_golden import _output_error, backbones, compare, entry, fill, input_of, unit
from tests.tasks.models.golden_step import check_step

TAG = "ntu-video"
TAPS = {
    "layer1": "cnn.layer1",
    "tap1": "cnn.layer2",
    "tap2": "cnn.layer3",
    "tap3": "cnn.layer4",
    "tap4": "pool",
    "logits": "classifier",
}
MAPS = {"layer1": "layer1", "tap1": "layer2", "tap2": "layer3", "tap3": "layer4"}


def golden() -> InflatedResNet50:
    module = InflatedResNet50(60).eval()
    fill(module, TAG)
    return module


def of_maps(module: InflatedResNet50, clips: Tensor) -> Mapping[str, Tensor]:
    """Clips that are too small for the pool: the convolutions alone, and the classifier on the plain mean."""
    found = run_taps(module.cnn, MAPS, clips)
    return {**found, "logits": module.classifier(found["tap3"].mean((2, 3, 4)))}


def test_small_maps_are_the_golden_ones() -> None:
    module = golden()
    with torch.no_grad():
        assert compare(TAG, "maps-small", of_maps(module, input_of(TAG, "maps-small"))) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("case", ["224", "paper"])
def test_clips_of_the_papers_size_give_the_golden_numbers(case: str) -> None:
    module = golden()
    with torch.no_grad():
        assert compare(TAG, case, run_taps(module, TAPS, input_of(TAG, case))) < 1e-12


@pytest.mark.slow
def test_it_trains_by_the_golden_numbers() -> None:
    module = golden()
    check_step(TAG, "maps-train", module, lambda: of_maps(module, input_of(TAG, "maps-train")))


def test_it_has_the_released_names() -> None:
    with torch.device("meta"):
        module = InflatedResNet50(60)
    listing = backbones()[TAG]["state_dict"]
    assert {name: list(value.shape) for name, value in module.state_dict().items()} == {
        name: shape for name, (shape, _) in listing.items()
    }
    assert sum(parameter.numel() for parameter in module.parameters()) == 46_265_468


def test_an_inflated_network_is_the_2d_network_frame_by_frame() -> None:
    images = resnet50(weights=None).double().eval()
    module = InflatedResNet50(60).double().eval()
    missing, unexpected = module.load_state_dict(inflated(images.state_dict()), strict=False)
    assert (missing, unexpected) == (["classifier.weight", "classifier.bias"], [])
    clip = torch.randn(3, 3, 64, 48, dtype=torch.float64)
    with torch.no_grad():
        found = run_taps(module.cnn, MAPS, clip.transpose(0, 1)[None])
        frame_by_frame = run_taps(images, MAPS, clip)
    for name, maps in found.items():
        torch.testing.assert_close(maps[0].transpose(0, 1), frame_by_frame[name])


@pytest.mark.slow
def test_inflated_weights_give_the_golden_numbers() -> None:
    module = InflatedResNet50(60).double().eval()
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in resnet50(weights=None).state_dict().items()}
    flat = {name: torch.from_numpy(entry("resnet50-2d", name, tuple(shape))) for name, shape in shapes.items()}
    module.load_state_dict(inflated(flat), strict=False)
    kept = backbones()[TAG]["inflated"]
    clip = torch.from_numpy(unit(f"{TAG}:input:inflated", tuple(kept["input_shape"])))
    with torch.no_grad():
        for name, maps in run_taps(module.cnn, MAPS, clip).items():
            assert _output_error(f"{TAG}/inflated/{name}", maps, kept["outputs"][name]) < 1e-12


def test_the_pool_leaves_the_last_row_and_column_out() -> None:
    with torch.device("meta"):
        pool = InflatedResNet50(60).pool
    maps = torch.randn(2, 3, 8, 8, 8)
    released = nn.functional.avg_pool3d(maps, (8, 7, 7)).flatten(1)
    torch.testing.assert_close(pool(maps), released)
    for shape in ((2, 3, 7, 8, 8), (2, 3, 8, 6, 8), (2, 3, 8, 8, 14)):
        with pytest.raises(ValueError, match="the pool needs 8 x 7 x 7"):
            pool(torch.randn(shape))


def test_clips_of_another_layout_are_refused() -> None:
    with torch.device("meta"):
        module = InflatedResNet50(60)
        with pytest.raises(ValueError, match=r"\(1, 3, 8, 64, 64\), not \(batch, frames, height, width, 3\)"):
            module(torch.empty(1, 3, 8, 64, 64))


def test_weights_of_another_network_are_refused() -> None:
    with torch.device("meta"):
        state = resnet50(weights=None).state_dict()
    state = {
        name: torch.zeros(value.shape) for name, value in state.items() if not name.endswith("num_batches_tracked")
    }
    assert inflated(state)["cnn.layer1.0.conv2.weight"].shape == (64, 64, 3, 3, 3)
    with pytest.raises(BmnasError, match=r"there is no layer4\.2\.conv3\.weight"):
        inflated({name: value for name, value in state.items() if not name.startswith("layer4.2.conv3")})
    with pytest.raises(BmnasError, match=r"it has no layer3\.9\.conv1\.weight"):
        inflated({**state, "layer3.9.conv1.weight": torch.zeros(1)})
    with pytest.raises(BmnasError, match=r"conv1\.weight has shape \(64, 1, 7, 7\), not \(64, 3, 7, 7\)"):
        inflated({**state, "conv1.weight": torch.zeros(64, 1, 7, 7)})
