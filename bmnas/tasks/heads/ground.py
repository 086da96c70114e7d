"""Finding the thing that a text describes: which region shows it, and how its box has to be changed.

Axes: B texts, R regions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bmnas.tasks.heads.boxes import changed, changes, clipped, overlap
from bmnas.tasks.heads.objective import HeadName, Negatives, Network, PairBatch, by_kind, outputs, shaped
from bmnas.tasks.sequences import BOXES, IMAGE, REGIONS, PairData, is_padding
from bmnas.tasks.sequences.pairs import TRUTH

Criterion: TypeAlias = Literal["kld", "bce"]

_LEAST = 0.5
# Of the loss of boxes beside that of scores.
_BOX_WEIGHT = 0.5


class GroundTargets(NamedTuple):
    """What the outputs for a batch should be.

    Attributes:
        scores: (B, R). With ``kld`` a distribution over the regions, in proportion to their overlap with the truth
            where it is 0.5 or more, zero where no region has so much; with ``bce`` 0, 0.8, 0.9 or 1.
        has_scores: (B,) which texts take part in the loss ``kld``: those that have such a region.
        changes: (B, R, 4) of each region's box, see `changes`.
        has_changes: (B, R) which regions take part in the loss of boxes: those of overlap 0.5 or more.
    """

    scores: Tensor
    has_scores: Tensor
    changes: Tensor
    has_changes: Tensor


def ground_targets(
    boxes: Tensor, truth: Tensor, there: Tensor | None = None, criterion: Criterion = "kld"
) -> GroundTargets:
    """The targets of regions.

    Args:
        boxes: (B, R, 4) of the regions, in pixels.
        truth: (B, 4).
        there: (B, R), which regions are no padding; all if left out.
        criterion: of the scores.
    """
    shared = overlap(boxes, truth[:, None])
    near = shared >= _LEAST
    if there is not None:
        near &= there
    if criterion == "kld":
        scores = torch.where(near, shared, 0)
        scores = scores / scores.sum(dim=1, keepdim=True).clamp(min=1e-12)
    else:
        steps = torch.where(shared < 0.6, 0.8, torch.where(shared < 0.7, 0.9, 1.0)).to(shared.dtype)
        scores = torch.where(near, steps, 0)
    return GroundTargets(scores, near.any(dim=1), changes(boxes, truth[:, None]), near)


def ground_loss(
    scores: Tensor, deltas: Tensor, targets: GroundTargets, there: Tensor | None = None, criterion: Criterion = "kld"
) -> tuple[Tensor, Tensor]:
    """The two parts of the loss (), that of the scores and that of the boxes; the loss is the first + 0.5 · the second.

    ``kld`` is the divergence of the softmax of the scores over all regions from the targets, summed over the texts
    that take part and divided by their number; ``bce`` is binary cross entropy, summed over regions, the mean over all
    texts. The loss of the boxes is smooth L1, summed over the four numbers and the regions that take part, divided by
    the number of these. Where nothing takes part a loss is 0 (in the released code of MMnas it is not a number).

    Args:
        scores: (B, R), logits.
        deltas: (B, R, 4).
        targets: see `ground_targets`.
        there: (B, R), which regions are no padding; all if left out, as in the released code.
        criterion: of the scores.
    """
    if criterion == "kld":
        hidden = scores if there is None else scores.masked_fill(~there, -1e9)
        each = F.kl_div(hidden.log_softmax(dim=1), targets.scores, reduction="none").sum(dim=1)
        of_scores = _mean(each, targets.has_scores)
    else:
        each = F.binary_cross_entropy_with_logits(scores, targets.scores, reduction="none")
        of_scores = (each if there is None else each * there).sum(dim=1).mean()
    of_boxes = F.smooth_l1_loss(deltas, targets.changes, reduction="none").sum(dim=2)
    return of_scores, _mean(of_boxes, targets.has_changes)


@dataclass(frozen=True)
class GroundObjective:
    """Scores of regions and changes of their boxes; right is a box that overlaps the true one by 0.5 or more.

    A network gives (B, R, 5): for each region a score and the four numbers of `changes`. The box of the region with the
    greatest score, changed and cut at the borders of the image, is the answer.

    Attributes:
        criterion: of the scores: ``kld`` or ``bce``, see `ground_loss`.
        mask_padding: whether padding can be no answer; in the released code, whose images have no padding, it can.
    """

    head: ClassVar[HeadName] = "ground"
    main: ClassVar[str] = "overlap>=0.5"
    criterion: Criterion = "kld"
    mask_padding: bool = True

    def prepared(self, network: nn.Module, data: PairData, generator: torch.Generator) -> Negatives | None:
        """None."""
        return None

    def batch(
        self, data: PairData, rows: Tensor, generator: torch.Generator, prepared: Negatives | None = None
    ) -> PairBatch:
        """Texts and images with true boxes."""
        return PairBatch(data.inputs(rows), {TRUTH: data.labels[TRUTH][rows]})

    def loss(self, network: Network, batch: PairBatch) -> Tensor:
        """See `ground_loss`."""
        boxes, there = batch.inputs[BOXES], self._there(batch.inputs[REGIONS])
        found = shaped(network(batch.inputs), (*boxes.shape[:2], 5), self.head)
        targets = ground_targets(boxes, batch.labels[TRUTH].to(boxes.dtype), there, self.criterion)
        of_scores, of_boxes = ground_loss(found[..., 0], found[..., 1:], targets, there, self.criterion)
        return of_scores + _BOX_WEIGHT * of_boxes

    def scores(self, network: nn.Module, data: PairData, *, batch_size: int = 256) -> dict[str, float]:
        """``overlap>=0.5``: the share of texts whose box is right; and, where texts are of kinds, that of each kind."""
        right = []
        for rows, inputs, found in outputs(network, data, batch_size):
            shaped(found, (*inputs[BOXES].shape[:2], 5), self.head)
            boxes = self.boxes(found, inputs[REGIONS], inputs[BOXES], inputs[IMAGE])
            right.append(overlap(boxes, data.labels[TRUTH][rows].float()) >= _LEAST)
        return by_kind(torch.cat(right), data, self.main)

    def boxes(self, found: Tensor, regions: Tensor, boxes: Tensor, sizes: Tensor) -> Tensor:
        """The answers (B, 4) in pixels.

        Args:
            found: (B, R, 5) of a network.
            regions: (B, R, C).
            boxes: (B, R, 4) in pixels.
            sizes: (B, 2) of the images.
        """
        scores, there = found[..., 0], self._there(regions)
        best = (scores if there is None else scores.masked_fill(~there, -torch.inf)).argmax(dim=1)
        rows = torch.arange(len(best), device=best.device)
        return clipped(changed(boxes[rows, best], found[rows, best, 1:]), sizes)

    def _there(self, regions: Tensor) -> Tensor | None:
        return ~is_padding(regions) if self.mask_padding else None


def _mean(values: Tensor, taking_part: Tensor) -> Tensor:
    """The mean of the values that take part; 0 where none does."""
    taking_part = taking_part.to(values.dtype)
    return (values * taking_part).sum() / taking_part.sum().clamp(min=1)
