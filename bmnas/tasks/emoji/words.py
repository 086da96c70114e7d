"""Words as numbers without a vocabulary: n-grams of letters, counted in places that a checksum of each chooses."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

PLACES = 2048
# Letters of an n-gram, the edges of a word counted as letters.
_LENGTHS = (3, 4)


def bags(texts: Sequence[str]) -> Tensor:
    """Of each text (N, 2048) which words and n-grams it has, as numbers whose squares sum to 1.

    A place counts once, however many n-grams fall into it. A text without a letter is zero everywhere.
    """
    bag = torch.zeros(len(texts), PLACES)
    for row, text in zip(bag, texts, strict=True):
        row[[place(gram) for gram in grams(text)]] = 1
    return torch.nn.functional.normalize(bag, dim=1)


def grams(text: str) -> Iterator[str]:
    """The words of a text and their n-grams, without upper case; ``<`` and ``>`` are the edges of a word."""
    for word in re.findall(r"\w+", text.casefold().replace("_", " ")):
        bounded = f"<{word}>"
        yield bounded
        for length in _LENGTHS:
            yield from (bounded[start : start + length] for start in range(len(bounded) - length + 1))


def place(gram: str) -> int:
    """Where an n-gram is counted: the same in every process, unlike Python's own hash."""
    return zlib.crc32(gram.encode("utf-8", "surrogatepass")) % PLACES
