"""The task ``utd-mhad``: 27 actions of 8 people, seen as skeleton, inertial and depth sequences.

Chen, Jafari and Kehtarnavaz, "UTD-MHAD: A Multimodal Dataset for Human Action Recognition Utilizing a Depth Camera and
a Wearable Inertial Sensor", ICIP 2015. The cross-subject protocol: subjects 1, 3, 5, 7 are for training, of which 7 is
for validation here; 2, 4, 6, 8 are for the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.fit.threads import one_thread
from bmnas.tasks.folder_task import FolderTask
from bmnas.tasks.models import depth_cnn, hcn, inertial_cnn
from bmnas.tasks.progress import Report, silent
from bmnas.tasks.task import SPLITS, Split, SplitName
from bmnas.tasks.training import outputs_of
from bmnas.tasks.utd_mhad import (
    clips,
    depth,
    files,
    inertial,
    mat_process,
    mat_worker,
    matlab,
    recipes,
    reduced_depth,
    skeleton,
    timing,
    turning,
)
from bmnas.tasks.utd_mhad.clips import clip_inputs
from bmnas.tasks.utd_mhad.files import find_clips
from bmnas.tasks.utd_mhad.layout import ACTION_NAMES, ACTIONS, Clip, expected
from bmnas.tasks.utd_mhad.recipes import RECIPES, features_of, taps_of, train_by

_SUBJECTS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"train": (1, 3, 5), "validation": (7,), "test": (2, 4, 6, 8)}
)


class UtdMhadTask(FolderTask):
    """861 clips; inputs ``Skeleton`` (N, 3, 32, 20, 1), ``Inertial`` (N, 6, 96), ``Depth`` (N, 1, 16, 60, 48).

    Only the files of the modalities that are used are read, once in a process.

    Args:
        folder: of the data set, in its official layout (see `files`).
    """

    name = "utd-mhad"
    outputs = ACTIONS
    class_names = ACTION_NAMES
    features = features_of(RECIPES)
    taps = taps_of(RECIPES)
    settings: Mapping[str, Any] = MappingProxyType(
        {"channels": 64, "length": 8, "batch_size": 32, "epochs": 30, "train_epochs": 60}
    )
    code = (
        *(hcn, inertial_cnn, depth_cnn, recipes),
        *(clips, files, mat_process, mat_worker, matlab, reduced_depth, skeleton, inertial, depth, timing, turning),
    )

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def needs(cls) -> str:
        """See `FolderTask.needs`."""
        return expected(list(RECIPES))

    def split(self, name: SplitName) -> Split:
        """The clips of a split, sorted by action, subject and trial.

        Raises:
            BmnasError: the folder does not hold the data set, or a file is damaged; the message says which.
        """
        chosen = self._chosen()
        inputs = clip_inputs(self.folder, self.modalities, chosen[name], reference=chosen["train"], found=self._found())
        return Split(inputs, torch.tensor([clip.action - 1 for clip in chosen[name]]))

    def view(self, name: SplitName, view: int) -> Split:
        """The clips of a split; view 0 as they are, others changed at random as when backbones are trained."""
        split = self.split(name)
        if view == 0:
            return split
        inputs = {modality: RECIPES[modality].augment(_tensor(split, modality)) for modality in self.modalities}
        return Split(inputs, split.labels)

    def groups(self, name: SplitName) -> Tensor | None:
        """The subjects (N,) of a split's clips: those of one person are alike, and what counts is a new person."""
        return torch.tensor([clip.subject for clip in self._chosen()[name]])

    def build_backbone(self, modality: str) -> nn.Module:
        """HCN, a 1D CNN, or a CNN over frames."""
        return RECIPES[modality].build(self.outputs)

    def train_backbone(
        self, modality: str, backbone: nn.Module, *, device: str | torch.device, report: Report = silent
    ) -> float:
        """Train on the training split, on one thread where the device is the CPU; returns the validation score."""
        data, held_out, recipe = self.split("train"), self.split("validation"), RECIPES[modality]
        phase = f"backbone {modality}"
        train_by(recipe, backbone, _tensor(data, modality), data.labels, device=device, phase=phase, report=report)
        with one_thread():
            outputs = outputs_of(backbone, _tensor(held_out, modality), device=device)
        return self.metric.score(outputs, held_out.labels)

    def _found(self) -> tuple[Clip, ...]:
        return find_clips(self.folder, self.modalities)

    def _chosen(self) -> Mapping[SplitName, list[Clip]]:
        """The clips of each split, sorted."""
        found = self._found()
        chosen: dict[SplitName, list[Clip]] = {
            split: [clip for clip in found if clip.subject in _SUBJECTS[split]] for split in SPLITS
        }
        self._refuse_unusable(chosen)
        return chosen

    def _refuse_unusable(self, chosen: Mapping[SplitName, list[Clip]]) -> None:
        for split, clips_of_split in chosen.items():
            if not clips_of_split:
                subjects = ", ".join(map(str, _SUBJECTS[split]))
                raise BmnasError(
                    f"{self.folder}: the {split} split is empty, because there is no clip of subject {subjects}; "
                    f"{expected(self.modalities)}"
                )
        actions = {clip.action for clip in chosen["train"]}
        if len(actions) < 2:
            raise BmnasError(
                f"{self.folder}: the train split has clips of action {actions.pop()} alone; "
                "at least two actions are needed to learn to tell them apart"
            )


def _tensor(split: Split, modality: str) -> Tensor:
    tensor = split.inputs[modality]
    assert isinstance(tensor, Tensor)
    return tensor
