"""Answering questions: one of many answers, of which several can be more or less right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bmnas.tasks.heads.objective import HeadName, Negatives, Network, PairBatch, by_kind, outputs, shaped
from bmnas.tasks.sequences import PairData

_TARGETS = "targets"


def answer_loss(logits: Tensor, targets: Tensor, reduction: Literal["sum", "mean"] = "sum") -> Tensor:
    """Binary cross entropy of logits (B, outputs) with targets from 0 to 1, summed over answers.

    Args:
        logits: of a network.
        targets: how right each answer is.
        reduction: over the batch; the released code of MMnas sums.
    """
    loss = F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="sum")
    return loss / len(logits) if reduction == "mean" else loss


@dataclass(frozen=True)
class AnswerObjective:
    """Binary cross entropy on soft scores; the score is how right the answer with the greatest logit is.

    On VQA-v2 that is the official accuracy, see `bmnas.tasks.official_layouts.answers`. A network gives (B, outputs).

    Attributes:
        reduction: of the loss, over a batch.
    """

    head: ClassVar[HeadName] = "answer"
    main: ClassVar[str] = "accuracy"
    reduction: Literal["sum", "mean"] = "mean"

    def prepared(self, network: nn.Module, data: PairData, generator: torch.Generator) -> Negatives | None:
        """None."""
        return None

    def batch(
        self, data: PairData, rows: Tensor, generator: torch.Generator, prepared: Negatives | None = None
    ) -> PairBatch:
        """Questions and images with how right each answer is."""
        return PairBatch(data.inputs(rows), {_TARGETS: data.targets(rows)})

    def loss(self, network: Network, batch: PairBatch) -> Tensor:
        """See `answer_loss`."""
        targets = batch.labels[_TARGETS]
        return answer_loss(shaped(network(batch.inputs), tuple(targets.shape), self.head), targets, self.reduction)

    def scores(self, network: nn.Module, data: PairData, *, batch_size: int = 256) -> dict[str, float]:
        """``accuracy``, and, where questions are of kinds, ``accuracy, KIND``."""
        right = []
        for rows, _, logits in outputs(network, data, batch_size):
            shaped(logits, (len(rows), data.outputs), self.head)
            right.append(data.targets(rows).gather(1, logits.argmax(dim=1, keepdim=True))[:, 0])
        return by_kind(torch.cat(right), data, self.main)
