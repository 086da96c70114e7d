"""What makes a genotype a network that can be built: every rule, as a function that yields the problems it finds.

The models of `schema.py` call these while they validate, so no invalid genotype ever exists; `problems.py` calls them
on data that are no genotype yet, to tell everything that is wrong at once. There ``None`` stands in the place of a
value that is wrong in itself, which is told elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from math import isqrt
from typing import Any, NamedTuple

from pydantic import ValidationError, ValidationInfo, ValidatorFunctionWrapHandler
from pydantic_core import PydanticCustomError, PydanticOmit

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.genotype.lookup import find, known
from bmnas.genotype.operation import Operation
from bmnas.genotype.operations import INPUT_NAMES, OPERATIONS

MISFIT = "bmnas_misfit"


class Problem(NamedTuple):
    """Something that keeps data from being a genotype.

    Attributes:
        place: where, as ``cells[1].steps[0].op``; relative to the model whose rule is broken.
        text: what, as the end of a sentence that begins with the place.
    """

    place: str
    text: str


def step(step: Any) -> Iterator[Problem]:
    """The operation exists, takes as many inputs as the step gives it, and has the options that the step gives it."""
    operation = operation_of(step.op) if isinstance(step.op, str) else None
    if isinstance(operation, str):
        yield Problem("op", operation)
    if not isinstance(operation, Operation):
        # Of an operation that is not known, the options are not either.
        yield from (_unknown_key(key, []) for key in step.options if step.op is None)
        return
    if step.inputs is not None and not operation.takes(len(step.inputs)):
        yield Problem("inputs", f"has {len(step.inputs)}, but {step.op} takes {operation.arity_in_words()}")
    yield from _options(operation, step.options)


def cell(cell: Any) -> Iterator[Problem]:
    """Steps read inputs of the cell and earlier steps; the output names nodes of the cell."""
    earlier: dict[str, None] = dict.fromkeys(INPUT_NAMES[: len(cell.inputs or INPUT_NAMES)])
    later = {step.name for step in cell.steps}
    for i, step in enumerate(cell.steps):
        for j, name in enumerate(step.inputs or ()):
            if name is not None and name not in earlier:
                inside = dict(zip(cell.inputs or (), INPUT_NAMES, strict=False)).get(name)
                text = f"reads {name!r}, which is called {inside!r} inside the cell" if inside else None
                yield Problem(f"steps[{i}].inputs[{j}]", text or _unknown_node(name, earlier, later, "step"))
        if step.name in INPUT_NAMES:
            yield Problem(f"steps[{i}].name", f"is {step.name!r}, which is the name of an input of the cell")
        elif step.name in earlier:
            yield Problem(f"steps[{i}].name", f"is {short(step.name)}, which an earlier step has")
        if step.name is not None:
            earlier[step.name] = None
    if not cell.steps and not cell.output:
        yield Problem("steps", "is empty, so output must name the inputs to put together")
    yield from _output(cell.output, earlier, "a node of the cell")


def genotype(genotype: Any) -> Iterator[Problem]:
    """Cells read features and earlier cells; names are distinct; reshapes and options fit the representation."""
    if genotype.features is None:
        return
    earlier: dict[str, None] = {}
    for i, feature in enumerate(genotype.features):
        if feature.name is None:
            continue
        if feature.name in earlier:
            yield Problem(f"features[{i}].name", f"is {short(feature.name)}, which an earlier feature has")
        earlier[feature.name] = None
    yield from _sizes(genotype)
    later = {cell.name for cell in genotype.cells}
    for i, cell in enumerate(genotype.cells):
        for j, name in enumerate(cell.inputs or ()):
            if name is not None and name not in earlier:
                yield Problem(f"cells[{i}].inputs[{j}]", _unknown_node(name, earlier, later, "cell"))
        if cell.name is None:
            continue
        if cell.name in earlier:
            yield Problem(f"cells[{i}].name", f"is {short(cell.name)}, which an earlier cell or a feature has")
        earlier[cell.name] = None
    if not genotype.cells and not genotype.output:
        yield Problem("cells", "is empty, so output must name the features to put together")
    yield from _output(genotype.output, earlier, "a cell or a feature")
    if genotype.join == "sum" and not genotype.has_head:
        yield Problem("join", "is 'sum', which adds the results of heads, so the genotype needs a head")
    if genotype.members not in (None, 1) and not genotype.has_head:
        text = f"is {genotype.members}, networks whose outputs are averaged, so the genotype needs a head"
        yield Problem("members", text)


def refuse(problems: Iterable[Problem]) -> None:
    """Raise the first problem, where there is one, as the error that Pydantic carries out of a validator."""
    for problem in problems:
        raise misfit(*problem)


def misfit(place: str, text: str) -> PydanticCustomError:
    """The error that Pydantic carries out of a validator; ``place`` is relative to the model that raises it."""
    return PydanticCustomError(MISFIT, "{place} {problem}", {"place": place, "problem": text})


class Patience:
    """How many wrong parts of the data are looked at, as the context of a validation; see `patient`."""

    def __init__(self, left: int) -> None:
        self.left = left


def patient(value: Any, validate: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Passes over what follows where many items were wrong: an error for each of 100,000 would take very long."""
    patience = info.context
    if not isinstance(patience, Patience):
        return validate(value)
    if patience.left <= 0:
        raise PydanticOmit
    try:
        return validate(value)
    except ValidationError:
        patience.left -= 1
        raise


