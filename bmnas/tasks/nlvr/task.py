"""The task `nlvr`: is a sentence that a person wrote true of a picture of three boxes with shapes in them?

Cornell Natural Language for Visual Reasoning (Suhr, Lewis, Yeh and Artzi, ACL 2017). Regions are a picture's objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import permutations
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.tasks.folder_task import FolderTask
from bmnas.tasks.nlvr import files
from bmnas.tasks.nlvr.files import BOXES, COLOURS, PICTURE, SHAPES, SIDE, STARTS, Example, file_of, read_examples
from bmnas.tasks.options import TaskOptions
from bmnas.tasks.pair_task import PairTask
from bmnas.tasks.sequences import PairData, RegionTable, Vocabulary, pooled, single_answers
from bmnas.tasks.sequences.pooled import region_features, text_features
from bmnas.tasks.task import SplitName

# A picture has 21 objects at most; the longest sentences have some forty words, and what is longer is cut.
_REGIONS = 24
_LENGTH = 40
# How many words the features of fusion networks tell apart; the corpus has about 260.
_PLACES = 384
_SIZE = 30
_CHANNELS = len(SHAPES) + len(COLOURS) + BOXES + 3
_PARTS: Mapping[SplitName, str] = MappingProxyType({"train": "train", "validation": "dev", "test": "test"})


class NlvrOptions(TaskOptions):
    """See `NlvrTask`."""

    hidden: bool = Field(default=True, description="Train on the part hidden, too, where the folder has it.")
    orders: bool = Field(default=True, description="Show the boxes of a training picture in all six orders.")


class NlvrTask(PairTask, FolderTask):
    """Sentences and pictures; the labels are ``false`` and ``true``.

    A region is an object: its shape, colour and box as ones at their places, its size, and where it is in its box; its
    box in pixels is where it is in the picture. Validation is the part ``dev``.

    Args:
        data: the folder.
        hidden: whether the part ``hidden`` is trained on, where it is there.
        orders: whether the boxes of training pictures are shown in all six orders: sentences do not speak of an order.
    """

    Options: ClassVar[type[TaskOptions]] = NlvrOptions

    name = "nlvr"
    head = "answer"
    length = _LENGTH
    regions = _REGIONS
    channels = _CHANNELS
    fusion_words = _PLACES
    outputs = 2
    class_names = ("false", "true")
    features = (
        *text_features(("bag",), _PLACES),
        *region_features(("each", "max", "mean"), _CHANNELS, _REGIONS),
    )
    settings: Mapping[str, Any] = MappingProxyType(
        {"channels": 32, "length": 8, "batch_size": 64, "epochs": 10, "train_epochs": 20}
    )
    code = (files, pooled)

    def __init__(self, data: Path, hidden: bool = True, orders: bool = True) -> None:
        self._data = data
        self.options: Mapping[str, Any] = MappingProxyType({"hidden": hidden, "orders": orders})
        self._made: dict[SplitName, PairData] = {}

    @classmethod
    def needs(cls) -> str:
        """See `FolderTask.needs`."""
        return files.HOW_TO_GET

    def vocabulary(self) -> Vocabulary:
        """See `PairTask.vocabulary`: words that occur once only are unknown, as many of them are typing errors."""
        return Vocabulary.of([example.sentence for example in self._examples("train")], least=2, most=_PLACES)

    def pairs(self, name: SplitName) -> PairData:
        """The sentences of a split in the order of its files; of training, each picture in its six orders.

        Raises:
            BmnasError: a file is missing, or is not what it should be; the message names the line.
        """
        if name not in self._made:
            self._made[name] = self._pairs(name)
        return self._made[name]

    def limits(self) -> Mapping[str, float]:
        """On the test split: the more frequent label for all, for each sentence the one that is most often right."""
        examples = self._examples("test")
        labels: dict[str, list[int]] = {}
        for example in examples:
            labels.setdefault(example.sentence, []).append(example.label)
        true = sum(example.label for example in examples) / len(examples)
        best = sum(max(sum(own), len(own) - sum(own)) for own in labels.values())
        return {"chance": max(true, 1 - true), "language alone": best / len(examples)}

    def groups(self, name: SplitName) -> Tensor | None:
        """Samples of one presentation are a group: they share a sentence."""
        times = self._times(name)
        return torch.tensor([example.presentation for example in self._examples(name) for _ in range(times)])

    def _pairs(self, name: SplitName) -> PairData:
        examples, times = self._examples(name), self._times(name)
        orders = list(permutations(range(BOXES)))[:times]
        sentences = self.words.encode([example.sentence for example in examples], self.length)
        labels = torch.tensor([example.label for example in examples])
        return PairData(
            torch.from_numpy(sentences).repeat_interleave(times, dim=0),
            _regions(examples, orders),
            torch.arange(len(examples) * times),
            len(self.words),
            single_answers(labels.repeat_interleave(times)),
            self.outputs,
            where=f"the {name} split of task {self.name}",
        )

    def _times(self, name: SplitName) -> int:
        return 6 if name == "train" and self.options["orders"] else 1

    def _examples(self, name: SplitName) -> Sequence[Example]:
        if name not in self._read:
            path = file_of(self._data, _PARTS[name])
            if path is None:
                raise BmnasError(f"{self._data / _PARTS[name]}.jsonl: is missing; {files.HOW_TO_GET}")
            hidden = file_of(self._data, "hidden") if name == "train" and self.options["hidden"] else None
            self._read[name] = [*read_examples(path), *(read_examples(hidden) if hidden else ())]
        return self._read[name]

    @cached_property
    def _read(self) -> dict[SplitName, Sequence[Example]]:
        return {}


def _regions(examples: Sequence[Example], orders: Sequence[Sequence[int]]) -> RegionTable:
    """The pictures of examples, each with its boxes in some orders; the objects of a box stay together."""
    count, things = len(examples), np.zeros((len(examples), _REGIONS, 5))
    box = np.full((count, _REGIONS), -1)
    for row, example in enumerate(examples):
        own = [(place, thing) for place, each in enumerate(example.boxes) for thing in each]
        box[row, : len(own)] = [place for place, _ in own]
        things[row, : len(own)] = [thing for _, thing in own]
    there = box >= 0
    features, boxes = [], []
    for order in orders:
        place = np.argsort(order)[box]
        left, top, size = np.array(STARTS)[place] + things[..., 3], things[..., 4], things[..., 2]
        ones = [np.eye(len(SHAPES))[things[..., 0].astype(int)], np.eye(len(COLOURS))[things[..., 1].astype(int)]]
        numbers = things[..., 2:] / np.array([_SIZE, SIDE, SIDE])
        features.append(np.concatenate([*ones, np.eye(BOXES)[place], numbers], axis=-1) * there[..., None])
        boxes.append(np.stack([left, top, left + size, top + size], axis=-1) * there[..., None])
    names = [example.where for example in examples for _ in orders]
    sizes = torch.tensor(PICTURE, dtype=torch.float32).expand(len(names), 2)
    return RegionTable(_flat(features), _flat(boxes), sizes, names)


def _flat(parts: list[np.ndarray[Any, Any]]) -> Tensor:
    """(orders, examples, ...) as (examples · orders, ...), float32."""
    return torch.from_numpy(np.stack(parts, axis=1).astype(np.float32)).flatten(0, 1)
