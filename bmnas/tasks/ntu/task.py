"""The task `ntu`: sixty actions, seen as video and as skeletons.

Shahroudy, Liu, Ng and Wang, "NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis", CVPR 2016; as a task of
fusion: Yin et al., "BM-NAS: Bilevel Multimodal Neural Architecture Search", AAAI 2022, section 4.2. Performers of the
test are in no other split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.files import reason
from bmnas.genotype import Feature
from bmnas.tasks.folder_task import FolderTask
from bmnas.tasks.models import inflated_resnet, released_hcn
from bmnas.tasks.models.inflated_resnet import InflatedResNet50
from bmnas.tasks.models.released_hcn import ReleasedHCN
from bmnas.tasks.models.torchvision_weights import torchvision_address
from bmnas.tasks.ntu import performers, recording, skeleton, skeleton_file, source, video, video_file
from bmnas.tasks.ntu.folder import HOW_TO_GET, PREPARED_VIDEOS, Folder, official_videos
from bmnas.tasks.ntu.performers import ListName, performers_of
from bmnas.tasks.ntu.recording import ACTIONS, SAMPLES, Recording, without_skeleton
from bmnas.tasks.ntu.skeleton import Preprocessing
from bmnas.tasks.ntu.source import Recordings
from bmnas.tasks.ntu.video_file import read_clip, refuse_without_pyav, written_clip
from bmnas.tasks.ntu.weights import imagenet_weights, own_names
from bmnas.tasks.options import TaskOptions
from bmnas.tasks.preparation import Preparation
from bmnas.tasks.progress import Report, silent
from bmnas.tasks.source_training import SourceTraining, train_on_source
from bmnas.tasks.task import SPLITS, SplitName

# By modality and depth: the submodule of the backbone, and the channels that it returns.
_TAPS: Mapping[str, tuple[tuple[str, int], ...]] = MappingProxyType(
    {
        "Video": (("cnn.layer2", 512), ("cnn.layer3", 1024), ("cnn.layer4", 2048), ("pool", 2048)),
        "Skeleton": (("conv5_bodies", 128), ("conv6_bodies", 256), ("flat", 1024), ("fc7", 512)),
    }
)
# Of each backbone alone; nobody has tuned them on the data set here.
_TRAINING: Mapping[str, SourceTraining] = MappingProxyType(
    {
        "Video": SourceTraining(epochs=20, batch_size=16, learning_rate=1e-4, weight_decay=1e-4),
        "Skeleton": SourceTraining(epochs=50, batch_size=64, learning_rate=1e-3, weight_decay=1e-4),
    }
)
_SKELETON_DROPOUT = 0.2  # as in the released final training

Missing = Literal["auto", "keep", "skip"]


class NtuOptions(TaskOptions):
    """See `NtuTask`."""

    split: ListName = Field(
        default="released",
        description="Who trains the search: the 8 performers of the released code, the 7 of the paper's text, or "
        "the 16 of the official list.",
    )
    missing: Missing = Field(
        default="auto",
        description="Whether the 302 samples without whole skeletons are kept; auto: if preprocessing is released.",
    )
    preprocessing: Preprocessing = Field(
        default="corrected", description="Inputs as they should be, or as published checkpoints were trained on."
    )
    imagenet: str = Field(
        default="cache", description="ResNet-50 weights that the video backbone starts from: cache, none or a file."
    )


class NtuTask(FolderTask):
    """56,880 recordings; inputs ``Video`` (N, 8, 256, 256, 3) and ``Skeleton`` (N, 3, 32, 25, 2), read one by one.

    A recording without a file of each modality is left out, and `remarks` says how many are. Groups are performers.

    Args:
        folder: of the data set, see `bmnas.tasks.ntu.folder`.
        split: which performers train a search, see `bmnas.tasks.ntu.performers`.
        missing: whether the 302 recordings with a missing or incomplete skeleton are kept, where they have a file;
            ``auto``: they are if the preprocessing is the released one.
        preprocessing: see `bmnas.tasks.ntu.skeleton` and `bmnas.tasks.ntu.video`.
        imagenet: with what the training of the video backbone begins: ``cache``, the weights of torchvision's ResNet-50
            where torch keeps what it has downloaded; ``none``, random ones; or their file.
    """

    Options: ClassVar[type[TaskOptions]] = NtuOptions

    name = "ntu"
    outputs = ACTIONS
    features = tuple(
        Feature(name=f"{modality}_{depth}", modality=modality, channels=channels, reshape="sequence")
        for modality, taps in _TAPS.items()
        for depth, (_, channels) in enumerate(taps, 1)
    )
    taps = MappingProxyType(
        {f"{modality}_{depth}": name for modality, taps in _TAPS.items() for depth, (name, _) in enumerate(taps, 1)}
    )
    # Table 8: ntu-1.
    settings: Mapping[str, Any] = MappingProxyType(
        {"channels": 128, "length": 8, "batch_size": 96, "epochs": 30, "train_epochs": 50}
    )
    code = (
        *(performers, recording, skeleton, skeleton_file, source, video, video_file),
        *(inflated_resnet, released_hcn),
    )
    # Of 6 MB each, and as they are read ahead, several batches are in memory.
    extraction_batch = 16

    def __init__(
        self,
        folder: Path,
        *,
        split: ListName = "released",
        missing: Missing = "auto",
        preprocessing: Preprocessing = "corrected",
        imagenet: str = "cache",
    ) -> None:
        self.folder = folder
        self._list: ListName = split
        self._preprocessing: Preprocessing = preprocessing
        self._skips = missing == "skip" or (missing == "auto" and preprocessing == "corrected")
        self.options = MappingProxyType(
            {
                "split": split,
                "missing": "skip" if self._skips else "keep",
                "preprocessing": preprocessing,
                "imagenet": imagenet,
            }
        )
        if imagenet == "cache":
            self.pretrained = {"Video": torchvision_address("resnet50")}

    @classmethod
    def needs(cls) -> str:
        """See `FolderTask.needs`."""
        return HOW_TO_GET

    def split(self, name: SplitName) -> Recordings:
        """The recordings of a split, in the order of their names.

        Raises:
            BmnasError: the folder does not hold the data set; the message says what it lacks.
        """
        return self._source(name, augmented=False)

    def view(self, name: SplitName, view: int) -> Recordings:
        """The recordings of a split; view 0 as they are, of others a random part, as in training."""
        return self._source(name, augmented=view > 0)

    def groups(self, name: SplitName) -> Tensor | None:
        """The performers (N,): what counts is a new person."""
        return torch.tensor([recording.performer for recording in self._of(name)])

    def check(self) -> None:
        """Look at the folders; no file is read.

        Raises:
            BmnasError: a folder is missing or is another data set's, or a split is empty.
        """
        if "Video" in self.modalities:
            refuse_without_pyav()
        for name in SPLITS:
            if not self._of(name):
                wanted = ", ".join(map(str, performers_of(name, self._list)))
                there = ", ".join(map(str, sorted({own.performer for own in self._chosen}))) or "none"
                raise BmnasError(
                    f"{self.folder}: the {name} split is empty: it is of performers {wanted}, but there are whole "
                    f"recordings of {there}"
                )
        super().check()

    def remarks(self) -> Sequence[str]:
        """How much of the data set is there."""
        said = []
        for modality, count in self._files.lacking().items():
            if count:
                said.append(f"{count:,} recordings have no {modality.lower()} file, and are left out")
        if unprepared := self._files.unprepared():
            said.append(f"{unprepared:,} videos are not prepared yet; bmnas prepare makes reading them fast")
        counts = [f"{len(self._of(name)):,} of {self._whole(name):,} {name} samples" for name in SPLITS]
        if any(len(self._of(name)) < self._whole(name) for name in SPLITS):
            said.append(f"there are {', '.join(counts)} of the data set")
        return [*super().remarks(), *(f"task {self.name}: {sentence}" for sentence in said)]

    def build_backbone(self, modality: str) -> nn.Module:
        """The inflated ResNet-50 or the released HCN, with random weights; training begins with those of ImageNet."""
        return InflatedResNet50(self.outputs) if modality == "Video" else ReleasedHCN(self.outputs, _SKELETON_DROPOUT)

    def train_backbone(
        self, modality: str, backbone: nn.Module, *, device: str | torch.device, report: Report = silent
    ) -> float:
        """Train on augmented samples of the training split, the video backbone from weights of ImageNet on.

        Returns: the accuracy on the validation split.

        Raises:
            BmnasError: the weights of ImageNet are not there; or as `train_on_source`.
        """
        if modality == "Video":
            backbone.load_state_dict(imagenet_weights(self.options["imagenet"]), strict=False)
        return train_on_source(self, modality, backbone, _TRAINING[modality], device=device, report=report)

    def own_names(self, modality: str, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """See `Task.own_names`: also a whole model of the released code is taken."""
        return own_names(modality, state)

    def preparation(self, to: Path | None = None) -> Preparation:
        """Every video that lies as it came, scaled to 256 x 256 pixels: about a hundredth of the bytes to decode.

        Raises:
            BmnasError: there are no such videos, or no PyAV to read them with.
        """
        refuse_without_pyav()
        folder = self.folder if to is None else to
        videos = official_videos(self.folder)
        files = [(path, folder / PREPARED_VIDEOS / path.name) for path in videos]
        return Preparation("clips", folder / PREPARED_VIDEOS, files, lambda path: written_clip(read_clip(path)))

    def data_fingerprint(self, modalities: Iterable[str] | None = None) -> str:
        """SHA-256 of the names, sizes and times of the files, and of the splits they are in."""
        digest = hashlib.sha256()
        wanted = self.modalities if modalities is None else tuple(modalities)
        for name in SPLITS:
            digest.update(f"split {name}\n".encode())
            for own in self._of(name):
                for modality in wanted:
                    path = self._files.files[modality][own]
                    try:
                        status = path.stat()
                    except OSError as error:
                        raise BmnasError(f"{path}: cannot be read: {reason(error)}") from error
                    text = f"{path.parent.name}/{path.name} {status.st_size} {status.st_mtime_ns}\n"
                    digest.update(text.encode())
        return digest.hexdigest()

    def _group_name(self, group: int) -> str:
        return f"performer {group}"

    def _source(self, name: SplitName, augmented: bool) -> Recordings:
        return Recordings(self._of(name), self._files.files, self._preprocessing, augmented)

    def _of(self, name: SplitName) -> Sequence[Recording]:
        wanted = performers_of(name, self._list)
        return [own for own in self._chosen if own.performer in wanted]

    def _whole(self, name: SplitName) -> int:
        """How many samples of a split the whole data set has."""
        wanted = performers_of(name, self._list)
        without = sum(own.performer in wanted for own in without_skeleton()) if self._skips else 0
        return sum(SAMPLES[performer] for performer in wanted) - without

    @property
    def _chosen(self) -> Sequence[Recording]:
        if not self._skips:
            return self._files.recordings
        return [own for own in self._files.recordings if own not in without_skeleton()]

    @property
    def _files(self) -> Folder:
        # By its modalities, because `with_modalities` makes copies that share the rest.
        return self._listings.setdefault(self.modalities, Folder(self.folder, self.modalities))

    @cached_property
    def _listings(self) -> dict[tuple[str, ...], Folder]:
        return {}
