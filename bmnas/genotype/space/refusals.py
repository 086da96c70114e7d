"""Why a space cannot be: one sentence for settings that make no sense, or that leave no genotype."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import log10

from pydantic import ValidationError

from bmnas.errors import BmnasError, GenotypeError, did_you_mean, short
from bmnas.genotype import checks
from bmnas.genotype.genotype import Genotype, from_dict
from bmnas.genotype.operation import Operation
from bmnas.genotype.space.statement import Statement


def refuse_impossible(space: Statement, first: Callable[[], Genotype]) -> None:
    """Refuse a space that has no genotypes, or none that are valid; ``first`` gives its first one.

    Raises:
        BmnasError: the sentence names the setting, or the cell or step for which nothing is left.
    """
    for i, op in enumerate(space.operations):
        if op in space.operations[:i]:
            raise BmnasError(f"space: operations[{i}] is {short(op)}, which is there already")
        _refuse_operation(f"space: operations[{i}]", op, space)
    if space.outputs_per_cell > space.cell_inputs + space.steps:
        raise BmnasError(
            f"space: outputs_per_cell is {space.outputs_per_cell}, but a cell has {space.cell_inputs + space.steps} "
            f"nodes: {space.cell_inputs} inputs and {space.steps} step{'s' if space.steps > 1 else ''}"
        )
    if not space.rules.steps_repeat and space.step_inputs > space.cell_inputs:
        raise BmnasError(
            f"space: nothing is left for Step_1: it reads {space.step_inputs} different nodes, and before it there "
            f"are only the {space.cell_inputs} inputs of its cell"
        )
    _refuse_too_many_cells(space)
    # Whatever else a genotype refuses (names, reshapes) it refuses in the first one as in all.
    try:
        from_dict(first().model_dump(), source="space")
    except GenotypeError as error:
        raise BmnasError(str(error)) from None


def shown(number: int) -> str:
    """A count for a message; Python refuses to write out those of more than a few thousand digits."""
    return f"{number:,}" if number < 10**15 else f"about 10^{int((number.bit_length() - 1) * log10(2))}"


def sentence(error: ValidationError, settings: Iterable[str]) -> str:
    """The first problem that Pydantic found in the settings of a space."""
    detail = error.errors(include_url=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    match detail["type"]:
        case "missing":
            problem = "is missing"
        case "extra_forbidden":
            problem = f"is not a setting of a space{did_you_mean(place, settings)}"
        case checks.MISFIT:
            problem = detail.get("ctx", {})["problem"]
        case _:
            message = detail["msg"].replace("Input", "it").replace("tuple", "list")
            problem = f"is {short(detail['input'])}: {message}"
    return f"space: {place} {problem}"


def _refuse_too_many_cells(space: Statement) -> None:
    features, read, rules = len(space.features), space.cell_inputs, space.rules
    most = rules.most_cells(features, read)
    if most is None or space.cells <= most:
        return
    if not most:
        there = "is only 1 feature" if features == 1 else f"are only {features} features"
        why = f"a cell reads {read} nodes, and there {there} to read"
    elif rules.cells_differ == "new feature":
        why = f"every cell reads a feature that no earlier cell reads, and {features} features are enough for only "
        why += f"{most} cell{'s' if most > 1 else ''}"
    else:
        there = f"{'are' if most > 1 else 'is'} only {most} set{'s' if most > 1 else ''}"
        why = f"every cell reads a set of features of its own, and of {features} features there {there} of {read}"
    raise BmnasError(f"space: nothing is left for Cell_{most + 1}: {why}")


def _refuse_operation(place: str, op: str, space: Statement) -> None:
    operation = checks.operation_of(op)
    if not isinstance(operation, Operation):
        raise BmnasError(f"{place} {operation}")
    if not operation.takes(space.step_inputs):
        raise BmnasError(
            f"{place} is {op!r}, which takes {operation.arity_in_words()}, but step_inputs is {space.step_inputs}"
        )
    problem = operation.misfit and operation.misfit(operation.options().model_dump(), space.representation.channels)
    if problem:
        raise BmnasError(f"{place} is {op!r}, whose default {problem[0]} {problem[1]}")
