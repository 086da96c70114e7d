"""``bmnas draw``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bmnas.cli.options import Force, GenotypeFile, refuse_existing


def draw(
    genotype: GenotypeFile,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="FILE.svg, .pdf, .png or .dot; the genotype's name with .svg if left out.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Draw a genotype.

    Example: bmnas draw genotype.json -o genotype.pdf
    """
    from bmnas.genotype import load
    from bmnas.genotype.drawing import draw as draw_genotype

    given = load(genotype)
    target = out if out is not None else genotype.with_suffix(".svg")
    refuse_existing(target, force, genotype)
    draw_genotype(given, target)
    typer.echo(str(target))
