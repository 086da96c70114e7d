"""The searcher: bilevel search on cached features, derivation, run folders, training of found networks.

Names load on first use, all at once, so that what needs no torch (where things lie in a run folder) does not import it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bmnas.fit.events import Event as Event, MicroBatch as MicroBatch, TrainingEpochDone as TrainingEpochDone
    from bmnas.searcher.api import extract as extract, search as search, train as train
    from bmnas.searcher.config import SearchConfig as SearchConfig
    from bmnas.searcher.diagnose import diagnose as diagnose
    from bmnas.searcher.diagnosis import Diagnosis as Diagnosis
    from bmnas.searcher.events import (
        CandidateDone as CandidateDone,
        EpochDone as EpochDone,
        RoundDone as RoundDone,
        Row as Row,
        SelectionDone as SelectionDone,
    )
    from bmnas.searcher.run.interrupt import Interrupted as Interrupted
    from bmnas.searcher.run.reading import Run as Run, open_run as open_run
    from bmnas.searcher.run.results import SearchResult as SearchResult, SeedResult as SeedResult
    from bmnas.searcher.settings import TrainConfig as TrainConfig
    from bmnas.searcher.training import Trained as Trained

_HOME = {
    "CandidateDone": "bmnas.searcher.events",
    "Diagnosis": "bmnas.searcher.diagnosis",
    "EpochDone": "bmnas.searcher.events",
    "Event": "bmnas.fit.events",
    "Interrupted": "bmnas.searcher.run.interrupt",
    "MicroBatch": "bmnas.fit.events",
    "RoundDone": "bmnas.searcher.events",
    "Row": "bmnas.searcher.events",
    "Run": "bmnas.searcher.run.reading",
    "SearchConfig": "bmnas.searcher.config",
    "SearchResult": "bmnas.searcher.run.results",
    "SeedResult": "bmnas.searcher.run.results",
    "SelectionDone": "bmnas.searcher.events",
    "TrainConfig": "bmnas.searcher.settings",
    "Trained": "bmnas.searcher.training",
    "TrainingEpochDone": "bmnas.fit.events",
    "diagnose": "bmnas.searcher.diagnose",
    "extract": "bmnas.searcher.api",
    "open_run": "bmnas.searcher.run.reading",
    "search": "bmnas.searcher.api",
    "train": "bmnas.searcher.api",
}

__all__ = [
    "CandidateDone",
    "Diagnosis",
    "EpochDone",
    "Event",
    "Interrupted",
    "MicroBatch",
    "RoundDone",
    "Row",
    "Run",
    "SearchConfig",
    "SearchResult",
    "SeedResult",
    "SelectionDone",
    "TrainConfig",
    "Trained",
    "TrainingEpochDone",
    "diagnose",
    "extract",
    "open_run",
    "search",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # All of them: a function that has the name of its file would otherwise be the file, once another has imported that.
    globals().update({each: getattr(import_module(module), each) for each, module in _HOME.items()})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(__all__)
