"""The movies of a split, read one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from bmnas.tasks.mmimdb.layout import PARTS
from bmnas.tasks.mmimdb.preprocessing import Preprocessing, poster, vector


class Store(Protocol):
    """Where movies lie, each under a number of its own."""

    def read(self, part: str, number: int) -> np.ndarray[Any, Any]:
        """The ``image``, ``text`` or ``label`` of a movie.

        Raises:
            BmnasError: it cannot be read, or has another shape.
        """
        ...

    def place(self, number: int) -> str:
        """What messages call a movie."""
        ...


class Movies:
    """A `SampleSource` of the movies of a split.

    Inputs are ``Image`` (3, 256, 160) and ``Text`` (300,), the label (23,) in 0 and 1, all 32-bit floats.

    Args:
        store: where they lie.
        numbers: of the movies, in the order of the split.
        modalities: that are wanted; of others nothing is read.
        preprocessing: see `poster`.
    """

    def __init__(
        self, store: Store, numbers: Sequence[int], modalities: Sequence[str], preprocessing: Preprocessing
    ) -> None:
        self._store, self._numbers = store, numbers
        self._modalities = modalities
        self._preprocessing: Preprocessing = preprocessing

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> tuple[Mapping[str, Tensor], Tensor]:
        number = self._numbers[index]
        inputs = {modality: self._input(modality, number) for modality in self._modalities}
        return inputs, torch.from_numpy(self._store.read("label", number).astype(np.float32))

    def describe(self, index: int) -> str:
        """The movie's id, or its file."""
        return self._store.place(self._numbers[index])

    def _input(self, modality: str, number: int) -> Tensor:
        stored = self._store.read(PARTS[modality], number)
        return poster(stored, self._preprocessing) if modality == "Image" else vector(stored)
