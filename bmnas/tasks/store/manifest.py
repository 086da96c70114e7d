"""What a feature store says of itself: the manifest, written last, and the journal of one that is not complete yet."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import torch
from pydantic import Field

from bmnas.errors import BmnasError
from bmnas.files import read_text
from bmnas.genotype.schema import Frozen
from bmnas.tasks.task import SPLITS, SplitName

MANIFEST = "manifest.json"
_FORMAT = "bmnas-features/3"
JOURNAL = "partial.json"

Problem = Literal["missing", "damaged", "stale"]
PROBLEMS: tuple[Problem, ...] = get_args(Problem)
Precision = Literal["float32", "float16", "bfloat16"]
_Natural = Annotated[int, Field(strict=True, ge=0)]
_LIMIT = 64 * 2**20


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
    """One file of samples."""

    file: str = Field(pattern=r"^(train|validation|test)-v\d{3}-\d{5}\.safetensors$")
    samples: Annotated[int, Field(strict=True, ge=1)]
    bytes: _Natural
    crc32: _Natural


class Skipped(Frozen):
    """A sample that was left out, because it could not be read."""

    split: SplitName
    index: _Natural
    why: str


class Written(Frozen):
    """The shards of one view of one split."""

    split: SplitName
    view: _Natural
    shards: tuple[Shard, ...]
    consumed: _Natural = Field(description="How many of the split's samples are in the shards, or were left out.")
    complete: bool = False


class Labels(Frozen):
    """What the labels of all shards have in common."""

    dtype: str
    shape: tuple[_Natural, ...] = Field(description="Of the label of one sample.")


class _Content(Frozen):
    sha256: str = Field(default="", description="Of everything else in the file, see `sealed`.")
    fingerprint: dict[str, Any]
    shapes: dict[str, tuple[_Natural, ...]] = Field(
        description="By feature, the shape of one sample; in this order the features of a sample follow each other."
    )
    labels: Labels | None = Field(default=None, description="Known once there is a sample.")
    precision: Precision
    written: tuple[Written, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def dtype(self) -> torch.dtype:
        """Of the stored numbers."""
        dtype = getattr(torch, self.precision)
        assert isinstance(dtype, torch.dtype)
        return dtype

    @property
    def width(self) -> int:
        """How many numbers a sample has."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def sealed(self) -> str:
        """The text of the file, with its own checksum in it: a change of the text is noticed when it is read."""
        return self.model_copy(update={"sha256": self._checksum()}).model_dump_json(indent=2) + "\n"

    @property
    def is_whole(self) -> bool:
        """Whether the content is that which was written."""
        return self.sha256 == self._checksum()

    def _checksum(self) -> str:
        # In the order in which everything stands: that of the shapes is the order of the numbers in a sample.
        return hashlib.sha256(self.model_copy(update={"sha256": ""}).model_dump_json().encode()).hexdigest()


class Journal(_Content):
    """What an extraction has done so far; replaced after each shard."""

    format: Literal["bmnas-extraction/3"] = "bmnas-extraction/3"


class Manifest(_Content):
    """What a feature store contains and where it comes from."""

    format: Literal["bmnas-features/3"] = "bmnas-features/3"
    scores: dict[str, float | None] = Field(description="By modality, the validation score of its backbone alone.")
    versions: dict[str, str] = Field(description="Of what made it; for people, not part of the fingerprint.")

    def of(self, split: SplitName) -> tuple[Written, ...]:
        """The views of a split, in order."""
        return tuple(part for part in self.written if part.split == split)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a store.

    Raises:
        StoreError: missing, or damaged.
    """
    path = folder / MANIFEST
    if not path.exists():
        raise StoreError(folder, "missing", "has no manifest, so its features were never completed")
    try:
        text = read_text(path, _LIMIT)
        manifest = Manifest.model_validate_json(text)
        whole = manifest.is_whole
    except (BmnasError, ValueError, RecursionError) as error:  # a ValidationError is a ValueError
        raise StoreError(folder, "damaged", f"{MANIFEST} is not a manifest of format {_FORMAT}") from error
    if not whole:
        raise StoreError(folder, "damaged", f"{MANIFEST} was changed after it was written")
    _check(folder, manifest)
    return manifest


def read_journal(folder: Path) -> Journal | None:
    """What an earlier extraction has done, or ``None`` where that is not known."""
    try:
        journal = Journal.model_validate_json(read_text(folder / JOURNAL, _LIMIT))
        return journal if journal.is_whole and not any(map(_misplaced, journal.written)) else None
    except (BmnasError, ValueError, RecursionError):
        return None


def shard_name(split: SplitName, view: int, number: int) -> str:
    """The file of a shard; it says where the samples belong."""
    return f"{split}-v{view:03d}-{number:05d}.safetensors"


def _check(folder: Path, manifest: Manifest) -> None:
    """What the models cannot tell: the parts fit together."""
    for split in SPLITS:
        parts = manifest.of(split)
        if not parts or not all(part.shards for part in parts):
            raise StoreError(folder, "damaged", f"{MANIFEST} does not list shards of the splits {', '.join(SPLITS)}")
        if [part.view for part in parts] != list(range(len(parts))) or len({_samples(part) for part in parts}) > 1:
            raise StoreError(folder, "damaged", f"{MANIFEST} lists views of the {split} split that do not match")
        left_out = sum(entry.split == split for entry in manifest.skipped)
        for part in parts:
            if _misplaced(part):
                raise StoreError(folder, "damaged", f"{MANIFEST} lists shards of the {split} split in other places")
            if not part.complete or part.consumed != _samples(part) + left_out:
                raise StoreError(folder, "damaged", f"{MANIFEST} does not list all samples of the {split} split")
    if not manifest.shapes or manifest.labels is None or any(0 in shape for shape in manifest.shapes.values()):
        raise StoreError(folder, "damaged", f"{MANIFEST} lists samples without features or labels")


def _misplaced(part: Written) -> bool:
    """Whether a shard is listed elsewhere than its name says, or twice."""
    return any(shard.file != shard_name(part.split, part.view, number) for number, shard in enumerate(part.shards))


def _samples(part: Written) -> int:
    return sum(shard.samples for shard in part.shards)
