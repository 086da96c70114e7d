from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from bmnas.tasks.av_digits.log_mel import BANDS, HOP, log_mel, mel_filters

RATE = 8000


def tone(frequency: float, samples: int = RATE) -> torch.Tensor:
    return torch.sin(2 * math.pi * frequency * torch.arange(samples) / RATE)


def mel(frequency: float) -> float:
    return 2595 * math.log10(1 + frequency / 700)


def test_the_filters_are_triangles_at_equal_distances_on_the_mel_scale() -> None:
    filters = mel_filters(RATE, 4001, BANDS)  # a bin each Hz
    assert filters.shape == (4001, BANDS)
    assert filters.min() == 0
    peaks = [mel(float(frequency)) for frequency in filters.argmax(axis=0)]
    distance = mel(RATE / 2) / (BANDS + 1)
    np.testing.assert_allclose(peaks, distance * np.arange(1, BANDS + 1), atol=2)
    # Between the first and the last peak the triangles add up to one.
    inside = filters[filters[:, 0].argmax() : filters[:, -1].argmax()]
    np.testing.assert_allclose(inside.sum(axis=1), 1, atol=1e-9)


def test_every_band_has_a_bin_of_the_transform() -> None:
    assert (mel_filters(RATE, 129, BANDS).max(axis=0) > 0).all()


@pytest.mark.parametrize("frequency", [300, 1000, 2500])
def test_a_tone_is_loudest_in_its_band(frequency: int) -> None:
    spectrogram = log_mel(tone(frequency)[None], RATE)[0]
    nearest = round(mel(frequency) / (mel(RATE / 2) / (BANDS + 1))) - 1
    assert set(spectrogram[5:-5].argmax(dim=1).tolist()) == {nearest}


def test_time_is_the_first_axis() -> None:
    sound = torch.zeros(1, RATE)
    sound[0, 4000:4400] = tone(1000, 400)
    spectrogram = log_mel(sound, RATE)
    assert spectrogram.shape == (1, 1 + RATE // HOP, BANDS)
    assert spectrogram.dtype == torch.float32
    assert 4000 <= HOP * int(spectrogram[0].amax(dim=1).argmax()) <= 4400


def test_spectrograms_are_normalised_and_do_not_depend_on_the_gain() -> None:
    sound = torch.randn(3, RATE, generator=torch.Generator().manual_seed(0))
    spectrogram = log_mel(sound, RATE)
    torch.testing.assert_close(spectrogram.mean(dim=(1, 2)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(spectrogram.std(dim=(1, 2), correction=0), torch.ones(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(log_mel(37 * sound, RATE), spectrogram, atol=2e-4, rtol=0)
    torch.testing.assert_close(log_mel(sound[1:2], RATE), spectrogram[1:2], atol=2e-4, rtol=0)


def test_silence_has_a_finite_spectrogram() -> None:
    assert torch.equal(log_mel(torch.zeros(1, RATE), RATE), torch.zeros(1, 51, BANDS))
