"""The nine settings of Table 8, and tasks that they do not suit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.genotype import Feature, published
from bmnas.searcher import SearchConfig
from bmnas.searcher.config import all_names
from bmnas.searcher.presets import PRESETS, get_preset, preset_config
from bmnas.searcher.strategies.released_schedule import ReleasedSchedule
from bmnas.tasks import Task, get_task

FACTS = json.loads((Path(__file__).parent.parent / "reference" / "published.json").read_text())

# Table 8 as it is printed: C, L, N, M, epochs, batch, dropout, LR and L2 of alpha, MaxLR, MinLR, L2 of the weights.
TABLE_8 = {
    "ntu-1": (128, 8, 2, 2, 30, 96, 0.2, 3e-4, 1e-3, 1e-3, 1e-6, 1e-4),
    "ntu-2": (256, 8, 2, 1, 30, 96, 0.2, 3e-4, 1e-3, 1e-3, 1e-6, 1e-4),
    "ntu-3": (128, 8, 2, 1, 30, 96, 0.2, 3e-4, 1e-3, 1e-3, 1e-6, 1e-4),
    "ntu-4": (256, 8, 4, 2, 30, 96, 0.2, 3e-4, 1e-3, 1e-3, 1e-6, 1e-4),
    "ego-1": (128, 8, 2, 3, 7, 72, 0.0, 3e-4, 1e-3, 3e-3, 1e-6, 1e-4),
    "ego-2": (128, 8, 1, 2, 7, 72, 0.2, 3e-4, 1e-3, 1e-2, 1e-6, 1e-4),
    "ego-3": (192, 8, 4, 2, 7, 72, 0.2, 3e-4, 1e-3, 3e-3, 1e-6, 1e-4),
    "ego-4": (192, 12, 2, 2, 7, 72, 0.0, 3e-4, 1e-3, 3e-3, 1e-6, 1e-4),
    "mmimdb-1": (192, 16, 2, 1, 12, 96, 0.1, 3e-4, 1e-3, 1e-3, 1e-6, 1e-4),
}
# Table 8's N and M differ from the architectures of the figures there (reference/official-code.md, "Sizes").
OTHER_SIZES = {"ntu-3", "ego-2", "ego-3", "ego-4"}
NUMBERS = (
    "channels",
    "length",
    "cells",
    "steps",
    "epochs",
    "batch_size",
    "dropout",
    "arch_lr",
    "arch_weight_decay",
    "lr",
    "min_lr",
    "weight_decay",
)


def of_features(*features: Feature, **settings: Any) -> Task:
    task = get_task("digits")
    task.features, task.settings = features, settings
    return task


def feature(name: str, reshape: str = "sequence", channels: int = 8) -> Feature:
    return Feature(name=name, modality="A", channels=channels, reshape=reshape)


TWO = (feature("A_1"), feature("A_2"))


@pytest.mark.parametrize("name", PRESETS)
def test_the_numbers_are_those_of_table_8(name):
    config = preset_config(name, get_task("digits"), length=16 if name == "mmimdb-1" else None)
    found = {key: config.flat()[key] for key in NUMBERS}
    printed = dict(zip(NUMBERS, TABLE_8[name], strict=True))
    sizes = ("cells", "steps")
    assert ({key for key in sizes if found[key] != printed[key]} != set()) == (name in OTHER_SIZES)
    assert {key: found[key] for key in NUMBERS if key not in sizes} == {
        key: printed[key] for key in NUMBERS if key not in sizes
    }


@pytest.mark.parametrize("facts", FACTS["genotypes"], ids=lambda facts: facts["name"])
def test_the_sizes_are_those_of_the_published_architecture(facts):
    genotype, preset = published.load(facts["name"]), get_preset(facts["name"])
    own = preset.settings
    assert (own["channels"], own["length"]) == (genotype.representation.channels, genotype.representation.length)
    assert own["cells"] == len(genotype.cells)
    assert {own["steps"]} == {len(cell.steps) for cell in genotype.cells}
    assert {own["outputs_per_cell"]} == {len(cell.output) for cell in genotype.cells} == {facts["node_multiplier"]}
    assert own["dropout"] == genotype.dropout
    assert preset.features == len(genotype.features)
    assert {preset.reshape} == {feature.reshape for feature in genotype.features}


def test_names_are_those_of_the_published_architectures_and_settings_are_known():
    assert tuple(PRESETS) == published.names()
    assert all(preset.name == name for name, preset in PRESETS.items())
    assert all(set(preset.settings) <= all_names(SearchConfig) for preset in PRESETS.values())


def test_what_is_given_wins_over_the_preset_and_the_preset_over_the_task():
    task = of_features(*TWO, channels=24, epochs=3, patience=4, operations=("Sum", "Mul"))
    config = preset_config("ntu-2", task, epochs=5, batch_size=None, seed=7)
    assert (config.channels, config.epochs, config.batch_size, config.seed) == (256, 5, 96, 7)
    assert (config.patience, config.operations) == (4, ("Sum", "Mul"))  # of which a preset says nothing


def test_the_strategy_that_a_task_suggests_decides_which_settings_count():
    assert preset_config("ntu-1", of_features(*TWO, strategy="random")).strategy.kind == "random"
    task = get_task("planted")
    task.settings = {**task.settings, "strategy": "released"}
    assert preset_config("ego-1", task).strategy.restart_epochs == 5


def test_other_steps_are_all_put_out_where_they_were():
    assert preset_config("ego-3", of_features(*TWO), steps=1).outputs_per_cell == 1
    assert preset_config("mmimdb-1", of_features(*TWO), steps=2).outputs_per_cell == 2
    assert preset_config("ego-3", of_features(*TWO), steps=2, outputs_per_cell=3).outputs_per_cell == 3


def test_the_seed_alone_makes_a_search_on_every_task_that_comes_along():
    for name in ("digits", "planted"):
        for preset in PRESETS:
            assert preset_config(preset, get_task(name), seed=3).seed == 3


@pytest.mark.parametrize(
    ("name", "features", "settings", "given", "message"),
    [
        ("ntu1", TWO, {}, {}, "^unknown preset 'ntu1'; did you mean 'ntu-1'\\?$"),
        ("best", TWO, {}, {}, "^unknown preset 'best'; known: 'ntu-1', .* and 1 more$"),
        (
            "ntu-1",
            TWO[:1],
            {},
            {},
            "^preset ntu-1 was made for 8 sequence features and has 2 cells, for which the paper derivation needs 2 "
            "features, but task digits has 1$",
        ),
        (
            "ntu-4",
            [feature(f"A_{i}") for i in range(4)],
            {},
            {"derive": "official"},
            "has 4 cells, for which the official derivation needs 5 features, but task digits has 4; --cells 3$",
        ),
        (
            "ntu-4",
            [feature(f"A_{i}") for i in range(5)],
            {},
            {"derive": "official", "cell_inputs": 3},
            "has 4 cells, for which the official derivation needs 6 features, but task digits has 5; --cells 3$",
        ),
        (
            "ego-4",
            [TWO[0], feature("I", "grid")],
            {},
            {},
            "^preset ego-4 was made for 8 sequence features and has the length 12, but feature 'I' of task digits is "
            "kept as a grid, which needs a square length; --length 9 chooses one$",
        ),
        (
            "mmimdb-1",
            [TWO[0], feature("N", "none", 24)],
            {"channels": 24, "length": 16},
            {},
            "^preset mmimdb-1 was made for 6 grid features and has 192 channels and the length 16, but feature 'N' of "
            "task digits is used as it is, with 24 and 16; --channels 24 --length 16 keeps these$",
        ),
        ("ntu-1", [TWO[0], feature("N", "none", 128)], {"length": 4}, {}, "with 128 and 4; --channels 128 --length 4"),
        ("ntu-1", TWO, {}, {"epochs": 0}, "^setting epochs is 0: "),
    ],
)
def test_what_cannot_be_searched_is_said_with_the_preset(name, features, settings, given, message):
    with pytest.raises(BmnasError, match=message):
        preset_config(name, of_features(*features, **settings), **given)


@pytest.mark.parametrize(
    ("name", "features", "settings", "given"),
    [
        ("ntu-4", [feature(f"A_{i}") for i in range(5)], {}, {"derive": "official"}),
        ("ntu-4", [feature(f"A_{i}") for i in range(4)], {}, {"derive": "official", "cells": 3}),
        ("ego-4", [TWO[0], feature("I", "grid")], {}, {"length": 9}),
        ("mmimdb-1", [TWO[0], feature("I", "grid")], {}, {}),
        ("ntu-1", [TWO[0], feature("N", "none", 24)], {"length": 4}, {"channels": 24, "length": 4}),
        ("ntu-1", [TWO[0], feature("N", "none", 128)], {}, {}),
    ],
)
def test_what_can_be_searched_after_all_is_not_refused(name, features, settings, given):
    config = preset_config(name, of_features(*features, **settings), **given)
    assert {key: config.flat()[key] for key in given} == given


@pytest.mark.parametrize(("name", "epochs"), [("ntu-1", 1), ("ego-2", 5)])
def test_the_official_protocol_restarts_when_the_released_code_does(name, epochs):
    official = {"strategy": "released"}
    config = preset_config(name, get_task("digits"), min_lr=0.0, **official)
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    schedule = ReleasedSchedule(optimizer, config.lr, config.min_lr, 10, period=config.strategy.restart_epochs)
    rates = []
    for _ in range(10 * epochs + 2):
        schedule.before_step()
        rates.append(schedule.lr)
    assert [at for at, rate in enumerate(rates) if rate == config.lr] == [0, 10 * epochs + 1]
