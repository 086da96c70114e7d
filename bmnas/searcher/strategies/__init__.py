"""The strategies of `bmnas search --strategy`: a file each, and one line here. They share problem, space and folder.

An installed package adds a strategy with an entry point of the group ``bmnas.strategies``: its name is the strategy's,
its object the class.
"""

from __future__ import annotations

from bmnas.searcher.problem import Problem
from bmnas.searcher.strategies.bilevel import Bilevel
from bmnas.searcher.strategies.dc_nas import DcNas
from bmnas.searcher.strategies.evolution import Evolution
from bmnas.searcher.strategies.gdas import Gdas
from bmnas.searcher.strategies.mfas import Mfas
from bmnas.searcher.strategies.one_by_one import OneByOne
from bmnas.searcher.strategies.random import RandomSearch
from bmnas.searcher.strategies.random_ws import RandomWeightSharing
from bmnas.searcher.strategies.released import Released
from bmnas.searcher.strategies.strategy import Strategy
from bmnas.table import Table

__all__ = ["STRATEGIES", "Bilevel", "Strategy", "strategy_of"]

STRATEGIES: Table[type[Strategy]] = Table(
    "strategy",
    [
        Bilevel,
        RandomSearch,
        RandomWeightSharing,
        Evolution,
        Gdas,
        Released,
        Mfas,
        DcNas,
    ],
    name=lambda strategy: strategy.Settings.name(),
    group="bmnas.strategies",
)


def strategy_of(problem: Problem) -> Strategy:
    """The strategy that the settings name, for all seeds of the problem."""
    kind = STRATEGIES.find(problem.config.strategy.kind)
    if kind.batches_seeds or len(problem.seeds) == 1:
        return kind(problem)
    return OneByOne(problem, kind)
