"""Operations without weights that work element by element: Zero (Eq. 4), Sum (Eq. 5), Mul, Max, Mean."""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id
from bmnas.compiler.size import Size


def zero(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """0, in the shape of the inputs."""
    return b.zeros(nodes[0])


def add(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """The sum of the inputs."""
    return b.sum(*nodes)


def multiply(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """The product of the inputs."""
    return b.product(*nodes)


def maximum(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """The greatest of the inputs."""
    return b.maximum(*nodes)


def mean(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """The mean of the inputs."""
    return b.divide(b.sum(*nodes), len(nodes))
