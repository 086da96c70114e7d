"""The networks of MFAS: a sequence of fusion layers, as choices and as cells.

Layer l computes h_l = σ(W_l [x; y; h_{l-1}] + b_l), where x is one feature of the first modality, y one of the second
(and so on, where there are more), and σ is ReLU or a sigmoid. It is a cell of one step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Self

from bmnas.genotype import INPUT_NAMES, Cell, Feature, Step

Layer = tuple[int, ...]
"""For each modality, the number of the feature that is read; then that of the nonlinearity."""

Layers = tuple[Layer, ...]

NONLINEARITIES = ("ConcatFC", "ConcatSigmoid")


@dataclass(frozen=True)
class FusionLayers:
    """All fusion layers over some features.

    Attributes:
        modalities: the names of the features, by modality.
    """

    modalities: tuple[tuple[str, ...], ...]

    @classmethod
    def over(cls, features: Sequence[Feature]) -> Self:
        """Those over features, which are of any number of modalities."""
        names: dict[str, tuple[str, ...]] = {}
        for feature in features:
            names[feature.modality] = (*names.get(feature.modality, ()), feature.name)
        return cls(tuple(names.values()))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many alternatives each choice of a layer has."""
        return (*map(len, self.modalities), len(NONLINEARITIES))

    @property
    def count(self) -> int:
        """How many different layers there are."""
        return math.prod(self.sizes)

    def layer(self, number: int) -> Layer:
        """The layer of a number from 0 to ``count - 1``."""
        choices = []
        for size in reversed(self.sizes):
            number, choice = divmod(number, size)
            choices.append(choice)
        return tuple(reversed(choices))

    def some(self, most: int, random: Random) -> list[Layer]:
        """All layers, or so many of them where there are more."""
        numbers = range(self.count) if self.count <= most else sorted(random.sample(range(self.count), most))
        return [self.layer(number) for number in numbers]

    def cells(self, layers: Layers) -> tuple[Cell, ...]:
        """The sequence as cells; each but the first one reads the one before it, too."""
        return tuple(self._cell(n, layer) for n, layer in enumerate(layers, 1))

    def layers(self, cells: Sequence[Cell]) -> Layers:
        """The sequence that `cells` was given.

        Raises:
            ValueError: these are no such cells.
        """
        found = tuple(self._layer(cell) for cell in cells)
        if self.cells(found) != tuple(cells):
            raise ValueError("the cells are no sequence of fusion layers")
        return found

    def _cell(self, n: int, layer: Layer) -> Cell:
        *features, nonlinearity = layer
        names = [names[feature] for names, feature in zip(self.modalities, features, strict=True)]
        read = (*names, f"Cell_{n - 1}") if n > 1 else tuple(names)
        step = Step(name="Step_1", op=NONLINEARITIES[nonlinearity], inputs=INPUT_NAMES[: len(read)])
        return Cell(name=f"Cell_{n}", inputs=read, steps=(step,), output=("Step_1",))

    def _layer(self, cell: Cell) -> Layer:
        features = [names.index(read) for names, read in zip(self.modalities, cell.inputs, strict=False)]
        return (*features, NONLINEARITIES.index(cell.steps[0].op))
