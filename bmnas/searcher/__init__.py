"""The searcher: bilevel search on cached features, derivation, run folders, training of found networks."""

from bmnas.fit.events import Event, MicroBatch, TrainingEpochDone
from bmnas.searcher.api import SearchResult, SeedResult, extract, search, train
from bmnas.searcher.config import SearchConfig, TrainConfig
from bmnas.searcher.events import CandidateDone, EpochDone, RoundDone, Row, SelectionDone
from bmnas.searcher.run.interrupt import Interrupted
from bmnas.searcher.training import Trained

__all__ = [
    "CandidateDone",
    "EpochDone",
    "Event",
    "Interrupted",
    "MicroBatch",
    "RoundDone",
    "Row",
    "SearchConfig",
    "SearchResult",
    "SeedResult",
    "SelectionDone",
    "TrainConfig",
    "Trained",
    "TrainingEpochDone",
    "extract",
    "search",
    "train",
]
