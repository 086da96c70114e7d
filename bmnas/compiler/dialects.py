"""Which blocks a dialect builds around its operations."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from bmnas.compiler.blocks import CellOutput, NetworkOutput, Reshape
from bmnas.compiler.plain_blocks import PlainCellOutput, PlainNetworkOutput, PlainReshape


@dataclass(frozen=True)
class Blocks:
    """The classes of the three blocks; those of one kind take the same arguments."""

    reshape: type[Reshape]
    cell_output: type[nn.Module]
    network_output: type[nn.Module]


BLOCKS = {
    "official": Blocks(Reshape, CellOutput, NetworkOutput),
    "paper": Blocks(PlainReshape, PlainCellOutput, PlainNetworkOutput),
}
