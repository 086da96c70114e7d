"""From what a text or a pickle says (calls, lists, names, numbers) to an `OfficialGenotype`.

The data come from a stranger: lists may be shared, may contain themselves, may be of any length. So lengths are
looked at before items, the walk is as deep as a genotype and no deeper, and no value is ever printed whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bmnas.errors import GenotypeError, did_you_mean, short
from bmnas.genotype.official.values import CELLS, EDGE, FEATURES, STEPS, OfficialCell, OfficialGenotype

FIELDS: Mapping[str, tuple[str, ...]] = {
    "Genotype": ("edges", "steps", "concat"),
    "StepGenotype": ("inner_edges", "inner_steps", "inner_concat"),
}


@dataclass(frozen=True)
class Call:
    """``Genotype(...)`` or ``StepGenotype(...)``, with the value of each field."""

    name: str
    values: Mapping[str, object]


def call(name: str, positional: Sequence[object], named: Sequence[tuple[str, object]] = ()) -> Call | range:
    """What ``name(*positional, **named)`` stands for; ``name`` is ``range`` or a key of `FIELDS`.

    Raises:
        GenotypeError: it is not called like that.
    """
    if name == "range":
        return _range(positional, named)
    fields = FIELDS[name]
    if len(positional) > len(fields):
        raise GenotypeError(f"{name} has {len(positional)} values, but it takes {_list_of(fields)}")
    values: dict[str, object] = dict(zip(fields, positional, strict=False))
    for key, value in named:
        if key not in fields:
            raise GenotypeError(f"{name} has {short(key)}, but it takes {_list_of(fields)}{did_you_mean(key, fields)}")
        if key in values:
            raise GenotypeError(f"{name} has {key} twice")
        values[key] = value
    missing = next((field for field in fields if field not in values), None)
    if missing:
        raise GenotypeError(f"{name} has no {missing}; it takes {_list_of(fields)}")
    return Call(name, values)


def build(value: object) -> OfficialGenotype:
    """The genotype that the data describe.

    Raises:
        GenotypeError: they describe none; the message begins with the place.
    """
    fields = _fields_of(value, "Genotype", "the whole")
    edges = _edges(fields["edges"], "edges", 2 * CELLS)
    concat = _numbers(fields["concat"], "concat", CELLS)
    cells = _items(fields["steps"], "steps", CELLS)
    steps = tuple(_cell(cell, f"steps[{i}]") for i, cell in enumerate(cells))
    return OfficialGenotype(edges, steps, concat)


def _cell(value: object, place: str) -> OfficialCell:
    fields = _fields_of(value, "StepGenotype", place)
    edges = _edges(fields["inner_edges"], f"{place}.inner_edges", 2 * STEPS)
    names = _names(fields["inner_steps"], f"{place}.inner_steps")
    concat = _numbers(fields["inner_concat"], f"{place}.inner_concat", STEPS + 2)
    try:
        return OfficialCell(edges, names, concat)
    except GenotypeError as error:
        raise GenotypeError(f"{place}.{error}") from None


def _fields_of(value: object, name: str, place: str) -> Mapping[str, object]:
    if not isinstance(value, Call) or value.name != name:
        raise GenotypeError(f"{place} is {_told(value)}, but it should be {name}(...)")
    return value.values


def _edges(value: object, place: str, limit: int) -> tuple[int, ...]:
    edges = []
    for i, edge in enumerate(_items(value, place, limit)):
        if not isinstance(edge, tuple | list) or len(edge) != 2:
            raise GenotypeError(f"{place}[{i}] is {_told(edge)}, but it should be an edge such as ('{EDGE}', 2)")
        name, node = edge
        if name != EDGE:
            raise GenotypeError(f"{place}[{i}] is an edge with {_told(name)}, but a found network has {EDGE!r} only")
        edges.append(_number(node, f"{place}[{i}][1]"))
    return tuple(edges)


def _numbers(value: object, place: str, limit: int) -> tuple[int, ...]:
    return tuple(_number(item, f"{place}[{i}]") for i, item in enumerate(_items(value, place, limit)))


def _names(value: object, place: str) -> tuple[str, ...]:
    names = []
    for i, name in enumerate(_items(value, place, STEPS)):
        if not isinstance(name, str):
            raise GenotypeError(f"{place}[{i}] is {_told(name)}, but it should be the name of an operation")
        names.append(name)
    return tuple(names)


def _items(value: object, place: str, limit: int) -> Iterator[object]:
    if not isinstance(value, list | tuple | range):
        raise GenotypeError(f"{place} is {_told(value)}, but it should be a list")
    if _length(value) > limit:
        raise GenotypeError(f"{place} has {_told(_length(value))} items, but at most {limit} make sense")
    return iter(value)


def _number(value: object, place: str) -> int:
    if not isinstance(value, int):
        raise GenotypeError(f"{place} is {_told(value)}, but it should be the number of a node")
    # The exact limits depend on the node and are looked at later; this keeps sums and messages small.
    if not 0 <= value < FEATURES + CELLS:
        raise GenotypeError(f"{place} is {_told(value)}, but nodes are numbered from 0, and at most {FEATURES + CELLS}")
    return value


def _range(positional: Sequence[object], named: Sequence[tuple[str, object]]) -> range:
    numbers = [value for value in positional if isinstance(value, int)]
    if named or len(numbers) != len(positional) or len(numbers) not in (1, 2, 3):
        raise GenotypeError("range takes one to three numbers, such as range(8, 10)")
    if len(numbers) == 3 and numbers[2] == 0:
        raise GenotypeError("range has the step 0, which never ends")
    return range(*numbers)


def _length(value: list[object] | tuple[object, ...] | range) -> int:
    # `len` of a range beyond the machine's word is an error.
    if isinstance(value, range):
        return max(0, (value.stop - value.start + value.step - (1 if value.step > 0 else -1)) // value.step)
    return len(value)


def _told(value: object) -> str:
    """A value for a message, however large or tangled it is."""
    if isinstance(value, str):
        return short(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else "a number of more than 18 digits"
    if isinstance(value, list | tuple | range):
        length = _length(value)
        return "an empty list" if not length else f"a list of {_told(length)} item{'s' if length > 1 else ''}"
    if isinstance(value, Call):
        return f"{value.name}(...)"
    return "nothing that a genotype has"


def _list_of(fields: Sequence[str]) -> str:
    return f"{', '.join(fields[:-1])} and {fields[-1]}"
