"""The digits, prepared once for all tests of the tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from bmnas.tasks import FeatureStore, Progress, get_task, prepare
from tests.tasks.small_task import small_pool


@pytest.fixture(scope="session")
def digits_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("digits-cache")


@pytest.fixture(scope="session")
def digits_reports() -> list[Progress]:
    return []


@pytest.fixture(scope="session")
def digits_store(digits_cache: Path, digits_reports: list[Progress]) -> FeatureStore:
    return prepare(get_task("digits"), length=8, pool=small_pool, cache=digits_cache, report=digits_reports.append)
