"""Every declared operation has torch code, and it keeps the shape of its inputs."""

from __future__ import annotations

import pytest
import torch

from bmnas.compiler.operations import BUILDERS, Size, build
from bmnas.genotype import OPERATIONS


def test_what_is_declared_is_built():
    for dialect, builders in BUILDERS.items():
        assert builders.keys() == OPERATIONS.keys(), dialect


@pytest.mark.parametrize("op", OPERATIONS)
@pytest.mark.parametrize("seeds", [None, 2])
def test_the_shape_is_kept(op, seeds):
    least, most = OPERATIONS[op].arity
    for arity in {least, most or 4}:
        module = build(op, Size(channels=6, length=4, arity=arity, dropout=0.1, seeds=seeds))
        shape = (3, 6, 4) if seeds is None else (seeds, 3, 6, 4)
        out = module(*(torch.randn(shape) for _ in range(arity)))
        assert out.shape == shape


@pytest.mark.parametrize("op", OPERATIONS)
def test_commutative_is_true(op):
    torch.manual_seed(0)
    x, y = torch.randn(2, 3, 6, 4).unbind()
    module = build(op, Size(channels=6, length=4)).eval()
    assert torch.allclose(module(x, y), module(y, x)) == OPERATIONS[op].commutative


def test_values():
    x, y = torch.randn(2, 3, 6, 4).unbind()
    size = Size(channels=6, length=4)
    assert torch.equal(build("Sum", size)(x, y), x + y)
    assert torch.equal(build("Sum", size)(x, y, x), x + y + x)
    assert torch.equal(build("Zero", size)(x, y), torch.zeros(3, 6, 4))
