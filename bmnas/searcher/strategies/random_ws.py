"""Random search with weight sharing (Li and Talwalkar, "Random Search and Reproducibility for NAS", UAI 2019).

In every step a genotype is drawn from the space, and its weights in the hypernet are trained alone. alpha, beta and
gamma take no part. At the end genotypes are drawn and scored with the weights that they inherit
(`bmnas.searcher.selections.sampled`).

An epoch's genotype is one more drawn from the space, and its score is that of its network with inherited weights: it
says how far the weights are.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, SerializeAsAny
from torch import Tensor

from bmnas.fit.seeding import stream
from bmnas.genotype import Genotype
from bmnas.genotype.numbers import below
from bmnas.genotype.space import numbering
from bmnas.genotype.space.choices import Choices, Sizes
from bmnas.searcher.hypernet import Mixing
from bmnas.searcher.hypernet.network import Phase
from bmnas.searcher.problem import Problem
from bmnas.searcher.selections import Looking, Sampled
from bmnas.searcher.settings import SearchSettings, SelectionSettings
from bmnas.searcher.strategies.hypernet_settings import HypernetSettings
from bmnas.searcher.strategies.on_hypernet import OnHypernet


class RandomWeightSharing(OnHypernet):
    """A uniformly drawn genotype takes part in a step, drawn anew for each step and seed."""

    class Settings(HypernetSettings):
        """Those of hypernets. It learns no alpha to select by."""

        kind: Literal["random-ws"] = "random-ws"
        select: SerializeAsAny[SelectionSettings] = Field(
            default_factory=Sampled, description="How the hypernet is turned into a genotype at the end."
        )

        def check(self, shared: SearchSettings) -> None:
            """See `StrategySettings.check`."""
            if not isinstance(self.select, Looking):
                raise ValueError("the strategy random-ws learns no alpha to select by: use the selection sampled")

    scores_genotypes = True

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._space = problem.space
        self._sizes, self._count = self._space.sizes, self._space.count

    def genotypes(self) -> list[Genotype]:
        """A genotype of the space for each seed, drawn for the last epoch that is done."""
        return [
            self.problem.genotype(self._space.random(Random(stream(seed, "genotype", self.epoch))).cells, seed)
            for seed in self.problem.seeds
        ]

    def _mixing(self, phase: Phase) -> Mixing:
        place = (phase, self.epoch + 1, self.fit.done(phase))
        drawn = [self._drawn(Random(stream(seed, "path", *place))) for seed in self.problem.seeds]
        return certain(drawn, self._sizes, like=self.hypernet.gamma_KNMP)

    def _drawn(self, random: Random) -> Choices:
        return numbering.unrank(self._sizes, below(self._count, random))


def certain(choices_K: Sequence[Choices], sizes: Sizes, *, like: Tensor) -> Mixing:
    """The weights of K seeds, each certain of its own choices, of the type and on the device of a tensor."""

    def one_hot(numbers: list[object], count: int) -> Tensor:
        return F.one_hot(torch.tensor(numbers), count).to(like)

    cells, steps = range(sizes.cells), range(sizes.steps)
    return Mixing(
        # A hypernet's cell has weights for earlier cells under any rules.
        cells=tuple(one_hot([each[n].inputs for each in choices_K], sizes.features + n) for n in cells),
        steps=tuple(
            tuple(one_hot([each[n].steps[m].inputs for each in choices_K], sizes.nodes_before_step(m)) for m in steps)
            for n in cells
        ),
        operations=one_hot(
            [[[step.operation for step in cell.steps] for cell in each] for each in choices_K], sizes.operations
        ),
    )
