"""The official files, where they are, and small ones in their formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from bmnas.tasks.av_digits import AvDigitsTask
from tests.tasks.av_digits.small_files import write_data

_REAL = Path(__file__).parents[3] / ".." / "shared" / "data"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data")


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not (_REAL / "free-spoken-digit-dataset").is_dir() or not (_REAL / "mnist").is_dir():
        pytest.skip("FSDD and MNIST are not there: ../shared/data, relative to the repository")
    return _REAL


@pytest.fixture(scope="session")
def real_task(real_data: Path) -> AvDigitsTask:
    return AvDigitsTask.open(real_data)
