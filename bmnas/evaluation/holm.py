"""P-values of several comparisons, corrected for how many they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Key = TypeVar("Key")


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Each p when all were tested: Holm, "A simple sequentially rejective multiple test procedure" (1979)."""
    corrected: dict[Key, float] = {}
    most = 0.0
    for place, key in enumerate(sorted(p_values, key=lambda key: p_values[key])):
        most = max(most, min(1.0, (len(p_values) - place) * p_values[key]))
        corrected[key] = most
    return {key: corrected[key] for key in p_values}
