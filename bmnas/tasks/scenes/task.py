"""The tasks `scenes-answer`, `scenes-match` and `scenes-ground`: made-up texts and images, made on the spot in seconds.

What a thing looks like and where it is are told apart: a region's feature says colour and shape, its box alone where
it is and how large. So it is known how far a network gets without the words, the image, or the boxes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from bmnas.tasks.options import TaskOptions
from bmnas.tasks.pair_task import FusionSamples, PairTask
from bmnas.tasks.scenes import answering, grounding, matching, things
from bmnas.tasks.scenes.answering import ANSWERS, FAMILIES, TEXTS, draw_questions, without_positions
from bmnas.tasks.scenes.grounding import DESCRIPTIONS, KIND_NAMES, draw_descriptions
from bmnas.tasks.scenes.matching import GALLERY, draw_galleries, text_of
from bmnas.tasks.scenes.things import CHANNELS, KINDS, MOST, Array, region_table, seed_of
from bmnas.tasks.sequences import PairData, Vocabulary, longest, pooled, single_answers
from bmnas.tasks.sequences.pairs import TRUTH
from bmnas.tasks.sequences.pooled import region_features, text_features
from bmnas.tasks.task import SPLITS, SplitName

T = TypeVar("T")

# How many words the features of fusion networks tell apart: the templates have less.
_PLACES = 32
_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {"channels": 32, "length": 8, "batch_size": 128, "epochs": 10, "train_epochs": 20}
)


class ScenesOptions(TaskOptions):
    """See `ScenesTask`."""

    scenes: int = Field(default=4000, ge=40, le=100_000, description="Scenes of the training split.")
    seed: int = Field(default=0, ge=0, lt=2**32, description="Seed of the data, not of a search.")


class ScenesTask(PairTask):
    """Texts about scenes of 4 to 8 things of four colours, four shapes and eight sizes.

    Args:
        scenes: of the training split; validation and test have 500 each.
        seed: of the data. The seed of a search does not change them.

    Raises:
        BmnasError: an option cannot be one.
    """

    Options: ClassVar[type[TaskOptions]] = ScenesOptions

    regions = MOST
    channels = CHANNELS
    fusion_words = _PLACES
    features = (
        *text_features(("words", "end", "bag"), _PLACES),
        *region_features(("each", "max", "mean"), CHANNELS, MOST),
    )
    settings = _SETTINGS
    code: tuple[object, ...] = (things, pooled)

    def __init__(self, scenes: int = 4000, seed: int = 0) -> None:
        chosen = self.Options.chosen(self.name, {"scenes": scenes, "seed": seed})
        self.options: Mapping[str, Any] = MappingProxyType(chosen.model_dump())
        self._made: dict[tuple[str, SplitName], Any] = {}

    def pairs(self, name: SplitName) -> PairData:
        """See `PairTask.pairs`."""
        return self._once("pairs", name, lambda: self._pairs(name))

    def vocabulary(self) -> Vocabulary:
        """See `PairTask.vocabulary`."""
        return Vocabulary.of(self._texts("train"))

    @abstractmethod
    def _pairs(self, name: SplitName) -> PairData:
        """Make the pairs of a split."""

    @abstractmethod
    def _texts(self, name: SplitName) -> list[str]:
        """The texts of a split."""

    def _once(self, what: str, name: SplitName, make: Callable[[], T]) -> T:
        """What is made of a split; the second time what was made before."""
        if (what, name) not in self._made:
            self._made[what, name] = make()
        found: T = self._made[what, name]
        return found

    def _scenes(self, name: SplitName, held_out: int = 500) -> tuple[int, np.random.RandomState]:
        """How many scenes a split has, and from what they are drawn."""
        count = self.options["scenes"] if name == "train" else held_out
        return count, seed_of(self.options["seed"], SPLITS.index(name))


class ScenesAnswerTask(ScenesTask):
    """Four questions about each scene: which shape, and which color, is nearest to the one red ball; how many things
    are bigger; is there a red ball.

    Which answer is right is drawn evenly before the scene, so words alone are right with one answer of four, or two. An
    image alone does not tell which family is asked, and families share no answer.
    """

    name = "scenes-answer"
    head = "answer"
    length = longest(TEXTS)
    outputs = len(ANSWERS)
    class_names = ANSWERS
    code = (things, pooled, answering)

    def limits(self) -> Mapping[str, float]:
        """Computed: that without positions by Bayes' rule on the scenes of the test split."""
        asked = self._drawn("test")
        nearest = without_positions(asked.scenes.kind, asked.text[:, 0] % len(KINDS))
        return {
            "chance": 1 / len(ANSWERS),
            "language alone": (1 / 4 + 1 / 4 + 1 / 4 + 1 / 2) / len(FAMILIES),
            "image alone": 1 / len(FAMILIES),
            "without positions": (sum(nearest) + 1 / 4 + 1) / len(FAMILIES),
        }

    def _pairs(self, name: SplitName) -> PairData:
        asked = self._drawn(name)
        count, per = asked.text.shape
        return PairData(
            torch.from_numpy(self.words.encode(self._texts(name), self.length)),
            region_table(asked.scenes, seed_of(self.options["seed"], 10 + SPLITS.index(name))),
            torch.arange(count).repeat_interleave(per),
            len(self.words),
            single_answers(torch.from_numpy(asked.answer.reshape(-1))),
            self.outputs,
            torch.arange(per).repeat(count),
            FAMILIES,
            where=f"the {name} split of task {self.name}",
        )

    def _texts(self, name: SplitName) -> list[str]:
        return [TEXTS[place] for place in self._drawn(name).text.reshape(-1)]

    def _drawn(self, name: SplitName) -> answering.Questions:
        return self._once("drawn", name, lambda: draw_questions(*self._scenes(name)))


