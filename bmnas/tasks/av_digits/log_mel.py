"""The log-mel spectrogram: how much energy a sound has over time, in bands as wide as the ear's."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

WINDOW = 256  # samples, 32 ms at 8 kHz
HOP = 160  # samples, 20 ms
BANDS = 32


def log_mel(sound: Tensor, rate: int, *, bands: int = BANDS) -> Tensor:
    """Log-mel spectrogram, normalised so that its mean over time and bands is 0 and its standard deviation 1.

    Power of a short-time Fourier transform (Hann window), summed in triangular bands of the mel scale, logarithm.
    A gain of the sound shifts the logarithm by a constant, so the normalisation takes it out.

    Args:
        sound: (B, N) waveforms.
        rate: samples per second.
        bands: how many.
    Returns: (B, T, bands) float32 with T = 1 + N // 160 frames.
    """
    sound = sound.double()
    window = torch.hann_window(WINDOW, dtype=sound.dtype)
    spectrum = torch.stft(sound, WINDOW, HOP, window=window, pad_mode="constant", return_complex=True)
    energy_BTM = spectrum.abs().square().transpose(1, 2) @ torch.from_numpy(mel_filters(rate, WINDOW // 2 + 1, bands))
    # A floor at 80 dB below the loudest bin: silence has no finite logarithm.
    floor = 1e-8 * energy_BTM.amax(dim=(1, 2), keepdim=True) + 1e-30
    level = energy_BTM.maximum(floor).log()
    level = level - level.mean(dim=(1, 2), keepdim=True)
    deviation = level.square().mean(dim=(1, 2), keepdim=True).sqrt()
    # Rounded, so that the fingerprint of the data is the same where the last bits of the transform are others.
    return (level / deviation.clamp_min(1e-6)).round(decimals=4).float()


def mel_filters(rate: int, bins: int, bands: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Triangles (bins, bands) whose corners lie at equal distances on the mel scale, 0 Hz to half the rate.

    mel(f) = 2595 log10(1 + f / 700) (O'Shaughnessy, Speech Communication, 1987). Each triangle has height 1.
    """
    frequencies = np.linspace(0, rate / 2, bins)[:, None]
    mels = np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), bands + 2)
    corners = 700 * (10 ** (mels / 2595) - 1)
    low, middle, high = corners[:-2], corners[1:-1], corners[2:]
    rising = (frequencies - low) / (middle - low)
    falling = (high - frequencies) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling))
