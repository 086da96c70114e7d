"""``bmnas compile``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmnas.cli.costs import show_summary
from bmnas.cli.help import OUTPUT
from bmnas.cli.options import (
    Backbones,
    Force,
    GenotypeFile,
    Json,
    TaskOfChannels,
    about,
    completed,
    parsed_backbones,
    refuse_existing,
)
from bmnas.cli.shown import show_table, tell

if TYPE_CHECKING:
    from bmnas.compiler import FusionNetwork
    from bmnas.compiler.export import Outcome
    from bmnas.genotype import Genotype

Shapes = dict[str, tuple[int, ...]]


def compile_(
    genotype: GenotypeFile,
    to: Annotated[
        str | None,
        typer.Option(
            help="Export to onnx, pt2 (torch.export; load only a .pt2 that you made) or py (one Python file).",
            metavar="TARGET",
            show_default="none",
            autocompletion=lambda incomplete: [name for name in ("onnx", "pt2", "py") if name.startswith(incomplete)],
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The exported file.",
            show_default="the genotype's name, in this folder",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Trained weights (safetensors), as bmnas train and a search leave them.",
            show_default="those beside the genotype, NAME.safetensors, if there are any",
        ),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Fresh weights, also where trained ones lie there.")] = False,
    seed: Annotated[
        int, typer.Option(min=0, metavar="SEED", help="Seed of fresh weights, where there are no trained ones.")
    ] = 0,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help="Export backbones and fusion as one model, from raw inputs; of a run or a training."
        ),
    ] = False,
    backbone: Backbones = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            help="Axes of a live feature after batch and channels, as Video_4=16,7,7.",
            metavar="FEATURE=SIZES",
            show_default="those of the training, or of a feature store",
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Make every form of the network and show how far it is from the network.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print the plan of the network after each pass of the compiler.")
    ] = False,
    task: TaskOfChannels = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Compile a genotype: show its network, export it, or verify every form of it.

    An exported file is compared with the network on random input before it is put in place.

    Example: bmnas compile runs/digits-seed0 --to pt2
    """
    from bmnas.errors import BmnasError
    from bmnas.genotype import Genotype
    from bmnas.genotype.opening import genotype_file, load_any

    given = load_any(genotype)  # before torch is imported: what is wrong with a file is told at once
    if not isinstance(given, Genotype):
        from bmnas.cli.stacks import compile_stacks

        if weights is not None or whole or shape or verify or explain or backbone:
            raise BmnasError(
                "--weights, --whole, --shape, --verify, --explain and --backbone are for fusion networks; this is an "
                "encoder-decoder genotype"
            )
        made = _checked_output(genotype, to, out, None, force)
        compile_stacks(genotype, given, to, made, fresh, seed, task, as_json)
        return
    shapes = _parse_shapes(shape or [])
    if fresh and weights is not None:
        raise BmnasError("--fresh asks for fresh weights, and --weights names trained ones; leave one of them out")
    if whole:
        if to is None or fresh or weights is not None or shapes or verify or explain:
            raise BmnasError("--whole exports a trained network with its backbones: it goes with --to, and not with "
                             "--weights, --fresh, --shape, --verify or --explain")  # fmt: skip
        made = _checked_output(genotype, to, out, None, force)
        _export_whole(genotype, to, made, task, backbone, as_json)
        return
    beside = genotype_file(genotype).with_suffix(".safetensors")
    if weights is None and not fresh and (to is not None or verify) and beside.is_file():
        weights = beside
    made = _checked_output(genotype, to, out, weights, force)
    if explain and as_json:
        raise BmnasError("--explain prints text; leave --json out")
    if to is None and not verify and (weights is not None or shapes):
        raise BmnasError(_NO_TARGET)
    given = completed(given, task)
    if explain:
        from bmnas.compiler.explain import explain as explained

        with about(genotype):
            typer.echo("\n".join(explained(given)))
    elif to is None and not verify:
        from bmnas.compiler import summarise

        with about(genotype):
            summary = summarise(given)
        show_summary(summary, as_json)
    if to is not None or verify:
        shapes = {**_kept_shapes(genotype, given), **shapes}
        _export_and_verify(genotype, given, to, made, weights, seed, shapes, verify, as_json)


_NO_TARGET = "no target is named; --to onnx, --to pt2 or --to py exports the network"


def _checked_output(genotype: Path, to: str | None, out: Path | None, weights: Path | None, force: bool) -> Path:
    """Where the export goes, which is no file that anybody would miss.

    Raises:
        BmnasError: a file is there already, is the weights or the genotype, or has no target.
    """
    from bmnas.errors import BmnasError

    if to is None and out is not None:
        raise BmnasError(_NO_TARGET)
    stem = genotype.stem.replace("-", "_") if to == "py" else genotype.stem  # so that it can be imported
    made = out if out is not None else Path(f"{stem}.{to}")
    files = [made, made.with_suffix(".pt")] if to == "py" else [made] if to is not None else []
    for file in files:
        refuse_existing(file, force, genotype)
        if weights is not None and file.resolve() == weights.resolve():
            raise BmnasError(f"{file}: is the file of the weights itself; name another file")
    return made


