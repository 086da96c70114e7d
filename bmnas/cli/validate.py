"""``bmnas validate``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bmnas.cli import names
from bmnas.cli.options import Json
from bmnas.cli.shown import tell

if TYPE_CHECKING:
    from bmnas.errors import GenotypeError
    from bmnas.genotype.finding import Finding
    from bmnas.genotype.parsing import AnyGenotype

_LARGE = 64 * 2**30  # bytes


def validate(
    genotypes: Annotated[
        list[Path],
        typer.Argument(
            metavar="GENOTYPE",
            help="Genotype files (JSON), or published ones: ntu-1, mmimdb-1, ...",
            show_default=False,
            autocompletion=names.genotypes,
        ),
    ],
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail too.")] = False,
    task: Annotated[
        str | None,
        typer.Option(
            "--task",
            metavar="TASK",
            help="Check that the genotypes fit this task, too.",
            show_default="none",
            autocompletion=names.tasks,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check genotype files and tell all that is wrong.

    Errors keep a genotype from being compiled; warnings are about what is probably a mistake or a waste. Notes are
    neither: what is declared and not used, and whatever is odd in a network that a search has found.
    The exit code is 2 if one of them is not valid, or with --strict if there is a warning.

    Example: bmnas validate genotype.json

    Example: bmnas validate ntu-1 mmimdb-1 --json
    """
    import json

    from bmnas.errors import GenotypeError
    from bmnas.genotype.lint import errors, lint
    from bmnas.genotype.opening import load_any as load

    results: list[tuple[Path, AnyGenotype | None, tuple[Finding, ...]]] = []
    for path in genotypes:
        try:
            genotype = load(path)
        except GenotypeError as error:
            results.append((path, None, errors(error, str(path))))
        else:
            problem = _misfit(genotype, task)
            if problem is None:
                results.append((path, genotype, (*lint(genotype), *_too_large(genotype))))
            else:
                results.append((path, None, errors(problem, str(path))))
    if as_json:
        typer.echo(json.dumps([_report(*result) for result in results], indent=2))
    else:
        for result in results:
            _show(*result, strict)
    if any(_fails(genotype, found, strict) for _, genotype, found in results):
        raise typer.Exit(2)


def _misfit(genotype: AnyGenotype, task: str | None) -> GenotypeError | None:
    """Why a genotype does not fit the task, if one is named."""
    if task is None:
        return None
    names.refuse_unknown_task(task)
    from bmnas.errors import BmnasError, GenotypeError
    from bmnas.genotype.stacks import StackGenotype

    if isinstance(genotype, StackGenotype):
        from bmnas.cli.stacks import completed_stacks

        try:
            completed_stacks(genotype, task)
        except BmnasError as error:
            place, _, text = str(error).partition(" ")
            return GenotypeError(str(error), [(place, text)])
        return None
    from bmnas.searcher.network_training import fitted
    from bmnas.tasks import described_task

    known = described_task(task)
    try:
        fitted(genotype, known)
    except BmnasError as error:
        place, _, text = str(error).partition(" ")  # the sentence begins with the place in the file
        return GenotypeError(str(error), [(place, text)])
    return None


def _too_large(genotype: AnyGenotype) -> Iterator[Finding]:
    """A warning where the weights alone take more memory than a GPU has, or than most machines have."""
    from bmnas.genotype.stacks import StackGenotype

    if isinstance(genotype, StackGenotype):
        return
    sizes = genotype.representation
    nodes = len(genotype.features) + sum(len(cell.steps) + 1 for cell in genotype.cells) + len(genotype.output)
    outputs = genotype.head.outputs if genotype.head else 0
    widest = max(feature.channels or 1 for feature in genotype.features)
    # Far more than any operation has, which spares most genotypes the count.
    most = nodes * sizes.channels * (widest + 32 * sizes.channels + sizes.length * (8 + outputs)) * genotype.members
    if 4 * most < _LARGE:
        return
    from bmnas.compiler import summarise
    from bmnas.errors import BmnasError
    from bmnas.fit.room import gib
    from bmnas.genotype.finding import warning

    with suppress(BmnasError):  # operations that cannot be built
        # As little as possible where a file leaves channels to a task.
        count = summarise(genotype.with_channels({each.name: 1 for each in genotype.features})).parameters
        if 4 * count > _LARGE:
            problem = f"makes a network of {count:,} parameters, which take {gib(4 * count)} of memory"
            yield warning("large", "representation", "", problem, "use fewer channels or a smaller length")


