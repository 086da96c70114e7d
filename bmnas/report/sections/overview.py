"""Several runs side by side: their tasks, settings that differ, states and scores; and the same samples compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bmnas.evaluation.holm import holm
from bmnas.report import numbers
from bmnas.report.compared import Compared
from bmnas.report.differing import differing_settings
from bmnas.report.paired import differing
from bmnas.report.parts import Cell, Note, Part, Section, Table
from bmnas.report.reading import Reading
from bmnas.report.sections.cost import settings_of
from bmnas.report.state import state_of


def overview_section(id: str, runs: Mapping[str, tuple[Reading, Compared]]) -> Section:
    """The section before those of the runs, which are by their ids on the page."""
    readings = [reading for reading, _ in runs.values()]
    settings = differing_settings([settings_of(reading) for reading in readings])
    rows = []
    for (run, (reading, compared)), own in zip(runs.items(), settings, strict=True):
        row = compared.rows.get(compared.result)
        interval = numbers.NONE if row is None else numbers.ends(row.interval, _points(compared))
        rows.append(
            [
                Cell(reading.name, link=run),
                Cell(reading.task),
                Cell(reading.strategy),
                Cell(", ".join(f"{name} {value}" for name, value in own.items()) or numbers.NONE),
                Cell(state_of(reading).name),
                Cell(numbers.NONE if row is None else row.name),
                Cell(f"{compared.metric} {numbers.value(None if row is None else row.mean, compared.is_share)}"),
                Cell(interval),
                Cell(numbers.NONE if row is None else numbers.whole(row.parameters)),
            ]
        )
    headings = ("run", "task", "strategy", "settings that differ", "state", "result", "test score", "95 % interval")
    caption = f"{len(runs)} runs side by side"
    parts: list[Part] = [Table.of(f"{id}-runs", caption, (*headings, "parameters"), rows, (1, 2, 3, 4, 5))]
    tests = _tests(id, list(runs.values()))
    if tests is not None:
        parts += [tests, Note("Of the same test samples with equally many seeds; p as in the comparison of each run.")]
    return Section(id, "Runs side by side", tuple(parts))


def _points(compared: Compared) -> bool:
    return compared.measure is not None and compared.measure.is_share


def _tests(id: str, runs: Sequence[tuple[Reading, Compared]]) -> Table | None:
    """The results of later runs against that of the first one with the same samples."""
    found = []
    for number, (reading, compared) in enumerate(runs):
        own = compared.answers.get(compared.result)
        for earlier, other in runs[:number]:
            answers = other.answers.get(other.result)
            if own is None or answers is None or compared.measure is None or compared.drawing is None:
                continue
            if other.measure is None or earlier.task != reading.task or other.measure.name != compared.measure.name:
                continue
            if own[0].objective != answers[0].objective or not own[0].kept.has_the_samples_of(answers[0].kept):
                continue
            seeds = min(len(own), len(answers))
            difference = differing(compared.measure, own[:seeds], answers[:seeds], compared.drawing)
            if difference is not None:
                found.append((reading, earlier, compared.measure, difference))
            break
    if not found:
        return None
    corrected = holm({str(n): own.p for n, (*_, own) in enumerate(found) if own.p is not None})
    rows = [
        [
            reading.name,
            earlier.name,
            measure.name,
            numbers.apart(own.interval.value, measure.is_share),
            numbers.ends(own.interval, measure.is_share, signed=True),
            numbers.probability(own.p),
            numbers.probability(corrected.get(str(n))),
        ]
        for n, (reading, earlier, measure, own) in enumerate(found)
    ]
    headings = ("result of", "less result of", "measure", "difference", "95 % interval", "p", "p (Holm)")
    return Table.of(f"{id}-tests", "Results compared on the same test samples", headings, rows, (1, 2))
