from __future__ import annotations

import numpy as np
import torch
from torchvision.transforms.functional import normalize

from bmnas.tasks.mmimdb.preprocessing import poster, vector


def test_corrected_posters_are_what_torchvision_expects() -> None:
    pixels = torch.randint(256, (3, 8, 6), generator=torch.Generator().manual_seed(0))  # R, G, B
    taken_off = np.array([103.939, 116.779, 123.68])[:, None, None]
    stored = np.trunc(pixels.flip(0).numpy() - taken_off).astype(np.int32)
    wanted = normalize(pixels / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    # The fraction was cut when the file was made: at most one of 255 levels.
    assert (poster(stored, "corrected") - wanted).abs().max() < 1 / 255 / 0.224
    exact = normalize(
        torch.from_numpy((stored + taken_off)[::-1].copy()) / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    )
    assert (poster(stored, "corrected") - exact).abs().max() < 1e-5


def test_released_posters_are_as_they_are_stored() -> None:
    stored = np.arange(-12, 12, dtype=np.int32).reshape(3, 4, 2)
    found = poster(stored, "released")
    assert found.dtype == torch.float32 and found.tolist() == stored.tolist()
    assert poster(stored.astype(np.float64), "released").tolist() == stored.tolist()


def test_vectors_are_copies() -> None:
    stored = np.zeros(4, np.float32)
    vector(stored)[0] = 1
    assert not stored.any()
