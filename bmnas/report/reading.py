"""A run folder as the report shows it: all that can be read of it, and of the rest a sentence each.

Nothing that is damaged or absent stops the reading: it is a sentence of `Reading.missing`. What stands in a folder is
data, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from bmnas.errors import BmnasError
from bmnas.files import read_json, unsealed_json
from bmnas.genotype import Genotype, load
from bmnas.report.kept import Kept, read_outputs
from bmnas.searcher.events import ROUNDS, ChoiceDone, MixingDone, Row
from bmnas.searcher.run import layout

T = TypeVar("T")
MIXINGS = 200
"""Epochs whose weights of alternatives are read; of a longer search, evenly spaced ones."""


@dataclass(frozen=True)
class Round:
    """One round of one seed, as ``events.jsonl`` has it.

    Attributes:
        kind: the name of its event.
        seed: whose.
        number: 1 for the first of its kind.
        score: on the validation split.
        seconds: that it took.
        best: whether no earlier one was better.
        sha256: of what its genotype says.
        entry: all of the line.
    """

    kind: str
    seed: int
    number: int
    score: float
    seconds: float
    best: bool
    sha256: str
    entry: Mapping[str, Any]

    def value(self, name: str) -> float | None:
        """Another number of the line, where it has one."""
        found = self.entry.get(name)
        return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


@dataclass
class SeedReading:
    """What a search has left of one seed.

    Attributes:
        seed: the seed.
        path: its folder.
        rounds: its epochs or candidates, and what came after them.
        genotype: the best one, where there is one.
        rows: of the comparison, those that are done.
        train: the settings of the trainings of the rows.
        curves: by row, the loss of each epoch of its training.
        outputs: by row, what its network gives for the test split.
        mixings: by epoch, the weights of all alternatives.
        model: what of the task the network needs: names of classes, kind of labels.
    """

    seed: int
    path: Path
    rounds: list[Round] = field(default_factory=list)
    genotype: Genotype | None = None
    rows: list[Row] = field(default_factory=list)
    train: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, dict[int, float]] = field(default_factory=dict)
    outputs: dict[str, Kept] = field(default_factory=dict)
    mixings: dict[int, MixingDone] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)

    def of_kind(self, *kinds: str) -> list[Round]:
        """The rounds of some kinds."""
        return [each for each in self.rounds if each.kind in kinds]

    @property
    def choice(self) -> Round | None:
        """The final choice, where it is made."""
        made = self.of_kind(ChoiceDone.__name__)
        return made[-1] if made else None

    @property
    def best(self) -> Round | None:
        """The round that has the result."""
        best = [each for each in self.rounds if each.best]
        return best[-1] if best else None

    @property
    def delivered(self) -> str:
        """The row that is the result."""
        chosen = self.choice.entry.get("chosen") if self.choice else None
        return str(chosen or layout.FOUND)

    @property
    def found(self) -> Round | None:
        """The round that has what the search found, whatever was chosen then."""
        number = self.choice.entry.get("runner_up") if self.choice else 0
        if number:
            return next((each for each in self.of_kind("RunnerUp") if each.number == number), None)
        best = [each for each in self.rounds if each.best and each.kind != ChoiceDone.__name__]
        return best[-1] if best else None

    def of_round(self, found: Round) -> Genotype:
        """The genotype of a round.

        Raises:
            BmnasError: its file is damaged or gone.
        """
        return load(layout.round_file(self.path, ROUNDS[found.kind].unit, found.number))


@dataclass
class Reading:
    """What can be read of a run folder.

    Attributes:
        path: the folder.
        record: the content of ``config.json``.
        status: how the search stands, as it noted itself; empty where it is of an earlier version.
        outlook: what was said before the search.
        seeds: of each seed.
        missing: what could not be read, or is not there, in sentences.
    """

    path: Path
    record: dict[str, Any]
    status: dict[str, Any] = field(default_factory=dict)
    outlook: list[str] = field(default_factory=list)
    seeds: list[SeedReading] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The folder, as it is called."""
        return str(self.path)

    @property
    def task(self) -> str:
        """The name of the task."""
        return str(self.record.get("task"))

    @property
    def metric(self) -> str:
        """The name of the task's metric."""
        return str(self.record.get("metric"))

    @property
    def settings(self) -> dict[str, Any]:
        """Of the search."""
        return _object(self.record.get("search"))

    @property
    def strategy(self) -> str:
        """How was searched."""
        own = self.settings.get("strategy")
        return str(own.get("kind") if isinstance(own, dict) else own)

    @cached_property
    def rows(self) -> list[str]:
        """The titles of the rows that are done, in the order of the first seed that has them."""
        return list(dict.fromkeys(row.name for seed in self.seeds for row in seed.rows))

    def tried(self, read: Callable[[], T], otherwise: T) -> T:
        """What a function reads; where it cannot, its sentence is kept, and this is something else."""
        try:
            return read()
        except BmnasError as error:
            self.note(str(error))
        except (ValidationError, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            self.note(f"{self.path}: something in it is not what a search writes ({type(error).__name__})")
        return otherwise

    def note(self, sentence: str) -> None:
        """Say once that something is missing."""
        if sentence not in self.missing:
            self.missing.append(sentence)


def read_run(folder: Path) -> Reading:
    """All that can be read of a run folder.

    Args:
        folder: of a search that is done, under way, interrupted or failed.

    Raises:
        BmnasError: it is no run folder, or its configuration is damaged: nothing can be said of it.
    """
    found = Reading(folder, layout.read_record(folder))
    found.tried(lambda: _read_status(found), None)
    if found.record.get("format") in layout.OLDER:
        found.note(f"{folder}: was written by an earlier version of bmnas, {layout.version_of(found.record)}")
    rounds = found.tried(lambda: _rounds(folder), list[Round]())
    if not rounds:
        lacks = "has no round that is done" if (folder / "events.jsonl").exists() else "is not there"
        found.note(f"{folder / 'events.jsonl'}: {lacks}, so what happened in the search cannot be shown")
    for seed in found.tried(lambda: _seeds(found), [0]):
        own = SeedReading(seed, folder if _count(found) == 1 else folder / f"seed{seed}")
        own.rounds = [each for each in rounds if each.seed == seed]
        found.seeds.append(own)
        _read_seed(found, own)
    return found


def _read_status(found: Reading) -> None:
    path = layout.status_file(found.path)
    if path.exists():
        found.status = _sealed(path)
    path = found.path / "outlook.json"
    if path.exists():
        found.outlook = [str(sentence) for sentence in _sealed(path)["sentences"]]


def _seeds(found: Reading) -> list[int]:
    first = int(found.settings.get("seed", 0))
    return list(range(first, first + _count(found)))


def _count(found: Reading) -> int:
    count = found.settings.get("seeds", 1)
    return min(max(count, 1), 1000) if isinstance(count, int) else 1


def _rounds(folder: Path) -> list[Round]:
    """Those that are done; one that was done again after a kill is there once."""
    found = {}
    for line in layout.event_lines(folder):
        kind = line.get("event")
        if kind in ROUNDS:
            try:
                own = Round(
                    kind,
                    int(line["seed"]),
                    int(line["round"]),
                    float(line["score"]),
                    float(line["seconds"]),
                    bool(line["best"]),
                    str(line["sha256"]),
                    line,
                )
            except (KeyError, TypeError, ValueError):
                raise BmnasError(f"{folder / 'events.jsonl'}: has a {kind} that is not what a search writes") from None
            found[kind, own.seed, own.number] = own
    return list(found.values())


def _read_seed(found: Reading, own: SeedReading) -> None:
    whose = f"seed {own.seed}" if _count(found) > 1 else "the search"
    path = own.path / "genotype.json"
    if path.exists():
        own.genotype = found.tried(lambda: load(path), None)
    else:
        found.note(f"{path}: is not there: no round of {whose} is done")
    model = own.path / "genotype.model.json"
    if model.exists():
        own.model = found.tried(lambda: _sealed(model), {})
    results = own.path / "results.json"
    if results.exists():
        found.tried(lambda: _read_rows(found, own, results), None)
    else:
        found.note(f"{results}: is not there: no network of {whose} has been trained and tested")
    _read_mixings(found, own)


def _read_rows(found: Reading, own: SeedReading, path: Path) -> None:
    content = _results(path)
    own.rows = [Row.model_validate(row) for row in content["rows"]]
    own.train = _object(content.get("train"))
    without: dict[str, list[str]] = {"outputs": [], "curves": []}
    for row in own.rows:
        outputs = layout.outputs_file(own.path, row.name)
        if outputs.exists():
            kept = found.tried(lambda outputs=outputs: read_outputs(outputs), None)  # type: ignore[misc]
            if kept is not None:
                own.outputs[row.name] = kept
        elif row.protocol == "standard":
            without["outputs"].append(row.name)
        curve = layout.curve_file(own.path, row.name)
        if curve.exists():
            own.curves[row.name] = found.tried(lambda curve=curve: _curve(curve), {})  # type: ignore[misc]
    if without["outputs"]:
        found.note(
            f"{own.path / 'outputs'}: has nothing of {', '.join(without['outputs'])}: these rows have no intervals and "
            "no tests"
        )
    if own.rows and not own.curves:
        found.note(f"{own.path / 'curves'}: has no curve of a training")


def _results(path: Path) -> dict[str, Any]:
    content = _sealed(path)
    if not isinstance(content.get("rows"), list):
        raise BmnasError(f"{path}: does not hold the results of a search")
    return content


def _curve(path: Path) -> dict[int, float]:
    return {int(epoch): float(loss) for epoch, loss in _sealed(path)["losses"].items()}


def _read_mixings(found: Reading, own: SeedReading) -> None:
    epochs = [each.number for each in own.of_kind("EpochDone")]
    step = -(-len(epochs) // MIXINGS) or 1
    for epoch in epochs[::step]:
        path = layout.mixing_file(own.path, epoch)
        if path.exists():
            mixing = found.tried(lambda path=path: MixingDone.model_validate(_sealed(path)), None)  # type: ignore[misc]
            if mixing is not None:
                own.mixings[epoch] = mixing


def _sealed(path: Path) -> dict[str, Any]:
    """The content of a file with a checksum.

    Raises:
        BmnasError: it is damaged.
    """
    try:
        return unsealed_json(read_json(path, layout.JSON_LIMIT))
    except BmnasError as error:
        said = str(error)
        raise BmnasError(said if said.startswith(str(path)) else f"{path}: {said}") from None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
