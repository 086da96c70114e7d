"""How often what is looked for is among the first k: texts by images and images by texts.

Where scores are equal their order is a matter of chance; so the expected share is given, and a network that says the
same of everything gets what chance gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import torch
from torch import Tensor

PLACES = (1, 5, 10)


def recall(scores: Tensor, right: Tensor, places: Sequence[int] = PLACES) -> Tensor:
    """The expected share of queries that find something right among the first k.

    Args:
        scores: (queries, candidates).
        right: (queries, candidates), which candidates are right; a query without any is left out.
        places: the k.

    Returns: (queries, places), from 0 to 1.
    """
    right = right.bool()
    scores, right = scores[right.any(dim=1)], right[right.any(dim=1)]
    best = scores.masked_fill(~right, -torch.inf).amax(dim=1, keepdim=True)
    before = (scores > best).sum(dim=1).tolist()
    equal = scores == best
    equal_right, equal_wrong = (equal & right).sum(dim=1).tolist(), (equal & ~right).sum(dim=1).tolist()
    return torch.tensor(
        [
            [_chance(k - first, hits, misses) for k in places]
            for first, hits, misses in zip(before, equal_right, equal_wrong, strict=True)
        ],
        dtype=torch.float64,
    ).reshape(-1, len(places))


def _chance(places: int, hits: int, misses: int) -> float:
    """How likely one of the hits is among the first places, where hits and misses come in any order."""
    if places <= 0:
        return 0.0
    if misses == 0 or places > misses:
        return 1.0
    return 1 - comb(misses, places) / comb(hits + misses, places)
