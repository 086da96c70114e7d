"""A hypernet in which some choices are made and the others are still mixed: its loss tells how good they are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor

from bmnas.compiler.passes import choose
from bmnas.compiler.plan.plan import Id, Plan, between
from bmnas.compiler.program import Program
from bmnas.fit.memory import make_room, ran_out
from bmnas.fit.micro_batches import LEAST
from bmnas.genotype.space.choices import Nodes
from bmnas.searcher.calibration import least_loss
from bmnas.searcher.hypernet import Hypernet, Mixing
from bmnas.searcher.hypernet.plan import cell_id, cell_input_id, step_id, step_input_id, weights_of
from bmnas.searcher.problem import Problem
from bmnas.searcher.selections.choice import Partial
from bmnas.searcher.selections.looks import Looks

# Rows of a batch of the validation split; nothing is kept for gradients, so they may be many.
_ROWS = 512
# Memory for outputs of cells: a look differs from the one before in one choice, so most cells compute the same.
_BYTES = 2**28

Batches = list[Tensor]
"""A node of every batch, (1, B, L, C) each."""


class Masked:
    """Looks at a trained hypernet of one seed on the validation split, in eval mode."""

    def __init__(self, problem: Problem, hypernet: Hypernet, looks: Looks) -> None:
        self.problem, self.hypernet, self._looks = problem, hypernet.eval(), looks
        # What an op computes has a number, by what it depends on; the outputs of cells asked for last are kept.
        self._numbers: dict[object, int] = {}
        self._kept: OrderedDict[int, Batches] = OrderedDict()
        self._rows = _ROWS
        with torch.no_grad():
            self._mixed = hypernet.mixing()
            self._weights = weights_of(self._mixed)
        self._modules = {op.id: hypernet.get_submodule(op.weights[0]) for op in hypernet.plan if op.weights}
        ends = {op.place: op.id for op in hypernet.plan}
        self._ends = [ends[cell_id(n)] for n in range(hypernet.size.cells)]

    @property
    def shared(self) -> bool:
        """Whether all inputs of a node get the same mixture, so that their order makes no difference."""
        return self.hypernet.size.relaxation == "shared"

    def loss(self, choices: Partial) -> float:
        """The task's loss on the validation split with those choices made; at its best temperature with an anchor."""
        return self._looks(lambda: self._loss(lambda: self._outputs(choices)))

    def loss_of(self, mixing: Mixing) -> float:
        """The task's loss on the validation split with any weights."""
        return self._looks(lambda: self._loss(lambda: self._outputs_of(mixing)))

    def plan(self, choices: Partial) -> Plan:
        """The hypernet's plan with those choices made."""
        plan, steps = self.hypernet.plan, self.hypernet.size.steps
        made: dict[Id, Sequence[Id]] = {}
        for n, nodes in enumerate(choices.reads):
            made |= self._reads([cell_input_id(n, i) for i in range(len(nodes))], nodes)
        for at, (op, inputs) in enumerate(choices.steps):
            n, m = divmod(at, steps)
            made |= self._reads([step_input_id(n, m, i) for i in range(len(inputs))], inputs)
            made[step_id(n, m)] = [plan[step_id(n, m)].reads[op]]
        return choose(plan, made)

    def _reads(self, mixes: list[Id], nodes: Nodes) -> dict[Id, Sequence[Id]]:
        """Choices of what a cell or a step reads; where its inputs share a mixture, that is the sum of them."""
        read = [self.hypernet.plan[mixes[0]].reads[node] for node in nodes]
        return {mixes[0]: read} if self.shared else {mix: [id] for mix, id in zip(mixes, read, strict=True)}

    @torch.no_grad()
    def _outputs(self, choices: Partial) -> Tensor:
        plan = self.plan(choices)
        numbers = self._numbered(plan)
        cells: dict[Id, Batches] = {}
        for end in self._ends:
            cells[end] = self._cell(plan, end, numbers[end], cells)
        return torch.cat([out[0] for out in self._computed(plan, plan.output, cells)])

    @torch.no_grad()
    def _outputs_of(self, mixing: Mixing) -> Tensor:
        return torch.cat([self.hypernet.fuse(nodes, mixing)[0] for nodes in self._features])

    def mixing(self, choices: Partial) -> Mixing:
        """The weights of the hypernet, certain where a choice is made."""
        size, mixed = self.hypernet.size, self._mixed
        cells = list(mixed.cells)
        for n, nodes in enumerate(choices.reads):
            cells[n] = self.certain(nodes, mixed.cells[n])
        steps = [list(row) for row in mixed.steps]
        operations = mixed.operations.clone()
        for at, (op, inputs) in enumerate(choices.steps):
            n, m = divmod(at, size.steps)
            steps[n][m] = self.certain(inputs, mixed.steps[n][m])
            operations[0, n, m] = 0
            operations[0, n, m, op] = 1
        return Mixing(tuple(cells), tuple(tuple(row) for row in steps), operations)

    def certain(self, nodes: Nodes, like_1IE: Tensor) -> Tensor:
        """Weights, of the shape of others, that are certain of which node each input is."""
        weights = torch.zeros_like(like_1IE)
        for i, node in enumerate(nodes):
            weights[0, 0 if self.shared else i, node] += 1
        return weights

    def _loss(self, outputs: Callable[[], Tensor]) -> float:
        while True:
            try:
                task, labels = self.problem.task, self.problem.validation.labels
                if self.problem.anchor is None:
                    return float(task.loss(outputs(), labels))
                # Or else a choice whose cells say little would be better than one whose cells are right, but too sure:
                # the heads alone have a loss that is small.
                return least_loss(task, outputs(), labels)
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error) or self._rows < 2 * LEAST:
                    raise
            self._rows //= 2
            self._kept.clear()
            self.__dict__.pop("_features", None)
            make_room(self.problem.device)

    @cached_property
    def _features(self) -> list[list[Tensor]]:
        """Reshaped once, as no choice changes them. Of each batch the J nodes, (1, B, L, C)."""
        validation = self.problem.validation
        batches = validation.batches(validation.rows().split(self._rows))
        named = ({name: feature.unsqueeze(0) for name, feature in batch.features.items()} for batch in batches)
        return [self.hypernet.reshape(features) for features in named]

    def _numbered(self, plan: Plan) -> dict[Id, int]:
        """For each op a number that ops of other looks have, too, where they compute the same."""
        found: dict[Id, int] = {}
        for op in plan:
            own = op.id if op.primitive.given else op.weights or op.primitive
            key = (own, *(found[id] for id in op.reads))
            found[op.id] = self._numbers.setdefault(key, len(self._numbers))
        return found

    def _cell(self, plan: Plan, end: Id, number: int, cells: dict[Id, Batches]) -> Batches:
        """The output of a cell, which has that number: kept, or computed from those of earlier cells."""
        found = self._kept.pop(number, None)
        if found is None:
            found = self._computed(plan, end, cells)
        self._kept[number] = found
        size = sum(part.nbytes for part in found)
        while len(self._kept) > max(self.hypernet.size.cells, _BYTES // size):
            self._kept.popitem(last=False)
        return found

    def _computed(self, plan: Plan, output: Id, cells: dict[Id, Batches]) -> Batches:
        """A node of each batch; what is chosen costs no more than in a derived network."""
        nodes = self.hypernet.nodes
        program = Program(between(plan, {*nodes, *cells}, output), self._modules, seeds=True)
        found = []
        for i, features in enumerate(self._features):
            given = self._weights | dict(zip(nodes, features, strict=True)) | {id: own[i] for id, own in cells.items()}
            found.append(program([given[id] for id in program.given]))
        return found


def without(weights: Tensor, alternative: int) -> Tensor:
    """The weights (..., alternatives) with one alternative left out; the others take its share."""
    left = weights.clone()
    left[..., alternative] = 0
    return left * (weights.sum(-1, keepdim=True) / left.sum(-1, keepdim=True).clamp_min(1e-12))
