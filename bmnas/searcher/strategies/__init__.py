"""The strategies of `bmnas search --strategy`: a file each, and one line here. They share problem, space and folder."""

from __future__ import annotations

from bmnas.searcher.config import SearchConfig
from bmnas.searcher.problem import Problem
from bmnas.searcher.strategies.bilevel import Bilevel
from bmnas.searcher.strategies.evolution import Evolution
from bmnas.searcher.strategies.gdas import Gdas
from bmnas.searcher.strategies.one_by_one import OneByOne
from bmnas.searcher.strategies.random import RandomSearch
from bmnas.searcher.strategies.random_ws import RandomWeightSharing
from bmnas.searcher.strategies.released import Released
from bmnas.searcher.strategies.strategy import Strategy

__all__ = ["STRATEGIES", "Bilevel", "Strategy", "kind_of", "strategy_of"]

STRATEGIES: dict[str, type[Strategy]] = {
    "bilevel": Bilevel,
    "random": RandomSearch,
    "random-ws": RandomWeightSharing,
    "evolution": Evolution,
    "gdas": Gdas,
    "released": Released,
}


def kind_of(config: SearchConfig) -> type[Strategy]:
    """The class of the strategy that the settings name."""
    return STRATEGIES["released" if config.protocol == "official" else config.strategy]


def strategy_of(problem: Problem) -> Strategy:
    """The strategy that the settings name, for all seeds of the problem."""
    kind = kind_of(problem.config)
    return kind(problem) if kind.batches_seeds or len(problem.seeds) == 1 else OneByOne(problem, kind)
