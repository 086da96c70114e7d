"""A hypernet in which some choices are made and the others are still mixed: its loss tells how good they are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import cast

import torch
from torch import Tensor, nn

from bmnas.fit.memory import make_room, ran_out
from bmnas.fit.micro_batches import LEAST
from bmnas.genotype.space.choices import Nodes, StepChoice
from bmnas.searcher.hypernet import Hypernet, Mixing
from bmnas.searcher.hypernet.network import MixedCell
from bmnas.searcher.problem import Problem
from bmnas.searcher.selections.choice import Partial
from bmnas.searcher.selections.looks import Looks

# Rows of a batch of the validation split; nothing is kept for gradients, so they may be many.
_ROWS = 512
# Memory for outputs of cells: a look differs from the one before in one choice, so most cells compute the same.
_BYTES = 2**28

Key = tuple[object, ...]
Steps = tuple[StepChoice, ...]


class Masked:
    """Looks at a trained hypernet of one seed on the validation split, in eval mode."""

    def __init__(self, problem: Problem, hypernet: Hypernet, looks: Looks) -> None:
        self.problem, self.hypernet, self._looks = problem, hypernet.eval(), looks
        # What a cell computes has a number, by what it depends on; the outputs asked for last are kept.
        self._numbers: dict[Key, int] = {}
        self._keys: list[Key] = []
        self._kept: OrderedDict[int, list[Tensor]] = OrderedDict()
        self._rows = _ROWS
        with torch.no_grad():
            self._mixed = hypernet.mixing()

    @property
    def shared(self) -> bool:
        """Whether both inputs of a node get the same mixture, so that the order of a pair makes no difference."""
        return self.hypernet.size.relaxation == "shared"

    def loss(self, choices: Partial) -> float:
        """The task's loss on the validation split with those choices made."""
        return self._looks(lambda: self._loss(lambda: self._outputs(choices)))

    def loss_of(self, mixing: Mixing) -> float:
        """The task's loss on the validation split with any weights."""
        return self._looks(lambda: self._loss(lambda: self._outputs_of(mixing)))

    @torch.no_grad()
    def _outputs(self, choices: Partial) -> Tensor:
        size, steps, J = self.hypernet.size, self.hypernet.size.steps, len(self.hypernet.size.features)
        cells: list[int] = []
        for n in range(size.cells):
            pair = choices.reads[n] if n < len(choices.reads) else None
            own = choices.steps[n * steps : (n + 1) * steps]
            read = range(n) if pair is None else sorted({node - J for node in pair if node >= J})
            cells.append(self._number((n, pair, own, tuple((k, cells[k]) for k in read))))
        found = [self._cell(number) for number in cells]
        return torch.cat([self.hypernet.output(*nodes)[0] for nodes in zip(*found, strict=True)])

    @torch.no_grad()
    def _outputs_of(self, mixing: Mixing) -> Tensor:
        return torch.cat([self.hypernet.fuse(nodes.unbind(), mixing)[0] for nodes in self._features])

    def mixing(self, choices: Partial) -> Mixing:
        """The weights of the hypernet, certain where a choice is made."""
        size, mixed = self.hypernet.size, self._mixed
        cells = list(mixed.cells)
        for n, pair in enumerate(choices.reads):
            cells[n] = self.certain(pair, mixed.cells[n])
        steps = [list(row) for row in mixed.steps]
        operations = mixed.operations.clone()
        for at, (op, inputs) in enumerate(choices.steps):
            n, m = divmod(at, size.steps)
            steps[n][m] = self.certain(inputs, mixed.steps[n][m])
            operations[0, n, m] = 0
            operations[0, n, m, op] = 1
        return Mixing(tuple(cells), tuple(tuple(row) for row in steps), operations)

    def certain(self, pair: Nodes, like_1IE: Tensor) -> Tensor:
        """Weights, of the shape of others, that are certain of a pair."""
        weights = torch.zeros_like(like_1IE)
        for i, node in enumerate(pair):
            weights[0, 0 if self.shared else i, node] += 1
        return weights

    def _loss(self, outputs: Callable[[], Tensor]) -> float:
        while True:
            try:
                return float(self.problem.task.loss(outputs(), self.problem.validation.labels))
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error) or self._rows < 2 * LEAST:
                    raise
            self._rows //= 2
            self._kept.clear()
            self.__dict__.pop("_features", None)
            make_room(self.problem.device)

    @cached_property
    def _features(self) -> list[Tensor]:
        """Reshaped once, as no choice changes them. Of each batch (J, 1, B, L, C)."""
        pairs = list(zip(self.hypernet.reshapes, self.hypernet.size.features, strict=True))
        validation = self.problem.validation
        return [
            torch.stack([reshape(batch.features[feature.name].unsqueeze(0)) for reshape, feature in pairs])
            for batch in validation.batches(validation.rows().split(self._rows))
        ]

    def _number(self, key: Key) -> int:
        number = self._numbers.setdefault(key, len(self._keys))
        if number == len(self._keys):
            self._keys.append(key)
        return number

    def _cell(self, number: int) -> list[Tensor]:
        """What has that number, kept or computed."""
        found = self._kept.pop(number, None)
        if found is None:
            found = self._computed(self._keys[number])
        self._kept[number] = found
        size = sum(part.nbytes for part in found)
        while len(self._kept) > max(self.hypernet.size.cells, _BYTES // size):
            self._kept.popitem(last=False)
        return found

    def _computed(self, key: Key) -> list[Tensor]:
        """The output of a cell for each batch, (1, B, L, C); what is certain costs no more than in a derived network.

        Args:
            key: which cell; the pair that it reads, if that is chosen; its steps that are chosen; which cells it reads,
                each with the number of what that computes.
        """
        n, pair, chosen, read = cast(tuple[int, Nodes | None, Steps, tuple[tuple[int, int], ...]], key)
        cells = {k: self._cell(own) for k, own in read}
        found = []
        for i, features in enumerate(self._features):
            nodes = [*features.unbind(), *(cells[k][i] if k in cells else features[0] for k in range(n))]
            inputs = self._inputs(nodes, pair, self._mixed.cells[n])
            found.append(self._steps(cast(MixedCell, self.hypernet.cells[n]), n, inputs, chosen))
        return found

    def _steps(self, cell: MixedCell, n: int, inputs: tuple[Tensor, Tensor], chosen: Steps) -> Tensor:
        nodes = list(inputs)
        for m, operations in enumerate(cell.steps):
            op, pair = chosen[m] if m < len(chosen) else (None, None)
            x, y = self._inputs(nodes, pair, self._mixed.steps[n][m])
            modules = list(cast(nn.ModuleList, operations))
            if op is not None:
                nodes.append(modules[op](x, y))
            else:
                weights = self._mixed.operations[0, n, m].tolist()
                nodes.append(_sum([module(x, y) for module in modules], weights))
        out: Tensor = cell.output(*nodes[-cell.cell_outputs :], inputs[0])
        return out

    def _inputs(self, nodes: list[Tensor], pair: Nodes | None, mixed_1IE: Tensor) -> tuple[Tensor, Tensor]:
        if pair is None:
            sums = [_sum(nodes, weights) for weights in mixed_1IE[0].tolist()]
            return sums[0], sums[-1]
        x, y = (nodes[node] for node in pair)
        return (x + y, x + y) if self.shared else (x, y)


def _sum(nodes: list[Tensor], weights: list[float]) -> Tensor:
    """Σ weight · node."""
    total = nodes[0] * weights[0]
    for node, weight in zip(nodes[1:], weights[1:], strict=True):
        total.add_(node, alpha=weight)
    return total


def without(weights: Tensor, alternative: int) -> Tensor:
    """The weights (..., alternatives) with one alternative left out; the others take its share."""
    left = weights.clone()
    left[..., alternative] = 0
    return left * (weights.sum(-1, keepdim=True) / left.sum(-1, keepdim=True).clamp_min(1e-12))
