"""Small files of digits by six speakers; and digits in the official numbers, of which there are names alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bmnas.tasks.av_digits.files import Recording
from bmnas.tasks.av_pairs.signals import Signals
from tests.tasks.av_digits.small_files import RECORDINGS, write_mnist, write_wav

SPEAKERS = ("ann", "bob", "cas", "dee", "eve", "fay")
_REAL = Path(__file__).parents[3] / ".." / "shared" / "data"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Recordings 0, 5 and 10 of the digits 3 and 7 by each speaker, and ten images of each digit."""
    for digit in (3, 7):
        for place, speaker in enumerate(SPEAKERS):
            for index in (0, 5, 10):
                path = tmp_path / RECORDINGS / f"{digit}_{speaker}_{index}.wav"
                write_wav(path, 3000 + 100 * index, tone=300 * digit + 20 * place)
    write_mnist(tmp_path, [3, 7] * 10)
    return tmp_path


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not (_REAL / "free-spoken-digit-dataset").is_dir() or not (_REAL / "mnist").is_dir():
        pytest.skip("FSDD and MNIST are not there: ../shared/data, relative to the repository")
    return _REAL


def official(fold: int, indices: int = 50) -> Signals:
    """As many recordings of each digit and speaker as FSDD has, and 10,000 images."""
    signals = Signals(Path("nowhere"), fold)
    named = [(digit, speaker, index) for digit in range(10) for speaker in SPEAKERS for index in range(indices)]
    vars(signals)["recordings"] = [Recording(*name, path=Path("{}_{}_{}.wav".format(*name))) for name in named]
    vars(signals)["written"] = np.arange(10_000) % 7 + np.arange(10_000) % 4
    return signals
