"""The numbers that an operation is built from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Channels C and length L of every node, the number of inputs, the dropout rate, and the number of seeds."""

    channels: int
    length: int
    arity: int = 2
    dropout: float = 0.0
    seeds: int | None = None
