"""The folder of one search: what is written when, and how a killed search finds its way back.

    config.json      the task and the settings of the search; written first
    events.jsonl     one line an event, for people and other programs; never read back
    tensorboard/     the same numbers for TensorBoard
    checkpoints/     last.pt: everything that the remaining epochs depend on, and the history so far
    genotypes/       epoch-007.json, ...: derived after each epoch
    genotype.json    the best so far, with genotype.svg; after the final training with its weights
                     (genotype.safetensors) and scores (genotype.scores.json)
    results.json     the comparison at the end, row by row

Every file but the two logs is replaced in one step, and the checkpoint is written last in an epoch. What the other
files hold of an epoch that has no checkpoint is replaced when the search goes on, because that epoch is run again.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, Self

import torch
from filelock import FileLock, Timeout
from pydantic import ValidationError
from torch.utils.tensorboard import SummaryWriter

from bmnas.genotype import BmnasError, Genotype, load, save
from bmnas.genotype.drawing import draw
from bmnas.genotype.files import read_json, reason, write_atomically
from bmnas.searcher.events import EpochDone, Event, Row

FORMAT = "bmnas-run/1"
_JSON_LIMIT = 64 * 2**20  # bytes
_START_OVER = "name another folder with --out, or start over with --force"


class Results(Event):
    """``results.json``: the rows that are done, and the settings they were trained with."""

    format: Literal["bmnas-results/1"] = "bmnas-results/1"
    metric: str
    train: dict[str, Any]
    rows: tuple[Row, ...]


class RunFolder:
    """A run folder that is open: this process alone writes to it. Use `RunFolder.open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: SummaryWriter | None = None
        self._new = False

    @classmethod
    @contextmanager
    def open(cls, path: Path, settings: dict[str, Any], *, force: bool = False) -> Iterator[Self]:
        """Create the folder, or open one in which a search with the same settings has begun.

        Args:
            path: the folder.
            settings: what decides the result of the search; JSON values, nested dictionaries.
            force: drop what the folder's earlier search left, and start over.

        Raises:
            BmnasError: other settings, another process at work, not a run folder, or not writable.
        """
        _make(path)
        lock = FileLock(path / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise BmnasError(f"{path}: another search is at work in this folder") from None
        except OSError as error:
            raise BmnasError(f"{path}: cannot be written: {reason(error)}") from error
        run = cls(path)
        try:
            run._begin(settings, force)
            yield run
        except BmnasError:
            run._forget()
            raise
        finally:
            if run._writer is not None:
                run._writer.close()
            lock.release()

    def checkpoint(self) -> dict[str, Any] | None:
        """The last checkpoint's content on the CPU, or ``None``. Only tensors and plain values are ever read.

        Raises:
            BmnasError: the file is damaged.
        """
        path = self.path / "checkpoints" / "last.pt"
        if not path.exists():
            return None
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            # torch reports damage with many types of exceptions, and none is of use to a user.
            raise self.bad_checkpoint(error) from error
        if not isinstance(state, dict):
            raise self.bad_checkpoint(TypeError())
        return state

    def bad_checkpoint(self, error: Exception) -> BmnasError:
        """What to raise where the checkpoint turns out not to be this search's."""
        path = self.path / "checkpoints" / "last.pt"
        return BmnasError(f"{path}: is not a checkpoint of this search ({type(error).__name__}); {_START_OVER}")

    def resume(self, history: Sequence[dict[str, Any]], best_epoch: int) -> None:
        """Bring what may be ahead of the checkpoint, or damaged, in line with it: the events and the best genotype."""
        rows = self._results().rows if (self.path / "results.json").exists() else ()
        lines = [*history, *(_line(row) for row in rows)]
        write_atomically(self.path / "events.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        best = load(self.path / "genotypes" / f"epoch-{best_epoch:03d}.json")
        kept = None
        with suppress(BmnasError):
            kept = self.genotype()
        if kept is None or (kept.cells, kept.features) != (best.cells, best.features):
            self._keep(best)
        elif not (self.path / "genotype.svg").exists():
            self._draw(kept)

    def epoch_done(self, event: EpochDone, genotype: Genotype, state: dict[str, Any]) -> None:
        """Write all that belongs to an epoch; the checkpoint last."""
        save(genotype, self.path / "genotypes" / f"epoch-{event.epoch:03d}.json")
        if event.best:
            self._keep(genotype)
        self.log(event)
        self._plot(event)
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomically(self.path / "checkpoints" / "last.pt", buffer.getvalue())

    def log(self, event: Event) -> None:
        """Append an event to ``events.jsonl``.

        Raises:
            BmnasError: the file cannot be written.
        """
        path = self.path / "events.jsonl"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(_line(event)) + "\n")
        except OSError as error:
            raise BmnasError(f"{path}: cannot be written: {reason(error)}") from error

    def genotype(self) -> Genotype:
        """The best genotype so far."""
        return load(self.path / "genotype.json")

    def rows(self, train: dict[str, Any]) -> list[Row]:
        """The rows of the comparison that are done with these settings of the training.

        Raises:
            BmnasError: ``results.json`` is damaged.
        """
        if not (self.path / "results.json").exists():
            return []
        results = self._results()
        return list(results.rows) if results.train == train else []

    def row_done(self, rows: Sequence[Row], metric: str, train: dict[str, Any]) -> None:
        """Keep the rows that are done; the last is the new one."""
        self.log(rows[-1])
        results = Results(metric=metric, train=train, rows=tuple(rows))
        write_atomically(self.path / "results.json", results.model_dump_json(indent=2) + "\n")

    def _results(self) -> Results:
        path = self.path / "results.json"
        try:
            return Results.model_validate(read_json(path, _JSON_LIMIT))
        except ValidationError:
            raise BmnasError(
                f"{path}: does not hold the results of a search; delete it to have them made anew"
            ) from None

    def _keep(self, genotype: Genotype) -> None:
        save(genotype, self.path / "genotype.json")
        self._draw(genotype)

    def _draw(self, genotype: Genotype) -> None:
        # A search does not fail for want of a renderer; `bmnas draw` says what to install.
        with suppress(BmnasError):
            draw(genotype, self.path / "genotype.svg")

    def _plot(self, event: EpochDone) -> None:
        path = self.path / "tensorboard"
        scalars = {
            "loss/train": event.loss,
            "loss/validation": event.arch_loss,
            "score/validation": event.score,
            "lr": event.lr,
        }
        try:
            if self._writer is None:
                # What an earlier process wrote of this epoch and of later ones is hidden by TensorBoard.
                self._writer = SummaryWriter(str(path), purge_step=event.epoch)
            for tag, value in scalars.items():
                self._writer.add_scalar(tag, value, event.epoch)
            self._writer.flush()
        except OSError as error:
            raise BmnasError(f"{path}: cannot be written: {reason(error)}") from error

    def _forget(self) -> None:
        """Leave no trace of a search that was refused before its first epoch, so that a corrected one may begin."""
        if self._new and not (self.path / "checkpoints").exists():
            _remove(self.path / "config.json")

    def _begin(self, settings: dict[str, Any], force: bool) -> None:
        for temporary in self.path.glob(".*.tmp"):
            temporary.unlink(missing_ok=True)
        path = self.path / "config.json"
        if path.exists() and not force:
            _refuse_other_settings(self.path, read_json(path, _JSON_LIMIT), settings)
            return
        # config.json goes last: until then the folder is known as a run folder.
        for name in ("checkpoints", "genotypes", "tensorboard", "events.jsonl", "genotype.json", "genotype.svg",
                     "genotype.safetensors", "genotype.scores.json", "results.json"):  # fmt: skip
            _remove(self.path / name)
        write_atomically(path, json.dumps({"format": FORMAT, **settings}, indent=2) + "\n")
        self._new = True


def _line(event: Event) -> dict[str, Any]:
    return {"event": type(event).__name__, **event.model_dump(mode="json")}


def _make(path: Path) -> None:
    """Create the folder, and refuse one that holds something else, before anything is written into it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        names = sorted(entry.name for entry in path.iterdir())
    except OSError as error:
        raise BmnasError(f"{path}: cannot be created: {reason(error)}") from error
    if not os.access(path, os.W_OK):
        raise BmnasError(f"{path}: cannot be written: permission denied")
    strangers = [name for name in names if name != ".lock" and not (name.startswith(".") and name.endswith(".tmp"))]
    if strangers and "config.json" not in names:
        raise BmnasError(f"{path}: is not empty and not a run folder: it has {strangers[0]!r}; name another")


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise BmnasError(f"{path}: cannot be removed: {reason(error)}") from error


def _refuse_other_settings(folder: Path, found: Any, wanted: dict[str, Any]) -> None:
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BmnasError(f"{folder / 'config.json'}: is not the configuration of a search; {_START_OVER}")
    before, now = _flat({key: found.get(key) for key in wanted}), _flat(wanted)
    # First what both have: it tells more than what an earlier version did not write down.
    for name in sorted(before.keys() | now.keys(), key=lambda name: (before.get(name) is None, name)):
        if before.get(name) != now.get(name):
            raise BmnasError(
                f"{folder}: holds a search with {name} {before.get(name)!r}, not {now.get(name)!r}; {_START_OVER}"
            )


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat |= _flat(item, f"{prefix}{key}.") if isinstance(item, dict) else {f"{prefix}{key}": item}
    return flat
