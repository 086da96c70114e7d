"""``bmnas diff``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bmnas.cli.help import OUTPUT
from bmnas.cli.options import Force, GenotypeFile, Json, refuse_existing
from bmnas.cli.shown import tell


def diff(
    a: GenotypeFile,
    b: GenotypeFile,
    as_json: Json = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Draw both in one picture: FILE.svg, .pdf, .png or .dot.",
            show_default="none",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Say in words what differs between two genotypes.

    The exit code is 0 if they compute the same function, up to naming and order, 1 if they do not, and 2 if one of them
    cannot be used.

    Example: bmnas diff ntu-1 genotype.json -o diff.svg
    """
    from bmnas.genotype.canonical import canonical_hash
    from bmnas.genotype.diff import diff as compare
    from bmnas.genotype.opening import load_any as load

    one, other = load(a), load(b)
    if out is not None:
        for source in (a, b):
            refuse_existing(out, force, source)
    names = (one.name, other.name) if one.name != other.name else (str(a), str(b))
    if names[0] == names[1]:
        names = ("the first", "the second")
    differences = compare(one, other, names)
    hashes = canonical_hash(one), canonical_hash(other)
    same = hashes[0] == hashes[1]
    if out is not None:
        from bmnas.genotype.drawing import draw_diff

        draw_diff(one, other, out)
    if as_json:
        found = {
            "same_function": same,
            "canonical_hashes": hashes,
            "differences": [asdict(difference) for difference in differences],
        }
        typer.echo(json.dumps(found, indent=2))
    else:
        _show(names, same, [str(difference) for difference in differences])
        if out is not None:
            typer.echo(str(out))
    if not same:
        raise typer.Exit(1)


def _show(names: tuple[str, str], same: bool, sentences: list[str]) -> None:
    if not sentences:
        tell(f"{names[0]} and {names[1]} are equal.")
        return
    more = "; they differ in this:" if same else ":"
    tell(f"{names[0]} and {names[1]} {'compute the same function' if same else 'compute different functions'}{more}")
    for sentence in sentences:
        tell(f"  {sentence}", indent="    ")
