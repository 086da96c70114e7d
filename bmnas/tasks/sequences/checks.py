"""What is looked at before sequences are used: each thing that is wrong is one sentence that names the place."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from bmnas.errors import BmnasError

# In pixels: boxes are rounded, and some detectors count the last pixel, some do not.
_BESIDE = 1.5


def refuse_wrong_images(features: Tensor, boxes: Tensor, sizes: Tensor, name: Callable[[int], str]) -> None:
    """Refuse images whose regions cannot be used.

    Args:
        features: (I, R, C).
        boxes: (I, R, 4).
        sizes: (I, 2).
        name: how an image is called.

    Raises:
        BmnasError: an image has padding alone, a number that is not finite, or a box outside it.
    """
    for what, values in (("feature", features), ("box", boxes), ("size", sizes)):
        finite = values.isfinite().flatten(1).all(dim=1)
        if not bool(finite.all()):
            raise BmnasError(f"{name(_first(~finite))}: has a {what} that is not a finite number")
    there = (features != 0).any(dim=-1)
    empty = ~there.any(dim=1)
    if bool(empty.any()):
        raise BmnasError(f"{name(_first(empty))}: all its regions are padding: every number of theirs is zero")
    flat = (sizes <= 0).any(dim=1)
    if bool(flat.any()):
        image = _first(flat)
        raise BmnasError(f"{name(image)}: is {_numbers(sizes[image])} pixels large")
    _refuse_wrong_boxes(there, boxes, sizes, name)


def refuse_wrong_tokens(tokens: Tensor, words: int, where: str) -> None:
    """Refuse tokens that are no words.

    Args:
        tokens: (N, T) whole numbers.
        words: how many numbers the vocabulary has.
        where: how messages begin.

    Raises:
        BmnasError: one is below 0 or too large, or a row has padding alone, or padding before a word.
    """
    wrong = (tokens < 0) | (tokens >= words)
    if bool(wrong.any()):
        row, place = (int(value) for value in wrong.nonzero()[0])
        raise BmnasError(
            f"{where}: row {row} has the token {int(tokens[row, place])} at place {place}, but the vocabulary has "
            f"{words} numbers, 0 to {words - 1}"
        )
    there = tokens != 0
    empty = ~there.any(dim=1)
    if bool(empty.any()):
        raise BmnasError(f"{where}: row {_first(empty)} has no word, padding alone")
    gap = (there[:, 1:] & ~there[:, :-1]).any(dim=1)
    if bool(gap.any()):
        raise BmnasError(f"{where}: row {_first(gap)} has padding before a word; 0 stands behind the last word alone")


def refuse_wrong_index(index: Tensor, count: int, what: str, where: str) -> None:
    """Refuse an index that points to nothing.

    Args:
        index: (N,) whole numbers.
        count: of what there is.
        what: it points to, as sentences call it.
        where: how messages begin.

    Raises:
        BmnasError: one is below 0 or too large.
    """
    wrong = (index < 0) | (index >= count)
    if bool(wrong.any()):
        row = _first(wrong)
        raise BmnasError(f"{where}: row {row} names {what} {int(index[row])}, but there are {count}, 0 to {count - 1}")


def _refuse_wrong_boxes(there: Tensor, boxes: Tensor, sizes: Tensor, name: Callable[[int], str]) -> None:
    turned = there & (boxes[..., 2:] < boxes[..., :2]).any(dim=-1)
    if bool(turned.any()):
        image, region = (int(value) for value in turned.nonzero()[0])
        raise BmnasError(
            f"{name(image)}: the box of region {region} is {_numbers(boxes[image, region])}, but x1, y1 is the upper "
            "left corner and x2, y2 the lower right one"
        )
    outside = (boxes[..., :2] < -_BESIDE).any(dim=-1) | (boxes[..., 2:] > sizes[:, None] + _BESIDE).any(dim=-1)
    outside &= there
    if bool(outside.any()):
        image, region = (int(value) for value in outside.nonzero()[0])
        raise BmnasError(
            f"{name(image)}: the box of region {region} is {_numbers(boxes[image, region])}, outside its image of "
            f"{_numbers(sizes[image])} pixels (x1, y1, x2, y2 are in pixels)"
        )


def _first(wrong: Tensor) -> int:
    return int(wrong.nonzero()[0, 0])


def _numbers(values: Tensor) -> str:
    return ", ".join(f"{value:g}" for value in values.tolist())
