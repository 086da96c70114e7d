"""The bilevel search as the released code does it, habits included; `docs/paper.md` lists them.

The validation split is scored in train mode, with dropout and the statistics of its own batches, while the architecture
is still being changed on it, and these statistics stay in the hypernet. Of equal epochs the last one counts. The step
size of the weights has restarts. The networks at the end are tested after every epoch, and the best test counts: no
number here is an estimate of what a network does on new data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, SerializeAsAny
from torch import Tensor

from bmnas.fit.schedule import Schedule
from bmnas.searcher.hypernet import Relaxation
from bmnas.searcher.hypernet.network import Prepared
from bmnas.searcher.problem import Problem
from bmnas.searcher.seed_batch import SeedBatch
from bmnas.searcher.selections import Alpha
from bmnas.searcher.settings import SelectionSettings
from bmnas.searcher.strategies.bilevel import Bilevel
from bmnas.searcher.strategies.released_schedule import ReleasedSchedule
from bmnas.settings import shown


class Released(Bilevel):
    """Scores the hypernet on each validation batch right after the architecture step on it."""

    class Settings(Bilevel.Settings):
        """Those of the bilevel search, with the released code's defaults."""

        suits: ClassVar[Mapping[str, Any]] = {"derive": "official", "anchor": "none", "select_budget": 0}

        kind: Literal["released"] = "released"  # type: ignore[assignment]
        relaxation: Relaxation = Field(
            default="shared", description="shared: x and y have one mixture; split: each its own, which is ours."
        )
        select: SerializeAsAny[SelectionSettings] = Field(
            default_factory=Alpha, description="How the hypernet is turned into a genotype at the end."
        )
        restart_epochs: int = Field(
            default=1,
            ge=1,
            description="Epochs before the step size of the weights first starts anew.",
            json_schema_extra=shown("epochs"),
        )

    settings: Settings
    ties = True
    best_on_test = True

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        # Outputs (K, B, outputs) and labels (K, B) of this epoch's architecture steps.
        self._scored: list[tuple[Tensor, Tensor]] = []

    def state(self) -> dict[str, Any]:
        """See `Strategy.state`."""
        return {**super().state(), "scored": self._scored}

    def load_state(self, state: dict[str, Any]) -> None:
        """See `Strategy.load_state`."""
        super().load_state(state)
        self._scored = [(outputs.to(self.device), labels.to(self.device)) for outputs, labels in state["scored"]]

    def _schedule(self) -> Schedule:
        config = self.config
        return ReleasedSchedule(
            self.weight_optimizer,
            config.lr,
            config.min_lr,
            batches_per_epoch=len(self.train) / config.batch_size,
            period=self.settings.restart_epochs,
        )

    def _architecture_context(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _architecture_batches(self, epoch: int, done: int) -> Iterator[SeedBatch[Prepared]]:
        # The weights stay as they are between the two passes over a batch. Autocast has no prepared ones.
        prepare = None if self.settings.amp else self.hypernet.prepared
        return self._batches(self.validation, "validation", epoch, done, prepare)

    def _after_architecture_step(self, batch: SeedBatch[Prepared]) -> None:
        with self.hypernet.noise(self.generators):
            outputs_KB = self.fit.micro.outputs(lambda part: self._forward(batch.features(part)), len(batch), 1)
        self._scored.append((outputs_KB, batch.labels()))

    def _scores(self) -> list[float]:
        """Of the outputs that the epoch's architecture steps left; the next epoch begins with none."""
        outputs_KB, labels_KB = (torch.cat(parts, 1) for parts in zip(*self._scored, strict=True))
        self._scored = []
        return [self.problem.score(*pair) for pair in zip(outputs_KB, labels_KB, strict=True)]
