"""``bmnas new``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bmnas.cli.help import OUTPUT
from bmnas.cli.names import genotypes, inner_structures, refuse_unknown_task, tasks
from bmnas.cli.options import Force, refuse_existing

FEATURES, SIZES, SINGLE, STACKS = "Features", "Sizes", "Single presets", "Encoder-decoder presets"


def new(
    preset: Annotated[
        str,
        typer.Argument(
            metavar="PRESET",
            help="sum, concat-fc, mha, aoa, glu, gmu, two-stream, late-fusion or random; of encoder-decoder networks "
            "mcan, mcan-rsa or transformer.",
            show_default=False,
            autocompletion=inner_structures,
        ),
    ],
    features: Annotated[
        list[str] | None,
        typer.Option(
            "--features",
            "-f",
            metavar="NAME[:CHANNELS[:RESHAPE]],...",
            help="The features, such as Video_4:2048,Skeleton_4:512.",
            show_default="the last of each modality of --task",
            rich_help_panel=FEATURES,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help="Task that supplies channels, sizes and outputs, and the last feature of each modality where "
            "--features names none.",
            show_default="none",
            rich_help_panel=FEATURES,
            autocompletion=tasks,
        ),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            help="Genotype whose feature selection, head and sizes are taken: every cell of it gets the preset's "
            "inner structure (Table 7).",
            metavar="GENOTYPE",
            show_default="none",
            rich_help_panel=FEATURES,
            autocompletion=genotypes,
        ),
    ] = None,
    channels: Annotated[
        int | None,
        typer.Option(
            metavar="CHANNELS",
            help="C of the representation.",
            show_default="the task's own, or else 128",
            rich_help_panel=SIZES,
        ),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option(
            metavar="POSITIONS",
            help="L of the representation.",
            show_default="the task's own, or else 8",
            rich_help_panel=SIZES,
        ),
    ] = None,
    outputs: Annotated[
        int | None,
        typer.Option(
            metavar="OUTPUTS",
            help="Outputs of the head, such as classes.",
            show_default="the task's own, or else no head",
            rich_help_panel=SIZES,
        ),
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(
            metavar="RATE", help="Dropout rate.", show_default="the task's own, or else 0.2", rich_help_panel=SIZES
        ),
    ] = None,
    dialect: Annotated[
        str | None,
        typer.Option(
            metavar="official|paper",
            help="What the operation names compute.",
            show_default="official",
            rich_help_panel=SIZES,
        ),
    ] = None,
    heads: Annotated[
        int | None,
        typer.Option(metavar="HEADS", help="mha: how many heads.", show_default="2", rich_help_panel=SINGLE),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="random: the seed.", show_default="0", rich_help_panel=SINGLE)
    ] = None,
    cells: Annotated[
        int | None,
        typer.Option(metavar="CELLS", help="random: how many cells.", show_default="2", rich_help_panel=SINGLE),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(metavar="STEPS", help="random: how many steps a cell.", show_default="2", rich_help_panel=SINGLE),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(
            metavar="WIDTH", help="mcan, ...: numbers of a position.", show_default="512", rich_help_panel=STACKS
        ),
    ] = None,
    layers: Annotated[
        int | None,
        typer.Option(
            metavar="LAYERS", help="mcan, ...: of encoder, and of decoder.", show_default="6", rich_help_panel=STACKS
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the genotype.", show_default="the preset's", rich_help_panel=OUTPUT),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The file to write, JSON.",
            show_default="it is printed",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Write a genotype from a preset, to train it or to edit it.

    Example: bmnas new mha --features Video_4:2048,Skeleton_4:512 --outputs 60 -o mha.json

    Example: bmnas new aoa --task digits

    Example: bmnas new sum --like ntu-1

    Example: bmnas new mcan-rsa --width 128 --layers 2
    """
    from bmnas.cli.stacks import new_stacks
    from bmnas.errors import BmnasError
    from bmnas.genotype import dumps, from_dict, load, presets, save
    from bmnas.genotype.feature_list import parse_features
    from bmnas.genotype.stacks import presets as stack_presets

    if preset in stack_presets.PRESETS and preset not in presets.PRESETS:
        if (
            features
            or like
            or any(value is not None for value in (channels, length, dialect, heads, seed, cells, steps))
        ):
            raise BmnasError(
                f"{preset} is a preset of encoder-decoder networks, which takes --task, --width, --layers, --outputs, "
                "--dropout, --name and --out"
            )
        if out is not None:
            refuse_existing(out, force)
        sizes = {"width": width, "layers": layers, "outputs": outputs, "dropout": dropout}
        found = new_stacks(preset, task, {key: value for key, value in sizes.items() if value is not None}, name)
        if out is None:
            typer.echo(dumps(found), nl=False)
        else:
            save(found, out)
            typer.echo(str(out))
        return
    if width is not None or layers is not None:
        raise BmnasError(f"--width and --layers are options of encoder-decoder presets, not of {preset}")
    presets.get(preset)
    options = {"channels": channels, "length": length, "outputs": outputs, "dropout": dropout, "dialect": dialect}
    options |= _own(preset, {"heads": heads, "seed": seed, "cells": cells, "steps": steps})
    given = {key: value for key, value in options.items() if value is not None}
    if out is not None:
        refuse_existing(out, force)
    if like is not None:
        if features or task:
            raise BmnasError("--like takes the features of the genotype; leave --features and --task out")
        genotype = presets.like(load(like), preset, **given)
    else:
        chosen = parse_features(",".join(features)) if features else ()
        if task is not None:
            chosen, given = _from_task(task, preset, chosen, given)
        if not chosen:
            raise BmnasError("name the features with --features, or the task that has them with --task")
        genotype = presets.get(preset)(chosen, **given)
    if name is not None:
        genotype = from_dict({**genotype.model_dump(exclude_none=True), "name": name}, preset)
    if out is None:
        typer.echo(dumps(genotype, partial=True), nl=False)
    else:
        save(genotype, out, partial=True)
        typer.echo(str(out))
    if genotype.head is None:
        typer.echo(
            "bmnas: there is no head, so the network returns the fused representation; --outputs 10 adds one", err=True
        )
    unknown = [feature.name for feature in genotype.features if feature.channels is None]
    if unknown:
        typer.echo(
            f"bmnas: the channels of {', '.join(unknown)} are left out: give them as {unknown[0]}:512, or name the "
            "task when you compile or train",
            err=True,
        )


