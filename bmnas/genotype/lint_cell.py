"""Warnings about what the steps of one cell compute: zeros, repetitions, nothing new.

The steps get values: two nodes have the same value where they certainly compute the same. `ZERO` is the value of what
is always 0. What this file knows about the operations of the package is in `_is_zero` and `_passed_on`; of an operation
from outside it knows only what is declared.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from bmnas.genotype.finding import Finding, warning
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.graph import Node
from bmnas.genotype.lookup import find
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.schema import Cell, Step

ZERO = "always 0"

_ANY_ZERO = ("Mul",)
_ALL_ZERO = ("Sum", "Max", "Mean", "GatedSum")


def lint_cell(place: str, cell: Cell, genotype: Genotype, used: Container[Node], zero: set[str]) -> Iterator[Finding]:
    """The warnings about the used steps and the output of a used cell.

    Args:
        place: of the cell.
        cell: one of the genotype.
        genotype: with the dialect and the length that decide what operations compute.
        used: the nodes of the graph that are used.
        zero: the names of the earlier cells whose result is always 0; this cell joins them if its own is.
    """
    lint = _Lint(genotype, cell, zero)
    for j, step in enumerate(cell.steps):
        if ("step", cell.name, step.name) in used:
            for code, problem, advice in lint.step(step):
                yield warning(code, f"{place}.steps[{j}]", f"{cell.name} / {step.name}", problem, advice)
    for code, problem, advice in lint.output():
        yield warning(code, f"{place}.output", cell.name, problem, advice)
    if lint.result_is_zero():
        zero.add(cell.name)


class _Lint:
    """What is known of the nodes of one cell, step by step."""

    def __init__(self, genotype: Genotype, cell: Cell, zero: set[str]) -> None:
        self.cell = cell
        self.official = genotype.dialect == "official"
        self.length = genotype.representation.length
        # Two inputs of the cell that are one node have one value.
        self.values: dict[str, Any] = {
            inner: ZERO if source in zero else ("input", source)
            for inner, source in zip(INPUT_NAMES, cell.inputs, strict=False)
        }
        self.first: dict[Any, str] = {}  # the first step that computes a value

    def step(self, step: Step) -> Iterator[tuple[str, str, str]]:
        """(code, problem, advice) about one step; the earlier used steps have been looked at."""
        read = [self.values[name] for name in step.inputs]
        operation = find(step.op)
        what = (step.op, tuple(sorted(step.options.items(), key=lambda item: item[0])))
        inputs = tuple(sorted(read, key=repr) if operation.commutative else operation.shortest(read))
        value: Any = (repr(what), inputs)
        same = self.first.setdefault(value, step.name)
        self.values[step.name] = ("step", step.name) if same == step.name or self._differs(step) else self.values[same]

        if self._is_zero(step, read):
            self.values[step.name] = ZERO
            yield "zero-step", _why_zero(step, read), "remove it, and let what reads it read something else"
        elif (kept := self._passed_on(step, read)) is not None:
            self.values[step.name] = self.values[kept]
            yield "idle-step", f"computes {kept}: it is {_written(step)}", f"remove it and read {kept} instead"
        elif same != step.name and step.op == "Attention":
            yield "same-attention", self._same_attention(same), _HEADS
        elif same != step.name and not operation.weights:
            yield "same-step", f"computes the same as {same}, without weights", f"remove it and read {same} instead"
        elif step.op in ("ConcatFC", "ConcatSigmoid") and len(set(step.inputs)) < len(step.inputs):
            problem = "concatenates a node with itself, so its weights for the repetitions only add up"
            yield "same-concat", problem, "name every input once"
        if step.op in ("Attention", "MultiHeadAttention") and self.length == 1 and self.values[step.name] != ZERO:
            problem = f"has one position to attend to (the length is 1), so it takes all of {step.inputs[-1]}"
            yield "one-position", problem, "use a longer representation or another operation"

    def output(self) -> Iterator[tuple[str, str, str]]:
        """(code, problem, advice) about the output of the cell."""
        (name, *others) = self.cell.output
        if others or name not in INPUT_NAMES:
            return
        source = self.cell.inputs[INPUT_NAMES.index(name)]
        if self.official and source == self.cell.inputs[0]:
            problem = f"is {name} alone, so the cell is only the layer norm of 2 {name}"
        elif not self.official:
            problem = f"is {name} alone, so the cell passes {source} on"
        else:
            return
        yield "idle-cell", problem, f"name a step in it, or remove the cell and read {source} instead"

    def result_is_zero(self) -> bool:
        """Whether the result of the cell is always 0: it is one node, and neither x nor a norm is added."""
        return not self.official and [self.values.get(name) for name in self.cell.output] == [ZERO]

    def _differs(self, step: Step) -> bool:
        """Whether the operation has weights, or those of the layer norm behind it, so that repeating it is not idle."""
        return find(step.op).weights or (self.official and step.op == "Attention")

    def _is_zero(self, step: Step, read: list[Any]) -> bool:
        zeros = [value == ZERO for value in read]
        match step.op:
            case "Zero":
                return True
            case op if op in _ANY_ZERO:
                return any(zeros)
            case op if op in _ALL_ZERO:
                return all(zeros)
            case "LinearGLU":  # x W1 ⊙ sigmoid(y W2); in the official dialect it has a bias
                return zeros[0] and not self.official
            case "Attention":  # in the official dialect the layer norm behind it has a bias
                return zeros[-1] and not self.official
        return False

    def _passed_on(self, step: Step, read: list[Any]) -> str | None:
        """The input that the step computes again, if it does."""
        if step.op in ("Max", "Mean") and len(set(read)) == 1:
            return step.inputs[0]
        if step.op == "Sum":
            others = [name for name, value in zip(step.inputs, read, strict=True) if value != ZERO]
            return others[0] if len(others) == 1 else None
        return None

    def _same_attention(self, same: str) -> str:
        if self.official:
            return (
                f"attends as {same} does, on the same inputs and without projections: before dropout and layer norm "
                "they compute the same thing"
            )
        return f"attends as {same} does, on the same inputs and without projections: they compute the same thing"


_HEADS = "for heads that differ use MultiHeadAttention, which has projections of its own"


def _why_zero(step: Step, read: list[Any]) -> str:
    if step.op == "Zero":
        return "is Zero, so its result is always 0"
    zeros = dict.fromkeys(name for name, value in zip(step.inputs, read, strict=True) if value == ZERO)
    return f"is always 0, because {' and '.join(list(zeros)[:4])} {'is' if len(zeros) == 1 else 'are'}"


def _written(step: Step) -> str:
    shown = ", ".join(step.inputs[:4]) + (", ..." if len(step.inputs) > 4 else "")
    return f"{step.op}({shown})"
