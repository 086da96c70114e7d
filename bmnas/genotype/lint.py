"""Warnings: what of a genotype can be compiled, and is probably a mistake or a waste; and notes, which are neither.

A feature that is declared and not used costs nothing, so that is a note. In a genotype that a search has found, and
nobody has edited, nothing is a slip of the pen: that a step repeats another one is how the network is that was trained
and tested, so all is a note there. The same holds for the paper's own networks.

Only what is certain is told, and once: what reaches no output is told as that and not looked into, so a cell that is
not used has no findings about its steps. Here are the findings about what is used; those about what the steps of a cell
compute are in `lint_cell.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bmnas.errors import GenotypeError
from bmnas.genotype import published
from bmnas.genotype.canonical import edited
from bmnas.genotype.finding import Finding, note, warning
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.graph import Node, reads, used_nodes
from bmnas.genotype.lint_cell import lint_cell
from bmnas.genotype.opening import Given, load_any, opened_any
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.schema import Cell
from bmnas.genotype.stacks import StackGenotype
from bmnas.genotype.stacks.lint import lint as lint_stacks

__all__ = ["Finding", "errors", "findings", "lint"]


def lint(genotype: Given) -> tuple[Finding, ...]:
    """The warnings and notes about a genotype or its file, in its order, in time linear in its number of references.

    Raises:
        GenotypeError: it is no genotype, nor the path of one.
    """
    genotype = opened_any(genotype)
    if isinstance(genotype, StackGenotype):
        return lint_stacks(genotype)
    found = tuple(_warnings(genotype))
    if any(each.level == "warning" for each in found) and _was_found(genotype):
        return tuple(replace(each, level="note") for each in found)
    return found


def findings(path: str | os.PathLike[str]) -> tuple[Finding, ...]:
    """All that is to be said about a genotype file: its errors, or else its warnings."""
    try:
        return lint(load_any(path))
    except GenotypeError as error:
        return errors(error, os.fspath(path))


def errors(error: GenotypeError, source: str) -> tuple[Finding, ...]:
    """The findings in an error that `load` has raised for the file ``source``.

    Their code is ``invalid``, or ``unreadable`` where the file is not JSON.
    """
    if error.problems:
        return tuple(Finding("error", "invalid", place, "", text, "") for place, text in error.problems)
    return (Finding("error", "unreadable", "", "", str(error).removeprefix(f"{source}: "), ""),)


def _was_found(genotype: Genotype) -> bool:
    """Whether a search has found it as it is, or it is one of the paper's networks."""
    if genotype.provenance is not None and genotype.provenance.command is not None:
        return not edited(genotype)
    bare = genotype.model_copy(update={"provenance": None})
    return genotype.name in published.names() and published.load(genotype.name) == bare


def _warnings(genotype: Genotype) -> Iterator[Finding]:
    used, readers = used_nodes(genotype), _readers(genotype)
    yield from _provenance(genotype)
    yield from _unused_features(genotype, used, readers)
    yield from _one_modality(genotype, used)
    zero: set[str] = set()  # the cells whose result is always 0
    for i, cell in enumerate(genotype.cells):
        node = ("cell", cell.name)
        if node not in used:
            yield _unused_cell(f"cells[{i}]", cell, readers[node])
            continue
        yield from _inputs(f"cells[{i}]", cell, used)
        yield from _unused_steps(f"cells[{i}]", cell, used, readers)
        yield from lint_cell(f"cells[{i}]", cell, genotype, used, zero)


def _provenance(genotype: Genotype) -> Iterator[Finding]:
    if edited(genotype):
        problem = "tells of another network: the genotype was edited since"
        yield warning(
            "edited", "provenance", "", problem, "train it, which writes what is true of it, or remove this key"
        )


def _readers(genotype: Genotype) -> dict[Node, list[Node]]:
    """What reads every node."""
    read = reads(genotype)
    readers: dict[Node, list[Node]] = {node: [] for node in read}
    for node, sources in read.items():
        for source in dict.fromkeys(sources):
            readers[source].append(node)
    return readers


def _unused_features(genotype: Genotype, used: frozenset[Node], readers: dict[Node, list[Node]]) -> Iterator[Finding]:
    for i, feature in enumerate(genotype.features):
        node = ("feature", feature.name)
        if node in used:
            continue
        if not readers[node]:
            problem = "is declared, but neither a cell nor the output names it"
            advice = "it costs nothing; name it somewhere if it should be used"
            yield note("unnamed-feature", f"features[{i}]", feature.name, problem, advice)
            continue
        problem = f"reaches no output: {_where_it_ends(readers[node], readers)}"
        advice = "let something that is used read it, or leave it out"
        yield warning("unused-feature", f"features[{i}]", feature.name, problem, advice)


def _unused_cell(place: str, cell: Cell, by: list[Node]) -> Finding:
    problem = f"reaches no output: {'what reads it does not either' if by else 'nothing reads it'}"
    return warning("unused-cell", place, cell.name, problem, "name it in output, let a used cell read it, or remove it")


def _where_it_ends(by: list[Node], readers: dict[Node, list[Node]]) -> str:
    """Why a feature that cells name is not used."""
    inputs = [node for node in by if not readers[node]]
    if inputs:
        return f"it is {_and(f'{name} of {cell}' for _, cell, name in inputs)}, which nothing reads"
    cells = dict.fromkeys(node[1] for node in by)
    return f"nothing that reads it, in {_and(cells)}, does"


def _one_modality(genotype: Genotype, used: frozenset[Node]) -> Iterator[Finding]:
    declared = dict.fromkeys(feature.modality for feature in genotype.features)
    reached = dict.fromkeys(f.modality for f in genotype.features if ("feature", f.name) in used)
    if len(declared) > 1 and len(reached) == 1:
        problem = (
            f"are of {_and(declared)}, but only {next(iter(reached))} reaches the output, so modalities are not fused"
        )
        yield warning("one-modality", "features", "", problem, "let a cell read features of two modalities")


def _inputs(place: str, cell: Cell, used: frozenset[Node]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for j, (source, inner) in enumerate(zip(cell.inputs, INPUT_NAMES, strict=False)):
        where, name = f"{place}.inputs[{j}]", f"{cell.name} / {inner}"
        if source in first:
            problem = f"is {source}, as {first[source]} is, but cells are meant to have different inputs (footnote 1)"
            yield warning("same-input", where, name, problem, "name another feature or cell")
        elif ("input", cell.name, inner) not in used:
            problem = f"is {source}, but nothing that is used in the cell reads {inner}"
            yield warning("unread-input", where, name, problem, f"let a step or the cell's output read {inner}")
        first.setdefault(source, inner)


def _unused_steps(place: str, cell: Cell, used: frozenset[Node], readers: dict[Node, list[Node]]) -> Iterator[Finding]:
    for j, step in enumerate(cell.steps):
        node = ("step", cell.name, step.name)
        if node not in used:
            why = "what reads it does not either" if readers[node] else "nothing reads it"
            problem = f"does not reach the output of its cell: {why}"
            advice = "name it in the cell's output, let a used step read it, or remove it"
            yield warning("unused-step", f"{place}.steps[{j}]", f"{cell.name} / {step.name}", problem, advice)


def _and(names: Iterable[str]) -> str:
    """``a, b and c``; at most four names."""
    every = list(names)
    if len(every) > 4:
        every = [*every[:3], f"{len(every) - 3} more"]
    return " and ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)
