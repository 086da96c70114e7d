"""MLflow. Where it logs to says its own environment variable, ``MLFLOW_TRACKING_URI``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from bmnas.searcher.run.board import flat
from bmnas.searcher.trackers.tracker import Tracker

_LONGEST = 500  # characters of a parameter


class MLflow(Tracker):
    """A run of the experiment ``bmnas``, or of the one that ``MLFLOW_EXPERIMENT_NAME`` names."""

    name = "mlflow"

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._mlflow: Any = import_module(self.name)
        if not os.environ.get("MLFLOW_EXPERIMENT_NAME") and not os.environ.get("MLFLOW_EXPERIMENT_ID"):
            self._mlflow.set_experiment("bmnas")
        self._mlflow.start_run(run_name=folder.resolve().name)
        self._mlflow.log_params({_plain(name): str(value)[:_LONGEST] for name, value in flat(settings)})

    def log(self, values: Mapping[str, float], step: int) -> None:
        """See `Tracker.log`."""
        self._mlflow.log_metrics({_plain(name): value for name, value in values.items()}, step=step)

    def keep(self, files: Sequence[Path]) -> None:
        """See `Tracker.keep`."""
        for file in files:
            self._mlflow.log_artifact(str(file))

    def close(self) -> None:
        """See `Tracker.close`."""
        self._mlflow.end_run()


def _plain(name: str) -> str:
    """With the signs that MLflow allows in names."""
    return re.sub(r"[^\w\-. /]", "_", name)
