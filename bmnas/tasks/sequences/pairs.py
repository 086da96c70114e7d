"""`PairData`: texts, each with an image, whose regions lie in a table once, and what is to be said of them.

Axes: N pairs, B of a batch, T tokens, R regions, C channels, K answers that count for one question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import torch
from torch import Tensor

from bmnas.errors import BmnasError, did_you_mean
from bmnas.tasks.sequences.checks import refuse_wrong_index, refuse_wrong_tokens
from bmnas.tasks.sequences.names import BOXES, IMAGE, QUESTION, REGIONS
from bmnas.tasks.sequences.regions import RegionSource

Inputs: TypeAlias = dict[str, Tensor]

ANSWERS = "answers"
SCORES = "scores"
TRUTH = "truth"
LABELS = (ANSWERS, SCORES, TRUTH)


@dataclass(frozen=True, eq=False)
class PairData:
    """Pairs of a text and an image.

    Attributes:
        tokens: (N, T) int64, 0 behind the last word.
        regions: the images.
        image: (N,) int64: to which image each text belongs.
        labels: what is known of each pair. Of a question ``answers`` (N, K) int64 with -1 where there are fewer, and
            ``scores`` (N, K) from 0 to 1, how right each is; all other answers have 0. Of a description of a thing
            ``truth`` (N, 4): its box, x1, y1, x2, y2 in pixels. Of a text that is to be found, nothing: it belongs to
            its image.
        kinds: (N,) int64: of which kind a question is, for scores by kind; empty where there are no kinds.
        kind_names: what the kinds are called.
        gallery: (I,) int64: among which images a text is looked for, by image; empty where it is among all.
        words: how many numbers the vocabulary has.
        outputs: how many answers there are.
        where: how messages call the data.

    Raises:
        BmnasError: by `check`: a token or an image or an answer is none, or the shapes do not fit together.
    """

    tokens: Tensor
    regions: RegionSource
    image: Tensor
    words: int
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    outputs: int = 0
    kinds: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
    kind_names: Sequence[str] = ()
    gallery: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
    where: str = "the data"

    def __post_init__(self) -> None:
        self.check()

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows: Tensor) -> PairData:
        """Some of the pairs; the images are shared with these."""
        return replace(
            self,
            tokens=self.tokens[rows],
            image=self.image[rows],
            labels={name: values[rows] for name, values in self.labels.items()},
            kinds=self.kinds[rows] if len(self.kinds) else self.kinds,
        )

    def inputs(self, rows: Tensor) -> Inputs:
        """Some pairs as a network takes them; see `joined`."""
        return self.joined(rows, self.image[rows])

    def joined(self, texts: Tensor, images: Tensor) -> Inputs:
        """Texts and images, pair by pair, whether they belong together or not, as a network takes them.

        Args:
            texts: (B,) rows of these data.
            images: (B,) images.

        Returns: ``Question`` (B, T) int64, ``Regions`` (B, R, C), ``Regions.boxes`` (B, R, 4) in pixels, and
            ``Regions.image`` (B, 2): width and height.
        """
        regions = self.regions.take(images)
        return {QUESTION: self.tokens[texts], REGIONS: regions.features, BOXES: regions.boxes, IMAGE: regions.sizes}

    def targets(self, rows: Tensor) -> Tensor:
        """How right each answer is, (B, outputs), of some questions."""
        answers, scores = self.labels[ANSWERS][rows], self.labels[SCORES][rows]
        whole = torch.zeros(len(rows), self.outputs + 1, dtype=scores.dtype, device=scores.device)
        # What is no answer goes into a column that is cut off.
        return whole.scatter_(1, torch.where(answers < 0, self.outputs, answers), scores)[:, : self.outputs]

    def check(self) -> None:
        """Look at everything that is in memory.

        Raises:
            BmnasError: what is wrong, and in which row.
        """
        if self.tokens.dim() != 2 or self.tokens.dtype != torch.int64:
            raise BmnasError(
                f"{self.where}: tokens are {self.tokens.dtype} of shape {tuple(self.tokens.shape)}, but should be "
                "whole numbers (int64) of shape (rows, length)"
            )
        lengths = {"image": self.image, "kinds": self.kinds, **self.labels}
        for name, values in lengths.items():
            if len(values) != len(self.tokens) and not (name == "kinds" and len(values) == 0):
                raise BmnasError(f"{self.where}: has {len(self.tokens)} texts, but {len(values)} rows of {name}")
        for name in self.labels:
            if name not in LABELS:
                raise BmnasError(f"{self.where}: labels are called {name!r}{did_you_mean(name, LABELS)}")
        refuse_wrong_tokens(self.tokens, self.words, self.where)
        refuse_wrong_index(self.image, len(self.regions), "image", self.where)
        if len(self.gallery) not in (0, len(self.regions)):
            raise BmnasError(f"{self.where}: has {len(self.regions)} images, but {len(self.gallery)} rows of gallery")
        if len(self.kinds):
            refuse_wrong_index(self.kinds, len(self.kind_names), "kind", self.where)
        if ANSWERS in self.labels:
            self._check_answers()
        if TRUTH in self.labels and self.labels[TRUTH].shape != (len(self), 4):
            raise BmnasError(f"{self.where}: true boxes have shape {tuple(self.labels[TRUTH].shape)}, not (rows, 4)")

    def _check_answers(self) -> None:
        answers, scores = self.labels[ANSWERS], self.labels.get(SCORES)
        if scores is None or scores.shape != answers.shape or answers.dim() != 2:
            raise BmnasError(f"{self.where}: answers and their scores should have the same shape, (rows, answers)")
        refuse_wrong_index(answers.max(dim=1).values.clamp(min=0), self.outputs, "answer", self.where)
        wrong = ~((scores >= 0) & (scores <= 1)).all(dim=1)
        if bool(wrong.any()):
            row = int(wrong.nonzero()[0, 0])
            raise BmnasError(f"{self.where}: row {row} has the score {scores[row].max():g}; scores are 0 to 1")


def single_answers(labels: Tensor) -> dict[str, Tensor]:
    """The labels of questions that have one right answer each, (N,) int64."""
    return {ANSWERS: labels[:, None], SCORES: torch.ones(len(labels), 1)}
