"""Encoder-decoder networks on texts and images: trained, and searched (Yu et al., ACM MM 2020: MMnas)."""

from bmnas.pairs.completing import completed_by
from bmnas.pairs.search import PairResult, search_pairs
from bmnas.pairs.settings import PairSearchConfig, PairTrainConfig
from bmnas.pairs.train import PairTrained, save_pairs, train_pairs

__all__ = [
    "PairResult",
    "PairSearchConfig",
    "PairTrainConfig",
    "PairTrained",
    "completed_by",
    "save_pairs",
    "search_pairs",
    "train_pairs",
]
