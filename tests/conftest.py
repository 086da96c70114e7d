"""Shared by all tests: how many examples are tried, one thread, and what is trained once for all of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from tests.profiles import load_profile

if TYPE_CHECKING:
    from bmnas.tasks import Progress

load_profile()

# The networks of the tests are small: threads of torch would only wait for each other, and for those of other workers.
# Before torch is imported; commands that run in processes of their own inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Workers of ``-n auto``: each takes a gigabyte, and more than four would wait for the longest test."""
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that needs a GPU is skipped where there is none."""
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no GPU")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run of the tests that its workers share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _no_cache_of_the_user(shared: Path) -> Iterator[None]:
    """What names no cache finds an empty one: no test reads or fills the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BMNAS_CACHE", str(shared / "unnamed"))
        yield


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Torch on two threads, for what must leave their number alone."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits_training(shared: Path) -> list[Progress]:
    """What was reported when the backbones of the digits were trained, once for all workers, into ``shared/cache``."""
    from bmnas.tasks import Progress, backbones, get_task

    told = shared / "digits.json"
    with FileLock(told.with_suffix(".lock")):
        if not told.exists():
            reports: list[Progress] = []
            backbones(get_task("digits"), cache=shared / "cache", report=reports.append)
            told.write_text(json.dumps([asdict(report) for report in reports]))
    return [Progress(**report) for report in json.loads(told.read_text())]


@pytest.fixture(scope="session")
def cache(shared: Path, digits_training: list[Progress]) -> Path:
    """A cache folder in which the digits are ready for representations of length 4."""
    from bmnas.compiler import pool
    from bmnas.tasks import get_task, prepare

    prepare(get_task("digits"), length=4, pool=pool, cache=shared / "cache")
    return shared / "cache"


# Finished runs, for whoever uses one.
pytest_plugins = ["tests.runs"]
