"""Rows of networks that are trained together with their backbones, after a search and in a comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import bmnas
from bmnas.errors import BmnasError
from bmnas.joint import JointConfig, rows
from bmnas.joint.rows import joint_rows
from bmnas.searcher.settings import TrainConfig
from bmnas.study import compare_systems
from bmnas.study.jointly import JOINTLY
from tests.joint.test_model import WithBatches
from tests.study.small import task as task_of_arrays

QUICK = JointConfig(epochs=2, batch_size=50, warmup=0.5)
TRAIN: dict[str, Any] = {"epochs": 2, "batch_size": 40}
SEARCH: dict[str, Any] = {
    "cells": 1,
    "steps": 1,
    "channels": 8,
    "length": 4,
    "epochs": 1,
    "batch_size": 40,
    "select_budget": 0,
    "runners_up": 0,
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searched")
    bmnas.search(
        WithBatches(), SEARCH, train=TRAIN, folder=folder / "run", cache=folder / "cache", device="cpu", report=None
    )
    return folder


def rows_in(folder: Path, config: JointConfig = QUICK) -> list[rows.JointRow]:
    train, task = TrainConfig.checked(**TRAIN), WithBatches()
    where = {"cache": folder / "cache", "device": "cpu", "report": None}
    return joint_rows(bmnas.open_run(folder / "run"), task, config, train, 0, **where)


def test_each_network_is_trained_once_and_the_result_can_be_used(
    searched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = rows_in(searched)
    delivered = bmnas.open_run(searched / "run").delivered(0)
    wanted = [name for name in ("Ton/é alone", ".. alone", "late fusion", "found network") if name != delivered]
    assert [row.name for row in found] == [*wanted, delivered]
    task, place = WithBatches(), searched / "run" / "joint"
    outputs = bmnas.load_model(place / "genotype.json", task=task).predict(task.split("test").inputs).outputs
    assert found[-1].test == pytest.approx(task.metric.score(outputs, task.split("test").labels))
    assert not list(place.glob("*.ckpt"))
    monkeypatch.setattr(rows, "train_joint", None)
    assert rows_in(searched) == found
    with pytest.raises(TypeError):  # other settings: they are trained anew
        rows_in(searched, JointConfig(epochs=3, batch_size=50, warmup=0.5))
    kept = json.loads((place / "results.json").read_text())
    (place / "results.json").write_text(json.dumps({**kept, "rows": 3}))
    with pytest.raises(BmnasError, match=r"results\.json: is damaged; delete it"):
        rows_in(searched)
    (place / "results.json").write_text(json.dumps(kept))


def test_a_comparison_has_rows_of_jointly_trained_networks(tmp_path: Path) -> None:
    study = compare_systems(
        WithBatches(),
        SEARCH,
        train=TRAIN,
        wanted=["mha"],
        joint=QUICK,
        seeds=(0, 1),
        folder=tmp_path / "study",
        cache=tmp_path / "cache",
        device="cpu",
        report=None,
    )
    (table,) = study.tables
    found = {row.name: row for row in table.rows}
    jointly = {"Ton/é alone, jointly", ".. alone, jointly", "late fusion, jointly", "mha, jointly"}
    jointly |= {"MMTM, jointly", "found network, jointly", JOINTLY}
    assert jointly <= set(found)
    assert table.looked_at == JOINTLY
    for name in jointly:
        assert len(found[name].scores) == 2
        assert found[name].source
        assert (found[name].against is None) == (name == JOINTLY)
    task = WithBatches()
    one = bmnas.train_joint(
        bmnas.open_run(tmp_path / "study" / "work" / "search" / "seed1").genotype(1),
        task,
        QUICK,
        train={**TRAIN, "seed": 1, "lr": 1e-3},
        cache=tmp_path / "cache",
        device="cpu",
        report=None,
    )
    assert found[JOINTLY].scores[1] == pytest.approx(one.test)


def test_a_task_without_backbones_has_none(tmp_path: Path) -> None:
    with pytest.raises(BmnasError, match="has features alone: there is no backbone that could be trained"):
        compare_systems(task_of_arrays(), joint=QUICK, folder=tmp_path, report=None)


def test_bfloat16_gives_about_the_same(tmp_path: Path) -> None:
    from tests.joint.test_training import _done, training_of

    whole, short = _done(training_of(tmp_path)), _done(training_of(tmp_path, amp="bfloat16"))
    one, two = whole.outputs("test")[0], short.outputs("test")[0]
    assert two.dtype == torch.float32
    assert not torch.equal(one, two)
    assert (one - two).abs().mean() < 0.2