def printable(name: str) -> str:
    """Names are shown, drawn and written to logs: control characters and lone surrogates have no place in them."""
    if not name.isprintable():
        raise misfit("", f"is {short(name)}, which has a character that cannot be printed")
    return name


def operation_of(op: str) -> Operation | str:
    """The operation of that name, or why there is none."""
    try:
        return find(op)
    except KeyError:
        hint = did_you_mean(op, known(), cutoff=0.75)
        if "did you mean" not in hint:
            hint += "; one of your own has to be registered first, by bmnas --import FILE.py or an installed package"
        return f"is {short(op)}, which is not an operation{hint}"
    except BmnasError as error:
        return f"is {short(op)}: {' '.join(str(error).split())}"


def _options(operation: Operation, given: dict[str, Any]) -> Iterator[Problem]:
    names = list(operation.options.model_fields)
    for key in given:
        if key not in names:
            if key in _options_of_any():
                yield Problem(key, f"is not an option of {operation.name}{_which_options(names)}")
            else:
                yield _unknown_key(key, names)
    try:
        operation.options.model_validate({key: value for key, value in given.items() if key in names})
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place = ".".join(str(part) for part in detail["loc"])
            yield Problem(place, f"is {short(detail['input'])}: {re.sub('^(Input|String)', 'it', detail['msg'])}")


def _unknown_key(key: str, options: Sequence[str]) -> Problem:
    return Problem(key, f"is not a key of a step{did_you_mean(key, ['name', 'op', 'inputs', *options])}")


def _options_of_any() -> set[str]:
    from bmnas.genotype.extension import registered

    return {name for operation in [*OPERATIONS.values(), *registered()] for name in operation.options.model_fields}


def _which_options(names: Sequence[str]) -> str:
    return f", which has {', '.join(map(repr, names))}" if names else ", which has none"


def _unknown_node(name: str, nodes: Iterable[str], later: set[str], kind: str) -> str:
    if name in later:
        return f"reads {short(name)}, which does not come before it; a {kind} reads only what comes before it"
    if kind == "step":
        return f"reads {short(name)}, which is not an input of the cell or an earlier step{did_you_mean(name, nodes)}"
    return f"reads {short(name)}, which is not a feature or an earlier cell{did_you_mean(name, nodes)}"


def _output(output: Sequence[str | None] | None, nodes: dict[str, None], what: str) -> Iterator[Problem]:
    before: set[str] = set()
    for i, name in enumerate(output or ()):
        if name is None:
            continue
        if name not in nodes:
            yield Problem(f"output[{i}]", f"names {short(name)}, which is not {what}{did_you_mean(name, nodes)}")
        elif name in before:
            yield Problem(f"output[{i}]", f"names {short(name)} again")
        before.add(name)


def _sizes(genotype: Any) -> Iterator[Problem]:
    """Channels, length and options that do not fit together."""
    if genotype.representation is None:
        return
    length, channels = genotype.representation.length, genotype.representation.channels
    for i, feature in enumerate(genotype.features):
        if feature.reshape == "grid" and length is not None and isqrt(length) ** 2 != length:
            text = f"is 'grid', which needs a square length (4, 9, 16, ...), not {length}"
            yield Problem(f"features[{i}].reshape", text)
        if feature.reshape == "none" and channels is not None and feature.channels not in (None, channels):
            text = f"is {feature.channels}, but a feature with reshape 'none' has the representation's {channels}"
            yield Problem(f"features[{i}].channels", text)
    if channels is None:
        return
    for i, cell in enumerate(genotype.cells):
        for j, step in enumerate(cell.steps):
            operation = operation_of(step.op) if isinstance(step.op, str) else None
            if isinstance(operation, Operation) and operation.misfit and not any(_options(operation, step.options)):
                complete = operation.options.model_validate(step.options).model_dump()
                if problem := operation.misfit(complete, channels):
                    yield Problem(f"cells[{i}].steps[{j}].{problem[0]}", problem[1])
