"""MFAS (Pérez-Rúa et al., "MFAS: Multimodal Fusion Architecture Search", CVPR 2019): search by a model of what is good.

A network is a sequence of fusion layers (`bmnas.searcher.strategies.fusion_layers`). The search goes in steps, at each
of which one layer of the networks that were kept from the step before is chosen: the first, the second, ..., the last,
which is one longer than before, then the first again, and so on. In a step

1. every alternative for that layer in every kept network is scored by a surrogate (`...surrogate`);
2. K of these networks are drawn, v with a probability that rises with v ** (1 / T), where v is what the surrogate
   expects and T a temperature that falls from step to step, so that at first they are nearly arbitrary;
3. they are trained, one after the other, with the weights that layers of the same place and kind have by now, and the
   surrogate learns their scores.

The networks of the first step have one layer and are not scored but trained, and K of them are kept in the same way.

That much is as in the authors' code (https://github.com/juanmanpr/mfas), which has 4 layers, K = 15, 12 steps, 3 epochs
and trains all networks of the first step. Ours are: fewer of all that, so that as few trainings suffice as random
search has by default, with a temperature that falls over the steps that there are; at most 2 K networks in the first
step; scores that are brought to the range of those so far before they count as v, as a task may have any metric;
features that are reshaped by layers of their own, whose weights are shared, too, in place of global pooling with a
weight for each channel; no batch norm and no dropout behind a layer, which are options there; and no network is
trained twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from bmnas.compiler import FusionNetwork
from bmnas.compiler.plan.plan import Op
from bmnas.errors import BmnasError
from bmnas.fit.seeding import stream
from bmnas.genotype import INPUT_NAMES, Feature, Genotype
from bmnas.genotype.graph import OUTPUT
from bmnas.searcher.candidate import CandidateTraining
from bmnas.searcher.events import CandidateDone
from bmnas.searcher.problem import Problem
from bmnas.searcher.settings import SearchSettings
from bmnas.searcher.strategies.fusion_layers import FusionLayers, Layers
from bmnas.searcher.strategies.own_space import OwnSpace
from bmnas.searcher.strategies.surrogate import Surrogate
from bmnas.settings import shown

# Of the authors' code.
_HOTTEST, _COLDEST, _STEPS = 10.0, 0.2, 12
_LR, _EPOCHS = 1e-3, 50

_MOST = 4096  # networks that a step looks at; of more, some at random


class Mfas(OwnSpace):
    """Fusion layers are added and replaced, those first that a surrogate expects to be good."""

    class Settings(OwnSpace.Settings):
        """Those of strategies on candidates, and the sizes of networks and steps."""

        kind: Literal["mfas"] = "mfas"
        layers: int = Field(
            default=2,
            ge=1,
            le=64,
            description="How many fusion layers a network has at most; 4 in the paper's code.",
            json_schema_extra=shown("layers"),
        )
        samples_per_step: int = Field(
            default=4,
            ge=1,
            description="Networks that are trained between two updates of the surrogate, K; 15 in the paper's code.",
            json_schema_extra=shown("candidates"),
        )

        def most_cells(self, shared: SearchSettings) -> int:
            """See `StrategySettings.most_cells`."""
            return self.layers

        def check_features(self, features: Sequence[Feature]) -> None:
            """See `StrategySettings.check_features`."""
            modalities, most = len(FusionLayers.over(features).modalities), len(INPUT_NAMES) - (self.layers > 1)
            if modalities < 2:
                raise BmnasError(
                    "the strategy mfas fuses a feature of each modality, but the features here are of one modality"
                )
            if modalities > most:
                rest = " and the layer before it" if self.layers > 1 else ""
                raise BmnasError(
                    f"a layer of the strategy mfas reads a feature of each modality{rest}, but a cell reads at most "
                    f"{len(INPUT_NAMES)} nodes, so {modalities} modalities are too many: {most} are possible"
                )

    settings: Settings

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._form = FusionLayers.over(problem.features)
        self._surrogate = Surrogate(self._form.sizes, lr=_LR, seed=stream(problem.config.seed, "surrogate"))
        self._weights: dict[str, dict[str, Tensor]] = {}  # by the place and the kind of what has them
        self._step: _Step | None = None

    def state(self) -> dict[str, Any]:
        """See `Strategy.state`."""
        return {**super().state(), "surrogate": self._surrogate.state(), "weights": self._weights}

    def load_state(self, state: dict[str, Any]) -> None:
        """See `Strategy.load_state`."""
        # They decide which candidate is the next, and with what it begins.
        self._surrogate.load_state(state["surrogate"])
        self._weights, self._step = dict(state["weights"]), None
        super().load_state(state)

    def _draw(self, random: Random) -> Genotype:
        step = self._now()
        done = set(self._networks())
        left = [(network, weight) for network, weight in step.weights.items() if network not in done]
        if not left:
            return self._any(random)
        networks, weights = zip(*left, strict=True)
        return self._genotype(self._form.cells(random.choices(networks, weights)[0]))

    def _any(self, random: Random) -> Genotype:
        length = random.randint(1, self.settings.layers)
        return self._genotype(
            self._form.cells(tuple(self._form.layer(random.randrange(self._form.count)) for _ in range(length)))
        )

    def _next(self) -> CandidateTraining | None:
        training = super()._next()
        if training:
            for key, op in _shared(training.network):
                if key in self._weights:
                    training.network.get_submodule(op.weights[0]).load_state_dict(self._weights[key])
        return training

    def _candidate_done(self, training: CandidateTraining) -> CandidateDone:
        for key, op in _shared(training.network):
            weights = training.network.get_submodule(op.weights[0]).state_dict()
            self._weights[key] = {name: tensor.clone() for name, tensor in weights.items()}
        return super()._candidate_done(training)

    def _now(self) -> _Step:
        """The step that the next candidate belongs to."""
        number, begin = self._place()
        if self._step is None or self._step.number != number:
            self._step = _Step(number, self._first() if number == 0 else self._scored(number, begin))
        return self._step

    @property
    def _first_count(self) -> int:
        """Candidates of the first step."""
        return min(2 * self.settings.samples_per_step, self._form.count)

    def _place(self) -> tuple[int, int]:
        """The number of the step, from 0, and how many candidates there were before it."""
        first, each = self._first_count, self.settings.samples_per_step
        if len(self.done) < first:
            return 0, 0
        number = 1 + (len(self.done) - first) // each
        return number, first + (number - 1) * each

    def _steps(self) -> int:
        """How many steps there will be; where seconds alone decide, as many as in the authors' code."""
        most, first, each = self._most_trainings(), self._first_count, self.settings.samples_per_step
        return _STEPS if most is None else max(1, 1 + -(-(most - first) // each))

    def _first(self) -> dict[Layers, float]:
        return {(layer,): 1.0 for layer in self._form.some(_MOST, self._random("layers", 0))}

    def _scored(self, number: int, begin: int) -> dict[Layers, float]:
        """The networks of a step, with how likely each is to be drawn."""
        networks, values = self._networks()[:begin], self._values(begin)
        if self._surrogate.taught < begin:
            self._surrogate.teach(networks, values, _EPOCHS)
        kept = networks[-self.settings.samples_per_step :]
        if number == 1:
            heat = temperature(0, self._steps())
            kept = _drawn(networks, [value ** (1 / heat) for value in values], len(kept), self._random("kept"))
        position = number % self.settings.layers
        layers = self._form.some(max(1, _MOST // len(kept)), self._random("layers", number))
        offered = [
            (*network[:position], layer, *network[position + 1 :])
            for network in dict.fromkeys(kept)
            for layer in layers
        ]
        expected = self._surrogate.values(offered)
        heat = temperature(number, self._steps())
        return {network: value ** (1 / heat) for network, value in zip(offered, expected, strict=True)}

    def _networks(self) -> list[Layers]:
        return [self._form.layers(scored.genotype.cells) for scored in self.done]

    def _values(self, count: int) -> list[float]:
        """The scores of the first candidates, from 0.1 for the worst to 0.9 for the best."""
        sign = 1 if self.problem.task.metric.higher_is_better else -1
        scores = [sign * scored.score for scored in self.done[:count]]
        least, greatest = min(scores), max(scores)
        if least == greatest:
            return [0.5] * count
        return [0.1 + 0.8 * (score - least) / (greatest - least) for score in scores]

    def _random(self, *names: object) -> Random:
        return Random(stream(self.problem.config.seed, *names))


@dataclass(frozen=True)
class _Step:
    """One step of the search.

    Attributes:
        number: from 0.
        weights: the networks that may be drawn in it, with how likely they are.
    """

    number: int
    weights: dict[Layers, float]


def temperature(step: int, steps: int) -> float:
    """How far from equal the chances of networks are: the smaller, the farther.

    Args:
        step: from 0.
        steps: how many there are; after a third of them the temperature has fallen by two thirds.
    """
    return (_HOTTEST - _COLDEST) * math.exp(-((3 * (step + 1) / steps) ** 2)) + _COLDEST


def _drawn(networks: Sequence[Layers], weights: Sequence[float], count: int, random: Random) -> list[Layers]:
    """Some of the networks, none twice."""
    left = dict(zip(networks, weights, strict=True))
    found: list[Layers] = []
    while left and len(found) < count:
        found.append(random.choices(list(left), list(left.values()))[0])
        del left[found[-1]]
    return found


def _shared(network: FusionNetwork) -> list[tuple[str, Op]]:
    """What has weights that other networks use, with its place and kind: all but the heads."""
    operations = {cell.name: cell.steps[0].op for cell in network.genotype.cells}
    return [
        (repr((operations.get(op.place[1], ""), *op.id)), op)
        for op in network.plan
        if op.weights and op.place != OUTPUT
    ]
