"""Noise that leaves each modality of `av-digits` insufficient alone: clean digits are too easy to need any fusion.

White Gaussian noise is added to the image and to the waveform. A sample's noise is fixed: it is drawn once from a seed,
which is made of the sample's name, and neither of an epoch nor of what other samples there are. NumPy's ``RandomState``
draws it, because NumPy promises that its stream never changes.

The two strengths were chosen on the validation split, so that a small CNN alone is right there for about two thirds of
the samples. They are a part of what the task is: other strengths would be another task.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

# Standard deviation of the noise on an image whose black is 0 and white is 1.
IMAGE_NOISE = 1.2
# Ratio of the power of the speech to that of the noise, in decibels.
SOUND_SNR_DB = -9.0
# The length of a degraded sound in samples: a second at 8 kHz.
SOUND_LENGTH = 8000

_SEED = 2022

_Array = np.ndarray[Any, Any]


def degrade_image(image: _Array, position: int) -> _Array:
    """The image (H, W) uint8 at a position of MNIST's file, as (H, W) float32: 0 to 1 plus noise, not clipped."""
    noise = _noise(f"image {position}", image.shape)
    return _rounded(image / 255.0 + IMAGE_NOISE * noise)


def degrade_sound(sound: _Array, name: str) -> _Array:
    """The recording (T,) int16 of a file name, as (8000,) float32: a second of noise with the speech in its middle.

    The speech is brought to a mean power of 1, so speakers are equally loud. The noise fills the whole second, so the
    length of a recording cannot be read off. Of a longer recording the middle second is taken.
    """
    noise = 10 ** (-SOUND_SNR_DB / 20) * _noise(f"sound {name}", (SOUND_LENGTH,))
    return _rounded(noise + centred(sound))


def centred(sound: _Array) -> _Array:
    """A second (8000,) float64 of silence with the speech of the recording (T,) int16 in its middle, of mean power 1.

    Of a longer recording the middle second is taken.
    """
    start = max(0, (len(sound) - SOUND_LENGTH) // 2)
    speech = sound[start : start + SOUND_LENGTH].astype(np.float64)
    power = max(1.0, np.square(speech).mean())  # of a silent recording, which has none, nothing is left
    second = np.zeros(SOUND_LENGTH)
    start = (SOUND_LENGTH - len(speech)) // 2
    second[start : start + len(speech)] = speech / np.sqrt(power)
    return second


def _noise(what: str, shape: tuple[int, ...]) -> _Array:
    """Gaussian noise of mean 0 and standard deviation 1 that depends on ``what`` alone."""
    random = np.random.RandomState(zlib.crc32(f"{_SEED} {what}".encode()))
    return random.standard_normal(shape)


def _rounded(numbers: _Array) -> _Array:
    # The last bits may differ between machines, whose logarithms do; the fingerprint of the data must not.
    return numbers.round(4).astype(np.float32)
