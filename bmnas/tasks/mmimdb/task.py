"""The task ``mmimdb``: 23 genres of 25,959 movies, of which each has several, from its poster and its plot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from bmnas.fit.threads import one_thread
from bmnas.genotype import Feature
from bmnas.tasks.folder_task import FolderTask
from bmnas.tasks.mmimdb import hdf5, layout, movies, prepared, preprocessing as preprocessing_module, splits
from bmnas.tasks.mmimdb.hdf5 import MovieFile
from bmnas.tasks.mmimdb.layout import EXPECTED, FILE, GENRES, PARTS, SETS, is_prepared
from bmnas.tasks.mmimdb.movies import Movies
from bmnas.tasks.mmimdb.prepared import PreparedFolder
from bmnas.tasks.mmimdb.preprocessing import Preprocessing
from bmnas.tasks.mmimdb.splits import Sets, sets_of
from bmnas.tasks.mmimdb.weights import maps_of, own_names
from bmnas.tasks.models import maxout_mlp, vgg19
from bmnas.tasks.models.maxout_mlp import MaxoutMLP
from bmnas.tasks.models.torchvision_weights import torchvision_address, torchvision_state
from bmnas.tasks.models.vgg19 import VGG19
from bmnas.tasks.objective import MultiLabel
from bmnas.tasks.options import TaskOptions
from bmnas.tasks.progress import Report, silent
from bmnas.tasks.source_training import SourceTraining, train_on_source
from bmnas.tasks.task import SPLITS, SplitName
from bmnas.tasks.training import TrainingSettings, outputs_of, train

# By modality and depth: the submodule of the backbone, and the channels it returns.
_TAPS: Mapping[str, tuple[tuple[str, int], ...]] = MappingProxyType(
    {
        "Image": (("vgg.20", 512), ("vgg.26", 512), ("vgg.33", 512), ("vgg.36", 512)),
        "Text": (("op1", 64), ("op3", 128)),
    }
)
# Of the two backbones alone; nobody has tuned them on the data set here.
_IMAGE_TRAINING = SourceTraining(epochs=10, batch_size=64, learning_rate=1e-4, weight_decay=1e-4)
_TEXT_TRAINING = TrainingSettings(epochs=20, batch_size=128, learning_rate=1e-3, weight_decay=0.01)
# From so many posters on that are read for one, a file is slow.
_SLOW = 4


class MmimdbOptions(TaskOptions):
    """See `MmimdbTask`."""

    preprocessing: Preprocessing = Field(
        default="corrected",
        description="What the image network gets: posters as torchvision's networks were trained, or as released.",
    )
    split: str = Field(
        default="auto",
        description="What says which movies are in which split: file (the HDF5 file), a JSON file, or, with auto, "
        "split.json where the folder has it, else the HDF5 file.",
    )
    imagenet: str = Field(
        default="cache",
        description="ImageNet weights that the image network begins with: cache (torch's own), a file, or none.",
    )


class MmimdbTask(FolderTask):
    """Movies with genres; inputs ``Image`` (N, 3, 256, 160) and ``Text`` (N, 300), see `Movies`.

    The score is the F1 over genres by their movies, where a genre is an answer from a probability of 0.3 on.

    Args:
        data: the folder, with the official file or prepared by the released code, see `layout`.
        preprocessing: ``corrected``, or ``released`` for weights that were trained with the released code.
        split: see `sets_of`; of a prepared folder it makes no difference.
        imagenet: ``cache``, ``none``, or the path of a file, see `bmnas.tasks.models.torchvision_weights`.
    """

    Options: ClassVar[type[TaskOptions]] = MmimdbOptions

    name = "mmimdb"
    outputs = len(GENRES)
    objective = MultiLabel(threshold=0.3)
    features = tuple(
        Feature(name=f"{modality}_{depth}", modality=modality, channels=channels, reshape="grid")
        for modality, taps in _TAPS.items()
        for depth, (_, channels) in enumerate(taps, 1)
    )
    taps = MappingProxyType(
        {f"{modality}_{depth}": name for modality, taps in _TAPS.items() for depth, (name, _) in enumerate(taps, 1)}
    )
    settings: Mapping[str, Any] = MappingProxyType(
        {"channels": 192, "length": 16, "batch_size": 96, "epochs": 12, "train_epochs": 30}
    )
    # Of 128 posters the first maps of VGG-19 alone take 1.3 GB.
    extraction_batch = 32
    code = (hdf5, layout, movies, prepared, preprocessing_module, splits, maxout_mlp, vgg19)

    def __init__(
        self,
        data: Path,
        *,
        preprocessing: Preprocessing = "corrected",
        split: str = "auto",
        imagenet: str = "cache",
    ) -> None:
        self.options = {"preprocessing": preprocessing, "split": split, "imagenet": imagenet}
        MmimdbOptions.chosen(self.name, self.options)
        self._folder, self._split, self._imagenet = data, split, imagenet
        self._preprocessing: Preprocessing = preprocessing
        if imagenet == "cache":
            self.pretrained = {"Image": torchvision_address("vgg19")}

    @classmethod
    def needs(cls) -> str:
        """See `FolderTask.needs`."""
        return EXPECTED

    @classmethod
    def of_options(cls, options: Mapping[str, Any]) -> Self:
        """See `Task.of_options`."""
        return cls(Path(), **options)

    @property
    def class_names(self) -> Sequence[str]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        """The genres, as the file calls them."""
        return self._file.genres if (self._folder / FILE).is_file() else GENRES

    def split(self, name: SplitName) -> Movies:
        """The movies of a split, in the order of the split file, or else of the file, or by number.

        Raises:
            BmnasError: the folder does not hold the data set, or something in it is wrong; the sentence says what.
        """
        if self._is_prepared:
            store = self._prepared(name)
            numbers: Sequence[int] = store.numbers(self._parts(self.modalities))
            return Movies(store, numbers, self.modalities, self._preprocessing)
        return Movies(self._file, self._sets.rows[name], self.modalities, self._preprocessing)

    def remarks(self) -> Sequence[str]:
        """See `Task.remarks`; and how a split file differs, what is slow, which preprocessing suits weights."""
        said = [*super().remarks()]
        if not self._is_prepared:
            said += self._sets.remarks
            if (together := self._file.rows_together) >= _SLOW:
                said.append(
                    f"{FILE} has {together} posters in one piece, so reading is slow; h5repack -l images:CONTI writes "
                    "a file in which they are apart"
                )
        return said

    def data_fingerprint(self, modalities: Iterable[str] | None = None) -> str:
        """SHA-256 of sizes and times of the files, and of which movies are in which split."""
        digest, parts = hashlib.sha256(), self._parts(self.modalities if modalities is None else modalities)
        for name in SPLITS:
            if self._is_prepared:
                store = self._prepared(name)
                numbers: Sequence[int] = store.numbers(parts)
                for stamp in store.stamps(parts, numbers):
                    digest.update(stamp.encode())
            else:
                numbers = self._sets.rows[name]
                digest.update(f"{self._file.stamp}\n".encode())
            digest.update(f"{name} {list(numbers)}\n".encode())
        return digest.hexdigest()

    def build_backbone(self, modality: str) -> nn.Module:
        """VGG-19, or the Maxout MLP, with random weights; the training of VGG-19 begins with those of ImageNet."""
        return VGG19(self.outputs) if modality == "Image" else MaxoutMLP(self.outputs)

    def train_backbone(
        self, modality: str, backbone: nn.Module, *, device: str | torch.device, report: Report = silent
    ) -> float:
        """Train on the training split, VGG-19 from weights of ImageNet on.

        Returns: the score on the validation split.

        Raises:
            BmnasError: the weights of ImageNet are not there; the sentence says how to get them.
        """
        if modality == "Image":
            if self._imagenet != "none":
                file = None if self._imagenet == "cache" else Path(self._imagenet).expanduser()
                backbone.load_state_dict(maps_of(torchvision_state("vgg19", file)), strict=False)
            return train_on_source(self, modality, backbone, _IMAGE_TRAINING, device=device, report=report)
        vectors, labels = self._texts("train")
        held_out, truth = self._texts("validation")
        phase = "backbone Text"
        with one_thread():
            train(backbone, vectors, labels, self.loss, _TEXT_TRAINING, device=device, phase=phase, report=report)
            outputs = outputs_of(backbone, held_out, device=device)
        return self.metric.score(outputs, truth)

    def own_names(self, modality: str, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """See `own_names` of `bmnas.tasks.mmimdb.weights`."""
        return own_names(modality, state, self.outputs)

    def _parts(self, modalities: Iterable[str]) -> list[str]:
        return [*(PARTS[modality] for modality in modalities), "label"]

    def _texts(self, name: SplitName) -> tuple[Tensor, Tensor]:
        """All vectors (N, 300) and labels (N, 23) of a split: 19 MB of the largest one."""
        source = self.with_modalities(["Text"]).split(name)
        samples = [source[index] for index in range(len(source))]
        return torch.stack([inputs["Text"] for inputs, _ in samples]), torch.stack([label for _, label in samples])

    def _prepared(self, name: SplitName) -> PreparedFolder:
        return PreparedFolder(self._folder / SETS[name])

    @cached_property
    def _is_prepared(self) -> bool:
        return is_prepared(self._folder)

    @cached_property
    def _file(self) -> MovieFile:
        # Whatever modalities are chosen later.
        return MovieFile.found(self._folder / FILE, self._parts(self.modalities))

    @cached_property
    def _sets(self) -> Sets:
        return sets_of(self._file, self._split)
