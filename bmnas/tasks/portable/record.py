"""``NAME.model.json``: what of a task a network needs to be used without the task's data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, ValidationError
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.files import read_json, sealed_json, unsealed_json, write_atomically
from bmnas.genotype import Feature
from bmnas.genotype.schema import Frozen, Name
from bmnas.taps import Tap
from bmnas.tasks.store.manifest import Precision
from bmnas.tasks.tree import Tree

SUFFIX = ".model.json"
_LIMIT = 16 * 2**20  # bytes
_Natural = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
_Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class TensorRecord(Frozen):
    """One tensor of an input.

    Attributes:
        shape: of one sample.
        dtype: as torch calls it, ``float32``.
    """

    shape: tuple[_Natural, ...]
    dtype: str = Field(pattern="^[a-z]+[0-9]*$")

    def example(self, samples: int) -> Tensor:
        """So many samples: random numbers, and zeros where they are whole, because zero is a token in any vocabulary.

        Raises:
            BmnasError: there is no such type.
        """
        dtype = getattr(torch, self.dtype, None)
        if not isinstance(dtype, torch.dtype):
            raise BmnasError(f"the record of the model has a tensor of the type {self.dtype!r}, which torch has not")
        shape = (samples, *self.shape)
        if not dtype.is_floating_point:
            return torch.zeros(shape, dtype=dtype)
        return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)


class InputRecord(Frozen):
    """The input of a modality: one tensor, or several by keyword, or several by position."""

    tensor: TensorRecord | None = None
    keywords: dict[str, InputRecord] = Field(default_factory=dict)
    positions: tuple[InputRecord, ...] = ()

    @classmethod
    def of(cls, tree: Tree) -> InputRecord:
        """What one sample of a modality's input looks like; the tensors of ``tree`` have a batch axis."""
        if isinstance(tree, Mapping):
            return cls(keywords={str(name): cls.of(item) for name, item in tree.items()})
        if isinstance(tree, (tuple, list)):
            return cls(positions=tuple(map(cls.of, tree)))
        dtype = str(tree.dtype).removeprefix("torch.")
        return cls(tensor=TensorRecord(shape=tuple(tree.shape[1:]), dtype=dtype))

    def example(self, samples: int) -> Tree:
        """So many samples, see `TensorRecord.example`."""
        if self.tensor is not None:
            return self.tensor.example(samples)
        if self.positions:
            return tuple(each.example(samples) for each in self.positions)
        return {name: each.example(samples) for name, each in self.keywords.items()}


class BackboneRecord(Frozen):
    """The backbone of a modality.

    Attributes:
        sha256: of the file of its weights.
        kept: whether they lie beside the network; if not, whoever uses it brings them.
    """

    sha256: _Sha256
    kept: bool


class TaskRecord(Frozen):
    """What of a task a network needs.

    Attributes:
        format: of the file.
        task: its name.
        invocation: the options of a command that name it; empty for one made in Python.
        options: see `Task.options`.
        outputs: how many numbers the network gives for a sample.
        objective: the name of the kind of labels.
        threshold: the probability above which a class is an answer, for several classes at once.
        metric: the name of the task's metric.
        class_names: what the outputs are called; empty where they have no names.
        length: L, to which features are pooled.
        precision: the numbers in which features were kept.
        batch: how many samples a backbone takes at a time.
        features: of the task.
        shapes: by feature, of one sample as a feature store keeps it.
        taps: by feature, where in its backbone it is taken.
        inputs: by modality, what one sample of its input looks like.
        backbones: by modality; those whose features come ready have none.
    """

    format: Literal["bmnas-model/1"] = "bmnas-model/1"
    task: Name
    invocation: str = ""
    options: dict[str, Any] = Field(default_factory=dict)
    outputs: Annotated[int, Field(strict=True, ge=1)]
    objective: str
    threshold: float | None = None
    metric: str
    class_names: tuple[str, ...] = ()
    length: Annotated[int, Field(strict=True, ge=1)]
    precision: Precision
    batch: Annotated[int, Field(strict=True, ge=1)]
    features: tuple[Feature, ...]
    shapes: dict[str, tuple[_Natural, ...]]
    taps: dict[str, str | dict[str, Any]] = Field(default_factory=dict)
    inputs: dict[str, InputRecord]
    backbones: dict[str, BackboneRecord]

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities in the order of their features."""
        return tuple(dict.fromkeys(feature.modality for feature in self.features))

    @property
    def where_tapped(self) -> dict[str, Tap]:
        """The taps as values."""
        return {name: Tap(tap) if isinstance(tap, str) else Tap(**tap) for name, tap in self.taps.items()}

    def save(self, path: Path) -> None:
        """Write the file.

        Raises:
            BmnasError: it cannot be written.
        """
        write_atomically(path, sealed_json(self.model_dump(mode="json")))


def read_record(path: Path) -> TaskRecord:
    """The record in a file.

    Raises:
        BmnasError: there is none, it cannot be read, was changed, or is none of this version.
    """
    data = read_json(path, _LIMIT)
    try:
        return TaskRecord.model_validate(unsealed_json(data))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BmnasError(f"{path}: is no record of a model: {place}: {first['msg']}") from None
    except BmnasError as error:
        raise BmnasError(f"{path}: {error}") from None
