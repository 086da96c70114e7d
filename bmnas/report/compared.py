"""The comparison at the end of a run, over its seeds: scores, intervals, and what is found against each other row."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bmnas.errors import BmnasError
from bmnas.evaluation.holm import holm
from bmnas.report.kept import Answers, Measure, answers_of, higher_is_better, measures_of
from bmnas.report.paired import Difference, Drawing, Interval, differing, measured
from bmnas.report.reading import Reading
from bmnas.searcher.run.layout import FOUND

ALONE = " alone"
"""How the titles of rows of one modality end."""


@dataclass(frozen=True)
class ComparedRow:
    """One row.

    Attributes:
        name: its title.
        tests: its test score with each seed that has it, as the run recorded it.
        parameters: mean over the seeds.
        seconds: likewise, of its training.
        is_official: whether it is the best epoch on the test split, which is no estimate of anything.
        interval: of the score, from the outputs; ``None`` where none are kept.
        to_found: how far the found network is from it.
    """

    name: str
    tests: tuple[float, ...]
    parameters: float
    seconds: float
    is_official: bool
    interval: Interval | None = None
    to_found: Difference | None = None

    @property
    def mean(self) -> float:
        """Of the recorded scores."""
        return statistics.fmean(self.tests)

    @property
    def std(self) -> float:
        """Of the recorded scores; 0 of one."""
        return statistics.stdev(self.tests) if len(self.tests) > 1 else 0.0


@dataclass(frozen=True)
class Compared:
    """All rows.

    Attributes:
        rows: by title.
        metric: the task's.
        measure: the one that intervals and tests are of; ``None`` where there are none.
        higher_is_better: of two scores; ``None`` where nobody knows.
        answers: by row, those of each seed that has kept them, the same seeds in all rows.
        drawing: the resamples of the test split.
        result: the row that the run delivered, with most of its seeds.
        rival: the row that the final choice compared it with; without one, the best other row.
    """

    rows: dict[str, ComparedRow]
    metric: str
    measure: Measure | None = None
    higher_is_better: bool | None = None
    answers: Mapping[str, Sequence[Answers]] = field(default_factory=dict)
    drawing: Drawing | None = None
    result: str = FOUND
    rival: str | None = None

    @property
    def is_share(self) -> bool:
        """Whether scores are read in percent."""
        return self.metric == "accuracy"

    def best(self, names: Sequence[str]) -> str | None:
        """The best of some rows, by their recorded scores; ``None`` where there is none, or nobody knows."""
        if not names or self.higher_is_better is None:
            return None
        sign = 1 if self.higher_is_better else -1
        return max(names, key=lambda name: sign * self.rows[name].mean)

    @property
    def alone(self) -> list[str]:
        """The rows of one modality each."""
        return [name for name in self.rows if name.endswith(ALONE)]

    @property
    def simple(self) -> list[str]:
        """The rows that fuse and were not searched."""
        return [name for name in self.rows if not name.endswith(ALONE) and name != FOUND]

    def between(self, one: str, other: str) -> Difference | None:
        """How far one row is from another; ``None`` where nothing is kept of them."""
        if self.measure is None or self.drawing is None or one not in self.answers or other not in self.answers:
            return None
        return differing(self.measure, self.answers[one], self.answers[other], self.drawing)


def compared_rows(reading: Reading) -> Compared:
    """The comparison of a run. What cannot be computed is noted in the reading."""
    rows = {name: _row(reading, name) for name in reading.rows}
    metric, result, rival = reading.metric, _most(reading, "chosen") or FOUND, _most(reading, "rival")
    found = Compared(rows, metric, None, higher_is_better(metric), result=result, rival=rival)
    answers = reading.tried(lambda: _answers(reading), dict[str, list[Answers]]())
    if answers:
        first = next(iter(answers.values()))[0]
        own = measures_of(first.objective, metric)[0]
        drawing = Drawing.of(first)
        found = replace(found, measure=own, answers=answers, drawing=drawing)
        rows = {name: replace(row, interval=_interval(found, name)) for name, row in rows.items()}
        rows = _tested(found, rows)
    found = replace(found, rows=rows)
    return replace(found, rival=found.rival or found.best([name for name in rows if name != result]))


def _row(reading: Reading, name: str) -> ComparedRow:
    own = [row for seed in reading.seeds for row in seed.rows if row.name == name]
    return ComparedRow(
        name,
        tuple(row.test for row in own),
        statistics.fmean(row.parameters for row in own),
        statistics.fmean(row.seconds for row in own),
        any(row.protocol == "official" for row in own),
    )


def _most(reading: Reading, key: str) -> str | None:
    """What most seeds' final choices say."""
    said = [str(seed.choice.entry[key]) for seed in reading.seeds if seed.choice and key in seed.choice.entry]
    return Counter(said).most_common(1)[0][0] if said else None


def _answers(reading: Reading) -> dict[str, list[Answers]]:
    """By row, those of the seeds that have all rows; rows of other samples than the first one's are left out."""
    seeds = [seed for seed in reading.seeds if seed.outputs]
    most = max((len(seed.outputs) for seed in seeds), default=0)
    seeds = [seed for seed in seeds if len(seed.outputs) == most]
    found: dict[str, list[Answers]] = {}
    if not seeds:
        return found
    first = next(iter(seeds[0].outputs.values()))
    for name in seeds[0].outputs:
        kept = [seed.outputs.get(name) for seed in seeds]
        there = [each for each in kept if each is not None and each.has_the_samples_of(first)]
        if len(there) < len(seeds):
            reading.note(f"{reading.path}: the outputs of {name} are not of the same samples with every seed")
            continue
        try:
            found[name] = [answers_of(each, reading.record, seeds[0].model) for each in there]
        except BmnasError as error:
            raise BmnasError(f"{reading.path}: {error}; its outputs are not measured") from None
    return found


def _interval(found: Compared, name: str) -> Interval | None:
    if found.measure is None or found.drawing is None or name not in found.answers:
        return None
    return measured(found.measure, found.answers[name], found.drawing)


def _tested(found: Compared, rows: dict[str, ComparedRow]) -> dict[str, ComparedRow]:
    """With the difference of the found network from each other row, and its p corrected for their number."""
    differences = {name: own for name in rows if name != FOUND and (own := found.between(FOUND, name))}
    corrected = holm({name: own.p for name, own in differences.items() if own.p is not None})
    return {
        name: replace(row, to_found=replace(differences[name], corrected=corrected.get(name)))
        if name in differences
        else row
        for name, row in rows.items()
    }
