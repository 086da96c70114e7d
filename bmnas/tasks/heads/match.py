"""Matching texts and images: a high score for a text that belongs to an image, a low one for any other.

Axes: B pairs, N texts, R drawn at random.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bmnas.tasks.heads.objective import (
    HeadName,
    Negatives,
    Network,
    PairBatch,
    device_of,
    evaluating,
    moved,
)
from bmnas.tasks.heads.partners import Partners
from bmnas.tasks.heads.recall import PLACES, recall
from bmnas.tasks.sequences import BOXES, IMAGE, QUESTION, REGIONS, Inputs, PairData
from bmnas.tasks.tree import mapped

Criterion: TypeAlias = Literal["bce", "margin"]

OTHER_TEXT = "other text"
OTHER_IMAGE = "other image"


@runtime_checkable
class ReadsTextOnce(Protocol):
    """A network whose work on the text alone can be kept, so that a text is read once for all images.

    ``from_encoded(encoded({"Question": ...}), {"Regions": ..., ...})`` is what the network gives for all inputs.
    """

    def encoded(self, inputs: Inputs) -> Any:
        """A tensor, or a dictionary or tuple of tensors, with the texts along the first axis."""
        ...

    def from_encoded(self, encoded: Any, inputs: Inputs) -> Tensor:
        """Logits (B,) or (B, 1)."""
        ...


def match_loss(
    true: Tensor,
    other_text: Tensor,
    other_image: Tensor,
    criterion: Criterion = "bce",
    reduction: Literal["sum", "mean"] = "sum",
    margin: float = 0.2,
) -> Tensor:
    """The loss of logits (B,); s is the sigmoid of a logit.

    ``bce``: -2 ln s(true) - ln(1 - s(other text)) - ln(1 - s(other image)), of MMnas (Yu et al., ACM MM 2020).
    ``margin``: max(0, margin + s(other) - s(true)), for both others.

    Args:
        true: of texts with their images.
        other_text: of the images with texts that do not belong to them.
        other_image: of the texts with images that they do not belong to.
        criterion: see above.
        reduction: over the batch; as MMnas is trained, the sum.
        margin: of that criterion.
    """
    if criterion == "bce":
        loss = -2 * F.logsigmoid(true) - F.logsigmoid(-other_text) - F.logsigmoid(-other_image)
    else:
        least = margin - true.sigmoid()
        loss = (other_text.sigmoid() + least).clamp(min=0) + (other_image.sigmoid() + least).clamp(min=0)
    return loss.mean() if reduction == "mean" else loss.sum()


@dataclass(frozen=True)
class MatchObjective:
    """Each pair against one with another text and one with another image; recall at 1, 5 and 10 in both directions.

    A network gives (B,) or (B, 1) logits. The wrong partners are drawn from the hardest ones of some that are tried
    before each epoch, or, with ``tried`` 0, at random. Where data have galleries all partners are of one gallery.

    Attributes:
        criterion: see `match_loss`.
        reduction: of the loss, over a batch.
        tried: R, how many partners of each text and of each image the network scores before an epoch.
        kept: how many of them are kept, the ones with the highest scores.
    """

    head: ClassVar[HeadName] = "match"
    main: ClassVar[str] = "text to image R@1"
    criterion: Criterion = "bce"
    reduction: Literal["sum", "mean"] = "mean"
    tried: int = 64
    kept: int = 5

    def prepared(self, network: nn.Module, data: PairData, generator: torch.Generator) -> Negatives | None:
        """The hardest wrong partners: of R random ones those to which the network, in eval mode, gives most."""
        if not self.tried:
            return None
        partners = Partners(data)
        images = partners.other_images(data.image, self.tried, generator)
        rows = torch.arange(len(data))[:, None].expand_as(images)
        texts = partners.other_texts(partners.images, self.tried, generator)
        own = partners.images[:, None].expand_as(texts)
        hard_texts = torch.zeros(len(data.regions), min(self.kept, self.tried), dtype=torch.int64)
        hard_texts[partners.images] = _hardest(texts, pair_logits(network, data, texts, own), self.kept)
        return Negatives(hard_texts, _hardest(images, pair_logits(network, data, rows, images), self.kept))

    def batch(
        self, data: PairData, rows: Tensor, generator: torch.Generator, prepared: Negatives | None = None
    ) -> PairBatch:
        """Pairs, and for each of them one with another text and one with another image."""
        images = data.image[rows]
        if prepared is None:
            partners = Partners(data)
            texts = partners.other_texts(images, 1, generator)[:, 0]
            others = partners.other_images(images, 1, generator)[:, 0]
        else:
            texts, others = (
                values.gather(1, torch.randint(values.shape[1], (len(rows), 1), generator=generator))[:, 0]
                for values in (prepared.texts[images], prepared.images[rows])
            )
        wrong = {OTHER_TEXT: data.joined(texts, images), OTHER_IMAGE: data.joined(rows, others)}
        return PairBatch(data.inputs(rows), others=wrong)

    def loss(self, network: Network, batch: PairBatch) -> Tensor:
        """See `match_loss`; the three kinds of pairs go through the network one after another."""
        true, text, image = (
            network(inputs).reshape(-1)
            for inputs in (batch.inputs, batch.others[OTHER_TEXT], batch.others[OTHER_IMAGE])
        )
        return match_loss(true, text, image, self.criterion, self.reduction)

    def scores(self, network: nn.Module, data: PairData, *, batch_size: int = 256) -> dict[str, float]:
        """``text to image R@1``, 5, 10 and ``image to text R@1``, 5, 10, over all pairs of each gallery.

        A network that `ReadsTextOnce` reads each text once.
        """
        to_image, to_text = [], []
        for rows, images in _galleries(data):
            scores = all_logits(network, data, rows, images, batch_size)
            right = data.image[rows][:, None] == images
            to_image.append(recall(scores, right))
            to_text.append(recall(scores.T, right.T))
        found = {}
        for name, each in (("text to image", to_image), ("image to text", to_text)):
            for k, value in zip(PLACES, torch.cat(each).mean(dim=0).tolist(), strict=True):
                found[f"{name} R@{k}"] = value
        return found


def pair_logits(network: nn.Module, data: PairData, texts: Tensor, images: Tensor, batch_size: int = 512) -> Tensor:
    """The logits of texts with images, pair by pair, in the shape of both, on the CPU, in eval mode."""
    device, found = device_of(network), []
    # Pairs of one image follow one another, so that few images are read for a batch.
    order = images.reshape(-1).argsort(stable=True)
    for part in order.split(batch_size):
        inputs = data.joined(texts.reshape(-1)[part], images.reshape(-1)[part])
        with evaluating(network):
            found.append(network(moved(inputs, device)).reshape(-1).float().cpu())
    logits = torch.empty(len(order))
    logits[order] = torch.cat(found)
    return logits.reshape(texts.shape)


def all_logits(network: nn.Module, data: PairData, texts: Tensor, images: Tensor, batch_size: int = 256) -> Tensor:
    """The logits of every text with every image, (texts, images), on the CPU, in eval mode.

    Args:
        network: any; one that `ReadsTextOnce` reads each text once.
        data: pairs.
        texts: rows.
        images: which.
        batch_size: pairs that go through the network together.
    """
    device = device_of(network)
    logits = torch.empty(len(texts), len(images))
    with evaluating(network):
        for start in range(0, len(texts), batch_size):
            rows = texts[start : start + batch_size]
            encoded = _encoded(network, {QUESTION: data.tokens[rows].to(device)})
            several = max(1, batch_size // len(rows))
            for place in range(0, len(images), several):
                own = images[place : place + several]
                inputs = moved(_repeated(data, own, len(rows)), device)
                part = _answered(network, encoded, data.tokens[rows].to(device), inputs, len(own))
                logits[start : start + len(rows), place : place + len(own)] = part.reshape(len(own), -1).T.float().cpu()
    return logits


def _repeated(data: PairData, images: Tensor, times: int) -> Inputs:
    """The regions of images, each several times one after another."""
    regions = data.regions.take(images)
    return {
        name: values.repeat_interleave(times, dim=0)
        for name, values in ((REGIONS, regions.features), (BOXES, regions.boxes), (IMAGE, regions.sizes))
    }


def _answered(network: Any, encoded: Any, tokens: Tensor, inputs: Inputs, images: int) -> Tensor:
    if encoded is None:
        found: Tensor = network({QUESTION: tokens.repeat(images, 1), **inputs})
        return found
    return _from_encoded(network, encoded, inputs, images)


def _from_encoded(network: ReadsTextOnce, encoded: Any, inputs: Inputs, images: int) -> Tensor:
    return network.from_encoded(
        mapped(lambda values: values.repeat(images, *(1 for _ in values.shape[1:])), encoded), inputs
    )


def _encoded(network: Any, inputs: Inputs) -> Any:
    return network.encoded(inputs) if isinstance(network, ReadsTextOnce) else None


def _galleries(data: PairData) -> Iterator[tuple[Tensor, Tensor]]:
    """The texts and the images of each gallery; of all together, where there are none."""
    images = data.image.unique()
    if not len(data.gallery):
        yield torch.arange(len(data)), images
        return
    of_texts, of_images = data.gallery[data.image], data.gallery[images]
    for gallery in of_images.unique():
        yield (of_texts == gallery).nonzero()[:, 0], images[of_images == gallery]


def _hardest(candidates: Tensor, logits: Tensor, kept: int) -> Tensor:
    """Of each row of candidates some different ones with the highest logits; where there are less, the first again."""
    order = candidates.argsort(dim=1)
    candidates, logits = candidates.gather(1, order), logits.gather(1, order)
    again = torch.zeros_like(candidates, dtype=torch.bool)
    again[:, 1:] = candidates[:, 1:] == candidates[:, :-1]
    best = logits.masked_fill(again, -torch.inf).topk(min(kept, logits.shape[1]), dim=1)
    chosen = candidates.gather(1, best.indices)
    return torch.where(best.values.isneginf(), chosen[:, :1], chosen)
