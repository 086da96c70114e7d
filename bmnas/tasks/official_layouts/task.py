"""The tasks `vqa-v2`, `refcoco` and `flickr30k`, on data folders in the layouts in which these are given."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.tasks.folder_task import FolderTask
from bmnas.tasks.official_layouts import answers, flickr30k, refcoco, region_files, source, vqa
from bmnas.tasks.official_layouts.flickr30k import CAPTIONS, Caption, read_captions, read_file_names
from bmnas.tasks.official_layouts.records import file_in
from bmnas.tasks.official_layouts.refcoco import Description, read_descriptions
from bmnas.tasks.official_layouts.region_files import ENDING, EXPECTED, RegionFiles, files_by_number
from bmnas.tasks.official_layouts.source import PairSource
from bmnas.tasks.official_layouts.vqa import KINDS, Answered, Question, answer_labels, answer_words
from bmnas.tasks.options import TaskOptions
from bmnas.tasks.pair_task import FusionSamples, PairTask
from bmnas.tasks.sequences import PairData, Vocabulary, pooled
from bmnas.tasks.sequences.pairs import ANSWERS, SCORES, TRUTH
from bmnas.tasks.sequences.pooled import region_features, text_features
from bmnas.tasks.task import SPLITS, SplitName

# How many words the features of fusion networks tell apart.
_PLACES = 2048


class OfficialOptions(TaskOptions):
    """See `OfficialTask`."""

    regions: int = Field(default=100, ge=1, le=1000, description="How many regions an image has at most.")
    channels: int = Field(default=2048, ge=1, le=65_536, description="Numbers of a region's feature.")


class OfficialTask(PairTask, FolderTask):
    """A task on a folder, whose regions are read when their image is asked for.

    Args:
        data: the folder.
        options: those of `Options`, all of them.
    """

    Options: ClassVar[type[TaskOptions]] = OfficialOptions

    fusion_words = _PLACES
    settings: Mapping[str, Any] = MappingProxyType({"channels": 128, "length": 1, "batch_size": 256})
    code: tuple[object, ...] = (region_files, source, pooled)

    def __init__(self, data: Path, **options: Any) -> None:
        self._data = data
        self.options = MappingProxyType(self.Options.chosen(self.name, options).model_dump())
        self.regions, self.channels = int(self.options["regions"]), int(self.options["channels"])
        self.features = (
            *text_features(("bag",), _PLACES),
            *region_features(("max", "mean"), self.channels, self.regions),
        )
        self._made: dict[SplitName, PairData] = {}

    def vocabulary(self) -> Vocabulary:
        """See `PairTask.vocabulary`."""
        return Vocabulary.of(self._texts("train"))

    def pairs(self, name: SplitName) -> PairData:
        """The pairs of a split in the order of its file; regions are read later.

        Raises:
            BmnasError: a file is missing, or is not what it should be.
        """
        if name not in self._made:
            self._made[name] = self._pairs(name)
        return self._made[name]

    def split(self, name: SplitName) -> PairSource:
        """The samples of a split, read one by one."""
        return PairSource(self.pairs(name), self.fusion_samples(name), self.features, self.fusion_words)

    def data_fingerprint(self, modalities: Iterable[str] | None = None) -> str:
        """SHA-256 of the tokens, the labels and the names, sizes and times of the images' files."""
        digest = hashlib.sha256()
        for name in SPLITS:
            data = self.pairs(name)
            for values in (data.tokens, data.image, *data.labels.values()):
                digest.update(values.numpy().tobytes())
            for path in self._paths(data):
                about = path.stat()
                digest.update(f"{path.name} {about.st_size} {about.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def check(self) -> None:
        """Look at the texts and labels of every split; regions are looked at when they are read."""
        for name in SPLITS:
            if len(self.split(name)) == 0:
                raise BmnasError(f"the {name} split of task {self.name} is empty")

    @abstractmethod
    def _pairs(self, name: SplitName) -> PairData:
        """Read a split."""

    @abstractmethod
    def _texts(self, name: SplitName) -> list[str]:
        """The texts of a split."""

    def _tokens(self, name: SplitName) -> Tensor:
        return torch.from_numpy(self.words.encode(self._texts(name), self.length))

    def _paths(self, data: PairData) -> Sequence[Path]:
        assert isinstance(data.regions, RegionFiles)
        return data.regions.paths

    def _region_files(self, paths: Sequence[Path]) -> tuple[RegionFiles, Tensor]:
        """The images of texts, each once, and which of them each text has."""
        places = {path: place for place, path in enumerate(dict.fromkeys(paths))}
        images = RegionFiles(list(places), self.regions, self.channels)
        return images, torch.tensor([places[path] for path in paths])

    def _where(self, name: SplitName) -> str:
        return f"the {name} split of task {self.name}"


class VqaOptions(OfficialOptions):
    """See `VqaTask`."""

    outputs: int = Field(default=3129, ge=1, le=100_000, description="How many answers there are at most.")
    more_than: int = Field(default=8, ge=0, description="Answers are those that are usual more often than this.")


class VqaTask(OfficialTask):
    """VQA-v2: questions with the answers of ten people; the score is the official accuracy.

    Of ``train2014`` the images whose number is divisible by 20 are for validation; test is ``val2014``, the answers of
    whose questions are public. A fusion network learns the best of the known answers; questions without one are left
    out there.
    """

    Options: ClassVar[type[TaskOptions]] = VqaOptions

    name = "vqa-v2"
    head = "answer"
    length = 14
    code = (region_files, source, pooled, vqa, answers)

    def __init__(
        self, data: Path, regions: int = 100, channels: int = 2048, outputs: int = 3129, more_than: int = 8
    ) -> None:
        super().__init__(data, regions=regions, channels=channels, outputs=outputs, more_than=more_than)
        self.outputs = int(self.options["outputs"])

    @classmethod
    def needs(cls) -> str:
        """See `FolderTask.needs`."""
        return (
            "the data folder holds v2_OpenEnded_mscoco_train2014_questions.json, v2_mscoco_train2014_annotations.json, "
            f"the two of val2014, and the folders train2014 and val2014 with {EXPECTED} (from visualqa.org)"
        )

    @cached_property
    def known_answers(self) -> tuple[str, ...]:
        """The answers by number: the frequent ones of the training split, the most frequent first."""
        return answer_words(self._asked("train")[1], self.options["more_than"])[: self.outputs]

    def fusion_samples(self, name: SplitName) -> FusionSamples:
        """Each question with a known answer, and the best of these."""
        data = self.pairs(name)
        best = data.labels[SCORES].argmax(dim=1, keepdim=True)
        label = data.labels[ANSWERS].gather(1, best)[:, 0]
        rows = (label >= 0).nonzero()[:, 0]
        return FusionSamples(rows, data.image[rows], label[rows])

    def _pairs(self, name: SplitName) -> PairData:
        questions, answered = self._asked(name)
        split = _vqa_split(name)
        folder = next(
            (path for path in (self._data / split, *sorted(self._data.glob(f"*/{split}"))) if path.is_dir()), None
        )
        files = files_by_number(folder or self._data / split)
        for question in questions:
            if question.image not in files:
                raise BmnasError(
                    f"{folder}: has no regions of image {question.image}, which question {question.number} is about"
                )
        regions, image = self._region_files([files[question.image] for question in questions])
        return PairData(
            self._tokens(name),
            regions,
            image,
            len(self.words),
            answer_labels(answered, self.known_answers),
            self.outputs,
            torch.tensor([each.kind for each in answered]),
            KINDS,
            where=self._where(name),
        )

    def _texts(self, name: SplitName) -> list[str]:
        return [question.text for question in self._asked(name)[0]]

    def _asked(self, name: SplitName) -> tuple[Sequence[Question], Sequence[Answered]]:
        split = _vqa_split(name)
        if split not in self._files:
            asked = file_in(self._data, [f"v2_OpenEnded_mscoco_{split}_questions.json"], self.needs())
            path = file_in(self._data, [f"v2_mscoco_{split}_annotations.json"], self.needs())
            read = vqa.read_questions(asked)
            self._files[split] = read, vqa.read_answers(path, read, asked)
        questions, answered = self._files[split]
        if name == "test":
            return questions, answered
        chosen = [
            (question, own)
            for question, own in zip(questions, answered, strict=True)
            if (question.image % _EVERY == 0) == (name == "validation")
        ]
        if not chosen:
            raise BmnasError(
                f"{self._data}: no image of {split} is for the {name} split: its number modulo {_EVERY} says"
            )
        return [question for question, _ in chosen], [own for _, own in chosen]

    @cached_property
    def _files(self) -> dict[str, tuple[Sequence[Question], Sequence[Answered]]]:
        return {}


# Every so-manieth image of training is for validation.
_EVERY = 20


def _vqa_split(name: SplitName) -> str:
    return "val2014" if name == "test" else "train2014"


class RefcocoOptions(OfficialOptions):
    """See `RefcocoTask`."""

    test: Literal["testA", "testB", "test"] = Field(
        default="testA", description="The split for test; RefCOCOg's is test."
    )


class RefcocoTask(OfficialTask):
    """RefCOCO, RefCOCO+ or RefCOCOg: which thing does a description mean? Its box is to be overlapped by 0.5 or more.

    A fusion network has no output for each region, so this task is for networks that read sequences.
    """

    Options: ClassVar[type[TaskOptions]] = RefcocoOptions

    name = "refcoco"
    head = "ground"
    length = 15
    code = (region_files, source, pooled, refcoco)

    def __init__(
        self,
        data: Path,
        regions: int = 100,
        channels: int = 2048,
        test: Literal["testA", "testB", "test"] = "testA",
    ) -> None:
        super().__init__(data, regions=regions, channels=channels, test=test)
        self.outputs = self.regions

    @classmethod
    def needs(cls) -> str:
        """See `FolderTask.needs`."""
        return (
            "the data folder holds train.json, val.json and testA.json as MMnas prepares them, and the folder regions "
            "with an archive FILE_NAME.npz an image (refs(unc).p is no data but a program: it is not read)"
        )

    def fusion_samples(self, name: SplitName) -> FusionSamples:
        """Refused.

        Raises:
            BmnasError: always.
        """
        raise BmnasError(f"task {self.name} asks for a region: only a network that reads sequences answers with one")

    def _pairs(self, name: SplitName) -> PairData:
        described = self._described(name)
        regions, image = self._region_files([self._data / "regions" / f"{each.file}{ENDING}" for each in described])
        return PairData(
            self._tokens(name),
            regions,
            image,
            len(self.words),
            {TRUTH: torch.tensor([each.box for each in described])},
            where=self._where(name),
        )

    def _texts(self, name: SplitName) -> list[str]:
        return [each.text for each in self._described(name)]

    def _described(self, name: SplitName) -> Sequence[Description]:
        if name not in self._files:
            part = {"train": "train", "validation": "val", "test": self.options["test"]}[name]
            self._files[name] = read_descriptions(file_in(self._data, [f"{part}.json"], self.needs()))
        return self._files[name]

    @cached_property
    def _files(self) -> dict[SplitName, Sequence[Description]]:
        return {}


class FlickrOptions(OfficialOptions):
    """See `FlickrTask`."""

    regions: int = Field(default=36, ge=1, le=1000, description="How many regions an image has at most.")


class FlickrTask(OfficialTask):
    """Flickr30K: which caption, of five an image, belongs to which image? Recall at 1, 5 and 10 in both directions.

    For fusion networks the question is whether a caption belongs to an image: to its own, or to the next one.
    """

    Options: ClassVar[type[TaskOptions]] = FlickrOptions

    name = "flickr30k"
    head = "match"
    length = 50
    outputs = 2
    class_names = ("false", "true")
    code = (region_files, source, pooled, flickr30k)

    def __init__(self, data: Path, regions: int = 36, channels: int = 2048) -> None:
        super().__init__(data, regions=regions, channels=channels)

    @classmethod
    def needs(cls) -> str:
        """See `FolderTask.needs`."""
        return (
            "the data folder holds train_caps.txt, train_ids.txt, those of dev and test, dataset_flickr30k.json, and "
            "the folder regions with an archive FILENAME.npz an image"
        )

    def fusion_samples(self, name: SplitName) -> FusionSamples:
        """Each caption with its image, and with the next one of the split."""
        data = self.pairs(name)
        texts, true = torch.arange(len(data)).repeat_interleave(2), torch.tensor([1, 0]).repeat(len(data))
        own = data.image[texts]
        return FusionSamples(texts, torch.where(true == 1, own, (own + 1) % len(data.regions)), true)

    def _pairs(self, name: SplitName) -> PairData:
        captions = self._captions(name)
        for caption in captions[::CAPTIONS]:
            if caption.image not in self._names:
                raise BmnasError(f"{self._data / _LIST}: has no image {caption.image}, of which there are captions")
        folder = self._data / "regions"
        regions, image = self._region_files([folder / f"{self._names[each.image]}{ENDING}" for each in captions])
        return PairData(self._tokens(name), regions, image, len(self.words), where=self._where(name))

    def _texts(self, name: SplitName) -> list[str]:
        return [each.text for each in self._captions(name)]

    def _captions(self, name: SplitName) -> Sequence[Caption]:
        if name not in self._files:
            part = {"train": "train", "validation": "dev", "test": "test"}[name]
            texts, numbers = (file_in(self._data, [f"{part}_{what}.txt"], self.needs()) for what in ("caps", "ids"))
            self._files[name] = read_captions(texts, numbers)
        return self._files[name]

    @cached_property
    def _names(self) -> Mapping[int, str]:
        return read_file_names(file_in(self._data, [_LIST], self.needs()))

    @cached_property
    def _files(self) -> dict[SplitName, Sequence[Caption]]:
        return {}


_LIST = "dataset_flickr30k.json"
