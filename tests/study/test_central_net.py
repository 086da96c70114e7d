"""CentralNet: a chain of cells along the depths of the modalities, which computes what the paper writes."""

from __future__ import annotations

import pytest
import torch

import bmnas
from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.study.central_net import central_net

KINDS = ("weight", "bias")
SIZES = {"channels": 4, "length": 1, "outputs": 3, "dropout": 0.0}


def features(**counts: int) -> list[Feature]:
    return [
        Feature(name=f"{modality}_{n}", modality=modality, channels=5)
        for modality, count in counts.items()
        for n in range(1, count + 1)
    ]


def test_a_cell_for_each_depth_at_which_there_is_something_to_add():
    genotype = central_net(features(A=3, B=2, C=1), **SIZES)
    assert [cell.inputs for cell in genotype.cells] == [
        ("A_2", "B_1"),
        ("A_3", "B_2", "C_1", "Central_1"),
    ]
    assert {feature.name for feature in genotype.features} == {"A_2", "A_3", "B_1", "B_2", "C_1"}
    assert genotype.output == ("Central_2",)
    assert bmnas.loads(bmnas.dumps(genotype)) == genotype


def test_it_computes_the_equation():
    """h' = relu(W (h + sum of reshaped features)), where W is the sum of the two halves of a fully connected layer."""
    genotype = central_net(features(A=2, B=2), **SIZES)
    network = bmnas.compile(genotype).eval()
    given = {feature.name: torch.randn(6, 5, 1) for feature in genotype.features}
    state = network.state_dict()

    def reshaped(name: str) -> torch.Tensor:
        return given[name][:, :, 0] @ state[f"reshapes.{name}.conv.weight"].T + state[f"reshapes.{name}.conv.bias"]

    def layer(cell: str, x: torch.Tensor) -> torch.Tensor:
        weight = state[f"cells.{cell}.steps.Layer.conv.weight"]
        return torch.relu(x @ (weight[:, :4] + weight[:, 4:]).T + state[f"cells.{cell}.steps.Layer.conv.bias"])

    h = layer("Central_1", reshaped("A_1") + reshaped("B_1"))
    h = layer("Central_2", h + reshaped("A_2") + reshaped("B_2"))
    (weight,), (bias,) = ([tensor for name, tensor in state.items() if name.endswith(f"head.{kind}")] for kind in KINDS)
    expected = h @ weight.T + bias
    torch.testing.assert_close(network(given), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("modalities", ["A", "ABCDEF"])
def test_too_few_or_too_many_modalities(modalities):
    with pytest.raises(BmnasError, match="CentralNet adds up 2 to 5 modalities"):
        central_net(features(**dict.fromkeys(modalities, 1)), **SIZES)
