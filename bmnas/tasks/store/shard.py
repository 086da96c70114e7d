"""One shard: a safetensors file with the samples of a stretch of a split, each sample one row.

``samples`` (n, W): the features of a sample, flattened, one after the other; one read gives a whole sample, wherever it
lies. ``labels`` (n, ...). ``crc32`` (n,): of the bytes of each row, so that damage is noticed when a row is read.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from bmnas.files import reason
from bmnas.tasks.store.manifest import MANIFEST, Labels, Shard, StoreError

_HEADER_LIMIT = 2**20
_BLOCK = 2**22


def encode(samples: Tensor, labels: Tensor) -> bytes:
    """The content of a shard: samples (n, W) and labels (n, ...) on the CPU."""
    rows = as_bytes(samples)
    checksums = torch.tensor([zlib.crc32(row.data) for row in rows], dtype=torch.int64)
    return safetensors.torch.save({"samples": samples.contiguous(), "labels": labels.contiguous(), "crc32": checksums})


def label_kind(labels: Tensor) -> Labels:
    """Type and shape of a label, of labels (n, ...)."""
    return Labels(dtype=str(labels.dtype).removeprefix("torch."), shape=tuple(labels.shape[1:]))


def as_bytes(rows: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The memory of a tensor (n, W) on the CPU, as an array (n, bytes of a row)."""
    flat = rows.contiguous().view(torch.uint8).numpy()
    return flat.reshape(len(rows), -1)


def verify(folder: Path, shard: Shard) -> None:
    """Read the whole file and compare it with the manifest.

    Raises:
        StoreError: it is not what the manifest says.
    """
    path = folder / shard.file
    try:
        size = path.stat().st_size
        if size != shard.bytes:
            raise StoreError(folder, "damaged", f"{shard.file} has {size} bytes, not {shard.bytes}")
        checksum = 0
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                checksum = zlib.crc32(block, checksum)
    except OSError as error:
        raise StoreError(folder, "damaged", f"{shard.file} cannot be read: {reason(error)}") from error
    if checksum != shard.crc32:
        raise StoreError(folder, "damaged", f"{shard.file} does not have the checksum in {MANIFEST}")


class ShardReader:
    """A shard of which rows can be read in any order, from several threads at a time.

    Args:
        folder: of the store.
        shard: in its manifest.
        width: how many numbers a row has.
        dtype: of the numbers.
        labels: type and shape of a label.

    Raises:
        StoreError: the file is not what the manifest says.
    """

    def __init__(self, folder: Path, shard: Shard, width: int, dtype: torch.dtype, labels: Labels) -> None:
        self.folder, self.shard, self._kind = folder, shard, labels
        self.row_bytes = width * dtype.itemsize
        try:
            self._start, self.labels, self._checksums = self._index(width, dtype)
        except (SafetensorError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise self._damaged("does not hold the arrays that the manifest lists") from error

    def read(self, row: int, into: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        """Read one row into an array of bytes (bytes of a row,).

        Raises:
            StoreError: the row cannot be read, or is damaged.
        """
        self._read_at(self._start + row * self.row_bytes, into)
        if zlib.crc32(into.data) != self._checksums[row]:
            raise self._damaged(f"has a damaged sample, number {row} in the file")

    def read_all(self, into: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        """Read every row into an array of bytes (n, bytes of a row).

        Raises:
            StoreError: a row cannot be read, or is damaged.
        """
        self._read_at(self._start, into.reshape(-1))
        for row, expected in zip(into, self._checksums, strict=True):
            if zlib.crc32(row.data) != expected:
                raise self._damaged("has a damaged sample")

    def _read_at(self, offset: int, into: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        view = into.data
        try:
            # Opened for each read: it takes microseconds, and no number of shards is too great for the open files.
            with (self.folder / self.shard.file).open("rb", buffering=0) as file:
                file.seek(offset)
                done = 0
                while done < len(view):
                    count = file.readinto(view[done:])
                    if not count:
                        raise self._damaged("is shorter than the manifest says")
                    done += count
        except OSError as error:
            raise self._damaged(f"cannot be read: {reason(error)}") from error

    def _index(self, width: int, dtype: torch.dtype) -> tuple[int, Tensor, list[int]]:
        """Where the rows begin in the file, the labels, the checksums."""
        prefix = np.empty(8, np.uint8)
        self._read_at(0, prefix)
        length = int.from_bytes(prefix.tobytes(), "little")
        if length > min(_HEADER_LIMIT, self.shard.bytes):
            raise ValueError("the header is too long")
        header = np.empty(length, np.uint8)
        self._read_at(8, header)
        entries = json.loads(header.tobytes())
        rows, base = entries["samples"], 8 + length
        begin, end = self._offsets(rows, base)
        count = self.shard.samples
        if rows["shape"] != [count, width] or rows["dtype"] != _NAMES[dtype] or end - begin != count * self.row_bytes:
            raise ValueError("other samples")
        # The small arrays go through the library: a file of them alone is made, so that it decodes and checks them.
        labels, checksums = (self._array(entries[name], base) for name in ("labels", "crc32"))
        if label_kind(labels) != self._kind or len(labels) != count:
            raise ValueError("other labels")
        if checksums.shape != (count,) or checksums.dtype != torch.int64:
            raise ValueError("other checksums")
        return base + begin, labels, checksums.tolist()

    def _offsets(self, entry: dict[str, Any], base: int) -> tuple[int, int]:
        """Where an array begins and ends after the header."""
        begin, end = entry["data_offsets"]
        if type(begin) is not int or type(end) is not int or not 0 <= begin <= end <= self.shard.bytes - base:
            raise ValueError("outside of the file")
        return begin, end

    def _array(self, entry: dict[str, Any], base: int) -> Tensor:
        begin, end = self._offsets(entry, base)
        content = np.empty(end - begin, np.uint8)
        self._read_at(base + begin, content)
        header = json.dumps({"array": {**entry, "data_offsets": [0, end - begin]}}).encode()
        tensor = safetensors.torch.load(len(header).to_bytes(8, "little") + header + content.tobytes())["array"]
        assert isinstance(tensor, Tensor)
        return tensor

    def _damaged(self, what: str) -> StoreError:
        return StoreError(self.folder, "damaged", f"{self.shard.file} {what}")


_NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
