"""A run folder, open for reading: it is not locked, its settings need not be known, and nothing in it is changed.

Whatever it has is checked when it is asked for: settings, events and the rows of the comparison bear checksums, and a
genotype has to be the one that the search wrote. Of a folder of an earlier format the settings alone can be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.genotype import Genotype
from bmnas.searcher.config import SearchConfig
from bmnas.searcher.events import ROUNDS, Row, meaning_of
from bmnas.searcher.run.layout import FOUND, OLDER, event_lines, read_record, version_of
from bmnas.searcher.run.seed_folder import SeedFolder
from bmnas.searcher.run.shown import html_of, scores_of
from bmnas.searcher.run.summary import Summary, summary_of
from bmnas.tasks import METRICS

_ROUNDS = ("EpochDone", "CandidateDone")


def open_run(path: Path | str) -> Run:
    """Open a run folder for reading, also while a search is at work in it.

    Args:
        path: the folder.

    Raises:
        BmnasError: it is no run folder, or its configuration is damaged.
    """
    folder = Path(path)
    return Run(folder, read_record(folder))


class Run:
    """What a search has left in its folder so far. Use `open_run`.

    Args:
        path: the folder.
        record: the content of ``config.json``.

    Attributes:
        path: the folder.
        record: as given.
    """

    def __init__(self, path: Path, record: Mapping[str, Any]) -> None:
        self.path, self.record = path, record

    def __repr__(self) -> str:
        return f"<Run of {self.task} in {self.path}: {self._in_words()}>"

    def _repr_html_(self) -> str | None:
        """For notebooks; ``None`` where it has no genotype yet, so that the words above are shown."""
        try:
            return html_of(f"{self.task} in {self.path}: {self._in_words()}", self.genotype(), self.rows())
        except BmnasError:
            return None

    def _in_words(self) -> str:
        """How far it is; a folder that is damaged has a name, too."""
        try:
            rounds = [entry for entry in self.history if entry["event"] in _ROUNDS and entry["seed"] == self.seeds[0]]
            if not rounds:
                return "no round is done yet"
            unit, scores = ROUNDS[rounds[0]["event"]].unit, scores_of(self.genotype())
        except BmnasError as error:
            return str(error).removeprefix(f"{self.path}: ")
        seeds = f", {len(self.seeds)} seeds" if len(self.seeds) > 1 else ""
        return f"{len(rounds)} {unit}{'s' * (len(rounds) != 1)}{seeds}, {scores}"

    @cached_property
    def config(self) -> SearchConfig:
        """The settings of the search.

        Raises:
            BmnasError: they make no sense.
        """
        return recorded_config(self.record, self.path / "config.json")

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the search."""
        return tuple(range(self.config.seed, self.config.seed + self.config.seeds))

    @property
    def task(self) -> str:
        """The name of the task."""
        return str(self.record.get("task"))

    def folder_of(self, seed: int | None = None) -> Path:
        """The folder that has the genotypes of a seed; of the first one, if it is left out.

        Raises:
            BmnasError: the search has no such seed.
        """
        seed = self.seeds[0] if seed is None else seed
        if seed not in self.seeds:
            raise BmnasError(f"{self.path}: has no seed {seed}; its seeds are {', '.join(map(str, self.seeds))}")
        return self.path if len(self.seeds) == 1 else self.path / f"seed{seed}"

    @property
    def history(self) -> list[dict[str, Any]]:
        """The rounds that are done, as plain data with ``event``, their kind; those of all seeds, in order.

        A round that was done again after a kill is there once. A last line that is being written is left out.

        Raises:
            BmnasError: a line is damaged.
        """
        self._refuse_older()
        rounds = {}
        for entry in event_lines(self.path):
            if entry.get("event") in ROUNDS:
                rounds[entry["event"], entry.get("seed"), entry.get("round")] = entry
        return list(rounds.values())

    def genotype(self, seed: int | None = None) -> Genotype:
        """The best genotype of a seed so far; of the first one, if it is left out.

        Raises:
            BmnasError: there is none yet, or it was changed since the search wrote it.
        """
        seed = self.seeds[0] if seed is None else seed
        folder, best = SeedFolder(self.folder_of(seed)), self._best(seed)
        if best is None or not (folder.path / "genotype.json").exists():
            raise BmnasError(f"{self.path}: has no genotype yet: its search has not finished a round")
        genotype = folder.genotype()
        if meaning_of(genotype) == best["sha256"]:
            return genotype
        if folder.has_round_with(genotype):  # it is ahead of the events, of which the next one is being written
            return folder.of_round(best["event"], best["round"], best["sha256"])
        raise BmnasError(f"{folder.path / 'genotype.json'}: was changed since the search wrote it")

    def rows(self, seed: int | None = None) -> list[Row]:
        """The rows of a seed's comparison that are done; of the first one, if it is left out.

        Raises:
            BmnasError: ``results.json`` is damaged.
        """
        self._refuse_older()
        return SeedFolder(self.folder_of(seed)).all_rows()

    def outputs(self, row: str, seed: int | None = None) -> tuple[Tensor, Tensor]:
        """What the network of a row gives for the test split, (N, outputs), and the labels.

        Two rows of a run have the same samples in the same order, so that they can be compared sample by sample.

        Args:
            row: its title.
            seed: the first one, if it is left out.

        Raises:
            BmnasError: that row is not done, or its file is damaged.
        """
        return SeedFolder(self.folder_of(seed)).outputs(row)

    def summary(self) -> Summary:
        """What the seeds have in common; those count that have a genotype and as many rows as any other.

        Raises:
            BmnasError: no seed has a genotype, or a file is damaged.
        """
        rows = {seed: self.rows(seed) for seed in self.seeds}
        most = max(map(len, rows.values()))
        done = [seed for seed in self.seeds if len(rows[seed]) == most and self._score(seed) is not None]
        if not done:
            raise BmnasError(f"{self.path}: has no genotype yet: its search has not finished a round")
        scores = [score for seed in done if (score := self._score(seed)) is not None]
        genotypes = [self.genotype(seed) for seed in done]
        return summary_of(done, genotypes, scores, [rows[seed] for seed in done], self._best_of(done, scores))

    def delivered(self, seed: int | None = None) -> str:
        """The row of a seed's comparison that is its result; of the first seed, if it is left out."""
        seed = self.seeds[0] if seed is None else seed
        best = self._best(seed)
        return str((best or {}).get("chosen") or FOUND)

    def _best_of(self, seeds: Sequence[int], scores: Sequence[float]) -> int | None:
        """The seed with the best score; ``None`` where nobody here knows which of two scores is better."""
        if len(seeds) == 1:
            return seeds[0]
        metric = str(self.record.get("metric"))
        if metric not in METRICS:
            return None
        sign = -1 if METRICS[metric].higher_is_better else 1
        return min(zip(seeds, scores, strict=True), key=lambda pair: sign * pair[1])[0]

    def _score(self, seed: int) -> float | None:
        best = self._best(seed)
        return None if best is None else float(best["score"])

    def _best(self, seed: int) -> dict[str, Any] | None:
        """The last round that had the best genotype of a seed so far."""
        best = [entry for entry in self.history if entry["seed"] == seed and entry["best"]]
        return best[-1] if best else None

    def _refuse_older(self) -> None:
        if self.record.get("format") in OLDER:
            raise BmnasError(
                f"{self.path}: was written by an earlier version of bmnas, {version_of(self.record)}; its settings can "
                "be read, and its genotype.json by bmnas.load"
            )


def recorded_config(record: Mapping[str, Any], path: Path) -> SearchConfig:
    """The settings of a search from the content of a ``config.json``, or of a file of settings alone.

    Args:
        record: ``search`` has the settings; without it, the whole is settings.
        path: of the file, for sentences.

    Raises:
        BmnasError: the settings make no sense, or there are others.
    """
    settings = record.get("search", record)
    if not isinstance(settings, dict):
        raise BmnasError(f"{path}: search is no object with settings")
    try:
        if record.get("format") in OLDER:
            settings = _from_1(settings)
        return SearchConfig.read({name: value for name, value in settings.items() if name not in ("format", "$schema")})
    except BmnasError as error:
        raise BmnasError(f"{path}: {error}") from None


def _from_1(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as the first format had them: one flat list, with those that made no difference."""
    settings = dict(settings)
    if settings.pop("protocol", "standard") == "official":
        settings["strategy"] = "released"
    names = SearchConfig.names_with(settings)
    return {name: value for name, value in settings.items() if name in names}


__all__ = ["Run", "open_run", "recorded_config"]
