"""Golden numbers of the paper's backbones and preprocessing, see reference/paper-tasks/README.md.

fill(module, "ntu-skeleton")              # weights that follow from the names of the entries
x = input_of("ntu-skeleton", "paper")
worst = compare("ntu-skeleton", "paper", {"tap1": ..., "logits": ...})
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

FOLDER = Path(__file__).parent / "reference" / "paper-tasks"
MINIATURE = FOLDER / "miniature"


@cache
def backbones() -> dict[str, Any]:
    """By tag, the state dict's names and shapes, the cases, and the training step."""
    return json.loads((FOLDER / "golden_backbones.json").read_text())["backbones"]


@cache
def preprocessing() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What the released loaders make of the miniature: facts, and arrays by name."""
    with np.load(FOLDER / "golden_preprocessing.npz") as arrays:
        return json.loads((FOLDER / "golden_preprocessing.json").read_text()), dict(arrays)


def uniform(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers in [0, 1) that follow from a text."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    raw = np.random.PCG64(seed).random_raw(math.prod(shape) if shape else 1)
    return ((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)


def unit(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of mean 0 and variance 1 that follow from a text."""
    return (2 * uniform(key, shape) - 1) * math.sqrt(3)


def state(tag: str) -> dict[str, Tensor]:
    """A whole state dict, by the released names."""
    listing = backbones()[tag]["state_dict"]
    return {name: torch.from_numpy(entry(tag, name, tuple(shape))) for name, (shape, _) in listing.items()}


def fill(module: nn.Module, tag: str) -> None:
    """Load the golden weights, strictly; the module is in float64 then."""
    module.double().load_state_dict(state(tag))


def input_of(tag: str, case: str) -> Tensor:
    """The input of a case, or of the training step (``train``, ``maps-train``)."""
    known = backbones()[tag]
    shape = (known["cases"].get(case) or known["train"])["input_shape"]
    return torch.from_numpy(unit(f"{tag}:input:{case}", tuple(shape)))


def compare(tag: str, case: str, outputs: Mapping[str, Tensor]) -> float:
    """The worst error of the outputs, relative to the root mean square of each; shapes must be the same."""
    known = backbones()[tag]
    kept = (known["cases"].get(case) or known["train"])["outputs"]
    return max(_output_error(f"{tag}/{case}/{name}", value, kept[name]) for name, value in outputs.items())


def compare_step(tag: str, module: nn.Module, gradients: Mapping[str, Tensor | None]) -> float:
    """The worst error of batch-norm statistics after one forward in training, and of the gradients of the loss."""
    train, worst = backbones()[tag]["train"], 0.0
    for name, value in module.named_buffers():
        kept = train["buffers"][name]
        if name.endswith("num_batches_tracked"):
            assert int(value) == kept, name
            continue
        flat = value.double().numpy()
        here = (flat.mean(), _projections(flat, 1)[0])
        worst = max(worst, *(abs(a - b) / (abs(flat).mean() + 1e-30) for a, b in zip(here, kept, strict=True)))
    largest = max(kept[0] for kept in train["gradients"].values() if kept)
    for name, kept in train["gradients"].items():
        gradient = gradients[name]
        assert (gradient is None) == (kept is None), name
        if gradient is not None and kept[0] > 1e-12 * largest:
            flat = gradient.double().numpy().reshape(-1)
            here = (math.sqrt((flat * flat).sum()), _projections(flat, 1)[0])
            worst = max(worst, *(abs(a - b) / kept[0] for a, b in zip(here, kept, strict=True)))
    return worst


def entry(tag: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The golden value of one entry of a state dict; the tag may be of other weights, as of a 2D network."""
    key, last = f"{tag}:{name}", name.rsplit(".", 1)[-1]
    if last == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if last == "running_mean":
        return 0.1 * unit(key, shape)
    if last == "running_var":
        return 0.5 + uniform(key, shape)
    if len(shape) >= 2:
        return unit(key, shape) * math.sqrt(2 / math.prod(shape[1:]))
    if last == "weight":
        return (0.25 if name.endswith("bn3.weight") else 1.0) * (0.8 + 0.4 * uniform(key, shape))
    assert last == "bias", name
    return 0.1 * unit(key, shape)


@cache
def _arrays() -> dict[str, np.ndarray]:
    with np.load(FOLDER / "golden_backbones.npz") as arrays:
        return dict(arrays)


def _projections(flat: np.ndarray, count: int) -> list[float]:
    """Projections on random signs, by the root of the number of elements."""
    signs = (np.where(uniform(f"probe:{i}:{flat.size}", (flat.size,)) < 0.5, -1.0, 1.0) for i in range(count))
    return [float((own * flat).sum() / math.sqrt(flat.size)) for own in signs]


def _output_error(place: str, value: Tensor, kept: dict[str, Any]) -> float:
    array = value.detach().double().numpy()
    assert list(array.shape) == kept["shape"], (place, array.shape, kept["shape"])
    flat = array.reshape(-1)
    length = math.sqrt((flat * flat).sum())
    projections = zip(_projections(flat, 4), kept["projections"], strict=True)
    error = max(abs(length / kept["l2"] - 1), *(abs(a - b) / kept["l2"] for a, b in projections))
    if kept["stored"] != "no":
        if kept["stored"] == "sample":
            flat = flat[np.floor(uniform(f"sample:{flat.size}", (64,)) * flat.size).astype(np.int64)]
        scale = kept["l2"] / math.sqrt(array.size)
        error = max(error, float(np.abs(flat - _arrays()[place].reshape(-1)).max() / scale))
    return error
