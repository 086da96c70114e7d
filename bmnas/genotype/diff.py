"""What differs between two genotypes, in words.

Features, cells and steps are matched by name. What has no namesake is then matched by what it is and reads, where that
leaves no choice: a cell that was only renamed is said to be called something else, and those that read it are not said
to differ. Whether the two compute the same function is another question, which `bmnas.genotype.canonical` answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bmnas.errors import short
from bmnas.genotype.difference import Difference, Kind
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.lookup import find
from bmnas.genotype.matching import Named, match, match_cells, match_steps
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.parsing import FUSION, AnyGenotype
from bmnas.genotype.schema import Cell, Feature, Step
from bmnas.genotype.stacks import KIND, StackGenotype
from bmnas.genotype.stacks.diff import diff as diff_of_stacks


def diff(a: AnyGenotype, b: AnyGenotype, names: tuple[str, str] | None = None) -> tuple[Difference, ...]:
    """What differs between two genotypes, from the whole to the parts; empty exactly when they are equal.

    Of genotypes of two kinds that is the kind, and nothing else can be said.

    Args:
        names: what the sentences call the two; their own names, or "the first" and "the second" if those are equal.
    """
    if names is None:
        names = (a.name, b.name) if a.name != b.name else ("the first", "the second")
    if isinstance(a, StackGenotype) and isinstance(b, StackGenotype):
        return diff_of_stacks(a, b, names)
    if isinstance(a, StackGenotype) or isinstance(b, StackGenotype):
        one, other = (KIND if isinstance(each, StackGenotype) else FUSION for each in (a, b))
        return (Difference("changed", "kind", f"is {one} in {names[0]}, {other} in {names[1]}"),)
    return tuple(_Comparison(a, b, *names).all())


class _Comparison:
    """Two genotypes, what they are called, and what corresponds to what in them."""

    def __init__(self, a: Genotype, b: Genotype, in_a: str, in_b: str) -> None:
        self.a, self.b, self.in_a, self.in_b = a, b, in_a, in_b
        self.cells = match_cells(a, b)
        features = {feature.name: feature.name for feature in a.features}
        self.upper = features | {one.name: other.name for one, other in self.cells}

    def all(self) -> Iterator[Difference]:
        yield from self._whole()
        yield from self._features()
        yield from self._cells()
        yield from self._names("output", "", self.a.output, self.b.output, self.upper, self.a.head is not None)
        if self.a.provenance != self.b.provenance:
            yield Difference("changed", "provenance", "differs, which does not change what the genotype means")

    def _whole(self) -> Iterator[Difference]:
        a, b = self.a, self.b
        if a.name != b.name:
            yield Difference("changed", "name", f"is {short(a.name)} in the first, {short(b.name)} in the second")
        yield from self._value("dialect", "", a.dialect, b.dialect)
        for size in ("channels", "length"):
            yield from self._value(
                f"representation.{size}", "", getattr(a.representation, size), getattr(b.representation, size)
            )
        yield from self._value("dropout", "", a.dropout, b.dropout)
        yield from self._value("join", "", a.join, b.join)
        yield from self._value("members", "", a.members, b.members)
        if a.head and b.head:
            yield from self._value("head.outputs", "", a.head.outputs, b.head.outputs)
        elif a.head or b.head:
            yield self._only("head", "", a.head is not None)

    def _features(self) -> Iterator[Difference]:
        a, b = self.a.features, self.b.features
        pairs = match(a, b)
        yield from self._alone("features", a, b, pairs, _feature_in_words)
        for i, one, other in _numbered(a, pairs):
            for key in ("modality", "channels", "reshape", "scale"):
                yield from self._value(f"features[{i}]", f"({one.name}): {key}", getattr(one, key), getattr(other, key))
        yield from self._order("features", "", b, pairs)

    def _cells(self) -> Iterator[Difference]:
        a, b = self.a.cells, self.b.cells
        yield from self._alone("cells", a, b, self.cells, _cell_in_words)
        for i, one, other in _numbered(a, self.cells):
            place, who = f"cells[{i}]", f"({one.name}):"
            yield from self._renamed(place, one.name, other.name)
            yield from self._names(place, f"{who} inputs", one.inputs, other.inputs, self.upper)
            yield from self._steps(place, one, other)
        yield from self._order("cells", "", b, self.cells)

    def _steps(self, place: str, one: Cell, other: Cell) -> Iterator[Difference]:
        pairs = match_steps(one, other)
        renamed = {x: x for x in INPUT_NAMES} | {s.name: t.name for s, t in pairs}
        yield from self._alone(f"{place}.steps", one.steps, other.steps, pairs, _step_in_words, f"{one.name} / ")
        for j, step, same in _numbered(one.steps, pairs):
            here, who = f"{place}.steps[{j}]", f"({one.name} / {step.name}):"
            yield from self._renamed(here, f"{one.name} / {step.name}", same.name)
            yield from self._value(here, f"{who} op", step.op, same.op)
            for option in sorted(step.options.keys() | same.options.keys()):
                yield from self._option(here, who, option, step, same)
            alike = step.op == same.op and find(step.op).commutative
            yield from self._names(here, f"{who} inputs", step.inputs, same.inputs, renamed, alike)
        yield from self._order(f"{place}.steps", f"({one.name}) ", other.steps, pairs)
        yield from self._names(place, f"({one.name}): output", one.output, other.output, renamed, True)

    def _value(self, place: str, who: str, one: object, other: object) -> Iterator[Difference]:
        if one != other:
            lead = f"{who} is" if who else "is"
            yield Difference("changed", place, f"{lead} {_said(one)} in {self.in_a}, {_said(other)} in {self.in_b}")

    def _option(self, place: str, who: str, option: str, one: Step, other: Step) -> Iterator[Difference]:
        if option in one.options and option in other.options:
            yield from self._value(place, f"{who} {option}", one.options[option], other.options[option])
        else:
            kept, here = (one, self.in_a) if option in one.options else (other, self.in_b)
            kind: Kind = "removed" if kept is one else "added"
            yield Difference(kind, place, f"{who} {option} is {_said(kept.options[option])} and only in {here}")

    def _names(
        self,
        place: str,
        who: str,
        one: Sequence[str],
        other: Sequence[str],
        renamed: dict[str, str],
        any_order: bool = False,
    ) -> Iterator[Difference]:
        """Two lists of names, the first of which is read with the names that its nodes have in the second genotype."""
        translated = [renamed.get(name, name) for name in one]
        if translated == list(other):
            return
        lists = f"{_listed(one)} in {self.in_a}, {_listed(other)} in {self.in_b}"
        lead = f"{who} " if who else ""
        if sorted(translated) != sorted(other):
            yield Difference("changed", place, f"{lead}{'are' if who.endswith('inputs') else 'is'} {lists}")
            return
        note = ", which does not change the function" if any_order else ""
        verb = "are" if who.endswith("inputs") else "is"
        yield Difference("changed", place, f"{lead}{verb} in another order: {lists}{note}")

    def _renamed(self, place: str, one: str, other: str) -> Iterator[Difference]:
        if one.rpartition(" / ")[2] != other and one != other:
            yield Difference("changed", place, f"({one}) is called {short(other)} in {self.in_b}")

    def _only(self, place: str, who: str, in_a: bool) -> Difference:
        where = self.in_a if in_a else self.in_b
        return Difference("removed" if in_a else "added", place, f"{who}is only in {where}")

    def _alone(
        self,
        place: str,
        a: Sequence[Named],
        b: Sequence[Named],
        pairs: list[tuple[Named, Named]],
        in_words: Callable[[Named], str],
        above: str = "",
    ) -> Iterator[Difference]:
        """What has no counterpart."""
        for side, parts in enumerate((a, b)):
            matched = {pair[side].name for pair in pairs}
            for i, part in enumerate(parts):
                if part.name not in matched:
                    who = f"({above}{part.name}): {in_words(part)} "
                    yield self._only(f"{place}[{i}]", who, side == 0)

    def _order(
        self, place: str, who: str, b: Sequence[Named], pairs: list[tuple[Named, Named]]
    ) -> Iterator[Difference]:
        index = {part.name: i for i, part in enumerate(b)}
        numbers = [index[other.name] for _, other in pairs]
        if numbers != sorted(numbers):
            names = _listed([b[number].name for number in sorted(numbers)])
            yield Difference("changed", place, f"{who}are in another order in {self.in_b}: {names}")


def _numbered(a: Sequence[Named], pairs: list[tuple[Named, Named]]) -> Iterator[tuple[int, Named, Named]]:
    index = {part.name: i for i, part in enumerate(a)}
    for one, other in pairs:
        yield index[one.name], one, other


def _feature_in_words(feature: Feature) -> str:
    channels = f"{feature.channels} channels" if feature.channels is not None else "channels left out"
    scale = f" scale {feature.scale}," if feature.scale != "none" else ""
    return f"{feature.modality}, {channels}, reshape {feature.reshape},{scale}"


def _cell_in_words(cell: Cell) -> str:
    steps = f"{len(cell.steps)} step{'s' if len(cell.steps) != 1 else ''}"
    return f"reads {_listed(cell.inputs)}, has {steps} and"


def _step_in_words(step: Step) -> str:
    options = "".join(f", {name}={value!r}" for name, value in step.options.items())
    return f"{step.op}({', '.join(step.inputs)}{options})"


def _listed(names: Sequence[str]) -> str:
    most = 12
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _said(value: object) -> str:
    return "left out" if value is None else str(value)
