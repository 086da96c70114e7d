"""Modules of operations from outside the package (`bmnas.operation`), which know nodes as (B, C, L) and no seeds."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from bmnas.compiler.plan.primitives import Foreign
from bmnas.compiler.size import Size
from bmnas.errors import BmnasError
from bmnas.genotype.lookup import find


def foreign_module(primitive: Foreign, seeds: int | None = None) -> nn.Module:
    """What an operation from outside the package builds, made to fit: nodes are (B, L, C), or (K, B, L, C) with seeds.

    Raises:
        BmnasError: it cannot be built.
    """
    if seeds is None:
        return ForeignOperation(primitive.op, _built(primitive))
    return PerSeed(ForeignOperation(primitive.op, _built(primitive)) for _ in range(seeds))


class ForeignOperation(nn.Module):
    """Calls the operation's own module, and checks what it returns."""

    def __init__(self, op: str, module: nn.Module) -> None:
        super().__init__()
        self.op = op
        self.module = module

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (B, L, C) to one node of that shape.

        Raises:
            BmnasError: the operation returns anything else; an error would else come from somewhere behind it.
        """
        expected = nodes[0].transpose(1, 2).shape
        result = self.module(*(node.transpose(1, 2) for node in nodes))
        found = result.shape if isinstance(result, Tensor) else None
        if found != expected:
            shown = type(result).__name__ if found is None else tuple(found)
            raise BmnasError(
                f"the operation {self.op!r} returns {shown}, but should return {tuple(expected)}, as its inputs"
            )
        return result.transpose(1, 2)


class PerSeed(nn.Module):
    """K independent modules, of which the k-th computes the nodes of seed k."""

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        super().__init__()
        self.seeds = nn.ModuleList(modules)

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (K, B, L, C) to one node of that shape."""
        return torch.stack([module(*(node[k] for node in nodes)) for k, module in enumerate(self.seeds)])


def foreign_cost(primitive: Foreign, reads: Sequence[tuple[int, ...]]) -> tuple[int, int]:
    """Parameters and multiply-adds for one sample: counted on a module that is built and run without numbers.

    Raises:
        BmnasError: it cannot be built, or does not run.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        module = ForeignOperation(primitive.op, _built(primitive)).eval()
        nodes = [torch.empty(1, length, channels) for channels, length in reads]
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(*nodes)
    except BmnasError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise BmnasError(f"the operation {primitive.op!r} does not run: {type(error).__name__}: {reason}") from error
    parameters = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    return parameters, counter.get_total_flops() // 2


def _built(primitive: Foreign) -> nn.Module:
    builder, op = find(primitive.op).build, primitive.op
    size: Size = replace(primitive.size, seeds=None)
    try:
        build = pkgutil.resolve_name(builder) if isinstance(builder, str) else builder
        assert build is not None, "it would not be foreign"
        module = build(size, **dict(primitive.options))
    except Exception as error:
        raise BmnasError(
            f"the operation {op!r} cannot be built: {type(error).__name__}: {error}; it is called with a Size and the "
            "step's options, and should return a torch.nn.Module"
        ) from error
    if not isinstance(module, nn.Module):
        raise BmnasError(f"the operation {op!r} builds a {type(module).__name__}, not a torch.nn.Module")
    return module
