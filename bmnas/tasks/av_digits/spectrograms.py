"""Recordings as the audio backbones take them: read, prepared, and turned into log-mel spectrograms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.tasks.av_digits.files import RATE, Recording, read_recording
from bmnas.tasks.av_digits.log_mel import log_mel

# Sounds whose spectrograms are computed at a time.
_CHUNK = 256

_Array = np.ndarray[Any, Any]


def spectrograms(recordings: Sequence[Recording], prepared: Callable[[_Array, str], _Array]) -> Tensor:
    """(N, 51, 32): log-mel spectrograms of the recordings, frames of 20 ms by mel bands.

    Args:
        recordings: which; their files are read.
        prepared: ``prepared(samples, file_name)`` is the second (8000,) of sound that is looked at.
    Raises:
        BmnasError: a file cannot be read, or is no recording of FSDD.
    """
    parts = []
    for start in range(0, len(recordings), _CHUNK):
        chunk = recordings[start : start + _CHUNK]
        sounds = [prepared(read_recording(recording.path), recording.path.name) for recording in chunk]
        parts.append(log_mel(torch.from_numpy(np.stack(sounds)), RATE))
    return torch.cat(parts)
