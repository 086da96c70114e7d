"""Canonical form: genotypes that compute the same function, up to naming and order, get the same form and hash.

What does not count, and is gone or the same in every form:

- what is not used: features, cells, steps, inputs of a cell; the order in which things are listed;
- how the genotype, its cells and its steps are called; modalities and provenance;
- the order of the inputs of a commutative operation;
- the order of a cell's output, and, where there is a head, of the genotype's output: it only permutes the weights of
  the layer that reads all of them;
- which of a cell's inputs is x, y, z, ..., but that the official dialect adds the first one to the cell's output.

What counts: how the used features are called (a network is given its features by name), their channels, reshape and
scale; the representation, how the output's nodes are joined, the dialect, the head, the number of members and the
dropout rate; the order of the inputs of other operations (ConcatFC(x, y) and ConcatFC(y, x) have other weights for the
same function); the order of the output of a genotype without a head.

Two steps that apply one operation to the same inputs are two nodes: Sum(s, s) is not Sum(s, t). There is no algebra: a
Sum of a Sum is not the Sum of three, and a step that adds Zero is a step.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

from bmnas.errors import GenotypeError
from bmnas.genotype.flat import RESIDUAL, FlatGraph, flatten
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.graph import Node
from bmnas.genotype.labelling import canonical_order
from bmnas.genotype.lookup import find
from bmnas.genotype.opening import Given, opened_any
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.parsing import AnyGenotype
from bmnas.genotype.refinement import TooSymmetricError
from bmnas.genotype.schema import Step
from bmnas.genotype.stacks import StackGenotype
from bmnas.genotype.stacks.canonical import canonical_hash as hash_of_stacks


def canonical_form(genotype: Genotype) -> Genotype:
    """The representative of all genotypes that compute the same function, up to naming and order.

    It is called ``canonical``, its cells Cell_1, Cell_2, ..., their steps Step_1, Step_2, ..., its modalities ``*``.

    Raises:
        GenotypeError: it would take too long, because very many parts of the genotype look alike without being so.
    """
    return Genotype.model_validate(_canonical(genotype)[0])


def canonical_hash(genotype: Given) -> str:
    """SHA-256, in hexadecimal, of the canonical form.

    Args:
        genotype: of what; or the path of its file or of a run folder, as for `bmnas.load`.

    Raises:
        GenotypeError: as for `canonical_form`, or for `bmnas.load`.
    """
    genotype = opened_any(genotype)
    if isinstance(genotype, StackGenotype):
        return hash_of_stacks(genotype)
    content = json.dumps(_canonical(genotype)[0], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def equivalent(a: AnyGenotype, b: AnyGenotype) -> bool:
    """Whether two genotypes compute the same function, up to naming and order.

    Raises:
        GenotypeError: as for `canonical_form`.
    """
    return canonical_hash(a) == canonical_hash(b)


def hash_or_none(genotype: AnyGenotype) -> str | None:
    """Its canonical hash, or ``None`` where that would take too long: for a record that must not fail."""
    try:
        return canonical_hash(genotype)
    except GenotypeError:
        return None


def edited(genotype: AnyGenotype) -> bool:
    """Whether a genotype has become another network since its provenance was written."""
    told = genotype.provenance.canonical_hash if genotype.provenance else None
    return told is not None and told != hash_or_none(genotype)


def canonical_names(genotype: Genotype) -> dict[Node, Node]:
    """The used features, cells and steps: ``("step", cell, step)`` here -> ``("step", cell, step)`` in the form.

    Where nodes of the genotype are symmetric, it is one of several such correspondences.

    Raises:
        GenotypeError: as for `canonical_form`.
    """
    return _canonical(genotype)[1]


def _canonical(genotype: Genotype) -> tuple[dict[str, Any], dict[Node, Node]]:
    """The canonical form as plain data, and the names in it."""
    flat = flatten(genotype)
    try:
        order = canonical_order(flat.labels, flat.reads)
    except TooSymmetricError:
        raise GenotypeError(
            f"{genotype.name}: has so many cells or steps that look alike that its canonical form would take too long"
        ) from None
    form = _Form(genotype, flat, order)
    return form.content(), form.names


class _Form:
    """A genotype written anew, with its nodes in a given order."""

    def __init__(self, genotype: Genotype, flat: FlatGraph, order: list[int]) -> None:
        self.genotype, self.flat, self.order = genotype, flat, order
        self.rank = {number: place for place, number in enumerate(order)}
        self.cells = [number for number in order if flat.nodes[number][0] == "cell"]
        self.steps: dict[str, list[int]] = {flat.nodes[number][1]: [] for number in self.cells}
        self.features = sorted(node[1] for node in flat.nodes if node[0] == "feature")
        self.names: dict[Node, Node] = {("feature", name): ("feature", name) for name in self.features}
        free = _free_names(self.features)
        for number in self.cells:
            self.names[flat.nodes[number]] = ("cell", next(free))
        for number in order:
            if flat.nodes[number][0] == "step":
                cell = flat.nodes[number][1]
                self.steps[cell].append(number)
                own = f"Step_{len(self.steps[cell])}"
                self.names[flat.nodes[number]] = ("step", self.names["cell", cell][1], own)

    def content(self) -> dict[str, Any]:
        genotype = self.genotype
        cells = {cell.name: {step.name: step for step in cell.steps} for cell in genotype.cells}
        output = self.flat.reads[-1]
        if genotype.head is not None:
            output = sorted(output, key=lambda edge: self.rank[edge[0]])
        return {
            "format": genotype.format,
            "name": "canonical",
            "dialect": genotype.dialect,
            "representation": genotype.representation.model_dump(),
            "features": [self._feature(name) for name in self.features],
            "cells": [self._cell(number, cells[self.flat.nodes[number][1]]) for number in self.cells],
            "output": [self._name(number) for number, _ in output],
            **({} if genotype.join == "concat" else {"join": genotype.join}),
            "head": {"outputs": genotype.head.outputs} if genotype.head is not None else None,
            **({} if genotype.members == 1 else {"members": genotype.members}),
            "dropout": abs(genotype.dropout),  # of 0.0 and -0.0 only one
        }

    def _name(self, number: int) -> str:
        return self.names[self.flat.nodes[number]][-1]

    def _feature(self, name: str) -> dict[str, Any]:
        feature = self.genotype.feature(name)
        # Without a reshape layer they are the representation's, said or not.
        channels = self.genotype.representation.channels if feature.reshape == "none" else feature.channels
        scale = {} if feature.scale == "none" else {"scale": feature.scale}
        return {"name": name, "modality": "*", "channels": channels, "reshape": feature.reshape, **scale}

    def _cell(self, number: int, steps: dict[str, Step]) -> dict[str, Any]:
        inputs = self._inputs_of_cell(number)
        # What a node of the cell is called in it, in the order in which inputs of no order are listed.
        inner: dict[int, list[str]] = {}
        for letter, source in zip(INPUT_NAMES, inputs, strict=False):
            inner.setdefault(source, []).append(letter)
        own = self.steps[self.flat.nodes[number][1]]
        inner |= {step: [self._name(step)] for step in own}
        place = {node: index for index, node in enumerate(inner)}
        written = []
        for node in own:
            step = steps[self.flat.nodes[node][2]]
            reads = [source for source, _ in self.flat.reads[node]]
            if find(step.op).commutative:
                reads.sort(key=place.__getitem__)
            names = [inner[source][0] for source in reads]
            written.append({"name": self._name(node), "op": step.op, "inputs": names, **step.options})
        times = Counter(source for source, position in self.flat.reads[number] if position != RESIDUAL)
        return {
            "name": self._name(number),
            "inputs": [self._name(source) for source in inputs],
            "steps": written,
            "output": [
                name for source in sorted(times, key=place.__getitem__) for name in inner[source][: times[source]]
            ],
        }

    def _inputs_of_cell(self, number: int) -> list[int]:
        """The upper nodes that a cell reads: the one that is added first, the others in order; at least two.

        A node that the cell's output names several times is there as often: an output may not name one input twice.
        """
        times: Counter[int] = Counter()
        first: int | None = None
        for source, position in self.flat.reads[number]:
            if position == RESIDUAL:
                first = source
            else:
                times[source] += 1
        own = self.steps[self.flat.nodes[number][1]]
        for step in own:
            for source, _ in self.flat.reads[step]:
                times[source] = max(times[source], 1)
        if first is not None:
            times[first] = max(times[first], 1)
        upper = sorted(set(times) - set(own), key=lambda node: (node != first, self.rank[node]))
        inputs = [node for node in upper for _ in range(times[node])]
        return inputs if len(inputs) > 1 else inputs * 2


def _free_names(taken: list[str]) -> Iterator[str]:
    """Cell_1, Cell_2, ... without those that are the name of a feature."""
    return (name for number in count(1) if (name := f"Cell_{number}") not in taken)
