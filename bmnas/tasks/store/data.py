"""Features of splits in random batches: from memory where they fit, else read from the disk ahead of need.

Axes: N samples, R rows (each sample once for each of its views), W numbers of a sample, B batch.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from bmnas.tasks.store.shard import ShardReader, as_bytes

# Batches that are read at the same time, ahead of the one in use: a disk is faster when it is asked for several.
_AHEAD = 4


@dataclass(frozen=True, eq=False)
class Samples:
    """Pooled features of N samples.

    Attributes:
        features: by name, (N, C, T) with T at most the pooled length, or (N, C, s, s) for a grid.
        labels: (N,), or as the task has them.
    """

    features: Mapping[str, Tensor]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | Tensor) -> Samples:
        """The samples of a slice, or of a tensor of indices or of truth values."""
        return Samples({name: tensor[index] for name, tensor in self.features.items()}, self.labels[index])

    def to(self, device: str | torch.device) -> Samples:
        """The same samples on a device."""
        return Samples({name: tensor.to(device) for name, tensor in self.features.items()}, self.labels.to(device))


class Part:
    """The rows of one view of one split: the shards they lie in, one after the other."""

    def __init__(self, readers: Sequence[ShardReader], view: int) -> None:
        self.readers, self.view = readers, view
        self.ends = [0]
        for reader in readers:
            self.ends.append(self.ends[-1] + reader.shard.samples)

    def __len__(self) -> int:
        return self.ends[-1]

    def place(self, row: int) -> tuple[ShardReader, int]:
        """The shard of a row, and the row's number in it."""
        shard = bisect_right(self.ends, row) - 1
        return self.readers[shard], row - self.ends[shard]


class Data(ABC):
    """N samples that are given out in batches. Batches are 32-bit floats on ``device``; 16-bit features are widened.

    Attributes:
        labels: of the N samples, on ``device``.
        device: where batches come.
    """

    def __init__(self, parts: Sequence[Part], columns: Mapping[str, tuple[int, tuple[int, ...]]], device: torch.device):
        self.device = device
        self._columns = columns
        self._parts = parts
        self._labels_R = torch.cat([reader.labels for part in parts for reader in part.readers]).to(device)
        self.labels = self._labels_R[self.rows().to(device)]

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts if part.view == 0)

    def rows(self, generator: torch.Generator | None = None) -> Tensor:
        """The row of each sample, (N,) on the CPU: its plain view, or with a generator one of its views at random."""
        chosen, base = [], 0
        for n, views in self._splits():
            view = torch.zeros(n, dtype=torch.int64)
            if generator is not None and views > 1:
                view = torch.randint(views, (n,), generator=generator)
            chosen.append(base + view * n + torch.arange(n))
            base += views * n
        return torch.cat(chosen)

    @abstractmethod
    def batches(self, rows: Iterable[Tensor]) -> Iterator[Samples]:
        """A batch for each tensor of rows (B,), in their order.

        Raises:
            StoreError: a shard is damaged; it is named.
        """

    def whole(self) -> Samples:
        """All samples, in their plain view, as one batch."""
        return next(self.batches([self.rows()]))

    def _splits(self) -> list[tuple[int, int]]:
        """Of each split, the number of its samples and of its views."""
        splits: list[tuple[int, int]] = []
        for part in self._parts:
            splits = [*splits, (len(part), 1)] if part.view == 0 else [*splits[:-1], (len(part), splits[-1][1] + 1)]
        return splits

    def _samples(self, batch_BW: Tensor, rows: Tensor) -> Samples:
        if batch_BW.dtype != torch.float32:
            batch_BW = batch_BW.float()
        features = {
            name: batch_BW[:, start : start + math.prod(shape)].unflatten(1, shape)
            for name, (start, shape) in self._columns.items()
        }
        return Samples(features, self._labels_R.index_select(0, rows.to(self.device)))


class Chosen(Data):
    """Some of the samples of other data, as data.

    Args:
        data: the other data.
        samples: which of its samples, in their order, (N,) on the CPU.
    """

    def __init__(self, data: Data, samples: Tensor) -> None:
        self.device, self._data, self._chosen = data.device, data, samples
        self.labels = data.labels[samples.to(data.labels.device)]

    def __len__(self) -> int:
        return len(self._chosen)

    def rows(self, generator: torch.Generator | None = None) -> Tensor:
        """See `Data.rows`: rows of the other data."""
        return self._data.rows(generator)[self._chosen]

    def batches(self, rows: Iterable[Tensor]) -> Iterator[Samples]:
        """See `Data.batches`."""
        return self._data.batches(rows)


class MemoryData(Data):
    """Features in memory, of the CPU or of a GPU: one row a sample, so that a batch is one copy."""

    def __init__(
        self,
        parts: Sequence[Part],
        columns: Mapping[str, tuple[int, tuple[int, ...]]],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        # Only the columns of these features are kept; they get new places.
        kept: dict[str, tuple[int, tuple[int, ...]]] = {}
        for name, (_, shape) in columns.items():
            kept[name] = (sum(math.prod(other) for _, other in kept.values()), shape)
        super().__init__(parts, kept, device)
        width = sum(math.prod(shape) for _, shape in kept.values())
        self._rows_RW = torch.empty(sum(len(part) for part in parts), width, dtype=dtype, device=device)
        row = 0
        for reader in (reader for part in parts for reader in part.readers):
            shard = torch.empty(reader.shard.samples, reader.row_bytes // dtype.itemsize, dtype=dtype)
            reader.read_all(as_bytes(shard))
            target = self._rows_RW[row : row + len(shard)]
            for name, (start, shape) in columns.items():
                size = math.prod(shape)
                target[:, kept[name][0] : kept[name][0] + size] = shard[:, start : start + size]
            row += len(shard)

    def batches(self, rows: Iterable[Tensor]) -> Iterator[Samples]:
        """See `Data.batches`."""
        for index in rows:
            index = index.to(self.device)
            yield self._samples(self._rows_RW.index_select(0, index), index)


class DiskData(Data):
    """Features that stay on the disk: threads read the next batches while one is in use."""

    def __init__(
        self,
        parts: Sequence[Part],
        columns: Mapping[str, tuple[int, tuple[int, ...]]],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        super().__init__(parts, columns, device)
        self._dtype = dtype
        self._ends = [0]
        for part in parts:
            self._ends.append(self._ends[-1] + len(part))

    def batches(self, rows: Iterable[Tensor]) -> Iterator[Samples]:
        """See `Data.batches`."""
        waiting: deque[tuple[Tensor, Future[Tensor]]] = deque()
        with ThreadPoolExecutor(_AHEAD, "bmnas-read") as pool:
            for index in rows:
                waiting.append((index, pool.submit(self._read, index)))
                if len(waiting) > _AHEAD:
                    yield self._arrived(*waiting.popleft())
            while waiting:
                yield self._arrived(*waiting.popleft())

    def _arrived(self, rows: Tensor, batch: Future[Tensor]) -> Samples:
        return self._samples(batch.result().to(self.device, non_blocking=True), rows)

    def _read(self, rows: Tensor) -> Tensor:
        """Rows (B,) -> (B, W) on the CPU."""
        row_bytes = self._parts[0].readers[0].row_bytes
        batch = torch.empty(
            len(rows), row_bytes // self._dtype.itemsize, dtype=self._dtype, pin_memory=self.device.type == "cuda"
        )
        into = as_bytes(batch)
        for target, row in zip(into, rows.tolist(), strict=True):
            part = bisect_right(self._ends, row) - 1
            reader, place = self._parts[part].place(row - self._ends[part])
            reader.read(place, target)
        return batch
