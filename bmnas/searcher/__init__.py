"""The searcher: bilevel search on cached features, derivation, run folders, training of found networks."""

from bmnas.searcher.config import SearchConfig, TrainConfig
from bmnas.searcher.events import (
    CandidateDone,
    EpochDone,
    Event,
    MicroBatch,
    RoundDone,
    Row,
    SelectionDone,
    TrainingEpochDone,
)
from bmnas.searcher.interrupt import Interrupted
from bmnas.searcher.run import SearchResult, SeedResult, extract, search, train
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
