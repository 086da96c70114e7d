"""What makes a genotype a network that can be built. Each check raises `Misfit`, which carries the place.

The models of `schema.py` call these while they validate, so no invalid genotype ever exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from bmnas.genotype.errors import did_you_mean
from bmnas.genotype.operations import INPUT_NAMES, OPERATIONS

if TYPE_CHECKING:
    from bmnas.genotype.schema import Cell, Feature, Genotype, Step

MISFIT = "bmnas_misfit"


def printable(name: str) -> str:
    """Names are shown, drawn and written to logs: control characters and lone surrogates have no place in them."""
    if not name.isprintable():
        raise misfit("", f"is {name!r}, which has a character that cannot be printed")
    return name


def known_operation(op: str) -> str:
    """The name of an operation in the table."""
    if op not in OPERATIONS:
        raise misfit("", f"is {short(op)}, which is not an operation{did_you_mean(op, OPERATIONS)}")
    return op


def arity(step: Step) -> None:
    """The step gives its operation as many inputs as it takes."""
    operation = OPERATIONS[step.op]
    if not operation.takes(len(step.inputs)):
        raise misfit("inputs", f"has {len(step.inputs)}, but {step.op} takes {operation.arity_in_words()}")


def cell(cell: Cell) -> None:
    """Steps read inputs of the cell and earlier steps; the output names nodes of the cell."""
    nodes = list(INPUT_NAMES[: len(cell.inputs)])
    later = {step.name for step in cell.steps}
    for i, step in enumerate(cell.steps):
        for j, name in enumerate(step.inputs):
            if name not in nodes:
                raise misfit(f"steps[{i}].inputs[{j}]", _unknown_node(name, nodes, later, "step"))
        if step.name in INPUT_NAMES:
            raise misfit(f"steps[{i}].name", f"is {step.name!r}, which is the name of an input of the cell")
        if step.name in nodes:
            raise misfit(f"steps[{i}].name", f"is {short(step.name)}, which an earlier step has")
        nodes.append(step.name)
    _output_names(cell.output, nodes, "a node of the cell")


def genotype(genotype: Genotype) -> None:
    """Cells read features and earlier cells; names are distinct; the reshapes fit the representation."""
    nodes: list[str] = []
    for i, feature in enumerate(genotype.features):
        if feature.name in nodes:
            raise misfit(f"features[{i}].name", f"is {short(feature.name)}, which an earlier feature has")
        _reshape_fits(feature, i, genotype)
        nodes.append(feature.name)
    later = {cell.name for cell in genotype.cells}
    for i, cell in enumerate(genotype.cells):
        for j, name in enumerate(cell.inputs):
            if name not in nodes:
                raise misfit(f"cells[{i}].inputs[{j}]", _unknown_node(name, nodes, later, "cell"))
        if cell.name in nodes:
            raise misfit(f"cells[{i}].name", f"is {short(cell.name)}, which an earlier cell or a feature has")
        nodes.append(cell.name)
    if not genotype.cells and not genotype.output:
        raise misfit("cells", "is empty, so output must name the features to put together")
    _output_names(genotype.output, nodes, "a cell or a feature")


def misfit(place: str, problem: str) -> PydanticCustomError:
    """The error that Pydantic carries out of a validator; ``place`` is relative to the model that raises it."""
    return PydanticCustomError(MISFIT, "{place} {problem}", {"place": place, "problem": problem})


def short(value: object) -> str:
    """A value for a message: quoted, and cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def _unknown_node(name: str, nodes: Sequence[str], later: set[str], kind: str) -> str:
    if name in later:
        return f"reads {short(name)}, which does not come before it; a {kind} reads only what comes before it"
    if kind == "step":
        return f"reads {short(name)}, which is not an input of the cell or an earlier step{did_you_mean(name, nodes)}"
    return f"reads {short(name)}, which is not a feature or an earlier cell{did_you_mean(name, nodes)}"


def _output_names(output: Sequence[str], nodes: Sequence[str], what: str) -> None:
    known = set(nodes)
    for i, name in enumerate(output):
        if name not in known:
            raise misfit(f"output[{i}]", f"names {short(name)}, which is not {what}{did_you_mean(name, nodes)}")
        if name in output[:i]:
            raise misfit(f"output[{i}]", f"names {short(name)} again")


def _reshape_fits(feature: Feature, index: int, genotype: Genotype) -> None:
    length, channels = genotype.representation.length, genotype.representation.channels
    if feature.reshape == "grid" and isqrt(length) ** 2 != length:
        raise misfit(
            f"features[{index}].reshape", f"is 'grid', which needs a square length (4, 9, 16, ...), not {length}"
        )
    if feature.reshape == "none" and feature.channels not in (None, channels):
        raise misfit(
            f"features[{index}].channels",
            f"is {feature.channels}, but a feature with reshape 'none' has the representation's {channels}",
        )
