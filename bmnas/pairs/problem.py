"""What is searched on: a task of texts and images, the settings, and the two splits that a search may see."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

from bmnas.genotype.names import fitting
from bmnas.genotype.stacks import StackGenotype
from bmnas.genotype.stacks.presets import mcan
from bmnas.genotype.stacks.space import DECODER_POOL, ENCODER_POOL, StackSpace
from bmnas.pairs.completing import completed_by, inputs_of
from bmnas.pairs.settings import PairSearchConfig
from bmnas.tasks.fingerprint import of_json
from bmnas.tasks.heads import PairObjective
from bmnas.tasks.pair_task import PairTask
from bmnas.tasks.sequences import PairData


@dataclass(frozen=True)
class PairStore:
    """What the pairs are made from, as run folders remember it."""

    fingerprint: dict[str, Any]

    @property
    def key(self) -> str:
        """A checksum of it."""
        return hashlib.sha256(of_json(self.fingerprint).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class PairProblem:
    """A search, stated. The test split is not a part of it.

    Attributes:
        task: texts and images.
        config: the settings.
        device: where networks are trained.
    """

    task: PairTask
    config: PairSearchConfig
    device: torch.device

    @property
    def seeds(self) -> tuple[int, ...]:
        """One."""
        return (self.config.seed,)

    @cached_property
    def store(self) -> PairStore:
        """What the pairs are made from."""
        return PairStore({**self.task.identity, "options": dict(self.task.options)})

    @cached_property
    def train(self) -> PairData:
        """The training split."""
        return self.task.pairs("train")

    @cached_property
    def validation(self) -> PairData:
        """The validation split."""
        return self.task.pairs("validation")

    @cached_property
    def objective(self) -> PairObjective:
        """Loss and scores."""
        return self.task.pair_objective

    @cached_property
    def space(self) -> StackSpace:
        """All genotypes that may be found."""
        config = self.config
        base = mcan(inputs_of(self.task, config.tokens), **self.frame, layers=1)
        base = completed_by(base.replace(name=fitting(f"{self.task.name}-seed{config.seed}")), self.task)
        return StackSpace(base, ((ENCODER_POOL,) * config.encoder_blocks, (DECODER_POOL,) * config.decoder_blocks))

    @property
    def frame(self) -> dict[str, Any]:
        """The sizes that all networks have, as presets take them."""
        config = self.config
        sizes = ("width", "head_width", "relation_width", "dropout", "dialect")
        return {"task": self.task.head, **{name: getattr(config, name) for name in sizes}}

    def genotype(self, digits: list[int]) -> StackGenotype:
        """The genotype with these operations."""
        return self.space.of_digits(digits)

    def score(self, network: nn.Module) -> float:
        """Of a network on the validation split, by the score that counts; the higher the better."""
        return self.objective.scores(network, self.validation)[self.objective.main]

    def better(self, score: float, than: float | None, *, ties: bool = False) -> bool:
        """Whether a score beats another; ``ties`` counts an equal one as better."""
        return than is None or score > than or (ties and score == than)
