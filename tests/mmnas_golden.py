"""Golden numbers of MMnas: what its released classes compute (float64, CPU).

Weights and most inputs are not stored: they are drawn by their names, see `draw`.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

FOLDER = Path(__file__).parent / "reference" / "mmnas"

# True is padding; of what asks, and of what is looked at.
MASKS = {
    "none": ([[0] * 5] * 3, [[0] * 4] * 3),
    "some": ([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0], [0, 1, 1, 1, 1]], [[0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 0, 0]]),
    "all": ([[1, 1, 1, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]], [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1]]),
}


@cache
def _read() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with np.load(FOLDER / "golden.npz") as arrays:
        return json.loads((FOLDER / "golden.json").read_text()), dict(arrays)


def cases(kind: str, wanted: Any = lambda case: True) -> list[Any]:
    """The cases of a list, as pytest parameters with their names."""
    return [pytest.param(case, id=case["id"]) for case in _read()[0][kind] if wanted(case)]


def case_of(kind: str, name: str) -> dict[str, Any]:
    """The case of that name."""
    return next(case for case in _read()[0][kind] if case["id"] == name)


def stored(name: str) -> torch.Tensor:
    return torch.from_numpy(_read()[1][name])


def has(name: str) -> bool:
    return name in _read()[1]


def draw(key: str, *shape: int) -> torch.Tensor:
    """The tensor of that name."""
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
    return torch.from_numpy(generator.standard_normal(shape))


def weights(case: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The released network's weights of a case, by their names there."""
    listed = case["weights"]
    pairs = listed.items() if isinstance(listed, Mapping) else (each[:2] for each in listed)
    return {name: _weight(f"{case['id']}/w/{name}", name, shape) for name, shape in pairs}


def masks(which: str) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = MASKS[which]
    return torch.tensor(x, dtype=torch.bool), torch.tensor(y, dtype=torch.bool)


def told(case: Mapping[str, Any], name: str, gradient: torch.Tensor) -> torch.Tensor:
    """The three numbers that stand for the gradient of a weight."""
    g = draw(f"{case['id']}/g/{name}", *gradient.shape)
    return torch.stack([gradient.sum(), (gradient * gradient).sum(), (gradient * g).sum()])


def close(found: torch.Tensor, wanted: torch.Tensor, tolerance: float = 1e-9) -> bool:
    found, wanted = found.detach().double(), wanted.double()
    scale = max(1.0, float(wanted.abs().max())) if wanted.numel() else 1.0
    return found.shape == wanted.shape and bool((found - wanted).abs().max() <= tolerance * scale)


def _weight(key: str, name: str, shape: list[int]) -> torch.Tensor:
    z = draw(key, *shape)
    if name.endswith("a_2"):
        return 1 + 0.1 * z
    if len(shape) > 1:
        return z / math.sqrt(math.prod(shape[1:]))
    return 0.1 * z
