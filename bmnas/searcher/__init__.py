"""The searcher: bilevel search on cached features, derivation, run folders, training of found networks."""

from bmnas.searcher.config import SearchConfig, TrainConfig
from bmnas.searcher.events import EpochDone, Event, Row, TrainingEpochDone
from bmnas.searcher.run import SearchResult, extract, search, train
from bmnas.searcher.training import Trained

__all__ = [
    "EpochDone",
    "Event",
    "Row",
    "SearchConfig",
    "SearchResult",
    "TrainConfig",
    "Trained",
    "TrainingEpochDone",
    "extract",
    "search",
    "train",
]
