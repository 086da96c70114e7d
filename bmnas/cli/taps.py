"""``bmnas taps``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bmnas.cli.names import refuse_unknown_task, tasks
from bmnas.cli.options import DataFolder, Json
from bmnas.cli.shown import show_table, tell

if TYPE_CHECKING:
    from bmnas.errors import BmnasError
    from bmnas.taps import TapPlace
    from bmnas.tasks import Task

_DEPTH = 2
_CALLS = 3


def taps(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK", help="Your own Python file, my_task.py, or the name of a task.", autocompletion=tasks
        ),
    ],
    modality: Annotated[
        str | None, typer.Option(metavar="NAME", help="The backbone of one modality.", show_default="all")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is deeper inside, and the operations between modules.")
    ] = False,
    options: Annotated[
        bool, typer.Option("--options", help="List the options of the task instead, which come after its name.")
    ] = False,
    data: DataFolder = None,
    as_json: Json = False,
) -> None:
    """List where features can be taken in the backbones of a task, with shapes.

    Each backbone runs once, on the first training sample. What the task takes now is marked with the feature's name.
    Of a task without backbones its features are listed, and what is known of how far they lead.

    Example: bmnas taps my_task.py --modality Image

    Or, its options: bmnas taps utd-transfer --options
    """
    refuse_unknown_task(task)
    if options:
        _show_options(task, as_json)
        return

    from bmnas.tasks import get_task
    from bmnas.tasks.tappable import tappable

    given = get_task(task, data=data)
    ready = _ready(given) if modality is None else {}
    if ready and not as_json:
        _show_ready(given, ready)
    if ready and len(ready) == len(given.modalities):
        if as_json:
            typer.echo(json.dumps(ready, indent=2))
        return
    if ready:
        given = given.with_modalities(given.tapped_modalities)
    taken, problem = _taken(given)
    places = tappable(given, modality, nodes=everything)
    marks = {name: _marks(name, own, taken) for name, own in places.items()}
    shown = {feature for own in marks.values() for features in own for feature in features}
    if not everything and any(owner in places and feature not in shown for owner, feature in taken):
        # It is an operation between modules. Looking for those can take long, so it is done where they are needed.
        places = tappable(given, modality, nodes=True)
        marks = {name: _marks(name, own, taken) for name, own in places.items()}
    if as_json:
        listed = {name: _as_json(own, marks[name]) for name, own in places.items()}
        typer.echo(json.dumps({**ready, **listed}, indent=2))
    else:
        for name, own in places.items():
            _show(name, own, marks[name], everything)
        tell(
            "B is the batch. channels: the axis that holds them; ? where the modules do not tell, which is axis 1 "
            "unless a Tap says otherwise. parameters: up to there."
        )
    if problem is not None and given.taps:
        raise problem
    if problem is not None and not as_json:
        tell("Nothing is taken yet: write the first column of what you choose into the task's taps.")


def _show_options(name: str, as_json: bool) -> None:
    """Print the options of a task, of which no data need be there."""
    from bmnas.cli.settings_options import options_of
    from bmnas.tasks.registry import options_named

    task, own = options_named(name)
    found = options_of(own)
    if as_json:
        typer.echo(json.dumps(own.model_json_schema().get("properties", {}), indent=2))
        return
    if not found:
        tell(f"{task}: no options.")
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=f"{task}: options", title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("option", no_wrap=True)  # to be copied
    for column in ("default", "values", "what it is"):
        table.add_column(column)
    for option in found:
        table.add_row(option.name, option.default or "none", option.values, option.help)
    show_table(table)
    first = found[0]
    tell(f"They come after the name, with commas between them: --task {task}:{first.name}={first.default or 'none'}")


def _ready(task: Task) -> dict[str, list[dict[str, Any]]]:
    """By modality that has no backbone, its features."""
    return {
        modality: [
            {"feature": feature.name, "channels": feature.channels, "reshape": feature.reshape}
            for feature in task.features
            if feature.modality == modality
        ]
        for modality in task.modalities
        if modality in task.ready
    }


def _show_ready(task: Task, ready: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=f"{task.name}: ready features", title_justify="left")
    for column in ("modality", "feature", "channels"):
        table.add_column(column, no_wrap=True)
    for modality, features in ready.items():
        for feature in features:
            table.add_row(modality, feature["feature"], str(feature["channels"] or "?"))
    show_table(table)
    for remark in task.remarks():
        tell(remark)


def _taken(task: Task) -> tuple[dict[tuple[str, str], Any], BmnasError | None]:
    """By modality and feature, the task's taps; and what is wrong with them, which is shown after the list."""
    from bmnas.errors import BmnasError

    try:
        return {(feature.modality, feature.name): task.taps[feature.name] for feature in task.features}, None
    except BmnasError as error:
        return {}, error


def _marks(modality: str, places: Sequence[TapPlace], taken: Mapping[tuple[str, str], Any]) -> list[list[str]]:
    """For each place, the features that are taken there."""
    from bmnas.taps import Tap

    features: dict[tuple[str, Any], list[str]] = {}
    for (owner, feature), given in taken.items():
        if owner == modality:
            tap = Tap.of(given)
            features.setdefault((tap.node, tap.item), []).append(feature)
    return [features.get((place.tap.node, place.tap.item), []) for place in places]


def _show(modality: str, places: Sequence[TapPlace], marks: Sequence[Sequence[str]], everything: bool) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=modality, title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("tap", no_wrap=True)  # to be copied
    table.add_column("what it is")
    table.add_column("shape", no_wrap=True)
    table.add_column("channels", no_wrap=True)
    table.add_column("parameters", justify="right")
    table.add_column("taken as", no_wrap=True)
    hidden = 0
    for place, mark in zip(places, marks, strict=True):
        if not (everything or mark or _plain(place)):
            hidden += 1
            continue
        parameters = "" if place.parameters is None else f"{place.parameters:,}"
        table.add_row(_written(place), place.kind, _shape(place), _channels(place), parameters, ", ".join(mark))
    show_table(table)
    if hidden:
        typer.echo(f"{modality}: {hidden} more places; --all shows them.\n")


def _plain(place: TapPlace) -> bool:
    """Whether a place is shown without being asked for: not deep inside, not of the many calls of a loop."""
    module = place.parameters is not None
    return module and place.batch_first and place.depth <= _DEPTH and place.call < _CALLS


def _written(place: TapPlace) -> str:
    """The tap as a task file has it."""
    tap = place.tap
    options = [f"item={tap.item!r}"] if tap.item is not None else []
    options += [f"axis={tap.axis}"] if tap.axis != 1 else []
    if options:
        return f"Tap({', '.join([repr(tap.node), *options])})"
    return tap.node or repr(tap.node)


def _shape(place: TapPlace) -> str:
    sizes = [str(size) for size in place.shape]
    return "(" + ", ".join(["B", *sizes[1:]] if place.batch_first else sizes) + ")"


def _channels(place: TapPlace) -> str:
    if not place.batch_first:
        return "no batch"
    return "?" if place.axis is None else f"axis {place.axis}"


def _as_json(places: Sequence[TapPlace], marks: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    return [
        {
            "tap": place.tap.as_json(),
            "kind": place.kind,
            "shape": ["B", *place.shape[1:]] if place.batch_first else list(place.shape),
            "channels_axis": place.axis,
            "parameters": place.parameters,
            "features": list(mark),
        }
        for place, mark in zip(places, marks, strict=True)
    ]
