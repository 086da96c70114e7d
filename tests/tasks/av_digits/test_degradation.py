from __future__ import annotations

import numpy as np
import pytest

from bmnas.tasks.av_digits.degradation import (
    IMAGE_NOISE,
    SOUND_LENGTH,
    SOUND_SNR_DB,
    degrade_image,
    degrade_sound,
)

IMAGE = np.tile(np.array([0, 255], dtype=np.uint8), (28, 14))
NAMES = [f"3_ann_{index}.wav" for index in range(30)]


def test_the_noise_on_images_has_the_strength_that_is_said() -> None:
    noise = np.stack([degrade_image(IMAGE, position) - IMAGE / 255 for position in range(100)])
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(IMAGE_NOISE, rel=0.02)


def test_the_noise_on_sounds_has_the_power_that_is_said_and_fills_the_second() -> None:
    silence = np.zeros(4000, dtype=np.int16)
    noise = np.stack([degrade_sound(silence, name) for name in NAMES])
    assert noise.shape == (30, SOUND_LENGTH)
    for part in np.split(noise, 4, axis=1):
        assert np.square(part).mean() == pytest.approx(10 ** (-SOUND_SNR_DB / 10), rel=0.05)


@pytest.mark.parametrize("loudness", [30, 30_000])
def test_speech_has_a_power_of_one_in_the_middle(loudness: int) -> None:
    speech = np.full(2000, loudness, dtype=np.int16)
    difference = degrade_sound(speech, NAMES[0]) - degrade_sound(np.zeros(2000, dtype=np.int16), NAMES[0])
    expected = np.concatenate([np.zeros(3000), np.ones(2000), np.zeros(3000)])
    np.testing.assert_allclose(difference, expected, atol=2e-4)


def test_of_a_long_recording_the_middle_second_is_taken() -> None:
    speech = np.concatenate([np.zeros(500), np.full(8000, 100), np.zeros(501)]).astype(np.int16)
    difference = degrade_sound(speech, NAMES[0]) - degrade_sound(np.zeros(2000, dtype=np.int16), NAMES[0])
    np.testing.assert_allclose(difference, np.ones(SOUND_LENGTH), atol=2e-4)


def test_noise_is_fixed_for_a_sample_and_another_for_each() -> None:
    np.testing.assert_array_equal(degrade_image(IMAGE, 5), degrade_image(IMAGE, 5))
    sound = np.ones(100, dtype=np.int16)
    np.testing.assert_array_equal(degrade_sound(sound, NAMES[0]), degrade_sound(sound, NAMES[0]))
    images = np.stack([degrade_image(IMAGE, position).ravel() for position in range(20)])
    sounds = np.stack([degrade_sound(sound, name) for name in NAMES])
    for noise in (images - IMAGE.ravel() / 255, sounds):
        correlation = np.corrcoef(noise) - np.eye(len(noise))
        assert np.abs(correlation).max() < 0.2


def test_noise_never_changes() -> None:
    # Scores are comparable only while this holds.
    np.testing.assert_allclose(degrade_image(IMAGE * 0, 5)[0, :3], IMAGE_NOISE * np.array(IMAGE_5), atol=2e-4)
    power = 10 ** (-SOUND_SNR_DB / 20)
    np.testing.assert_allclose(degrade_sound(np.zeros(9, np.int16), NAMES[0])[:3], power * np.array(ANN_0), atol=2e-4)


IMAGE_5 = [0.6028, 0.7871, 1.0144]
ANN_0 = [0.6273, 0.3770, 0.1560]
