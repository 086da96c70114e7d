"""Golden numbers: what the authors' released code computes (float64, CPU), see reference/README.md.

found    compiled networks without reshape layers and head: weights, inputs, outputs
hyper    hypernets: the same, with architecture parameters and their gradients
derive   architecture parameters -> genotype
reshape  reshape layers
scheduler  the learning rate after each step
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bmnas.genotype import Cell, Feature, Genotype, Representation, Step

FOLDER = Path(__file__).parent / "reference"
OURS = {"ScaleDotAttn": "Attention"}


@cache
def _read() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with np.load(FOLDER / "golden.npz") as arrays:
        return json.loads((FOLDER / "golden.json").read_text()), dict(arrays)


def cases(kind: str) -> list[Any]:
    """The cases of a list, as pytest parameters with their names."""
    import pytest

    return [pytest.param(case, id=case["id"]) for case in _read()[0][kind]]


def array(case: dict[str, Any], key: str) -> torch.Tensor:
    """An array of a case as a tensor."""
    return torch.from_numpy(_read()[1][f"{case['id']}/{key}"].copy())


def table(key: str) -> torch.Tensor:
    """An array by its whole name as a tensor."""
    return torch.from_numpy(_read()[1][key].copy())


def has(case: dict[str, Any], key: str) -> bool:
    """Whether the case has an array of that name."""
    return f"{case['id']}/{key}" in _read()[1]


def weights(case: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The released code's parameters and buffers by their names there."""
    return {name: array(case, f"w/{name}") for name in case["weights"]}


def cells(case: dict[str, Any]) -> tuple[Cell, ...]:
    """The case's genotype in our words; features are called F0, F1, ..."""
    found, inputs, steps = case["genotype"], case["num_input_nodes"], case["M"]
    upper = [f"F{i}" for i in range(inputs)] + [f"Cell_{n + 1}" for n in range(case["N"])]
    lower = ["x", "y"] + [f"Step_{m + 1}" for m in range(steps)]
    return tuple(
        Cell(
            name=f"Cell_{n + 1}",
            inputs=tuple(upper[i] for _, i in found["edges"][2 * n : 2 * n + 2]),
            steps=tuple(
                Step(
                    name=f"Step_{m + 1}",
                    op=OURS.get(op, op),
                    inputs=tuple(lower[i] for _, i in step["inner_edges"][2 * m : 2 * m + 2]),
                )
                for m, op in enumerate(step["inner_steps"])
            ),
            output=tuple(lower[-case["node_multiplier"] :]),
        )
        for n, step in enumerate(found["steps"])
    )


def genotype(case: dict[str, Any]) -> Genotype:
    """The case's genotype: features that need no reshape layer, no head, no dropout."""
    names = [f"F{i}" for i in range(case["num_input_nodes"])]
    own = cells(case)
    return Genotype(
        name=case["id"],
        representation=Representation(channels=case["C"], length=case["L"]),
        features=tuple(Feature(name=n, modality="A", channels=case["C"], reshape="none") for n in names),
        cells=own,
        output=tuple(cell.name for cell in own),
        dropout=0.0,
    )