def _own(preset: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options that only some presets have, refused for the others."""
    from bmnas.errors import BmnasError

    owner = {"heads": "mha", "seed": "random", "cells": "random", "steps": "random"}
    for key, value in options.items():
        if value is not None and owner[key] != preset:
            raise BmnasError(f"--{key} is an option of the preset {owner[key]}, not of {preset}")
    return options


def _from_task(task: str, preset: str, chosen: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Features and options, completed with what the task knows; its own channels and reshapes go first."""
    from bmnas.errors import BmnasError, did_you_mean
    from bmnas.genotype import presets

    refuse_unknown_task(task)
    from bmnas.tasks import described_task

    known = described_task(task)
    by_name = {feature.name: feature for feature in known.features}
    for feature in chosen:
        if feature.name not in by_name:
            raise BmnasError(f"task {task} has no feature {feature.name!r}{did_you_mean(feature.name, by_name)}")
        own = by_name[feature.name]
        if feature.channels not in (None, own.channels):
            raise BmnasError(f"{feature.name} has {own.channels} channels in task {task}, not {feature.channels}")
        if feature.reshape not in ("sequence", own.reshape):  # "sequence" is what is not said
            raise BmnasError(f"{feature.name} has the reshape {own.reshape} in task {task}, not {feature.reshape}")
    features = tuple(by_name[feature.name] for feature in chosen)
    if not features:
        features = known.features if preset == "random" else presets.last_features(known.features)
    usual = {key: known.settings[key] for key in ("channels", "length", "dropout") if key in known.settings}
    return features, usual | {"outputs": known.outputs} | given
