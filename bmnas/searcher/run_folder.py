"""The folder of one search: what is written when, and how a killed search finds its way back.

    config.json      settings, task, fingerprint of the data; written first
    events.jsonl     one line an event
    tensorboard/     the same numbers for TensorBoard
    checkpoints/     last.pt: everything that the remaining epochs depend on
    genotypes/       epoch-007.json, ...: derived after each epoch
    genotype.json    the best so far, with genotype.svg; genotype.safetensors: its weights, after the final training
    results.json     the comparison at the end, row by row

Every file but the two logs is replaced in one step. The checkpoint is written last in an epoch; what the logs hold of
an epoch that has no checkpoint is dropped when the search continues, because that epoch is then run again.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import torch
from filelock import FileLock, Timeout
from torch.utils.tensorboard import SummaryWriter

from bmnas.genotype import BmnasError, Genotype, load, save
from bmnas.genotype.drawing import draw
from bmnas.genotype.files import read_text, reason, write_atomically
from bmnas.searcher.events import EpochDone, Event, Row

FORMAT = "bmnas-run/1"
_JSON_LIMIT = 64 * 2**20  # bytes


class RunFolder:
    """A run folder that is open: this process alone writes to it. Use `RunFolder.open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: SummaryWriter | None = None

    @classmethod
    @contextmanager
    def open(cls, path: Path, settings: dict[str, Any], *, force: bool = False) -> Iterator[Self]:
        """Create the folder, or open one that a search with the same settings has begun.

        Args:
            path: the folder.
            settings: what decides the result; JSON values, nested dictionaries.
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
        try:
            run = cls(path)
            run._begin(settings, force)
            yield run
        finally:
            if "run" in locals() and run._writer is not None:
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
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            # torch reports damage with many types of exceptions, and none is of use to a user.
            raise BmnasError(
                f"{path}: cannot be read ({type(error).__name__}); --force starts the search over"
            ) from error
        return state

    def resume(self, epoch: int) -> None:
        """Drop the events of epochs beyond this one, and of rows that ``results.json`` does not have."""
        rows = {row.name for row in self.rows()}
        kept = [
            event
            for event in self.events()
            if (event["name"] in rows if event["event"] == "Row" else event["epoch"] <= epoch)
        ]
        write_atomically(self.path / "events.jsonl", "".join(json.dumps(event) + "\n" for event in kept))

    def epoch_done(self, event: EpochDone, genotype: Genotype, state: dict[str, Any]) -> None:
        """Write all that belongs to an epoch; the checkpoint last."""
        save(genotype, self.path / "genotypes" / f"epoch-{event.epoch:03d}.json")
        if event.best:
            save(genotype, self.path / "genotype.json")
            # A search does not fail for want of a renderer; `bmnas draw` says what to install.
            with suppress(BmnasError):
                draw(genotype, self.path / "genotype.svg")
        self.log(event)
        if self._writer is None:
            # What an earlier process wrote of this epoch and of later ones is hidden by TensorBoard.
            log = str(self.path / "tensorboard")
            self._writer = SummaryWriter(log, purge_step=event.epoch)
        writer = self._writer
        for tag, value in (("loss/train", event.loss), ("loss/validation", event.arch_loss),
                           ("score/validation", event.score), ("lr", event.lr)):  # fmt: skip
            writer.add_scalar(tag, value, event.epoch)
        writer.flush()
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomically(self.path / "checkpoints" / "last.pt", buffer.getvalue())

    def log(self, event: Event) -> None:
        """Append an event to ``events.jsonl``."""
        line = json.dumps({"event": type(event).__name__, **event.model_dump(mode="json")}) + "\n"
        try:
            with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise BmnasError(f"{self.path / 'events.jsonl'}: cannot be written: {reason(error)}") from error

    def events(self) -> list[dict[str, Any]]:
        """The whole lines of ``events.jsonl``; a last line that a kill cut short is left out."""
        path = self.path / "events.jsonl"
        if not path.exists():
            return []
        events = []
        for line in read_text(path, _JSON_LIMIT).splitlines():
            with suppress(json.JSONDecodeError):
                events.append(json.loads(line))
        return events

    def genotype(self, epoch: int | None = None) -> Genotype:
        """The best genotype so far, or that of an epoch."""
        name = "genotype.json" if epoch is None else f"genotypes/epoch-{epoch:03d}.json"
        return load(self.path / name)

    def rows(self) -> list[Row]:
        """The rows of the final comparison that are done."""
        path = self.path / "results.json"
        if not path.exists():
            return []
        return [Row.model_validate(row) for row in _read_json(path)["rows"]]

    def row_done(self, rows: list[Row], metric: str) -> None:
        """Keep the rows that are done."""
        content = {"metric": metric, "rows": [row.model_dump(mode="json") for row in rows]}
        write_atomically(self.path / "results.json", json.dumps(content, indent=2) + "\n")

    def _begin(self, settings: dict[str, Any], force: bool) -> None:
        path = self.path / "config.json"
        if path.exists() and not force:
            _refuse_other_settings(self.path, _read_json(path), settings)
            return
        strangers = sorted(entry.name for entry in self.path.iterdir() if entry.name != ".lock")
        if strangers and not path.exists():
            raise BmnasError(f"{self.path}: is not empty and not a run folder: it has {strangers[0]!r}; name another")
        if force:
            self._clear()
        write_atomically(path, json.dumps({"format": FORMAT, **settings}, indent=2) + "\n")

    def _clear(self) -> None:
        # config.json goes last: until then the folder is known as a run folder.
        for name in ("checkpoints", "genotypes", "tensorboard"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in ("events.jsonl", "genotype.json", "genotype.svg", "genotype.safetensors", "results.json"):
            (self.path / name).unlink(missing_ok=True)


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BmnasError(f"{path}: cannot be created: {reason(error)}") from error
    if not os.access(path, os.W_OK):
        raise BmnasError(f"{path}: cannot be written: permission denied")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(read_text(path, _JSON_LIMIT))
    except json.JSONDecodeError:
        data = None
    if not isinstance(data, dict):
        raise BmnasError(f"{path}: is not a JSON object; --force starts the search over")
    return data


def _refuse_other_settings(folder: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    before, now = _flat({key: found.get(key) for key in ("format", *wanted)}), _flat({"format": FORMAT, **wanted})
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            raise BmnasError(
                f"{folder}: holds a search with {name} {before.get(name)!r}, not {now.get(name)!r}; "
                "name another folder with --out, or start over with --force"
            )


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat |= _flat(item, f"{prefix}{key}.") if isinstance(item, dict) else {f"{prefix}{key}": item}
    return flat
