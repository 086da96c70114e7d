"""The names of the settings that a task may suggest, so that a misspelt one is not passed over in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bmnas.errors import BmnasError, did_you_mean

# What a search and a training take, and the epochs of the training. A seed suits no task better than
# another one, nor does a number of seeds.
KNOWN = (
    "channels",
    "length",
    "batch_size",
    "epochs",
    "train_epochs",
    "dropout",
    "cells",
    "steps",
    "outputs_per_cell",
    "operations",
    "derive",
    "strategy",
    "relaxation",
    "select",
    "top_k",
    "samples",
    "protocol",
    "restart_epochs",
    "budget_trainings",
    "budget_seconds",
    "population",
    "tournament",
    "amp",
    "cuda_graphs",
    "sharpness",
    "patience",
    "lr",
    "min_lr",
    "weight_decay",
    "arch_lr",
    "arch_weight_decay",
)


def refuse_unknown(settings: Mapping[str, Any]) -> None:
    """Look at the names alone; the values are checked where a search or a training takes them.

    Raises:
        BmnasError: it is no mapping, or has a name that is no setting.
    """
    if not isinstance(settings, Mapping):
        raise BmnasError(f"settings is a {type(settings).__name__}, but should give values by the names of settings")
    for name in settings:
        if name not in KNOWN:
            raise BmnasError(f"settings has {name!r}, which is no setting of a task{did_you_mean(str(name), KNOWN)}")
