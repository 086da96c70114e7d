"""The digits, prepared once for all tests of the tasks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bmnas.tasks import FeatureStore, Progress, get_task, prepare
from tests.tasks.small_task import small_pool


@pytest.fixture(scope="session")
def digits_cache(tmp_path_factory: pytest.TempPathFactory, shared: Path, digits_training: list[Progress]) -> Path:
    """A cache with their backbones and nothing else."""
    folder = tmp_path_factory.mktemp("digits-cache")
    shutil.copytree(shared / "cache" / "digits" / "backbones", folder / "digits" / "backbones")
    return folder


@pytest.fixture(scope="session")
def digits_reports(digits_training: list[Progress]) -> list[Progress]:
    """What was reported of their training; with ``digits_store``, of their features too."""
    return [*digits_training]


@pytest.fixture(scope="session")
def digits_store(digits_cache: Path, digits_reports: list[Progress]) -> FeatureStore:
    return prepare(get_task("digits"), length=8, pool=small_pool, cache=digits_cache, report=digits_reports.append)
