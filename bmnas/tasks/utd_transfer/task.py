"""The task ``utd-transfer``: backbones that know one half of UTD-MHAD's actions, fusion for the other half, few shots.

What a backbone's last layer tells of actions it was never trained on is little and not what it is for; its earlier
layers know movements. So which features are fused matters here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.fit.threads import one_thread
from bmnas.tasks.fingerprint import add_tensor
from bmnas.tasks.folder_task import FolderTask
from bmnas.tasks.options import TaskOptions
from bmnas.tasks.progress import Report, silent
from bmnas.tasks.task import SPLITS, Split, SplitName
from bmnas.tasks.training import outputs_of
from bmnas.tasks.utd_mhad import UtdMhadTask
from bmnas.tasks.utd_mhad.clips import clip_inputs
from bmnas.tasks.utd_mhad.files import find_clips
from bmnas.tasks.utd_mhad.layout import ACTION_NAMES, ACTIONS, SUBJECTS, Clip, expected
from bmnas.tasks.utd_mhad.recipes import RECIPES, features_of, taps_of, train_by

_MODALITIES = ("Skeleton", "Inertial")
# By half: the actions that the backbones are trained on; the fusion has the others.
_KNOWN = (tuple(range(1, ACTIONS + 1, 2)), tuple(range(2, ACTIONS + 1, 2)))
_TRIALS = 4


class UtdTransferOptions(TaskOptions):
    """See `UtdTransferTask`."""

    half: int = Field(
        default=0,
        ge=0,
        le=1,
        description="Whose fusion: 0, backbones know the odd-numbered actions, fusion is for the even-numbered ones; "
        "1, the other way round.",
    )
    left_out: int = Field(default=8, ge=1, le=SUBJECTS, description="The subject for test.")
    people: int = Field(
        default=2, ge=1, le=SUBJECTS - 2, description="How many of the training subjects show the new actions."
    )
    shots: int = Field(
        default=2, ge=1, le=_TRIALS, description="Trials of a new action by each of them that are for training."
    )


class UtdTransferTask(FolderTask):
    """Clips of 13 or 14 actions; inputs ``Skeleton`` (N, 3, 32, 20, 1), ``Inertial`` (N, 6, 96), as in `UtdMhadTask`.

    One subject is for test, the next one (1 after 8) for validation, the other six for training. The backbones are
    trained on all clips of the six with actions of the one half; the splits have clips with actions of the other half,
    of which training keeps few trials by few people: with all six, even one trial of each leaves fusion nothing to do.
    Both halves with each subject left out in turn test on every clip of the data set once.

    Args:
        folder: of the data set, in its official layout.
        half: 0 where the backbones know the 14 odd-numbered actions and 13 are new, 1 for the other way round.
        left_out: the subject for test, 1 to 8.
        people: how many of the six subjects, those that come after the validation subject, show the new actions.
        shots: how many trials of a new action by each of them are for training, 1 to 4.

    Attributes:
        folder, half, left_out, people, shots: as they were given.

    Raises:
        BmnasError: a number is none of these.
    """

    Options: ClassVar[type[TaskOptions]] = UtdTransferOptions

    name = "utd-transfer"
    features = features_of(_MODALITIES)
    taps = taps_of(_MODALITIES)
    settings: Mapping[str, Any] = MappingProxyType(
        {"channels": 32, "length": 8, "batch_size": 32, "epochs": 20, "train_epochs": 50}
    )
    code = (UtdMhadTask, *UtdMhadTask.code)

    def __init__(self, folder: Path, half: int = 0, left_out: int = 8, people: int = 2, shots: int = 2) -> None:
        self.folder = folder
        self.half = self._one_of("half", half, range(2))
        self.left_out = self._one_of("left_out", left_out, range(1, SUBJECTS + 1))
        self.people = self._one_of("people", people, range(1, SUBJECTS - 1))
        self.shots = self._one_of("shots", shots, range(1, _TRIALS + 1))
        self.class_names = [ACTION_NAMES[action - 1] for action in self._new_actions]
        self.outputs = len(self.class_names)
        self.options = MappingProxyType({"half": half, "left_out": left_out, "people": people, "shots": shots})

    @classmethod
    def needs(cls) -> str:
        """See `FolderTask.needs`."""
        return expected(_MODALITIES)

    @property
    def _new_actions(self) -> list[int]:
        """The actions of the fusion, from 1."""
        return [action for action in range(1, ACTIONS + 1) if action not in _KNOWN[self.half]]

    def split(self, name: SplitName) -> Split:
        """The clips of a split, sorted by action, subject and trial; labels count the new actions from 0.

        Raises:
            BmnasError: the folder does not hold the data set, or a file is damaged; the message says which.
        """
        clips = self._clips().new[name]
        labels = [self._new_actions.index(clip.action) for clip in clips]
        return Split(self._inputs(self.modalities, clips), torch.tensor(labels))

    def view(self, name: SplitName, view: int) -> Split:
        """The clips of a split; view 0 as they are, others changed at random as when backbones are trained."""
        split = self.split(name)
        if view == 0:
            return split
        return Split({name: RECIPES[name].augment(split.inputs[name]) for name in self.modalities}, split.labels)

    def groups(self, name: SplitName) -> Tensor | None:
        """The subjects (N,) of a split's clips."""
        return torch.tensor([clip.subject for clip in self._clips().new[name]])

    @property
    def backbones_saw_training(self) -> bool:
        """No: the backbones are trained on clips of other actions, so all samples are new to them."""
        return False

    def build_backbone(self, modality: str) -> nn.Module:
        """HCN or a 1D CNN, for the actions of the known half."""
        return RECIPES[modality].build(len(_KNOWN[self.half]))

    def train_backbone(
        self, modality: str, backbone: nn.Module, *, device: str | torch.device, report: Report = silent
    ) -> float:
        """Train on the known half's actions by the six subjects, on one thread where the device is the CPU.

        Returns: the accuracy on the known half's actions by the subject of the validation split.
        """
        data, held_out = self._known(modality, "train"), self._known(modality, "validation")
        inputs, labels = data.inputs[modality], data.labels
        phase = f"backbone {modality}"
        train_by(RECIPES[modality], backbone, inputs, labels, device=device, phase=phase, report=report)
        with one_thread():
            outputs = outputs_of(backbone, held_out.inputs[modality], device=device)
        return self.metric.score(outputs, held_out.labels)

    def data_fingerprint(self, modalities: Iterable[str] | None = None) -> str:
        """SHA-256 of the splits, and of the clips that the backbones are trained on."""
        wanted = self.modalities if modalities is None else tuple(modalities)
        digest = hashlib.sha256(super().data_fingerprint(wanted).encode())
        for modality in wanted:
            for name in ("train", "validation"):
                known = self._known(modality, name)
                digest.update(f"known {name} {modality!r}\n".encode())
                add_tensor(digest, known.inputs[modality])
                add_tensor(digest, known.labels)
        return digest.hexdigest()

    def _known(self, modality: str, name: SplitName) -> Split:
        """What a backbone is trained on, or scored."""
        clips = self._clips().known[name]
        labels = torch.tensor([_KNOWN[self.half].index(clip.action) for clip in clips])
        return Split(self._inputs([modality], clips), labels)

    def _inputs(self, modalities: Sequence[str], clips: Sequence[Clip]) -> dict[str, Tensor]:
        sorted_out = self._clips()
        reference = sorted_out.known["train"]
        return clip_inputs(self.folder, modalities, clips, reference=reference, found=sorted_out.found)

    def _clips(self) -> _Clips:
        found = find_clips(self.folder, self.modalities)
        known: dict[SplitName, list[Clip]] = {
            name: [clip for clip in found if clip.action in _KNOWN[self.half]] for name in SPLITS
        }
        new: dict[SplitName, list[Clip]] = {
            name: [clip for clip in found if clip.action not in _KNOWN[self.half]] for name in SPLITS
        }
        for of_split in (known, new):
            for name in SPLITS:
                of_split[name] = [clip for clip in of_split[name] if self._split_of(clip) == name]
        teachers = [(self.left_out + after) % SUBJECTS + 1 for after in range(1, self.people + 1)]
        new["train"] = _few([clip for clip in new["train"] if clip.subject in teachers], self.shots)
        self._refuse_unusable(known, new)
        return _Clips(found, known, new)

    def _split_of(self, clip: Clip) -> SplitName:
        if clip.subject == self.left_out:
            return "test"
        return "validation" if clip.subject == self.left_out % SUBJECTS + 1 else "train"

    def _refuse_unusable(
        self, known: Mapping[SplitName, Sequence[Clip]], new: Mapping[SplitName, Sequence[Clip]]
    ) -> None:
        for what, of_split in (("known", known), ("new", new)):
            for name, clips in of_split.items():
                if not clips and (what, name) != ("known", "test"):
                    raise BmnasError(
                        f"{self.folder}: there is no clip of the {what} actions for the {name} split with subject "
                        f"{self.left_out} left out; {expected(self.modalities)}"
                    )
            if len({clip.action for clip in of_split["train"]}) < 2:
                raise BmnasError(
                    f"{self.folder}: the train split has clips of a single one of the {what} actions; "
                    "at least two are needed to learn to tell them apart"
                )

    def _one_of(self, what: str, number: int, allowed: range) -> int:
        if isinstance(number, bool) or not isinstance(number, int) or number not in allowed:
            raise BmnasError(
                f"{what} of task {self.name} is {number!r}, but should be one of {allowed[0]} to {allowed[-1]}"
            )
        return number


class _Clips(NamedTuple):
    """All clips of the folder, and those of each split with actions that the backbones know, and with new ones."""

    found: tuple[Clip, ...]
    known: Mapping[SplitName, Sequence[Clip]]
    new: Mapping[SplitName, Sequence[Clip]]


def _few(clips: Sequence[Clip], shots: int) -> list[Clip]:
    """Of each action by each subject, the first so many trials."""
    kept: dict[tuple[int, int], list[Clip]] = {}
    for clip in sorted(clips):
        kept.setdefault((clip.action, clip.subject), []).append(clip)
    return sorted(clip for trials in kept.values() for clip in trials[:shots])
