"""Golden numbers of the heads for pairs of texts and images, see reference/mmnas/heads.md."""

from __future__ import annotations

import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent / "reference" / "mmnas"


@cache
def _arrays() -> dict[str, np.ndarray]:
    with np.load(FOLDER / "heads.npz") as arrays:
        return dict(arrays)


@cache
def cases(kind: str) -> dict[str, Any]:
    """The cases of a list by name."""
    return {case["id"]: case for case in json.loads((FOLDER / "heads.json").read_text())[kind]}


def array(key: str) -> Tensor:
    """An array by its whole name, as a tensor of its own type."""
    return torch.from_numpy(_arrays()[key].copy())


def draw(key: str, *shape: int) -> Tensor:
    """The numbers that belong to a name, float64; gradients can be asked for."""
    random = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
    return torch.from_numpy(random.standard_normal(shape)).requires_grad_()
