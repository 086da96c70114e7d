"""Extracted features on the disk: safetensors shards, and a manifest that is written last and says what they are.

A folder holds ``train-00000.safetensors``, ... for every split, and ``manifest.json``. A shard has the array ``labels``
and one array ``feature:<name>`` for each feature (the prefix keeps a feature named ``labels`` apart). Nothing is read
that the manifest does not vouch for with a size and a checksum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import safetensors.torch
import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from torch import Tensor

from bmnas.genotype.errors import BmnasError
from bmnas.genotype.files import read_text, reason
from bmnas.genotype.schema import Frozen
from bmnas.tasks import fingerprint as fingerprints
from bmnas.tasks.task import SPLITS, SplitName

MANIFEST = "manifest.json"
LABELS = "labels"
PREFIX = "feature:"

Problem = Literal["missing", "damaged", "stale"]
PROBLEMS: tuple[Problem, ...] = get_args(Problem)
_Natural = Annotated[int, Field(strict=True, ge=0)]
_MANIFEST_LIMIT = 64 * 2**20


class StoreError(BmnasError):
    """A folder is not a feature store that can be used.

    Attributes:
        problem: ``missing`` (no manifest: never finished), ``damaged`` (a file is not what the manifest says), or
            ``stale`` (whole, but of other data, backbones, code, ...).
    """

    def __init__(self, folder: Path, problem: Problem, what: str) -> None:
        super().__init__(f"{folder}: {what}")
        self.problem = problem


class Shard(Frozen):
    """One file of samples, in the manifest."""

    file: str = Field(pattern=r"^(train|validation|test)-\d{5}\.safetensors$")
    samples: Annotated[int, Field(strict=True, ge=1)]
    bytes: _Natural
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(Frozen):
    """What a feature store contains and where it comes from."""

    format: Literal["bmnas-features/1"] = "bmnas-features/1"
    fingerprint: dict[str, Any]
    shapes: dict[str, tuple[_Natural, ...]] = Field(description="By feature, the shape of one sample.")
    splits: dict[SplitName, tuple[Shard, ...]]
    scores: dict[str, float | None] = Field(description="By modality, the validation score of its backbone alone.")
    versions: dict[str, str] = Field(description="Of what made it; for people, not part of the fingerprint.")


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
        manifest = _read_manifest(folder)
        if fingerprint is not None and manifest.fingerprint != dict(fingerprint):
            raise StoreError(folder, "stale", f"was made from other {_differences(manifest.fingerprint, fingerprint)}")
        for shards in manifest.splits.values():
            for shard in shards:
                _verify(folder, shard)
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

    def size(self, split: SplitName) -> int:
        """The number of samples of a split."""
        return sum(shard.samples for shard in self.manifest.splits[split])

    def split(self, name: SplitName, device: str | torch.device = "cpu") -> Samples:
        """All samples of a split, in the order of the task.

        Raises:
            StoreError: a shard was damaged since the store was opened.
        """
        parts = [_read_shard(self.folder, shard, self.shapes) for shard in self.manifest.splits[name]]
        whole = {array: torch.cat([part[array] for part in parts]).to(device) for array in parts[0]}
        labels = whole.pop(LABELS)
        return Samples({array.removeprefix(PREFIX): tensor for array, tensor in whole.items()}, labels)


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.exists():
        raise StoreError(folder, "missing", "has no manifest, so its features were never completed")
    try:
        manifest = Manifest.model_validate_json(read_text(path, _MANIFEST_LIMIT))
    except (BmnasError, ValidationError) as error:
        raise StoreError(folder, "damaged", f"{MANIFEST} is not a manifest of format bmnas-features/1") from error
    if set(manifest.splits) != set(SPLITS) or not all(manifest.splits.values()):
        raise StoreError(folder, "damaged", f"{MANIFEST} does not list shards of the splits {', '.join(SPLITS)}")
    return manifest


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    names = [name for name in {**wanted, **found} if found.get(name) != wanted.get(name)]
    return ", ".join(names)


def _verify(folder: Path, shard: Shard) -> None:
    path = folder / shard.file
    try:
        size = path.stat().st_size
        if size != shard.bytes:
            raise StoreError(folder, "damaged", f"{shard.file} has {size} bytes, not {shard.bytes}")
        if fingerprints.of_file(path) != shard.sha256:
            raise StoreError(folder, "damaged", f"{shard.file} does not have the checksum in {MANIFEST}")
    except OSError as error:
        raise StoreError(folder, "damaged", f"{shard.file} cannot be read: {reason(error)}") from error


def _read_shard(folder: Path, shard: Shard, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    try:
        content = (folder / shard.file).read_bytes()
    except OSError as error:
        raise StoreError(folder, "damaged", f"{shard.file} cannot be read: {reason(error)}") from error
    if hashlib.sha256(content).hexdigest() != shard.sha256:
        raise StoreError(folder, "damaged", f"{shard.file} was changed since the store was opened")
    try:
        arrays: dict[str, Tensor] = safetensors.torch.load(content)
    except SafetensorError as error:
        raise StoreError(folder, "damaged", f"{shard.file} is not a safetensors file") from error
    expected = {PREFIX + name: (shard.samples, *shape) for name, shape in shapes.items()}
    found = {array: tuple(tensor.shape) for array, tensor in arrays.items() if array != LABELS}
    if found != expected or LABELS not in arrays or len(arrays[LABELS]) != shard.samples:
        raise StoreError(folder, "damaged", f"{shard.file} does not hold the arrays that {MANIFEST} lists")
    return {array: arrays[array] for array in (*expected, LABELS)}
