"""The nine settings of Table 8 by name, for a search on any task: ``bmnas search --preset ntu-1``.

A preset is sizes and optimisation; the features are those of the task. Where the N and M of Table 8 differ from the
architecture of the same name (Figures 9 to 11; `bmnas.genotype.published`), the architecture holds: so its preset
searches the space that it lies in, and the column "Model Size" agrees with the architectures. Table 8 has (N, M) =
(2, 1) for ntu-3, (1, 2) for ego-2, (4, 2) for ego-3 and (2, 2) for ego-4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from types import MappingProxyType
from typing import Any

from bmnas.errors import BmnasError
from bmnas.genotype.space import RULES
from bmnas.searcher.config import SearchConfig
from bmnas.table import Table
from bmnas.tasks import Task


@dataclass(frozen=True)
class Preset:
    """One row of Table 8.

    Attributes:
        name: data set and number of the row, as in `bmnas.genotype.published`.
        features: how many features the paper's task has.
        reshape: what kind they are of: ``sequence`` or ``grid``.
        settings: for `SearchConfig`.
    """

    name: str
    features: int
    reshape: str
    settings: Mapping[str, Any]


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        BmnasError: there is none; the message names the nearest.
    """
    return PRESETS.find(name)


def preset_config(name: str, task: Task, **given: Any) -> SearchConfig:
    """A search on the task with the preset's settings, overridden by those given (``None`` counts as not given).

    What the preset does not say, such as the operations, suits the task.

    Raises:
        BmnasError: there is no such preset, the task's features cannot be searched with it, or a value makes no sense.
    """
    preset = get_preset(name)
    chosen = {setting: value for setting, value in given.items() if value is not None}
    own = {name: value for name, value in preset.settings.items() if name not in chosen}
    if "steps" in chosen and own.get("outputs_per_cell") == preset.settings["steps"]:
        own["outputs_per_cell"] = chosen["steps"]  # all of them, as it was
    # What is the preset's of strategies that are not chosen makes no difference.
    names = SearchConfig.names_with({**task.settings, **chosen})
    config = SearchConfig.for_task(task, **{name: value for name, value in own.items() if name in names}, **chosen)
    _refuse_misfit(preset, task, config)
    return config


def _refuse_misfit(preset: Preset, task: Task, config: SearchConfig) -> None:
    made_for = f"preset {preset.name} was made for {preset.features} {preset.reshape} features"
    rules, read = RULES[config.derive], config.cell_inputs
    most = rules.most_cells(len(task.features), read)
    if most is not None and config.cells > most:
        needed = rules.least_features(config.cells, read)
        raise BmnasError(
            f"{made_for} and has {config.cells} cells, for which the {config.derive} derivation needs "
            f"{needed} features, but task {task.name} has {len(task.features)}" + (f"; --cells {most}" if most else "")
        )
    length = task.settings.get("length", config.length)
    for feature in task.features:
        where = f"feature {feature.name!r} of task {task.name}"
        if feature.reshape == "grid" and isqrt(config.length) ** 2 != config.length:
            raise BmnasError(
                f"{made_for} and has the length {config.length}, but {where} is kept as a grid, which needs a square "
                f"length; --length {round(config.length**0.5) ** 2} chooses one"
            )
        own = (feature.channels or config.channels, length)
        if feature.reshape == "none" and own != (config.channels, config.length):
            raise BmnasError(
                f"{made_for} and has {config.channels} channels and the length {config.length}, but {where} is used as "
                f"it is, with {own[0]} and {own[1]}; --channels {own[0]} --length {own[1]} keeps these"
            )


def _preset(
    name: str,
    *,
    channels: int,
    length: int = 8,
    cells: int = 2,
    steps: int,
    outputs_per_cell: int,
    epochs: int,
    batch_size: int,
    dropout: float,
    lr: float,
    restart_epochs: int = 1,
) -> Preset:
    settings = {
        "channels": channels,
        "length": length,
        "cells": cells,
        "steps": steps,
        "outputs_per_cell": outputs_per_cell,
        "epochs": epochs,
        "batch_size": batch_size,
        "dropout": dropout,
        "lr": lr,
        "min_lr": 1e-6,
        "weight_decay": 1e-4,
        "arch_lr": 3e-4,
        "arch_weight_decay": 1e-3,
        "restart_epochs": restart_epochs,
        "anchor": "none",
        "select_budget": 0,
    }
    images = name.startswith("mmimdb")
    return Preset(name, 6 if images else 8, "grid" if images else "sequence", MappingProxyType(settings))


# How many last nodes form a cell's output is not in Table 8; it follows from its "Model Size". The epochs before the
# first restart, which the strategy released knows, are the released code's.
_NTU: dict[str, Any] = {"epochs": 30, "batch_size": 96, "dropout": 0.2, "lr": 1e-3}
_EGO: dict[str, Any] = {"epochs": 7, "batch_size": 72, "restart_epochs": 5}
_IMDB: dict[str, Any] = {"epochs": 12, "batch_size": 96, "dropout": 0.1, "lr": 1e-3}
PRESETS = Table(
    "preset",
    [
        _preset("ntu-1", channels=128, steps=2, outputs_per_cell=2, **_NTU),
        _preset("ntu-2", channels=256, steps=1, outputs_per_cell=1, **_NTU),
        _preset("ntu-3", channels=128, steps=2, outputs_per_cell=2, **_NTU),
        _preset("ntu-4", channels=256, cells=4, steps=2, outputs_per_cell=2, **_NTU),
        _preset("ego-1", channels=128, steps=3, outputs_per_cell=3, dropout=0.0, lr=3e-3, **_EGO),
        _preset("ego-2", channels=128, steps=1, outputs_per_cell=1, dropout=0.2, lr=1e-2, **_EGO),
        _preset("ego-3", channels=192, steps=4, outputs_per_cell=4, dropout=0.2, lr=3e-3, **_EGO),
        _preset("ego-4", channels=192, length=12, cells=3, steps=2, outputs_per_cell=2, dropout=0.0, lr=3e-3, **_EGO),
        _preset("mmimdb-1", channels=192, length=16, steps=1, outputs_per_cell=2, **_IMDB),
    ],
    cutoff=0.75,
)
