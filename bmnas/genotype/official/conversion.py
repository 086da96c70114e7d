"""Between a genotype of the released code, which numbers its nodes, and ours, which names them.

The released code's genotype holds the choices of the search and nothing else. Features, sizes, classes and dropout are
arguments of its scripts, so they are given here, or taken from another genotype (``like``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bmnas.errors import GenotypeError, did_you_mean, short
from bmnas.genotype.genotype import Genotype, from_dict
from bmnas.genotype.official.values import OPERATIONS, OfficialCell, OfficialGenotype
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.schema import Cell, Feature, Head, Representation, Step

# The released code's default for NTU RGB+D (C = 128, L = 8).
REPRESENTATION = Representation(channels=128, length=8)

_OFFICIAL_NAMES = {ours: theirs for theirs, ours in OPERATIONS.items()}


def to_genotype(
    parsed: OfficialGenotype,
    *,
    features: Sequence[Feature] | None = None,
    representation: Representation | None = None,
    node_multiplier: int | None = None,
    head: Head | None = None,
    dropout: float | None = None,
    name: str = "genotype",
    like: Genotype | None = None,
) -> Genotype:
    """The network that the released code makes of a genotype.

    Args:
        parsed: the genotype.
        features: in the released code's order; if left out, those of ``like``, or else Feature_1, Feature_2, ...
            without channels.
        representation: if left out, that of ``like``, or else 128 channels of length 8.
        node_multiplier: how many of the last nodes of a cell (x, y, then the steps) form its output. If left out, what
            the genotype's ``inner_concat`` says. The released scripts are told it with ``--node_multiplier``; their
            defaults are the number of steps.
        head: if left out, that of ``like``.
        dropout: if left out, that of ``like``, or else 0.2.
        name: of the new genotype.
        like: a genotype that supplies what is left out.

    Raises:
        GenotypeError: the genotype was made for another number of features, or the parts do not fit together.
    """
    try:
        features = _features(parsed, features, like)
        size = _multiplier(parsed) if node_multiplier is None else node_multiplier
        cells = [_cell(cell, size) for cell in parsed.steps]
    except GenotypeError as error:
        raise GenotypeError(f"{name}: {error}") from None
    nodes = [feature.name for feature in features] + [f"Cell_{i}" for i in range(1, len(parsed.steps) + 1)]
    head = head or (like.head if like else None)
    representation = representation or (like.representation if like else REPRESENTATION)
    data: dict[str, Any] = {
        "name": name,
        "representation": representation.model_dump(),
        "features": [feature.model_dump() for feature in features],
        "cells": [
            {"inputs": [nodes[node] for node in parsed.edges[2 * i : 2 * i + 2]], **cell}
            for i, cell in enumerate(cells)
        ],
        "output": [nodes[node] for node in parsed.concat],
        "head": head.model_dump() if head else None,
    }
    if dropout is not None or like:
        data["dropout"] = dropout if dropout is not None or like is None else like.dropout
    return from_dict(data, source=name)


def from_genotype(genotype: Genotype) -> OfficialGenotype:
    """A genotype as the released code would write it. Features and sizes are not part of that; see `to_genotype`.

    Raises:
        GenotypeError: the released code has no such network; the message names the place.
    """
    try:
        return _official(genotype)
    except GenotypeError as error:
        raise GenotypeError(f"{genotype.name}: {error}") from None


def _official(genotype: Genotype) -> OfficialGenotype:
    if genotype.dialect != "official":
        raise GenotypeError(
            f"dialect is {genotype.dialect!r}, but the released code computes the official dialect only"
        )
    if not genotype.cells:
        raise GenotypeError("cells is empty, but the released code has networks with cells only")
    numbers = {feature.name: i for i, feature in enumerate(genotype.features)}
    edges: list[int] = []
    steps: list[OfficialCell] = []
    for i, cell in enumerate(genotype.cells):
        if len(cell.inputs) != 2:
            raise GenotypeError(
                f"cells[{i}].inputs has {len(cell.inputs)} nodes, but the released code has cells of two"
            )
        edges += [numbers[node] for node in cell.inputs]
        steps.append(_official_cell(cell, f"cells[{i}]"))
        numbers[cell.name] = len(numbers)
        _same_length(i, "steps", len(cell.steps), len(genotype.cells[0].steps))
        _same_length(i, "output", len(cell.output), len(genotype.cells[0].output))
    if genotype.join != "concat":
        raise GenotypeError(f"join is {genotype.join!r}, but the released code concatenates its output")
    if genotype.members != 1:
        raise GenotypeError(f"members is {genotype.members}, but the released code has no ensembles")
    for i, feature in enumerate(genotype.features):
        if feature.scale != "none":
            raise GenotypeError(f"features[{i}].scale is {feature.scale!r}, but the released code scales no feature")
    last = tuple(cell.name for cell in genotype.cells[-len(genotype.output) :])
    if genotype.output != last:
        raise GenotypeError(
            f"output is {_names(genotype.output)}, but the released code puts out its last cells in their order, "
            f"here {_names(last)}"
        )
    return OfficialGenotype(tuple(edges), tuple(steps), tuple(numbers[name] for name in last))


def _same_length(index: int, what: str, own: int, first: int) -> None:
    if own != first:
        raise GenotypeError(
            f"cells[{index}].{what} has length {own}, but cells[0].{what} has length {first}: "
            "the released code has one length for all cells"
        )


def _official_cell(cell: Cell, place: str) -> OfficialCell:
    if not cell.steps:
        raise GenotypeError(f"{place}.steps is empty, but the released code has cells with steps only")
    nodes = [*INPUT_NAMES[:2], *(step.name for step in cell.steps)]
    numbers = {name: i for i, name in enumerate(nodes)}
    for j, step in enumerate(cell.steps):
        _check_step(step, f"{place}.steps[{j}]")
    last = tuple(nodes[-len(cell.output) :])
    if cell.output != last:
        raise GenotypeError(
            f"{place}.output is {_names(cell.output)}, but the released code puts out the last nodes in their order, "
            f"here {_names(last)}"
        )
    return OfficialCell(
        inner_edges=tuple(numbers[node] for step in cell.steps for node in step.inputs),
        inner_steps=tuple(_OFFICIAL_NAMES[step.op] for step in cell.steps),
        inner_concat=tuple(numbers[node] for node in cell.output),
    )


def _check_step(step: Step, place: str) -> None:
    if step.op not in _OFFICIAL_NAMES:
        hint = did_you_mean("", _OFFICIAL_NAMES)
        raise GenotypeError(f"{place}.op is {short(step.op)}, which the released code does not have{hint}")
    if len(step.inputs) != 2:
        raise GenotypeError(f"{place}.inputs has {len(step.inputs)} nodes, but the released code has steps of two")


def _features(parsed: OfficialGenotype, features: Sequence[Feature] | None, like: Genotype | None) -> Sequence[Feature]:
    given = like.features if features is None and like else features
    if given is None:
        return [Feature(name=f"Feature_{i}", modality="Feature") for i in range(1, parsed.features + 1)]
    if len(given) != parsed.features:
        raise GenotypeError(
            f"concat ends with {parsed.concat[-1]}, so the genotype with its {_cells(parsed)} was made for "
            f"{parsed.features} features, but {len(given)} are given"
        )
    return given


def _cell(cell: OfficialCell, size: int) -> dict[str, Any]:
    nodes = [*INPUT_NAMES[:2], *(f"Step_{j}" for j in range(1, len(cell.inner_steps) + 1))]
    if not 1 <= size <= len(nodes):
        raise GenotypeError(f"the node multiplier is {short(size)}, but a cell here has {len(nodes)} nodes")
    steps = [
        {"op": OPERATIONS[op], "inputs": [nodes[node] for node in cell.inner_edges[2 * j : 2 * j + 2]]}
        for j, op in enumerate(cell.inner_steps)
    ]
    return {"steps": steps, "output": nodes[-size:]}


def _multiplier(parsed: OfficialGenotype) -> int:
    first = len(parsed.steps[0].inner_concat)
    for i, cell in enumerate(parsed.steps):
        nodes = len(cell.inner_steps) + 2
        if not first or cell.inner_concat != tuple(range(nodes - first, nodes)):
            raise GenotypeError(
                f"steps[{i}].inner_concat is {short(list(cell.inner_concat))}, but it should be the last nodes "
                "of the cell, as many as in steps[0]; or say how many are meant as the node multiplier"
            )
    return first


def _names(names: Sequence[str]) -> str:
    return short(list(names))


def _cells(parsed: OfficialGenotype) -> str:
    return "one cell" if len(parsed.steps) == 1 else f"{len(parsed.steps)} cells"
