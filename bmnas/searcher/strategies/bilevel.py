"""The bilevel search of the paper (Algorithm 1, first order): alpha, beta and gamma by gradient on validation."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field

from bmnas.errors import BmnasError
from bmnas.fit.graphs import Graphs
from bmnas.searcher.collapse import Sharpness
from bmnas.searcher.hypernet import Relaxation
from bmnas.searcher.strategies.hypernet_settings import ArchitectureSettings
from bmnas.searcher.strategies.on_hypernet import OnHypernet


class Bilevel(OnHypernet):
    """Every alternative takes part in every step, with the weight that alpha, beta and gamma give it."""

    class Settings(ArchitectureSettings):
        """Those of hypernets, and what can be had where every step computes the same mixture."""

        kind: Literal["bilevel"] = "bilevel"
        relaxation: Relaxation = Field(
            default="split",
            description="split: x and y have mixtures of their own; shared: one for both, as the released code has it.",
        )
        cuda_graphs: bool = Field(
            default=False, description="On a GPU: record forward and backward of a step once, and replay them."
        )
        sharpness: bool = Field(
            default=False,
            description="Measure the Hessian's dominant eigenvalue after each epoch, and stop where it grows fast.",
        )

        def check_device(self, device: torch.device) -> None:
            """See `StrategySettings.check_device`."""
            if self.cuda_graphs and device.type != "cuda":
                raise BmnasError(f"setting cuda_graphs needs a CUDA device, not {device}")

        def relaxed(self) -> Relaxation:
            """See `HypernetSettings.relaxed`."""
            return self.relaxation

    def _graphs(self) -> Graphs | None:
        settings: Bilevel.Settings = self.settings
        return Graphs(self.generators) if settings.cuda_graphs else None

    def _sharpness(self) -> Sharpness | None:
        settings: Bilevel.Settings = self.settings
        return Sharpness(len(self.problem.seeds)) if settings.sharpness else None
