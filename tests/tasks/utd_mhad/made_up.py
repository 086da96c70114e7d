"""A small made-up data set in the official layout of UTD-MHAD, and the place of the real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from bmnas.tasks.utd_mhad.layout import Clip

REAL = Path(__file__).parents[4] / "shared" / "data" / "UTD-MHAD"
needs_real_data = pytest.mark.skipif(
    not (REAL / "Skeleton").is_dir(), reason="the real UTD-MHAD is not at ../shared/data/UTD-MHAD"
)

# One clip of each of two actions by a subject of every split, two of them for training.
CLIPS = tuple(Clip(action, subject, 1) for action in (1, 2) for subject in (1, 2, 3, 7))


def skeleton(clip: Clip, frames: int = 9) -> np.ndarray[Any, Any]:
    """Joints (20, 3, T) that differ from clip to clip; the trunk and the shoulders are where a person has them."""
    random = np.random.RandomState(sum(clip))
    joints = random.uniform(-0.1, 0.1, (20, 3, frames)) + np.array([0.0, 0.0, 2.8])[:, None]
    joints[1, 1] += 0.5  # neck above the hips
    joints[8, 0] += 0.4  # right shoulder to the right of the left one
    return joints


def inertial(clip: Clip, readings: int = 21) -> np.ndarray[Any, Any]:
    """Readings (T, 6)."""
    return np.random.RandomState(sum(clip)).normal(size=(readings, 6)) * [1, 1, 1, 90, 90, 90]


def depth(clip: Clip, frames: int = 5) -> np.ndarray[Any, Any]:
    """A person-sized block in front of nothing (240, 320, T), in millimetres."""
    clip_depth = np.zeros((240, 320, frames), dtype=np.int16)
    clip_depth[60:220, 140:190] = 2800 + 16 * sum(clip)
    clip_depth[100:120, 190:220, frames // 2] = 2500  # an arm, for a moment
    return clip_depth


MAKERS = {"Skeleton": ("d_skel", skeleton), "Inertial": ("d_iner", inertial), "Depth": ("d_depth", depth)}


def write(
    folder: Path, clips: tuple[Clip, ...] = CLIPS, modalities: tuple[str, ...] = ("Skeleton", "Inertial")
) -> Path:
    """Write the files of some clips; returns the folder."""
    for modality in modalities:
        for clip in clips:
            write_one(folder, modality, clip, MAKERS[modality][1](clip))
    return folder


def write_one(folder: Path, modality: str, clip: Clip, array: Any, variable: str | None = None) -> Path:
    """Write one file; returns its path."""
    path = path_of(folder, modality, clip)
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {variable or MAKERS[modality][0]: array}, do_compression=True)
    return path


def path_of(folder: Path, modality: str, clip: Clip) -> Path:
    """Where the file of a clip is."""
    return folder / modality / f"a{clip.action}_s{clip.subject}_t{clip.trial}_{modality.lower()}.mat"


def write_reduced(folder: Path, **changes: Any) -> Path:
    """Write the reduced depth of all clips; ``changes`` replaces arrays, or leaves one out if it is ``None``."""
    depths = np.stack([np.full((16, 60, 80), 170 + clip.action, dtype=np.uint8) for clip in CLIPS])
    arrays: dict[str, Any] = {"key": np.array(CLIPS, dtype=np.int16), "depth": depths, **changes}
    path = folder / "depth_16x60x80_u8.npz"
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **{name: array for name, array in arrays.items() if array is not None})
    return path
