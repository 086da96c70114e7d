"""The searcher: bilevel search on cached features, derivation, run folders, training of found networks."""

from bmnas.fit.events import Event, MicroBatch, TrainingEpochDone
from bmnas.searcher.api import extract, search, train
from bmnas.searcher.config import SearchConfig
from bmnas.searcher.diagnose import diagnose
from bmnas.searcher.diagnosis import Diagnosis
from bmnas.searcher.events import CandidateDone, EpochDone, RoundDone, Row, SelectionDone
from bmnas.searcher.run.interrupt import Interrupted
from bmnas.searcher.run.reading import Run, open_run
from bmnas.searcher.run.results import SearchResult, SeedResult
from bmnas.searcher.settings import TrainConfig
from bmnas.searcher.training import Trained

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
