"""What a hypernet is built from."""

from __future__ import annotations

from dataclasses import dataclass

from bmnas.genotype import Feature
from bmnas.searcher.hypernet.mixing import Relaxation


@dataclass(frozen=True)
class HypernetSize:
    """The candidates, and the numbers of Table 8.

    Attributes:
        features: the J features, with their channels.
        operations: the pool, P names.
        cells: N.
        steps: M, of each cell.
        cell_outputs: how many of a cell's last nodes form its output.
        channels: C of every node.
        length: L of every node.
        dropout: the rate.
        outputs: of the head; ``None`` for none.
        relaxation: see `mixing`.
        cell_inputs: how many nodes a cell reads.
        step_inputs: how many nodes a step reads.
        anchor: the features whose own heads the cells add to, see `bmnas.compiler.frame.summed_heads`; none where the
            output is that of the cells alone.
    """

    features: tuple[Feature, ...]
    operations: tuple[str, ...]
    cells: int
    steps: int
    cell_outputs: int
    channels: int
    length: int
    dropout: float
    outputs: int | None
    relaxation: Relaxation = "shared"
    cell_inputs: int = 2
    step_inputs: int = 2
    anchor: tuple[str, ...] = ()

    @property
    def into_cells(self) -> list[int]:
        """How many nodes each cell can read: the features and the cells before it."""
        return [len(self.features) + n for n in range(self.cells)]

    @property
    def into_steps(self) -> list[int]:
        """How many nodes each step of a cell can read: the cell's inputs and the steps before it."""
        return [self.cell_inputs + m for m in range(self.steps)]
