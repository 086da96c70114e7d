"""How many steps have nothing to learn: as their operations say, those from outside the package too."""

from __future__ import annotations

import pytest
import torch

import bmnas
from bmnas.genotype import OPERATIONS, extension, from_dict
from bmnas.searcher.parameter_free import parameter_free
from tests.genotype.test_schema import changed


def share(*ops):
    steps = [{"op": op, "inputs": ["x", "y"]} for op in ops]
    return parameter_free(
        from_dict(changed(cells=[{"inputs": ["Video_3", "Skeleton_4"], "steps": steps}], output=["Cell_1"]))
    )


@pytest.fixture
def own_operation():
    yield bmnas.operation("Distance", weights=False)(torch.nn.Identity)
    extension._registered.pop("Distance")


def test_the_share_is_of_the_steps_whose_operation_has_no_weights():
    assert share("Sum", "Attention", "ConcatFC", "LinearGLU") == 0.5
    assert {op for op in OPERATIONS if share(op)} == {"Zero", "Sum", "Attention", "Mul", "Max", "Mean"}


def test_an_operation_from_outside_the_package_is_asked_too(own_operation):
    assert share("Distance", "ConcatFC") == 0.5