def _export_and_verify(
    genotype: Path,
    given: Genotype,
    to: str | None,
    made: Path,
    weights: Path | None,
    seed: int,
    shapes: Shapes,
    verify: bool,
    as_json: bool,
) -> None:
    from bmnas.compiler import summarise
    from bmnas.compiler.export import TOLERANCE, compare_forms, export, load_weights
    from bmnas.compiler.export.targets import find_target
    from bmnas.errors import BmnasError
    from bmnas.fit.room import machine_memory, refuse_unmakeable

    if to is not None:
        find_target(to)
    with about(genotype):
        refuse_unmakeable("the network", summarise(given).parameters, machine_memory())
        network = _network(given, seed)
    if weights is not None:
        try:
            load_weights(network, weights)
        except BmnasError as error:
            raise BmnasError(f"{error}; --fresh compiles with fresh weights") from None
    told = f"weights {weights}" if weights is not None else f"fresh weights, seed {seed}"
    report: dict[str, object] = {"weights": None if weights is None else str(weights)}
    report["seed"] = seed if weights is None else None
    if to is not None:
        with about(genotype):
            exported = export(network, made, to, shapes=shapes)
        report |= asdict(exported) | {"file": str(exported.file)}
        if not as_json:
            tell(
                f"{exported.file}: {exported.target}, {exported.size:,} bytes, {told}, differs by at most "
                f"{exported.difference:.1e} (allowed {exported.tolerance:.0e})"
            )
    outcomes: list[Outcome] = []
    if verify:
        with about(genotype):
            outcomes = compare_forms(network, shapes=shapes)
        report |= {"forms": [asdict(outcome) for outcome in outcomes], "tolerance": TOLERANCE}
        if not as_json:
            _show_forms(outcomes, told, TOLERANCE)
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    wrong = [each.form for each in outcomes if not each.fits(TOLERANCE)]
    if wrong:
        raise BmnasError(f"{genotype}: could not be made, or not as the network itself: {', '.join(wrong)}")


def _export_whole(
    genotype: Path, to: str, made: Path, task: str | None, backbone: list[str] | None, as_json: bool
) -> None:
    """Export a trained network with its backbones."""
    from bmnas.compiler.export import export
    from bmnas.prediction import load_model, whole_model

    model = load_model(genotype, task=task, weights=parsed_backbones(backbone))
    network, example = whole_model(model)
    exported = export(network, made, to, example=example)
    if as_json:
        typer.echo(json.dumps({**asdict(exported), "file": str(exported.file)}, indent=2))
        return
    inputs = ", ".join(f"{name} {shape}" for name, shape in exported.inputs.items())
    typer.echo(
        f"{exported.file}: {exported.target}, {exported.size:,} bytes, from {inputs} to {model.record.outputs} "
        f"outputs, differs by at most {exported.difference:.1e} (allowed {exported.tolerance:.0e})"
    )


def _kept_shapes(genotype: Path, given: Genotype) -> Shapes:
    """Axes after batch and channels of the features that the network was trained on, where that is known."""
    from bmnas.genotype.graph import used_features
    from bmnas.genotype.opening import genotype_file
    from bmnas.tasks.portable import SUFFIX, read_record

    path = genotype_file(genotype).with_suffix(SUFFIX)
    if not path.is_file():
        return {}
    record = read_record(path)
    return {name: record.shapes[name][1:] for name in used_features(given) if name in record.shapes}


def _network(genotype: Genotype, seed: int) -> FusionNetwork:
    import torch

    from bmnas.compiler import compile_genotype
    from bmnas.errors import BmnasError

    torch.manual_seed(seed)
    try:
        return compile_genotype(genotype)
    except RuntimeError as error:
        if "allocate memory" not in str(error):
            raise
        from bmnas.compiler import summarise

        count = summarise(genotype).parameters
        raise BmnasError(f"the network has {count:,} parameters, more than there is memory for") from error


def _parse_shapes(texts: list[str]) -> Shapes:
    """``Video_4=16,7,7`` by feature; a feature's name may have = in it.

    Raises:
        BmnasError: a text is not of that kind, or names a feature twice.
    """
    from bmnas.errors import BmnasError

    shapes: Shapes = {}
    for text in texts:
        name, _, sizes = text.rpartition("=")
        numbers = sizes.split(",") if sizes else []
        if not name or not all(number.isascii() and number.isdigit() and len(number) < 10 for number in numbers):
            raise BmnasError(f"--shape is {text!r}, but should be a feature and whole numbers, as Video_4=16,7,7")
        if name in shapes:
            raise BmnasError(f"--shape gives the feature {name!r} twice")
        shapes[name] = tuple(map(int, numbers))
    return shapes


def _show_forms(outcomes: list[Outcome], told: str, tolerance: float) -> None:
    from rich import box
    from rich.table import Table

    table = Table("form", "largest difference", "", box=box.SIMPLE_HEAD)
    for each in outcomes:
        difference = "-" if each.difference is None else f"{each.difference:.1e}"
        table.add_row(each.form, difference, each.problem or ("" if each.fits(tolerance) else "too large"))
    show_table(table)
    tell(f"Relative to the largest output, or to 1 where that is smaller; allowed {tolerance:.0e}; {told}.")
