"""The numbers that an operation is built from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """What every operation is built with.

    Attributes:
        channels: C of every node (B, C, L).
        length: L of every node.
        arity: the number of inputs.
        dropout: the genotype's rate.
        seeds: K where nodes are (K, B, C, L) and every seed has weights of its own, as in a hypernet; ``None`` where
            there is no such axis.
        dialect: ``"official"`` or ``"paper"``.
    """

    channels: int
    length: int
    arity: int = 2
    dropout: float = 0.0
    seeds: int | None = None
    dialect: str = "official"
