"""Sizes that follow from the width of a network."""

from __future__ import annotations


def default_hidden(width: int) -> int:
    """Numbers inside a reduction of a sequence to a vector: 512 as released, fewer in much narrower networks."""
    return min(512, 2 ** (4 * width - 1).bit_length())
