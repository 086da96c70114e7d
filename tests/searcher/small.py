"""Settings of searches that take seconds, and what of their results must not depend on the clock."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import torch

from bmnas.files import sealed, unsealed
from bmnas.genotype import Genotype, load
from bmnas.searcher import SearchConfig, TrainConfig

# In the paper's space, so that heads are not fitted in each of many tests; `ANCHORED` is the default one.
ANCHORED = SearchConfig(
    epochs=3, channels=6, length=4, batch_size=96, cells=2, steps=1, lr=1e-2, seed=5, select="alpha"
)
CONFIG = SearchConfig(**{**ANCHORED.flat(), "anchor": "none", "select_budget": 0})
TRAIN = TrainConfig(epochs=2, batch_size=96, lr=1e-2, seed=5)


def timeless(value: Any) -> Any:
    """JSON data without the seconds, and without the checksums of what has them."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in ("seconds", "sha256", "checksum")}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def outcome(folder: Path) -> dict[str, Any]:
    """All that a run folder says about its result, without the seconds."""
    genotypes = sorted((folder / "genotypes").iterdir())
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return {
        "genotype": timeless(json.loads((folder / "genotype.json").read_text())),
        "epochs": {path.name: timeless(json.loads(path.read_text())) for path in genotypes},
        "events": timeless(events),
        "results": timeless(json.loads((folder / "results.json").read_text())),
        "weights": (folder / "genotype.safetensors").read_bytes()
        if (folder / "genotype.safetensors").exists()
        else b"",
    }


def bare(path: Path) -> Genotype:
    """A genotype without its provenance."""
    return load(path).model_copy(update={"provenance": None})


def checkpoint(folder: Path) -> dict[str, Any]:
    """What the last checkpoint of a run folder holds."""
    content = unsealed((folder / "checkpoints" / "last.pt").read_bytes())
    state: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True)
    return state


def put_checkpoint(path: Path, state: Any) -> None:
    """Write a checkpoint with a right checksum, whatever it holds."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    path.write_bytes(sealed(buffer.getvalue()))
