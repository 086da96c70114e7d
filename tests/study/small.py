"""A task on which a study takes seconds."""

from __future__ import annotations

from pathlib import Path

from bmnas import ArrayTask
from bmnas.genotype import Genotype, from_dict
from tests.searcher.run.test_choice import a_task

SETTINGS = {"cells": 1, "steps": 1, "channels": 8, "epochs": 1, "ensemble": 1, "select_budget": 2, "runners_up": 0}
TRAIN = {"epochs": 3}


def task() -> ArrayTask:
    return a_task("additive", 120)


def network(op: str = "LinearGLU", name: str = "mine", **changes: object) -> Genotype:
    return from_dict(
        {
            "name": name,
            "representation": {"channels": 8, "length": 1},
            "features": [{"name": "A", "modality": "A"}, {"name": "B", "modality": "B"}],
            "cells": [{"name": "Cell_1", "inputs": ["A", "B"], "steps": [{"op": op, "inputs": ["x", "y"]}]}],
            "output": ["A", "B", "Cell_1"],
            "join": "sum",
            "head": {"outputs": 3},
            **changes,
        }
    )


def places(folder: Path) -> dict[str, object]:
    return {"folder": folder / "study", "cache": folder / "cache", "device": "cpu", "report": None}