class ScenesMatchTask(ScenesTask):
    """Two texts of each scene, true of it alone among twenty: "a red ball nearest to a blue cube and ...".

    The twenty are ten pairs of twins, the same things in other places. For fusion networks the question is whether a
    text is true of an image: of its own, or of that one's twin.
    """

    name = "scenes-match"
    head = "match"
    length = 17
    outputs = 2
    class_names = ("false", "true")
    code = (things, pooled, matching)

    def limits(self) -> Mapping[str, float]:
        """Exact, of recall at 1 from text to image: twenty images, ten pairs of the same things."""
        guess = 1 / GALLERY
        return {"chance": guess, "language alone": guess, "image alone": guess, "without positions": 1 / 2}

    def _fusion_ceilings(self) -> Mapping[str, float]:
        return dict.fromkeys(self.ceilings, 1 / 2)

    def fusion_samples(self, name: SplitName) -> FusionSamples:
        """Each text with its image, and with the twin of that."""
        data = self.pairs(name)
        texts = torch.arange(len(data)).repeat_interleave(2)
        true = torch.tensor([1, 0]).repeat(len(data))
        own = data.image[texts]
        # Twins follow one another.
        return FusionSamples(texts, torch.where(true == 1, own, own ^ 1), true)

    def groups(self, name: SplitName) -> Tensor | None:
        """Samples of one pair of twins are a group."""
        groups = super().groups(name)
        assert groups is not None
        return groups // 2

    def _pairs(self, name: SplitName) -> PairData:
        scenes = self._drawn(name).scenes
        count = len(scenes)
        return PairData(
            torch.from_numpy(self.words.encode(self._texts(name), self.length)),
            region_table(scenes, seed_of(self.options["seed"], 10 + SPLITS.index(name))),
            torch.arange(count).repeat_interleave(matching.TEXTS),
            len(self.words),
            gallery=torch.arange(count) // GALLERY,
            where=f"the {name} split of task {self.name}",
        )

    def _texts(self, name: SplitName) -> list[str]:
        return [text_of(clauses) for scene in self._drawn(name).clauses for clauses in scene]

    def _drawn(self, name: SplitName) -> matching.Galleries:
        scenes, random = self._scenes(name)
        return self._once("drawn", name, lambda: draw_galleries(scenes // GALLERY, random))


class ScenesGroundTask(ScenesTask):
    """Four descriptions for each scene of one of two things that look alike: "the larger red ball", "the red ball
    nearest to the blue cube". Regions are proposals, whose boxes overlap those of the things by 0.55 at least.

    For fusion networks the question is which of the eight regions it is, in the order of a feature that has them all.
    """

    name = "scenes-ground"
    head = "ground"
    length = 8
    outputs = MOST
    class_names = tuple(f"region {place + 1}" for place in range(MOST))
    features = (
        *text_features(("words", "end", "bag"), _PLACES),
        *region_features(("each", "mean", "slots"), CHANNELS, MOST),
    )
    code = (things, pooled, grounding)

    def limits(self) -> Mapping[str, float]:
        """Computed: without the image any region may be meant, with it one of two that look alike."""
        guess = float((1 / self._drawn("test").scenes.count).mean())
        return {"chance": guess, "language alone": guess, "image alone": 1 / 2, "without positions": 1 / 2}

    def fusion_samples(self, name: SplitName) -> FusionSamples:
        """Each description with the place of the region that is meant."""
        data = self.pairs(name)
        target = torch.from_numpy(self._drawn(name).target.reshape(-1))
        return FusionSamples(torch.arange(len(data)), data.image, target)

    def _pairs(self, name: SplitName) -> PairData:
        drawn = self._drawn(name)
        count = len(drawn.scenes)
        truth: Array = np.take_along_axis(drawn.scenes.boxes, drawn.target[..., None], axis=1).reshape(-1, 4)
        return PairData(
            torch.from_numpy(self.words.encode(self._texts(name), self.length)),
            region_table(drawn.scenes, seed_of(self.options["seed"], 10 + SPLITS.index(name)), drawn.proposals),
            torch.arange(count).repeat_interleave(DESCRIPTIONS),
            len(self.words),
            {TRUTH: torch.from_numpy(truth.astype(np.float32))},
            kinds=torch.tensor([0, 0, 1, 1]).repeat(count),
            kind_names=KIND_NAMES,
            where=f"the {name} split of task {self.name}",
        )

    def _texts(self, name: SplitName) -> list[str]:
        return [text for texts in self._drawn(name).texts for text in texts]

    def _drawn(self, name: SplitName) -> grounding.Descriptions:
        return self._once("drawn", name, lambda: draw_descriptions(*self._scenes(name)))
