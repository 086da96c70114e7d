"""The folder of one search: what is written when, and how a killed search finds its way back.

    config.json      the task and the settings of the search; written first
    events.jsonl     one line an event, for people and other programs; a search that goes on does not read it
    tensorboard/     the same numbers for TensorBoard, and more to look at
    checkpoints/     last.pt: everything that the rest of the search depends on, and the history so far
    summary.json     of several seeds: mean and deviation of each row, and how often each choice was made
    outlook.json     what was said before the search of whether there is room for fusion, where that was asked for
    backbones/       the weights of backbones that were trained for the task, for whoever uses the result elsewhere

and what `bmnas.searcher.run.seed_folder` lists: for one seed in the folder itself, for several in seed0/, seed1/, ...

Every file but the two logs is replaced in one step, and the checkpoint is written last in a round. What the other
files hold of a round that has no checkpoint is replaced when the search goes on, because that round is run again.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import torch
from filelock import FileLock, Timeout

from bmnas.errors import BmnasError
from bmnas.files import read_json, reason, sealed, sealed_json, unsealed, write_atomically
from bmnas.fit.events import Event
from bmnas.genotype.parsing import AnyGenotype
from bmnas.searcher.events import RoundDone
from bmnas.searcher.run.board import Board
from bmnas.searcher.run.layout import FORMAT, JSON_LIMIT, OLDER, status_file, version_of
from bmnas.searcher.run.seed_folder import SEED_FILES, SeedFolder, remove
from bmnas.searcher.run.summary import Summary
from bmnas.version import __version__

_START_OVER = "name another folder with --out, or start over with --force"


class RunFolder:
    """A run folder that is open: this process alone writes to it. Use `RunFolder.open`.

    Attributes:
        path: the folder.
        seeds: the folder of each seed.
        board: what TensorBoard shows of it.
    """

    def __init__(self, path: Path, seeds: Sequence[int]) -> None:
        self.path = path
        self.seeds = {seed: SeedFolder(path if len(seeds) == 1 else path / f"seed{seed}") for seed in seeds}
        self.board = Board(path / "tensorboard", seeds)
        self._new = False

    @classmethod
    @contextmanager
    def open(
        cls,
        path: Path,
        settings: dict[str, Any],
        *,
        invocation: str = "",
        seeds: Sequence[int] = (0,),
        force: bool = False,
    ) -> Iterator[Self]:
        """Create the folder, or open one in which a search with the same settings has begun.

        Args:
            path: the folder.
            seeds: of the searches in it.
            invocation: the options of a command that name the task, for the record.
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
        run = cls(path, seeds)
        try:
            run._begin(settings, invocation, force)
            yield run
        except BmnasError:
            run._forget()
            raise
        finally:
            run.board.close()
            lock.release()

    @property
    def has_begun(self) -> bool:
        """Whether there is a checkpoint."""
        return (self.path / "checkpoints" / "last.pt").exists()

    def checkpoint(self) -> dict[str, Any] | None:
        """The last checkpoint's content on the CPU, or ``None``. Only tensors and plain values are ever read.

        Raises:
            BmnasError: the file is damaged.
        """
        path = self.path / "checkpoints" / "last.pt"
        if not path.exists():
            return None
        try:
            # torch.load does not look at the checksums of the archive.
            state = torch.load(io.BytesIO(unsealed(path.read_bytes())), map_location="cpu", weights_only=True)
        except BmnasError as error:
            raise BmnasError(f"{path}: {error}; {_START_OVER}") from None
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

    def resume(self, history: Sequence[dict[str, Any]]) -> None:
        """Bring what may be ahead of the checkpoint, or damaged, in line with it: events and best genotypes."""
        rows = [row for folder in self.seeds.values() for row in folder.all_rows()]
        lines = [*history, *(_line(row) for row in rows)]
        write_atomically(self.path / "events.jsonl", "".join(sealed_json(line, indent=None) for line in lines))
        for seed, folder in self.seeds.items():
            best = [entry for entry in history if entry["seed"] == seed and entry["best"]]
            if best:
                folder.restore(best[-1]["event"], best[-1]["round"], best[-1]["sha256"])

    def round_done(self, event: RoundDone, genotype: AnyGenotype) -> None:
        """Write what belongs to a round of one seed; `save_checkpoint` follows when all seeds are through."""
        self.seeds[event.seed].round_done(event, genotype)
        self.log(event)
        self.board.round_done(event)

    def save_checkpoint(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint.

        Raises:
            BmnasError: it cannot be written.
        """
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomically(self.path / "checkpoints" / "last.pt", sealed(buffer.getvalue()))

    def save_summary(self, summary: Summary) -> None:
        """Write ``summary.json``.

        Raises:
            BmnasError: it cannot be written.
        """
        write_atomically(self.path / "summary.json", summary.model_dump_json(indent=2) + "\n")

    def save_outlook(self, sentences: Sequence[str]) -> None:
        """Write ``outlook.json``.

        Raises:
            BmnasError: it cannot be written.
        """
        write_atomically(self.path / "outlook.json", sealed_json({"sentences": list(sentences)}))

    def log(self, event: Event) -> None:
        """Append an event to ``events.jsonl``.

        Raises:
            BmnasError: the file cannot be written.
        """
        path = self.path / "events.jsonl"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(sealed_json(_line(event), indent=None))
        except OSError as error:
            raise BmnasError(f"{path}: cannot be written: {reason(error)}") from error

    def _forget(self) -> None:
        """Leave no trace of a search that ended before its first checkpoint, so that a corrected one may begin."""
        if self._new and not (self.path / "checkpoints").exists():
            for each in [*self._parts(), self.path / "config.json"]:
                remove(each)

    def _begin(self, settings: dict[str, Any], invocation: str, force: bool) -> None:
        for temporary in self.path.rglob(".*.tmp"):
            temporary.unlink(missing_ok=True)
        path = self.path / "config.json"
        if path.exists() and not force:
            _refuse_other_settings(self.path, read_json(path, JSON_LIMIT), settings)
            return
        # config.json goes last: until then the folder is known as a run folder.
        for each in self._parts():
            remove(each)
        record = {"format": FORMAT, "bmnas": __version__, "invocation": invocation, **settings}
        write_atomically(path, sealed_json(record))
        self._new = True

    def _parts(self) -> list[Path]:
        """All that a search may have in its folder beside ``config.json``."""
        names = ("checkpoints", "tensorboard", "wandb", "events.jsonl", "summary.json", "outlook.json", "backbones")
        seeds = [path for path in self.path.glob("seed*") if path.name.removeprefix("seed").isdecimal()]
        return [*(self.path / name for name in (*names, *SEED_FILES)), status_file(self.path), *seeds]


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


def _refuse_other_settings(folder: Path, found: Any, wanted: dict[str, Any]) -> None:
    if isinstance(found, dict) and found.get("format") in OLDER:
        raise BmnasError(f"{folder}: holds a search of an earlier version of bmnas, {version_of(found)}; {_START_OVER}")
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BmnasError(f"{folder / 'config.json'}: is not the configuration of a search; {_START_OVER}")
    before, now = _flat({key: found[key] for key in wanted if key in found}), _flat(wanted)
    for name in sorted(before.keys() & now.keys()):
        if before[name] != now[name]:
            raise BmnasError(f"{folder}: holds a search with {name} {before[name]!r}, not {now[name]!r}; {_START_OVER}")
    for name in sorted(before.keys() ^ now.keys()):
        with_it = "with" if name in before else "without"
        raise BmnasError(f"{folder}: holds a search of another version of bmnas, {with_it} {name}; {_START_OVER}")


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat |= _flat(item, f"{prefix}{key}.") if isinstance(item, dict) else {f"{prefix}{key}": item}
    return flat
