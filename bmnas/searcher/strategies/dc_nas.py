"""DC-NAS: networks are trees that evolve on parts of the data and on all of it (Liang et al., AAAI 2024).

The paper is "DC-NAS: Divide-and-Conquer Neural Architecture Search for Multi-Modal Classification". Its networks are
trees of features (`bmnas.searcher.strategies.fusion_tree`), which evolve in k + 1 sub-populations. The training split
is divided into k parts of equal shares of the classes; k sub-populations are trained on a part each, which takes a k-th
of the time, and one on all of it. Generation by generation

1. two knowledge bases are filled: with the best trees of the sub-populations on parts, and those of the one on all;
2. a child has two parents, the winner of a tournament of two in its own sub-population, and a tree of the knowledge
   base of the other kind: what is learnt on parts goes to the whole, and back;
3. some children are crossed with a new random tree, which is their mutation;
4. who goes on is the winner of a tournament between a parent and a child of the sub-population, slot by slot; its best
   tree is never lost.

That much is as the paper's abstract and the authors' code (https://github.com/fupinhan123/AAAI_DC-NAS) have it, with
k = 3, 28 trees in all, and chances of 0.9 and 0.2 for crossing and mutation; the text of the paper was not at hand.
Ours are: 16 trees in all; one child of two parents, not two; all trees are scored on the whole validation split, so
that scores of parts and whole compare, and the best of all is the result; a tree is trained once, so what would come
again is drawn anew; the head is the genotype's, without the signed root and the norms before it there; a leaf is
reshaped by one linear layer, which has a batch norm before it and a ReLU behind it there; Cat is `ConcatFC`, with a
ReLU that it does not have there. Networks that begin at heads of features begin at those of the whole training split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Literal

from pydantic import Field

from bmnas.errors import BmnasError
from bmnas.fit.folds import folds
from bmnas.fit.seeding import stream
from bmnas.genotype import Feature, Genotype
from bmnas.searcher.anchor import groups_of
from bmnas.searcher.outline import Stage
from bmnas.searcher.problem import Problem
from bmnas.searcher.settings import SearchSettings
from bmnas.searcher.strategies.fusion_tree import Tree, cells_of, crossed, random_tree, tree_of
from bmnas.searcher.strategies.on_candidates import Scored
from bmnas.searcher.strategies.own_space import OwnSpace
from bmnas.settings import shown
from bmnas.tasks.store import Chosen

# Of the authors' code.
_CROSSING, _MUTATION = 0.9, 0.2


class DcNas(OwnSpace):
    """Trees evolve on parts of the training split and on all of it, and learn from each other."""

    class Settings(OwnSpace.Settings):
        """Those of strategies on candidates, and the sizes of trees and populations."""

        kind: Literal["dc-nas"] = "dc-nas"
        budget_trainings: int | None = Field(
            default=None,
            ge=1,
            description="Candidates that are trained; 48 where budget_seconds is not given either.",
            json_schema_extra=shown("trainings"),
        )
        parts: int = Field(
            default=3,
            ge=2,
            le=64,
            description="Into how many parts the training split is divided, k; one sub-population is on all of it.",
            json_schema_extra=shown("parts"),
        )
        subpopulation: int = Field(
            default=4,
            ge=1,
            description="Trees of each of the k + 1 sub-populations; 7 in the paper's code.",
            json_schema_extra=shown("candidates"),
        )
        leaves: int = Field(
            default=8,
            ge=2,
            le=65,
            description="How many features a tree has at most.",
            json_schema_extra=shown("features"),
        )

        def most_trainings(self, shared: SearchSettings) -> int | None:
            """See `OnCandidates.Settings.most_trainings`."""
            # Two generations after the first; with three parts they take as long as 24 on all samples.
            return self.budget_trainings or (48 if shared.budget_seconds is None else None)

        def most_cells(self, shared: SearchSettings) -> int:
            """See `StrategySettings.most_cells`."""
            return self.leaves - 1

        def check_features(self, features: Sequence[Feature]) -> None:
            """See `StrategySettings.check_features`."""
            if len(features) < 2:
                raise BmnasError("the strategy dc-nas joins two features or more, but there is only 1 feature")

        def check(self, shared: SearchSettings) -> None:
            """See `StrategySettings.check`."""
            most, population = self.most_trainings(shared), (self.parts + 1) * self.subpopulation
            if most and most <= population:
                raise ValueError(
                    f"dc-nas begins with {self.parts + 1} random sub-populations of {self.subpopulation}, so that of "
                    f"{most} trainings none is left for their children: use a greater budget_trainings, or a smaller "
                    "subpopulation or fewer parts"
                )

    settings: Settings

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._names = tuple(feature.name for feature in problem.features)
        self._divided = _divided(problem, self.settings.parts)
        self._generation: tuple[int, list[list[Scored]]] = (0, [])

    @property
    def stages(self) -> tuple[Stage, ...]:
        """See `Strategy.stages`."""
        parts = self.settings.parts
        share = 2 / (parts + 1)  # k of k + 1 candidates are trained on a k-th of the samples
        return tuple(stage.model_copy(update={"cost": share * stage.cost}) for stage in super().stages)

    def subpopulations(self) -> list[list[Scored]]:
        """Those that the next candidate has its parents from, the one on all samples last; none in the beginning."""
        generation = len(self.done) // self._size
        if self._generation[0] > generation:
            self._generation = (0, [])
        while self._generation[0] < generation:
            number, before = self._generation
            self._generation = (number + 1, self._after(number, before))
        return self._generation[1]

    def _draw(self, random: Random) -> Genotype:
        populations, kind = self.subpopulations(), self._kind(len(self.done))
        if not populations:
            return self._any(random)
        child = parent = self._tree(self._winner(*random.choices(populations[kind], k=2)))
        if random.random() < _CROSSING:
            others = [self._tree(scored) for scored in self._knowledge(populations, kind)]
            others = [other for other in others if other != parent] or others
            child = crossed(child, random.choice(others), self.settings.leaves, random)
        if random.random() < _MUTATION:
            child = crossed(child, self._random_tree(random), self.settings.leaves, random)
        return self._genotype(cells_of(child, self._names))

    def _any(self, random: Random) -> Genotype:
        return self._genotype(cells_of(self._random_tree(random), self._names))

    def _problem_of(self, number: int) -> Problem:
        return self._divided[self._kind(number - 1)]

    @property
    def _size(self) -> int:
        """Candidates of a generation."""
        return (self.settings.parts + 1) * self.settings.subpopulation

    def _kind(self, index: int) -> int:
        """The sub-population of a candidate, the one on all samples having the number k."""
        # In turn, so that wherever a budget ends all have had their share.
        return index % (self.settings.parts + 1)

    def _after(self, number: int, before: list[list[Scored]]) -> list[list[Scored]]:
        """The sub-populations after a generation, from 0, of which all candidates are done."""
        begin, kinds = number * self._size, range(self.settings.parts + 1)
        born = self.done[begin : begin + self._size]
        children = [born[kind :: len(kinds)] for kind in kinds]
        if not before:
            return children
        seed = self.problem.config.seed
        return [
            self._survivors(before[kind], children[kind], Random(stream(seed, "survivors", number, kind)))
            for kind in kinds
        ]

    def _survivors(self, parents: list[Scored], children: list[Scored], random: Random) -> list[Scored]:
        """As many as there are parents: winners between a parent and a child; the best of all is among them."""
        found = [self._winner(random.choice(parents), random.choice(children)) for _ in parents]
        ranked = self._ranked([*parents, *children])
        if ranked[0] not in found:
            found[found.index(self._ranked(found)[-1])] = ranked[0]
        return found

    def _knowledge(self, populations: list[list[Scored]], kind: int) -> list[Scored]:
        """The knowledge base of the other kind than that sub-population is."""
        *parts, whole = populations
        if kind < len(parts):
            return whole
        each = -(-self.settings.subpopulation // len(parts))
        return [scored for part in parts for scored in self._ranked(part)[:each]]

    def _winner(self, first: Scored, second: Scored) -> Scored:
        """The better one; of equals, the first."""
        return second if self.problem.better(second.score, first.score) else first

    def _ranked(self, scored: list[Scored]) -> list[Scored]:
        sign = -1 if self.problem.task.metric.higher_is_better else 1
        return sorted(scored, key=lambda each: sign * each.score)

    def _tree(self, scored: Scored) -> Tree:
        return tree_of(scored.genotype.cells, self._names)

    def _random_tree(self, random: Random) -> Tree:
        return random_tree(len(self._names), self.settings.leaves, random)


def _divided(problem: Problem, parts: int) -> list[Problem]:
    """The problem on each part of its training split, and on all of it.

    Raises:
        BmnasError: there are not as many parts, or one has too few samples to train on.
    """
    train, seed = problem.train, problem.config.seed
    cut = folds(train.labels.cpu(), groups_of(problem.task, problem.store, "train"), parts, seed)
    least = min(len(held) for _, held in cut)
    if len(cut) < parts or least < 2:
        raise BmnasError(
            f"the strategy dc-nas divides the {len(train)} training samples of task {problem.task.name} into {parts} "
            "parts of two samples or more, groups of samples together; fewer parts, or more samples or groups, are "
            "needed"
        )
    return [*(replace(problem, train=Chosen(train, held)) for _, held in cut), problem]
