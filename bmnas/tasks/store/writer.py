"""Write a feature store: shard by shard, each whole or absent, and the manifest after all of them.

A journal beside the shards tells, after a kill, what is done already, so that the work goes on from there. Shards are
encoded and written by a thread of their own, while the next samples are computed.
"""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.files import reason, write_atomically
from bmnas.tasks.store.manifest import (
    JOURNAL,
    MANIFEST,
    Journal,
    Labels,
    Manifest,
    Precision,
    Shard,
    Skipped,
    StoreError,
    Written,
    read_journal,
    shard_name,
)
from bmnas.tasks.store.shard import encode, label_kind, verify
from bmnas.tasks.task import SPLITS, SplitName

# Samples of a split that a shard covers: at most so many, and at most so many bytes of features.
SHARD_SAMPLES = 1024
SHARD_BYTES = 64 * 2**20
# Shards that wait to be written while the next is computed.
_WAITING = 2


class StoreWriter:
    """Collects samples in order and writes a shard whenever enough have come. Use it in a ``with`` block.

    A folder that an earlier writer with the same fingerprint left behind is continued after its last whole shard; any
    other is emptied first, its manifest before all else, so that a kill leaves a folder that is known as incomplete.

    Args:
        folder: of the store.
        fingerprint: what the features come from, JSON values.
        precision: in which numbers are kept.
        batch: samples that come at a time. Shards end where batches end, so that work that is taken up again computes
            the same batches.
        shard_samples: most samples of a shard.
    """

    def __init__(
        self,
        folder: Path,
        fingerprint: Mapping[str, Any],
        *,
        precision: Precision = "float32",
        batch: int = 1,
        shard_samples: int = SHARD_SAMPLES,
    ) -> None:
        self._folder = folder
        self._batch, self._most = batch, shard_samples
        self._journal = _continued(folder, dict(fingerprint), precision)
        self._waiting: list[tuple[Tensor, Tensor]] = []
        self._skipped: list[Skipped] = []
        self._consumed = 0  # samples of the current view that have come
        self._pool = ThreadPoolExecutor(1, "bmnas-write")
        self._jobs: list[Future[None]] = []
        self._failed = False
        self._lock = threading.Lock()  # of the journal: both threads replace it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """The samples that were left out so far."""
        return (*self._journal.skipped, *self._skipped)

    def begin(self, split: SplitName, view: int = 0) -> int | None:
        """Go to a view of a split. Returns how many of its samples are written already; ``None``: all of them."""
        self._drain()
        part = self._part(split, view)
        self._at = (split, view)
        self._consumed = part.consumed
        return None if part.complete else part.consumed

    def add(
        self, features: Mapping[str, Tensor], labels: Tensor, consumed: int, skipped: Sequence[Skipped] = ()
    ) -> None:
        """The next samples of the view: features (B, ...) by name, and labels (B, ...), all on the CPU.

        Args:
            features: of the samples.
            labels: of the samples.
            consumed: how many samples of the split are done with these, those that were left out among them.
            skipped: the samples that were left out of this batch.
        Raises:
            BmnasError: samples differ in shape, or a shard cannot be written.
        """
        split, _ = self._at
        if len(labels):
            shapes = {name: tuple(tensor.shape[1:]) for name, tensor in features.items()}
            self._check(split, shapes, label_kind(labels))
            rows = torch.cat([features[name].flatten(1).to(self._journal.dtype) for name in shapes], dim=1)
            self._waiting.append((rows, labels))
        self._skipped.extend(skipped)
        self._consumed = consumed
        if self._consumed % self._shard() == 0:
            self._flush()

    def end(self) -> int:
        """All samples of the view have come. Returns how many are written."""
        self._flush(complete=True)
        self._drain()
        return sum(shard.samples for shard in self._part(*self._at).shards)

    def finish(self, scores: Mapping[str, float | None], versions: Mapping[str, str]) -> None:
        """Write the manifest: from now on the store is complete."""
        self._drain()
        content = {
            name: getattr(self._journal, name) for name in Journal.model_fields if name not in ("format", "sha256")
        }
        manifest = Manifest(**content, scores=dict(scores), versions=dict(versions))
        write_atomically(self._folder / MANIFEST, manifest.sealed())
        with contextlib.suppress(OSError):  # beside a manifest nobody reads it
            (self._folder / JOURNAL).unlink(missing_ok=True)

    def _check(self, split: SplitName, shapes: dict[str, tuple[int, ...]], labels: Labels) -> None:
        with self._lock:
            known, before = self._journal.shapes, self._journal.labels
            if before is None:
                self._journal = self._journal.model_copy(update={"shapes": shapes, "labels": labels})
                return
        for name, shape in shapes.items():
            if known.get(name) != shape:
                raise BmnasError(f"feature {name!r} has shape {shape} in {split}, but {known.get(name)} before")
        if labels != before:
            raise BmnasError(
                f"labels are {labels.dtype} of shape {labels.shape} in {split}, but {before.dtype} of shape "
                f"{before.shape} before"
            )

    def _shard(self) -> int:
        """Samples of the split that a shard covers: whole batches."""
        row = self._journal.width * self._journal.dtype.itemsize
        most = min(self._most, SHARD_BYTES // max(row, 1))
        return max(self._batch, most // self._batch * self._batch)

    def _flush(self, complete: bool = False) -> None:
        """Hand what has come to the thread that writes."""
        while len(self._jobs) >= _WAITING:
            self._jobs.pop(0).result()
        waiting, skipped = self._waiting, tuple(self._skipped)
        self._waiting, self._skipped = [], []
        self._jobs.append(self._pool.submit(self._write_after, *self._at, waiting, skipped, self._consumed, complete))

    def _drain(self) -> None:
        while self._jobs:
            self._jobs.pop(0).result()

    def _write_after(self, *work: Any) -> None:
        """`_write`, but nothing after a failure: the journal must not count samples whose shard was not written."""
        if self._failed:
            return
        try:
            self._write(*work)
        except BaseException:
            self._failed = True
            raise

    def _write(
        self,
        split: SplitName,
        view: int,
        waiting: list[tuple[Tensor, Tensor]],
        skipped: tuple[Skipped, ...],
        consumed: int,
        complete: bool,
    ) -> None:
        part = self._part(split, view)
        shards = part.shards
        if waiting:
            content = encode(torch.cat([rows for rows, _ in waiting]), torch.cat([labels for _, labels in waiting]))
            shard = Shard(
                file=shard_name(split, view, len(shards)),
                samples=sum(len(labels) for _, labels in waiting),
                bytes=len(content),
                crc32=zlib.crc32(content),
            )
            write_atomically(self._folder / shard.file, content)
            shards = (*shards, shard)
        done = part.model_copy(update={"shards": shards, "consumed": consumed, "complete": complete})
        with self._lock:
            others = tuple(other for other in self._journal.written if (other.split, other.view) != (split, view))
            self._journal = self._journal.model_copy(
                update={"written": (*others, done), "skipped": (*self._journal.skipped, *skipped)}
            )
            journal = self._journal.sealed()
        write_atomically(self._folder / JOURNAL, journal)

    def _part(self, split: SplitName, view: int) -> Written:
        for part in self._journal.written:
            if (part.split, part.view) == (split, view):
                return part
        return Written(split=split, view=view, shards=(), consumed=0)


def _continued(folder: Path, fingerprint: dict[str, Any], precision: Precision) -> Journal:
    """What is done already, as far as it is whole; all other files of a store are removed."""
    journal = read_journal(folder) if not (folder / MANIFEST).exists() else None
    if journal is None or journal.fingerprint != fingerprint or journal.precision != precision:
        journal = Journal(fingerprint=fingerprint, shapes={}, precision=precision, written=())
    whole = []
    for part in journal.written:
        kept = _whole(folder, part.shards)
        if len(kept) == len(part.shards):
            whole.append(part)
            continue
        break  # a damaged part is done again from its beginning, and so is what came after it
    if len(whole) < len(journal.written):
        begun = {(part.split, part.view) for part in whole if part.view == 0}
        skipped = tuple(entry for entry in journal.skipped if (entry.split, 0) in begun)
        journal = journal.model_copy(update={"written": tuple(whole), "skipped": skipped})
    kept_files = {shard.file for part in journal.written for shard in part.shards}
    _clear(folder, kept_files)
    return journal


def _whole(folder: Path, shards: Sequence[Shard]) -> list[Shard]:
    whole = []
    for shard in shards:
        try:
            verify(folder, shard)
        except StoreError:
            break
        whole.append(shard)
    return whole


def _clear(folder: Path, keep: set[str]) -> None:
    """Remove the files of an earlier store but those to keep, and the temporaries of a killed writer; nothing else."""
    try:
        (folder / MANIFEST).unlink(missing_ok=True)
        if not keep:
            (folder / JOURNAL).unlink(missing_ok=True)
        for pattern in (*(f"{split}-*.safetensors" for split in SPLITS), ".*.tmp"):
            for path in folder.glob(pattern):
                if path.name not in keep:
                    path.unlink()
    except OSError as error:
        raise BmnasError(f"{folder}: cannot be emptied to build its features anew: {reason(error)}") from error
