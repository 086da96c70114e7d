"""The samples of a split, read one by one: each file is found by the name of its recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from bmnas.tasks.ntu.recording import Recording
from bmnas.tasks.ntu.skeleton import Preprocessing, drawn_cut, skeleton_input
from bmnas.tasks.ntu.skeleton_file import read_bodies
from bmnas.tasks.ntu.video import video_input
from bmnas.tasks.ntu.video_file import read_clip


@dataclass(frozen=True)
class Recordings:
    """Recordings as samples: inputs by modality, and the action from 0.

    Attributes:
        recordings: in their order.
        files: by modality, the file of each recording.
        preprocessing: see `bmnas.tasks.ntu.skeleton` and `bmnas.tasks.ntu.video`.
        augmented: whether a random part of each is taken, as in training, drawn from NumPy's own generator.
    """

    recordings: Sequence[Recording]
    files: Mapping[str, Mapping[Recording, Path]]
    preprocessing: Preprocessing
    augmented: bool = False

    def __len__(self) -> int:
        return len(self.recordings)

    def __getitem__(self, index: int) -> tuple[dict[str, Tensor], int]:
        """The inputs of a sample, (8, 256, 256, 3) and (3, 32, 25, 2), and its label.

        Raises:
            BmnasError: a file cannot be read; the message names it.
        """
        recording = self.recordings[index]
        ratio, keep = 1.0, 1.0
        if self.augmented:
            # Both are drawn, in this order, also where one modality is read alone: so views are the same.
            ratio = 1 - 0.5 * float(np.random.random_sample())
            keep = 0.5 + 0.5 * float(np.random.random_sample())
        inputs: dict[str, Tensor] = {}
        for modality, files in self.files.items():
            if modality == "Video":
                inputs[modality] = video_input(read_clip(files[recording]), self.preprocessing, ratio)
            else:
                inputs[modality] = self._skeleton(files[recording], keep)
        return inputs, recording.action - 1

    def describe(self, index: int) -> str:
        """The files of a sample, without the folder of the data."""
        recording = self.recordings[index]
        paths = [files[recording] for files in self.files.values()]
        return " and ".join(f"{path.parent.name}/{path.name}" for path in paths)

    def _skeleton(self, path: Path, keep: float) -> Tensor:
        bodies = read_bodies(path)
        cut = drawn_cut(bodies.frames, keep) if self.augmented else None
        return skeleton_input(bodies, self.preprocessing, cut)
