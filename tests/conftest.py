"""Shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# No test measures time: a slow machine is not a failure.
settings.register_profile("bmnas", deadline=None)
settings.load_profile("bmnas")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that needs a GPU is skipped where there is none."""
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no GPU")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which the digits are ready for representations of length 4."""
    from bmnas.compiler import pool
    from bmnas.tasks import get_task, prepare

    folder = tmp_path_factory.mktemp("cache")
    prepare(get_task("digits"), length=4, pool=pool, cache=folder)
    return folder
