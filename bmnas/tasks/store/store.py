"""A complete folder of features.

It holds ``manifest.json``, and for every view of every split the shards ``train-v000-00000.safetensors``, ... Nothing
is read that the manifest does not vouch for with a size and a checksum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.tasks import fingerprint as fingerprints
from bmnas.tasks.store import memory as memories, shard as shards
from bmnas.tasks.store.data import Data, DiskData, MemoryData, Part, Samples
from bmnas.tasks.store.manifest import Manifest, Skipped, StoreError, Written, read_manifest
from bmnas.tasks.store.shard import ShardReader
from bmnas.tasks.task import SplitName


class FeatureStore:
    """A complete, verified folder of features. `prepare` makes one; `FeatureStore.open` finds it again."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    @classmethod
    def open(cls, folder: Path, fingerprint: Mapping[str, Any] | None = None) -> FeatureStore:
        """Open a store and verify every file in it.

        Args:
            folder: of the store.
            fingerprint: what the features must come from, if that matters.
        Raises:
            StoreError: it is missing, damaged, or of another fingerprint.
        """
        manifest = read_manifest(folder)
        if fingerprint is not None and manifest.fingerprint != dict(fingerprint):
            raise StoreError(folder, "stale", f"was made from other {_differences(manifest.fingerprint, fingerprint)}")
        with ThreadPoolExecutor() as pool:
            every = [shard for part in manifest.written for shard in part.shards]
            list(pool.map(lambda shard: shards.verify(folder, shard), every))
        return cls(folder, manifest)

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """What the features come from, in named parts."""
        return self.manifest.fingerprint

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that stand for the fingerprint."""
        return fingerprints.of_json(self.manifest.fingerprint)[:16]

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """By feature, the shape of one sample: (C, T) or (C, s, s)."""
        return self.manifest.shapes

    @property
    def scores(self) -> Mapping[str, float | None]:
        """By modality, the score of its backbone alone on the validation split, where it was trained on the spot."""
        return self.manifest.scores

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """The samples that were left out because they could not be read."""
        return self.manifest.skipped

    @property
    def bytes(self) -> int:
        """The size of all shards."""
        return sum(shard.bytes for part in self.manifest.written for shard in part.shards)

    def size(self, split: SplitName) -> int:
        """The number of samples of a split."""
        return sum(shard.samples for shard in self.manifest.of(split)[0].shards)

    def kept(self, split: SplitName) -> Tensor:
        """The number that each sample of a split had in the task, (N,): those that were left out are missing."""
        numbers = torch.arange(self.manifest.of(split)[0].consumed)
        left_out = [entry.index for entry in self.skipped if entry.split == split]
        return numbers[~torch.isin(numbers, torch.tensor(left_out, dtype=torch.int64))]

    def views(self, split: SplitName) -> int:
        """How many views a sample of the split has; 1 where there is no augmentation."""
        return len(self.manifest.of(split))

    def data(
        self,
        *splits: SplitName,
        names: Sequence[str] | None = None,
        device: str | torch.device = "cpu",
        memory: int | None = None,
    ) -> Data:
        """The samples of one or several splits, one split after the other, to be read in random batches.

        Args:
            splits: which.
            names: of the features that are wanted; all if left out.
            device: where batches come. What fits stays in its memory.
            memory: most bytes of memory that they may take; half of what is free if left out. What does not fit stays
                on the disk, and batches are read ahead of need.
        Raises:
            BmnasError: there is no such feature.
            StoreError: a shard was damaged since the store was opened.
        """
        device = torch.device(device)
        wanted = tuple(self.shapes) if names is None else tuple(names)
        for name in wanted:
            if name not in self.shapes:
                raise BmnasError(f"{self.folder}: has no feature {short(name)}{did_you_mean(name, self.shapes)}")
        places = _columns(self.shapes)
        columns = {name: places[name] for name in wanted}
        parts = [Part(self._readers(part), part.view) for split in splits for part in self.manifest.of(split)]
        width = sum(math.prod(shape) for _, shape in columns.values())
        need = sum(len(part) for part in parts) * width * self.manifest.dtype.itemsize
        if need <= (_free(device) if memory is None else memory):
            return MemoryData(parts, columns, device, self.manifest.dtype)
        return DiskData(parts, columns, device, self.manifest.dtype)

    def labels(self, split: SplitName) -> Tensor:
        """The labels of a split, (N, ...).

        Raises:
            StoreError: a shard was damaged since the store was opened.
        """
        return torch.cat([reader.labels for reader in self._readers(self.manifest.of(split)[0])])

    def _readers(self, part: Written) -> list[ShardReader]:
        manifest, labels = self.manifest, self.manifest.labels
        assert labels is not None, "a manifest that was read has them"
        return [ShardReader(self.folder, shard, manifest.width, manifest.dtype, labels) for shard in part.shards]

    def split(self, name: SplitName, device: str | torch.device = "cpu") -> Samples:
        """All samples of a split in memory, in their plain view, in the order of the task.

        Raises:
            StoreError: a shard was damaged since the store was opened.
        """
        return self.data(name, device=device, memory=2**63).whole()


def _columns(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, tuple[int, ...]]]:
    """By feature, where it begins in a sample, and its shape."""
    columns, start = {}, 0
    for name, shape in shapes.items():
        columns[name] = (start, shape)
        start += math.prod(shape)
    return columns


def _free(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] // 2
    return memories.budget()


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    names = [name for name in {**wanted, **found} if found.get(name) != wanted.get(name)]
    return ", ".join(name if name in wanted else short(name) for name in names[:20])
