"""What is fused is told by its primitives: anything else is computed by its own module."""

from __future__ import annotations

import pytest
from torch import nn

from bmnas.compiler.modules import build, cell_output, network_output, reshape_layer
from bmnas.compiler.operations import LOWERINGS
from bmnas.compiler.size import Size
from bmnas.searcher.hypernet.fused import recognise

OFFICIAL, PAPER = Size(6, 4, seeds=1), Size(6, 4, seeds=1, dialect="paper")
KINDS = {
    "Zero": recognise.Nothing,
    "Sum": recognise.Sum,
    "Attention": recognise.Attention,
    "LinearGLU": recognise.Connected,
    "ConcatFC": recognise.Connected,
}


@pytest.mark.parametrize("op", LOWERINGS["official"])
def test_operations(op):
    assert type(recognise.operation(build(op, OFFICIAL))) is KINDS.get(op, type(None))


@pytest.mark.parametrize("op", ["Attention", "LinearGLU", "ConcatFC"])
def test_the_papers_own_operations_are_others(op):
    assert recognise.operation(build(op, PAPER)) is None


def test_a_gate_is_told_from_a_relu():
    gated = {op: recognise.operation(build(op, OFFICIAL)).gated for op in ("LinearGLU", "ConcatFC")}
    assert gated == {"LinearGLU": True, "ConcatFC": False}


def test_the_parts_around_operations():
    assert isinstance(recognise.reshape(reshape_layer(3, "sequence", OFFICIAL)), recognise.Connected)
    assert isinstance(recognise.reshape(reshape_layer(6, "none", OFFICIAL)), recognise.Nothing)
    assert recognise.reshape(reshape_layer(3, "sequence", PAPER)) is None
    alone, several = recognise.cell_output(cell_output(1, OFFICIAL)), recognise.cell_output(cell_output(3, OFFICIAL))
    assert alone[0] is None
    assert isinstance(several[0], recognise.Connected)
    assert recognise.cell_output(cell_output(2, PAPER)) is None
    assert recognise.network_output(network_output(1, 5, OFFICIAL)) is not None
    assert recognise.network_output(network_output(3, 5, OFFICIAL)) is not None
    assert recognise.network_output(network_output(3, None, OFFICIAL)) is None
    assert recognise.network_output(network_output(3, 5, PAPER)) is None


@pytest.mark.parametrize("function", [recognise.operation, recognise.reshape, recognise.cell_output])
def test_other_modules_are_nothing_that_is_known(function):
    assert function(nn.Identity()) is None
