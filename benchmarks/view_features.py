"""Views of an image, a recording or a movement as people write them by hand: moments, profiles, spectra, statistics.

Unless it says otherwise, each takes what it describes with the samples along the first axis and returns (N, d) numbers,
in the units that come out.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy import fft, ndimage

from bmnas.tasks.av_digits.log_mel import HOP, WINDOW, log_mel

Array = np.ndarray[Any, Any]


def profiles(images: Array) -> Array:
    """Of images (N, H, W): sums of rows and columns, and how far from each side the ink begins, 3 (H + W) numbers."""
    ink = images > images.max() / 4
    sides = [ink, ink[:, :, ::-1], ink.transpose(0, 2, 1), ink.transpose(0, 2, 1)[:, :, ::-1]]
    # A line without ink is as far as the other side.
    distances = [np.where(side.any(axis=2), side.argmax(axis=2), side.shape[2]) for side in sides]
    return np.concatenate([images.sum(axis=2), images.sum(axis=1), *distances], axis=1)


def zernike(images: Array, order: int) -> Array:
    """Magnitudes of the Zernike moments of square images (N, S, S) up to an order; they do not change with a rotation.

    The image's inner circle is the unit disc. Khotanzad and Hong, "Invariant Image Recognition by Zernike Moments",
    1990, Eq. 1-6.
    """
    size = images.shape[1]
    y, x = (np.mgrid[:size, :size] + 0.5) * 2 / size - 1
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    basis = [
        (n + 1) / math.pi * np.where(radius <= 1, _radial(radius, n, m) * np.exp(-1j * m * angle), 0)
        for n in range(order + 1)
        for m in range(n % 2, n + 1, 2)
    ]
    return np.abs(images.reshape(len(images), -1) @ np.stack(basis).reshape(len(basis), -1).T) * (2 / size) ** 2


def fourier(images: Array, most: int) -> Array:
    """Magnitudes of the Fourier coefficients of images (N, H, W) of at most so many waves; a shift changes little."""
    spectrum = np.abs(np.fft.rfft2(images))
    least = max(-most, 1 - images.shape[1] // 2)
    # Of the first column, one half mirrors the other.
    waves = [(u, v) for v in range(most + 1) for u in range(least if v else 0, most + 1)]
    return np.stack([spectrum[:, u, v] for u, v in waves], axis=1)


def gradients(images: Array, cells: int, directions: int = 8) -> Array:
    """Of images (N, H, W): how much edge runs in each direction, in a grid of cells x cells."""
    down, across = np.gradient(images, axis=(1, 2))
    strength, angle = np.hypot(down, across), np.arctan2(down, across)
    bins = np.floor((angle + math.pi) / (2 * math.pi) * directions).astype(int) % directions
    return np.concatenate(
        [zones(np.where(bins == direction, strength, 0), cells) for direction in range(directions)], axis=1
    )


def zones(images: Array, cells: int) -> Array:
    """Means of images (N, H, W) in a grid of cells x cells, which has to divide both sides."""
    numbers, height, width = images.shape
    grid = images.reshape(numbers, cells, height // cells, cells, width // cells)
    return grid.mean(axis=(2, 4)).reshape(numbers, -1)


def morphology(images: Array) -> Array:
    """Six numbers of each image (N, H, W): ink, holes, the centre of the ink, its slant and how long it is."""
    return np.array([_shape_of(image) for image in images])


def principal(values: Array, training: Array, components: int) -> Array:
    """The first principal components of (N, d), found on the training rows alone; no labels are used."""
    mean = values[training].mean(axis=0)
    _, _, directions = np.linalg.svd(values[training] - mean, full_matrices=False)
    # The sign of a direction is arbitrary: its greatest coordinate is made positive.
    greatest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return (values - mean) @ (directions * np.sign(greatest))[:components].T


def over_time(sequence: Array) -> Array:
    """Statistics of one sequence (T, channels): of its values, of their changes, and means of its four quarters."""
    changes = np.diff(sequence, axis=0)
    quarters = [quarter.mean(axis=0) for quarter in np.array_split(sequence, 4)]
    quantiles = np.quantile(sequence, [0.25, 0.5, 0.75], axis=0)
    plain = [sequence.mean(axis=0), sequence.std(axis=0), sequence.min(axis=0), sequence.max(axis=0)]
    moving = [changes.std(axis=0), changes.min(axis=0), changes.max(axis=0)]
    return np.concatenate([*plain, *quantiles, *moving, *quarters])


def spectra(sound: Array, rate: int) -> dict[str, Array]:
    """The views of one recording (T,): mean spectrum, its spread, cepstrum over time, statistics."""
    level = log_mel(torch.from_numpy(sound)[None].float(), rate)[0].numpy()
    cepstrum = fft.dct(level, axis=1, norm="ortho")[:, 1:14]
    thirds = [part.mean(axis=0) for part in np.array_split(cepstrum, 3)]
    return {
        "Spectrum": level.mean(axis=0),
        "Spread": level.std(axis=0),
        "Cepstrum": np.concatenate([thirds[1] - thirds[0], thirds[2] - thirds[1], cepstrum.std(axis=0)]),
        "Shape": _sound_shape(sound.astype(float), rate),
    }


def _radial(radius: Array, n: int, m: int) -> Array:
    total = np.zeros_like(radius)
    for k in range((n - m) // 2 + 1):
        below = math.factorial(k) * math.factorial((n + m) // 2 - k) * math.factorial((n - m) // 2 - k)
        total += (-1) ** k * math.factorial(n - k) / below * radius ** (n - 2 * k)
    return total


def _shape_of(image: Array) -> list[float]:
    ink = image / image.sum()
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    middle_y, middle_x = (ink * y).sum(), (ink * x).sum()
    spread = np.array(
        [[(ink * a * b).sum() for a in (y - middle_y, x - middle_x)] for b in (y - middle_y, x - middle_x)]
    )
    short, long = np.linalg.eigvalsh(spread)
    # The paper around the figure is one piece of background; every other piece is a hole.
    holes = ndimage.label(np.pad(image <= image.max() / 4, 1, constant_values=True))[1] - 1
    return [image.sum(), holes, middle_y, middle_x, spread[0, 1] / spread[0, 0], math.sqrt(long / short)]


def _sound_shape(sound: Array, rate: int) -> Array:
    frames = np.stack([sound[start : start + WINDOW] for start in range(0, max(1, len(sound) - WINDOW + 1), HOP)])
    power = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]), axis=1)) ** 2 + 1e-9
    frequencies = np.fft.rfftfreq(frames.shape[1], 1 / rate)
    share = power / power.sum(axis=1, keepdims=True)
    centre = share @ frequencies
    width = np.sqrt((share * (frequencies - centre[:, None]) ** 2).sum(axis=1))
    rolloff = frequencies[(share.cumsum(axis=1) >= 0.85).argmax(axis=1)]
    peak = frequencies[power.argmax(axis=1)]
    crossings = (np.diff(np.signbit(frames), axis=1) != 0).mean(axis=1)
    tracks = np.stack([centre, width, rolloff, peak, crossings, np.log(power.sum(axis=1))], axis=1)
    statistics = [tracks.mean(axis=0), tracks.std(axis=0), tracks.min(axis=0), tracks.max(axis=0)]
    return np.concatenate([*statistics, [len(sound) / rate]])
