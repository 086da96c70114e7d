"""Tools for experiments that a search can tell what it does: ``--log-to``. None of them is installed with bmnas."""

from __future__ import annotations

from bmnas.searcher.trackers.mlflow import MLflow
from bmnas.searcher.trackers.tracker import Tracker, Tracking, tracking
from bmnas.searcher.trackers.wandb import WeightsAndBiases
from bmnas.table import Table

__all__ = ["TRACKERS", "Tracker", "Tracking", "tracking"]

TRACKERS: Table[type[Tracker]] = Table("tracker", [WeightsAndBiases, MLflow])
