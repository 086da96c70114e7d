"""``bmnas validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def validate(
    genotypes: Annotated[list[Path], typer.Argument(help="Genotype files (JSON).", show_default=False)],
) -> None:
    """Check genotype files.

    The exit code is 2 if one of them is not valid.

    Example: bmnas validate genotype.json
    """
    from bmnas.genotype import BmnasError, load

    invalid = False
    for path in genotypes:
        try:
            genotype = load(path)
        except BmnasError as error:
            typer.echo(f"bmnas: {error}", err=True)
            invalid = True
        else:
            steps = sum(len(cell.steps) for cell in genotype.cells)
            counts = (
                _count(len(genotype.features), "feature"),
                _count(len(genotype.cells), "cell"),
                _count(steps, "step"),
            )
            typer.echo(f"{path}: valid; {', '.join(counts)}")
    if invalid:
        raise typer.Exit(2)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
