"""Write a feature store: shard by shard, each whole or absent, and the manifest after all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from bmnas.genotype.errors import BmnasError
from bmnas.genotype.files import reason, write_atomically
from bmnas.tasks.store import LABELS, MANIFEST, PREFIX, Manifest, Shard
from bmnas.tasks.task import SPLITS, SplitName

SHARD_SAMPLES = 1024


class StoreWriter:
    """Collects samples in order and writes a shard whenever enough have come.

    Making one empties the folder of what an earlier writer left, its manifest first, so that a kill at any moment
    leaves a folder that is recognised as incomplete.
    """

    def __init__(self, folder: Path, shard_samples: int = SHARD_SAMPLES) -> None:
        self._folder = folder
        self._most = shard_samples
        self._shards: dict[SplitName, list[Shard]] = {split: [] for split in SPLITS}
        self._waiting: list[dict[str, Tensor]] = []
        self._shapes: dict[str, tuple[int, ...]] = {}
        _clear(folder)

    def add(self, split: SplitName, features: Mapping[str, Tensor], labels: Tensor) -> None:
        """The next samples of a split: features (B, ...) by name, all on the CPU, and labels (B, ...).

        Raises:
            BmnasError: samples differ in shape, or a shard cannot be written.
        """
        for name, tensor in features.items():
            known = self._shapes.setdefault(name, tuple(tensor.shape[1:]))
            if tuple(tensor.shape[1:]) != known:
                raise BmnasError(f"feature {name!r} has shape {tuple(tensor.shape[1:])} in {split}, but {known} before")
        self._waiting.append({**{PREFIX + name: tensor for name, tensor in features.items()}, LABELS: labels})
        while sum(len(part[LABELS]) for part in self._waiting) >= self._most:
            self._write(split, self._most)

    def end_split(self, split: SplitName) -> None:
        """All samples of the split have been added."""
        if self._waiting:
            self._write(split, self._most)

    def finish(
        self, fingerprint: Mapping[str, Any], scores: Mapping[str, float | None], versions: Mapping[str, str]
    ) -> None:
        """Write the manifest: from now on the store is complete."""
        manifest = Manifest(
            fingerprint=dict(fingerprint),
            shapes=self._shapes,
            splits={split: tuple(shards) for split, shards in self._shards.items()},
            scores=dict(scores),
            versions=dict(versions),
        )
        write_atomically(self._folder / MANIFEST, manifest.model_dump_json(indent=2) + "\n")

    def _write(self, split: SplitName, most: int) -> None:
        """Write the first ``most`` waiting samples (or all, if they are fewer) as the next shard."""
        whole = {array: torch.cat([part[array] for part in self._waiting]) for array in self._waiting[0]}
        rest = {array: tensor[most:] for array, tensor in whole.items()}
        self._waiting = [rest] if len(rest[LABELS]) else []
        content = safetensors.torch.save({array: tensor[:most].contiguous() for array, tensor in whole.items()})
        shards = self._shards[split]
        shard = Shard(
            file=f"{split}-{len(shards):05d}.safetensors",
            samples=min(most, len(whole[LABELS])),
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        write_atomically(self._folder / shard.file, content)
        shards.append(shard)


def _clear(folder: Path) -> None:
    """Remove the files of an earlier store, and the temporaries of a killed writer; nothing else."""
    try:
        (folder / MANIFEST).unlink(missing_ok=True)
        for pattern in (*(f"{split}-*.safetensors" for split in SPLITS), ".*.tmp"):
            for path in folder.glob(pattern):
                path.unlink()
    except OSError as error:
        raise BmnasError(f"{folder}: cannot be emptied to build its features anew: {reason(error)}") from error
