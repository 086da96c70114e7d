"""The samples of one split of an `ArrayTask`, read from the arrays when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.tasks.arrays.lengths import Lengths
from bmnas.tasks.arrays.rows import Rows
from bmnas.tasks.arrays.stored import Array
from bmnas.tasks.task import Split


@dataclass(frozen=True, eq=False)
class ArraySource:
    """Samples that are read one by one, or a run of them at once.

    Attributes:
        modalities: by modality, its features by name.
        indices: of the split's samples in the arrays.
        labels: of all samples of the arrays, as the objective takes them.
        lengths: of a feature by its name; called when samples are first read.
    """

    modalities: Mapping[str, Mapping[str, Rows]]
    indices: Array
    labels: Tensor
    lengths: Callable[[str], Lengths]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int, /) -> tuple[dict[str, dict[str, Tensor]], Any]:
        """One sample: by modality, its features (C, ...) by name; and its label."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} samples, so there is none with index {index}")
        index %= len(self)
        part = self.part(index, index + 1)
        inputs = {
            modality: {name: tensor[0] for name, tensor in tree.items()} for modality, tree in part.inputs.items()
        }
        return inputs, part.labels[0]

    def part(self, start: int, stop: int) -> Split:
        """Samples ``start`` to ``stop`` (excluded) of the split, float32, without the positions that no sample has."""
        chosen = np.ascontiguousarray(self.indices[start:stop])
        inputs: dict[str, dict[str, Tensor]] = {modality: {} for modality in self.modalities}
        lengths = {}
        for modality, features in self.modalities.items():
            for name, rows in features.items():
                found, taken = self.lengths(name), rows.take(chosen)
                inputs[modality][name] = taken[:, :, : found.most] if taken.dim() > 2 else taken
                if found.each is not None:
                    lengths[name] = torch.from_numpy(found.each[chosen])
        return Split(inputs, self.labels[torch.from_numpy(chosen)], lengths)

    def describe(self, index: int) -> str:
        """Where a sample lies."""
        rows = next(rows for features in self.modalities.values() for rows in features.values())
        return rows.place(int(self.indices[index]))
