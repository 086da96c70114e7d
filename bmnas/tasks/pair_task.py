"""`PairTask`: texts and images, both for networks that read sequences and for fusion networks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from bmnas.genotype.stacks import SequenceInput
from bmnas.tasks.heads import HEADS, HeadName, PairObjective
from bmnas.tasks.sequences import QUESTION, REGIONS, PairData, Vocabulary
from bmnas.tasks.sequences.pooled import kinds_of, pooled_regions, pooled_texts, whole_regions
from bmnas.tasks.task import SPLITS, SampleSource, Split, SplitName, Task


class FusionSamples(NamedTuple):
    """Pairs as samples of a fusion network.

    Attributes:
        texts: (N,) rows of the pairs.
        images: (N,).
        labels: (N,) whole numbers.
    """

    texts: Tensor
    images: Tensor
    labels: Tensor


class PairTask(Task):
    """Texts and images. A subclass says its head, its sizes and its `pairs`; and `features`, for fusion networks.

    A network that reads sequences is trained on `pairs` by `pair_objective`, see `bmnas.tasks.heads`. A fusion network
    gets pooled texts and regions as features that are `ready`, see `bmnas.tasks.sequences.pooled`, and a label for each
    of `fusion_samples`.

    Attributes:
        head: the head of a network for this task: ``answer``, ``match`` or ``ground``.
        length: T: how many tokens a text has at most.
        regions: R: how many regions an image has at most.
        channels: C of a region's feature.
        fusion_words: W: how many words the features of texts tell apart, padding and unknown words included.
    """

    ready = (QUESTION, REGIONS)
    head: HeadName
    length: int
    regions: int
    channels: int
    fusion_words: int

    @abstractmethod
    def pairs(self, name: SplitName) -> PairData:
        """The pairs of a split."""

    @abstractmethod
    def vocabulary(self) -> Vocabulary:
        """Make the vocabulary, of the training split alone; `words` keeps it."""

    def limits(self) -> Mapping[str, float]:
        """Compute `ceilings`; nothing, where they are not known."""
        return {}

    @cached_property
    def words(self) -> Vocabulary:
        """The vocabulary, made of the training split alone. ``words.save`` keeps it beside what is trained."""
        return self.vocabulary()

    @cached_property
    def ceilings(self) -> Mapping[str, float]:
        """What the score of `pair_objective` is at most, by what a network makes use of; empty where it is not known.

        ``chance``, ``language alone``, ``image alone``, and ``without positions`` (text and image, but no boxes).
        """
        return self.limits()

    def sequence_inputs(self, word_size: int = 300) -> tuple[SequenceInput, SequenceInput]:
        """The inputs of an encoder-decoder genotype for this task, with all that the task supplies.

        Args:
            word_size: numbers of a word's vector.

        Example:
            >>> from bmnas.genotype.stacks import presets
            >>> from bmnas.tasks import get_task
            >>> task = get_task("scenes-ground:scenes=40")
            >>> genotype = presets.mcan_rsa(task.sequence_inputs(32), task=task.head, width=64, head_width=16, layers=1)
            >>> genotype.inputs[0].vocabulary, genotype.inputs[1].channels
            (16, 16)
        """
        return (
            SequenceInput(
                name=QUESTION, modality="Text", tokens=word_size, length=self.length, vocabulary=len(self.words)
            ),
            SequenceInput(name=REGIONS, modality="Image", channels=self.channels, length=self.regions, boxes=True),
        )

    @property
    def pair_objective(self) -> PairObjective:
        """The loss and the scores of networks on `pairs`: those of the head."""
        return HEADS[self.head]()

    def fusion_samples(self, name: SplitName) -> FusionSamples:
        """The samples of a split for fusion networks: each question with its answer, where a subclass says nothing."""
        data = self.pairs(name)
        return FusionSamples(torch.arange(len(data)), data.image, data.labels["answers"][:, 0])

    def split(self, name: SplitName) -> Split | SampleSource:
        """Pooled texts and regions as features, see `bmnas.tasks.sequences.pooled`."""
        data, samples = self.pairs(name), self.fusion_samples(name)
        inputs: dict[str, dict[str, Tensor]] = {}
        lengths: dict[str, Tensor] = {}
        for modality in self.modalities:
            kinds = cast(Any, kinds_of(self.features, modality))
            if modality == QUESTION:
                inputs[modality], told = pooled_texts(data.tokens[samples.texts], kinds, self.fusion_words)
            else:
                inputs[modality], told = pooled_regions(whole_regions(data, samples.images), kinds)
            lengths |= told
        return Split(inputs, samples.labels, lengths)

    def groups(self, name: SplitName) -> Tensor | None:
        """Samples of one image are a group."""
        start = 0
        for split in SPLITS[: SPLITS.index(name)]:
            start += len(self.pairs(split).regions)
        return self.fusion_samples(name).images + start

    def remarks(self) -> Sequence[str]:
        """What the score is at most for a network that leaves something out of account."""
        said = list(super().remarks())
        if self.ceilings:
            said.append(f"task {self.name}: {ceilings_in_words(self._fusion_ceilings())}")
        return said

    def _fusion_ceilings(self) -> Mapping[str, float]:
        """The ceilings for fusion networks, which may be asked something else than networks on `pairs`."""
        return self.ceilings


def ceilings_in_words(ceilings: Mapping[str, float]) -> str:
    """Ceilings as the end of a sentence: ``chance is 7.1 %; no network gets beyond 31.2 % from language alone``."""
    limits = [(name, value) for name, value in ceilings.items() if name != "chance"]
    parts = [f"{100 * value:.1f} % from {_FROM.get(name, name)}" for name, value in limits]
    return f"chance is {100 * ceilings['chance']:.1f} %; no network gets beyond {', '.join(parts)}"


_FROM = {"without positions": "both without positions"}
