"""Weights & Biases. Where it logs to, and whether at all, say its own environment variables (``WANDB_MODE``, ...)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from bmnas.searcher.trackers.tracker import Tracker


class WeightsAndBiases(Tracker):
    """A run of the project ``bmnas``, or of what ``WANDB_PROJECT`` names; a search that goes on continues it."""

    name = "wandb"

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        place = folder.resolve()
        self._wandb: Any = import_module(self.name)
        self._run = self._wandb.init(
            project=None if _has_project() else "bmnas",
            name=place.name,
            id=hashlib.sha256(str(place).encode()).hexdigest()[:16],
            resume="allow",
            dir=str(folder),
            config=dict(settings),
        )

    def log(self, values: Mapping[str, float], step: int) -> None:
        """See `Tracker.log`. Rounds and trainings have axes of their own, which have to rise by themselves."""
        self._run.log({**values, "step": step})

    def keep(self, files: Sequence[Path]) -> None:
        """See `Tracker.keep`."""
        artifact = self._wandb.Artifact("result", type="genotype")
        for file in files:
            artifact.add_file(str(file))
        self._run.log_artifact(artifact)

    def close(self) -> None:
        """See `Tracker.close`."""
        self._run.finish()


def _has_project() -> bool:
    return bool(os.environ.get("WANDB_PROJECT"))
