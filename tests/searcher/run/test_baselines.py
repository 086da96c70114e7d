"""The genotypes that a search needs besides the found one can be written, or the search is refused before it begins."""

from __future__ import annotations

import numpy as np
import pytest

import bmnas
from bmnas.errors import BmnasError
from bmnas.genotype import dumps, loads
from bmnas.searcher.run.baselines import baselines, refuse_unwritable
from tests.searcher.small import CONFIG, TRAIN

SPLITS = {"train": list(range(12)), "validation": list(range(12, 18)), "test": list(range(18, 24))}


def task_of(*features, name="sensors", channels=3):
    random = np.random.default_rng(0)
    arrays = {feature: random.normal(size=(24, channels)).astype("f4") for feature in features}
    return bmnas.ArrayTask(arrays, np.arange(24) % 2, SPLITS, name=name)


def test_the_rows_are_each_modality_alone_and_late_fusion():
    rows = baselines(task_of("A_1", "A_2", "B_1"), CONFIG)
    assert {row: baseline.genotype.name for row, baseline in rows.items()} == {
        "A alone": "A_2",
        "B alone": "B_1",
        "late fusion": "A_2 + B_1",
    }


def test_heads_are_baselines_where_networks_begin_at_them():
    rows = baselines(task_of("A_1", "A_2", "B_1"), CONFIG, anchored=True)
    assert {row: (baseline.genotype.output, dict(baseline.training)) for row, baseline in rows.items()} == {
        "A alone": (("A_2",), {}),
        "B alone": (("B_1",), {}),
        "score fusion": (("A_2", "B_1"), {"heads": "apart"}),
        "linear, last features": (("A_2", "B_1"), {"heads": "joint"}),
        "linear, all features": (("A_1", "A_2", "B_1"), {"heads": "joint"}),
        "late fusion": (("A_2", "B_1"), {}),
    }
    assert {row for row, baseline in rows.items() if baseline.genotype.join == "concat"} == {"late fusion"}
    assert {row for row, baseline in rows.items() if not baseline.fuses} == {"A alone", "B alone"}
    # Of one modality, and where the last features are all, there is nothing to add or to leave out.
    assert set(baselines(task_of("A_1"), CONFIG, anchored=True)) == {"A alone", "late fusion"}
    assert "linear, all features" not in baselines(task_of("A_1", "B_1"), CONFIG, anchored=True)


def test_a_name_joined_from_many_modalities_is_one_that_can_be_written():
    names = [f"sensor{number:02}_1" for number in range(40)]
    fusion = baselines(task_of(*names), CONFIG)["late fusion"].genotype
    assert loads(dumps(fusion)) == fusion
    assert fusion.name.startswith("sensor00_1 + sensor01_1 + ") and "(40 features)" in fusion.name
    other = baselines(task_of(*names[:-1], "sensor99_1"), CONFIG)["late fusion"].genotype
    assert other.name != fusion.name


def test_a_search_on_a_task_with_a_name_that_no_genotype_can_have_finds_one_with_another(tmp_path):
    name = "n" * 210
    config = CONFIG.model_copy(update={"batch_size": 4, "epochs": 1})
    result = bmnas.search(task_of("A_1", "B_1", name=name), config, folder=tmp_path / "run", evaluate=False)
    assert result.genotype.name.startswith(name[:4]) and len(result.genotype.name) <= 200
    assert bmnas.load(tmp_path / "run" / "genotype.json") == result.genotype


def test_what_no_genotype_can_hold_is_refused_before_anything_is_written(tmp_path):
    task = task_of("A_1", "B_1")
    task.outputs = 2_000_000
    with pytest.raises(BmnasError, match=r"head\.outputs is 2000000: "):
        bmnas.search(task, CONFIG, train=TRAIN, folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_options_that_do_not_fit_the_channels_are_refused():
    odd = CONFIG.model_copy(update={"operations": ("Sum", "MultiHeadAttention"), "channels": 7})
    with pytest.raises(BmnasError, match=r"could find: cells\[0\]\.steps\[0\]\.heads is 2, which does not divide"):
        refuse_unwritable(task_of("A_1", "B_1"), odd)


def test_a_genotype_that_does_not_fit_the_task_is_refused_before_the_extraction(monkeypatch):
    monkeypatch.setattr("bmnas.searcher.api.prepare", lambda *_, **__: pytest.fail("the features were extracted"))
    genotype = baselines(task_of("A_1", "C_1"), CONFIG)["late fusion"].genotype
    with pytest.raises(BmnasError, match="'C_1', which task sensors does not have"):
        bmnas.train(genotype, task_of("A_1", "B_1"), TRAIN)
