"""Tools for experiments: they are told what happens, are not needed, and stop no search."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import bmnas
from bmnas.errors import BmnasError
from bmnas.tasks import Remark
from tests.searcher.problems import task_and_store

SETTINGS = {
    "epochs": 2,
    "channels": 4,
    "length": 3,
    "cells": 1,
    "steps": 1,
    "batch_size": 12,
    "anchor": "none",
    "select": "alpha",
    "select_budget": 0,
}


class Told:
    """What a tool was told."""

    def __init__(self) -> None:
        self.begun: list[dict[str, Any]] = []
        self.values: list[tuple[dict[str, float], int]] = []
        self.files: list[str] = []
        self.ended = 0

    def named(self, part: str) -> list[float]:
        return [value for values, _ in self.values for name, value in values.items() if part in name]


@pytest.fixture
def wandb(monkeypatch) -> Told:
    told = Told()

    def init(**given: Any) -> Any:
        told.begun.append(given)
        return SimpleNamespace(
            log=lambda values: told.values.append((values, values["step"])),
            log_artifact=lambda artifact: None,
            finish=lambda: setattr(told, "ended", told.ended + 1),
        )

    artifact = lambda *names, **kinds: SimpleNamespace(add_file=told.files.append)  # noqa: E731
    module: Any = ModuleType("wandb")
    module.init, module.Artifact = init, artifact
    monkeypatch.setitem(sys.modules, "wandb", module)
    return told


@pytest.fixture
def mlflow(monkeypatch) -> Told:
    told = Told()
    module: Any = ModuleType("mlflow")
    module.set_experiment = lambda name: told.begun.append({"experiment": name})
    module.start_run = lambda run_name: told.begun.append({"name": run_name})
    module.log_params = lambda values: told.begun.append(values)
    module.log_metrics = lambda values, step: told.values.append((values, step))
    module.log_artifact = told.files.append
    module.end_run = lambda: setattr(told, "ended", told.ended + 1)
    monkeypatch.setitem(sys.modules, "mlflow", module)
    return told


def searched(folder, *tools: str, **more: Any) -> bmnas.SearchResult:
    task, _ = task_and_store()
    given = {"train": {"epochs": 2}, "device": "cpu", "cache": folder / "cache", "report": None, **more}
    return bmnas.search(task, SETTINGS, folder=folder / "run", log_to=tools, **given)


def test_both_are_told_of_rounds_trainings_and_tests(tmp_path, wandb, mlflow):
    result = searched(tmp_path, "wandb", "mlflow")
    for told in (wandb, mlflow):
        assert told.ended == 1
        assert len(told.named("score/validation")) == 2
        assert told.named("loss/train") == [pytest.approx(entry["loss"]) for entry in result.history[:2]]
        assert len(told.named("training/found network")) == 2
        assert told.named("test/found network") == [result.rows[-1].test]
        assert {name.rsplit("/", 1)[1] for name in told.files} == {"genotype.json", "genotype.svg", "results.json"}
    assert wandb.begun[0]["project"] == "bmnas"
    assert wandb.begun[0]["config"]["search"]["channels"] == 4
    assert {"name": "run"} in mlflow.begun
    assert any(values.get("search/channels") == "4" for values in mlflow.begun)


def test_a_search_that_goes_on_continues_the_run_of_wandb(tmp_path, wandb):
    searched(tmp_path, "wandb")
    searched(tmp_path, "wandb", force=True)
    assert wandb.begun[0]["id"] == wandb.begun[1]["id"]
    assert wandb.begun[0]["resume"] == "allow"


@pytest.mark.parametrize("fails", ["log_metrics", "log_artifact", "end_run"])
def test_what_goes_wrong_there_stops_no_search(tmp_path, mlflow, monkeypatch, fails):
    def broken(*given: Any, **more: Any) -> None:
        raise ConnectionError("the server is\n gone")

    monkeypatch.setattr(sys.modules["mlflow"], fails, broken)
    events: list[Any] = []
    result = searched(tmp_path, "mlflow", report=events.append)
    assert result.rows
    said = [event.sentence for event in events if isinstance(event, Remark)]
    assert said.count("nothing more is told to mlflow: ConnectionError: the server is gone") == 1


def test_one_that_is_not_there_is_refused_before_the_search(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(BmnasError, match="--log-to wandb needs the package wandb: pip install wandb"):
        searched(tmp_path, "wandb")
    assert not (tmp_path / "run" / "config.json").exists()
    with pytest.raises(BmnasError, match="unknown tracker 'wandbb'; did you mean 'wandb'"):
        searched(tmp_path, "wandbb")


def test_one_that_cannot_begin_says_why(tmp_path, wandb, monkeypatch):
    def refuses(**given: Any) -> None:
        raise RuntimeError("no key")

    monkeypatch.setattr(sys.modules["wandb"], "init", refuses)
    with pytest.raises(BmnasError, match="--log-to wandb: RuntimeError: no key"):
        searched(tmp_path, "wandb")