def _show(path: Path, genotype: AnyGenotype | None, found: tuple[Finding, ...], strict: bool) -> None:
    """What makes the command fail goes to standard error, the rest to standard output."""
    from bmnas.genotype.problems import LIMIT

    fails = _fails(genotype, found, strict)
    if genotype is not None and not fails:
        counts = ", ".join(_count(number, what) for what, number in _sizes(genotype).items())
        typer.echo(f"{path}: valid; {counts}")
    for level, line in _lines(found):
        kind, is_why = "" if level == "error" else f"{level}: ", fails and level != "note"
        tell(f"{'bmnas: ' if is_why else ''}{path}: {kind}{line}", err=is_why)
    if genotype is None and len(found) >= LIMIT:
        typer.echo(f"bmnas: {path}: these are the first {LIMIT} problems", err=True)


def _fails(genotype: AnyGenotype | None, found: tuple[Finding, ...], strict: bool) -> bool:
    return genotype is None or (strict and any(finding.level == "warning" for finding in found))


def _lines(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    """Level and line of each finding, and of findings in a row that say the same."""
    lines: list[tuple[str, str]] = []
    for _, group in groupby(findings, lambda finding: (finding.code, finding.problem, finding.advice)):
        same = list(group)
        first = same[0]
        if len(same) == 1 or first.level == "error":
            lines += [(finding.level, str(finding)) for finding in same]
        else:
            places, names = _some([each.place for each in same]), _some([each.name for each in same])
            lines.append((first.level, f"{places} ({names}): each {first.problem}; {first.advice}"))
    return lines


def _report(path: Path, genotype: AnyGenotype | None, found: tuple[Finding, ...]) -> dict[str, Any]:
    """All about one file, for other programs; a number of paths that a float cannot hold exactly is text."""
    from dataclasses import asdict

    from bmnas.genotype.graph import depth, path_counts, used_cells, used_features
    from bmnas.genotype.stacks import StackGenotype
    from bmnas.genotype.stacks.canonical import used_inputs, used_stacks

    report: dict[str, Any] = {
        "file": str(path),
        "valid": genotype is not None,
        "findings": [asdict(finding) for finding in found],
    }
    if genotype is not None:
        report["name"] = genotype.name
        report |= {f"{what}s": number for what, number in _sizes(genotype).items()}
        if isinstance(genotype, StackGenotype):
            report["kind"] = genotype.kind
            report["used"] = {"inputs": used_inputs(genotype), "stacks": used_stacks(genotype)}
            return report
        report["used"] = {"features": used_features(genotype), "cells": used_cells(genotype)}
        report["depth"] = depth(genotype)
        report["paths"] = {
            name: number if number < 2**53 else f"about 10^{number.bit_length() * 0.30103:.0f}"
            for name, number in path_counts(genotype).items()
        }
    return report


def _sizes(genotype: AnyGenotype) -> dict[str, int]:
    from bmnas.genotype.stacks import StackGenotype

    if isinstance(genotype, StackGenotype):
        blocks = sum(len(stack.blocks) for stack in genotype.stacks)
        return {"input": len(genotype.inputs), "stack": len(genotype.stacks), "block": blocks}
    steps = sum(len(cell.steps) for cell in genotype.cells)
    sizes = {"feature": len(genotype.features), "cell": len(genotype.cells), "step": steps}
    return sizes if genotype.members == 1 else {**sizes, "member": genotype.members}


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _some(texts: list[str]) -> str:
    more = f" and {len(texts) - 8} more" if len(texts) > 8 else ""
    return ", ".join(texts[:8]) + more
