"""The samples of a split, read one by one: clips of 32 frames, both modalities cut alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.tasks.egogesture.frames import Cut, drawn_cut, drawn_frames, middle_frames
from bmnas.tasks.egogesture.pictures import read_frame
from bmnas.tasks.egogesture.presence import problem_of_files
from bmnas.tasks.egogesture.samples import Sample

# Of R, G and B over the videos of ActivityNet, in bytes: what the ResNeXt authors subtract.
RGB_MEAN = (114.7748, 107.7354, 99.475)
# By preprocessing. The released code takes the mean of red for depth. What batch norm leaves of such a number is the
# border of the clips, where convolutions add zeros: so here it is the middle of the range.
DEPTH_MEAN: Mapping[str, float] = MappingProxyType({"released": RGB_MEAN[0], "corrected": 127.5})


class Clips:
    """Samples ``({"RGB": (3, 32, 112, 112), "Depth": (1, 32, 112, 112)}, label)``: bytes less a mean, float32.

    Args:
        images: the folder that has the folders of the subjects.
        samples: which.
        modalities: which are read.
        preprocessing: ``corrected`` or ``released``, see `DEPTH_MEAN` and `drawn_frames`.
        augmented: whether frames and cut are drawn at random, by Python's ``random``; else they are the middle ones.
    """

    def __init__(
        self,
        images: Path,
        samples: Sequence[Sample],
        modalities: Sequence[str],
        *,
        preprocessing: str,
        augmented: bool = False,
    ) -> None:
        self.images, self.samples, self.modalities = images, samples, modalities
        self.preprocessing, self.augmented = preprocessing, augmented

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[dict[str, Tensor], int]:
        sample = self.samples[index]
        wrong = sample.wrong or problem_of_files(self.images, self.modalities, sample)
        if wrong:
            raise BmnasError(wrong)
        if self.augmented:
            frames, cut = drawn_frames(len(sample), released=self.preprocessing == "released"), drawn_cut()
        else:
            frames, cut = middle_frames(len(sample)), None
        numbers = [sample.first + frame for frame in frames]
        return {modality: self._clip(modality, sample, numbers, cut) for modality in self.modalities}, sample.label

    def describe(self, index: int) -> str:
        """Where the sample is annotated, and the folder of its frames."""
        sample = self.samples[index]
        return f"{sample.place} ({sample.recording.folder(self.modalities[0])})"

    def _clip(self, modality: str, sample: Sample, numbers: Sequence[int], cut: Cut | None) -> Tensor:
        """The frames with those numbers, (channels, frames, 112, 112); one that comes twice is read once."""
        grey = modality == "Depth"
        read = {
            number: read_frame(sample.recording.frame(self.images, modality, number), grey=grey, cut=cut)
            for number in dict.fromkeys(numbers)
        }
        # The axes are moved while the numbers are bytes, which is faster.
        pixels = np.ascontiguousarray(np.stack([read[number] for number in numbers]).transpose(3, 0, 1, 2))
        mean = RGB_MEAN if modality == "RGB" else (DEPTH_MEAN[self.preprocessing],)
        return torch.from_numpy(np.subtract(pixels, np.array(mean, np.float32).reshape(-1, 1, 1, 1), dtype=np.float32))
