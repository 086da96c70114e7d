"""``bmnas draw``."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Literal

import typer

from bmnas.cli.help import OUTPUT
from bmnas.cli.names import genotypes as genotypes_beginning
from bmnas.cli.options import Force, refuse_existing
from bmnas.cli.shown import tell


def draw(
    genotypes: Annotated[
        list[Path],
        typer.Argument(
            metavar="GENOTYPE...",
            help="Genotype files (JSON), or published ones: ntu-1, mmimdb-1, ...; several are drawn side by side.",
            show_default=False,
            autocompletion=genotypes_beginning,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="FILE.svg, .pdf, .png or .dot.",
            show_default="for one genotype its name with .svg",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    level: Annotated[
        Literal["steps", "cells"], typer.Option(help="cells: the upper level alone, a cell is one box.")
    ] = "steps",
    theme: Annotated[Literal["light", "dark"], typer.Option(help="Colours.")] = "light",
    unused: Annotated[
        Literal["show", "fold", "hide"],
        typer.Option(help="What reaches no output; fold: of more than 12 features, the unused become one row."),
    ] = "fold",
    orientation: Annotated[
        Literal["landscape", "portrait"], typer.Option(help="portrait: data flow from top to bottom.")
    ] = "landscape",
    heading: Annotated[
        Literal["full", "title", "none"], typer.Option(help="What stands above: all, the name alone, or nothing.")
    ] = "full",
    width: Annotated[
        str | None,
        typer.Option(
            help="Width of the drawing: 8.5cm, 3.25in, 240pt, 800px; text is scaled too. As it comes if left out.",
            show_default=False,
        ),
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Draw two genotypes on one picture, and what differs.")] = False,
    force: Force = False,
) -> None:
    """Draw one or several genotypes, or a difference.

    Example: bmnas draw ntu-1 ntu-3 --diff -o diff.svg
    """
    from bmnas.errors import BmnasError
    from bmnas.genotype.drawing import draw as draw_genotypes, draw_diff
    from bmnas.genotype.opening import load_any as load

    if diff and len(genotypes) != 2:
        raise BmnasError(f"--diff draws two genotypes, not {len(genotypes)}")
    if diff and level != "steps":
        raise BmnasError("--diff draws the steps too; leave out --level")
    if len(genotypes) > 1 and out is None:
        raise BmnasError("several genotypes need a file for the drawing: -o FILE.svg")
    given = [load(genotype) for genotype in genotypes]
    target = out if out is not None else genotypes[0].with_suffix(".svg")
    for source in genotypes:
        refuse_existing(target, force, source)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if diff:
            draw_diff(
                given[0],
                given[1],
                target,
                theme=theme,
                unused=unused,
                orientation=orientation,
                heading=heading,
                width=width,
            )
        else:
            draw_genotypes(
                given,
                target,
                level=level,
                theme=theme,
                unused=unused,
                orientation=orientation,
                heading=heading,
                width=width,
            )
    typer.echo(str(target))
    for warning in caught:
        tell(f"{target}: warning: {warning.message}", err=True)
