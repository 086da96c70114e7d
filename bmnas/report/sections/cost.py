"""What a run took and how it was made: parameters, multiply-adds, seconds, memory; environment, settings, commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from bmnas.compiler import summarise
from bmnas.errors import BmnasError
from bmnas.report import numbers
from bmnas.report.parts import Code, Folded, Note, Part, Section, Table
from bmnas.report.reading import Reading, SeedReading
from bmnas.searcher.run.layout import version_of


def cost_section(id: str, reading: Reading) -> Section:
    """The section of a run on what it took."""
    parts: list[Part] = [*_networks(id, reading), _time(id, reading)]
    return Section(f"{id}-cost", "What it took", tuple(parts))


def making_section(id: str, reading: Reading) -> Section:
    """The section of a run on how it was made."""
    parts = [*_commands(reading), _environment(id, reading), *_settings(id, reading)]
    return Section(f"{id}-making", "How it was made", tuple(parts))


def settings_of(reading: Reading) -> dict[str, str]:
    """All settings of a search by their flat names, as text."""
    return flat({**reading.settings, "features": _object(reading.record.get("features"))})


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings by names such as ``strategy.select.top_k``."""
    found: dict[str, str] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping):
            found |= flat(item, f"{name}.")
        else:
            found[name] = said(item)
    return found


def said(item: Any) -> str:
    """A value of a setting, as it is typed."""
    if item is None:
        return numbers.NONE
    if isinstance(item, bool):
        return "on" if item else "off"
    return ", ".join(map(str, item)) if isinstance(item, list | tuple) else str(item)


def _networks(id: str, reading: Reading) -> Iterator[Part]:
    rows = []
    for seed in reading.seeds:
        if seed.genotype is None:
            continue
        try:
            found = summarise(seed.genotype)
        except BmnasError as error:
            reading.note(f"{seed.path / 'genotype.json'}: its cost cannot be counted: {error}")
            continue
        rows.append(
            [
                f"seed {seed.seed}, {seed.delivered}",
                numbers.whole(found.parameters),
                numbers.whole(found.multiply_adds),
                f"{4 * found.activations / 1024:,.0f} KiB",
                f"{4 * found.peak / 1024:,.0f} KiB",
            ]
        )
    if rows:
        headings = ("result", "parameters", "multiply-adds", "activations, training", "activations, inference")
        caption = "The network that is the result, without backbones; multiply-adds and activations of one sample"
        yield Table.of(f"{id}-network", caption, headings, rows)


def _time(id: str, reading: Reading) -> Table:
    phases = {
        "search": ("EpochDone", "CandidateDone"),
        "selection": ("SelectionDone",),
        "final choice": ("ChoiceDone",),
    }
    rows = []
    for name, kinds in phases.items():
        spent = _seconds(reading.seeds, kinds)
        if spent:
            rows.append([name, numbers.seconds(spent)])
    trainings = sum(row.seconds for seed in reading.seeds for row in seed.rows)
    if trainings:
        rows.append(["trainings of the comparison", numbers.seconds(trainings)])
    for name, size in _object(reading.status.get("peak_memory")).items():
        if isinstance(size, int | float):
            rows.append([f"peak memory, {name}", numbers.memory(size)])
    if not reading.status.get("peak_memory"):
        rows.append(["peak memory", "not kept"])
    return Table.of(f"{id}-time", "Wall time and memory of the run", ("what", "took"), rows)


def _seconds(seeds: list[SeedReading], kinds: tuple[str, ...]) -> float:
    """Of rounds; seeds that are searched as one computation share theirs, and candidates are each seed's own."""
    shared: dict[tuple[Any, ...], float] = {}
    for seed in seeds:
        for each in seed.of_kind(*kinds):
            own = seed.seed if each.kind in ("CandidateDone", "ChoiceDone") else None
            shared[each.kind, each.number, own] = each.seconds
    return sum(shared.values())


def _commands(reading: Reading) -> Iterator[Part]:
    command = str(reading.status.get("command") or "")
    made = [seed.genotype.provenance for seed in reading.seeds if seed.genotype and seed.genotype.provenance]
    searched = command or next((each.command for each in made if each.command), None)
    if searched:
        yield Code(_complete(searched), "Command of the search")
    for each in dict.fromkeys(own.trained_by for own in made if own.trained_by):
        yield Code(_complete(each), "Command of a training of the result")
    yield Code(f"bmnas report {shlex.quote(reading.name)}", "Command of this report")


def _complete(command: str) -> str:
    return command if command.startswith("bmnas ") else f"bmnas {command}"


def _environment(id: str, reading: Reading) -> Part:
    known = _object(reading.status.get("environment"))
    made = [seed.genotype.provenance for seed in reading.seeds if seed.genotype and seed.genotype.provenance]
    rows = [["bmnas", version_of(reading.record)], *([str(name), str(value)] for name, value in known.items())]
    if not known:
        versions: dict[str, str] = {}
        for own in made:
            versions |= own.versions
        rows += [[name, value] for name, value in versions.items() if name != "bmnas"]
    rows += [["data", each] for each in sorted({own.data for own in made if own.data})]
    return Table.of(f"{id}-environment", "Where and on what it ran", ("what", "which"), rows, (1,))


def _settings(id: str, reading: Reading) -> Iterator[Part]:
    rows = [[name, value] for name, value in settings_of(reading).items()]
    if rows:
        table = Table.of(f"{id}-settings", "Settings of the search", ("setting", "value"), rows, (1,))
        yield Folded("All settings of the search", (table,))
    train = next((seed.train for seed in reading.seeds if seed.train), {})
    if train:
        rows = [[name, value] for name, value in flat(train).items()]
        table = Table.of(f"{id}-train-settings", "Settings of the trainings", ("setting", "value"), rows, (1,))
        yield Folded("All settings of the trainings at the end", (table,))
    else:
        yield Note("The settings of the trainings at the end are not kept, because none is done.")


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
