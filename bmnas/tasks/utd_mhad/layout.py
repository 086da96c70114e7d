"""How UTD-MHAD names its files, and what is in them.

The official layout is ``Skeleton/aA_sS_tT_skeleton.mat`` with ``d_skel`` (20 joints, 3, T), 30 frames a second, in
metres; ``Inertial/aA_sS_tT_inertial.mat`` with ``d_iner`` (T, 6), 50 readings a second, accelerometer (g) and gyroscope
(degrees a second); ``Depth/aA_sS_tT_depth.mat`` with ``d_depth`` (240, 320, T) in millimetres, 0 where there is no
person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from bmnas.errors import BmnasError

Array = np.ndarray[Any, Any]

ADDRESS = "https://personal.utdallas.edu/~kehtar/UTD-MHAD.html"
# In the order of their numbers, in the words of the data set's page.
ACTION_NAMES = (
    *("swipe left", "swipe right", "wave", "clap", "throw", "cross arms", "basketball shoot", "draw x"),
    *("draw circle clockwise", "draw circle counter-clockwise", "draw triangle", "bowling", "boxing"),
    *("baseball swing", "tennis swing", "arm curl", "tennis serve", "push", "knock", "catch", "pick up and throw"),
    *("jog", "walk", "sit to stand", "stand to sit", "lunge", "squat"),
)
ACTIONS = len(ACTION_NAMES)
SUBJECTS = 8
# Without leading zeros, so that a clip has one file name.
_NUMBER = "0|[1-9][0-9]{0,8}"


class Clip(NamedTuple):
    """One recording; prints as the beginning of its files' names."""

    action: int
    subject: int
    trial: int

    def __str__(self) -> str:
        return f"a{self.action}_s{self.subject}_t{self.trial}"


class Layout(NamedTuple):
    """The files of a modality: the end of their names, the variable in them, and its shape.

    Attributes:
        suffix: the last word of a file's name.
        variable: in the file.
        shape: of the variable; ``None`` is time, which has at least two points.
    """

    suffix: str
    variable: str
    shape: tuple[int | None, ...]

    @property
    def shape_text(self) -> str:
        """Such as ``(20, 3, T)``."""
        return f"({', '.join('T' if size is None else str(size) for size in self.shape)})"


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "Skeleton": Layout("skeleton", "d_skel", (20, 3, None)),
        "Inertial": Layout("inertial", "d_iner", (None, 6)),
        "Depth": Layout("depth", "d_depth", (240, 320, None)),
    }
)


def path_of(folder: Path, modality: str, clip: Clip) -> Path:
    """The official file of a clip."""
    return folder / modality / f"{clip}_{LAYOUTS[modality].suffix}.mat"


def clip_named(path: Path, modality: str) -> Clip:
    """The clip that an official file holds.

    Raises:
        BmnasError: the file has another name, or names an action or subject that the data set lacks.
    """
    suffix = LAYOUTS[modality].suffix
    match = re.fullmatch(rf"a({_NUMBER})_s({_NUMBER})_t({_NUMBER})_{suffix}\.mat", path.name)
    if match is None:
        raise BmnasError(
            f"{path}: is not named as UTD-MHAD names its files, "
            f"aA_sS_tT_{suffix}.mat for action A, subject S and trial T, such as a1_s1_t1_{suffix}.mat"
        )
    return checked(path, Clip(*map(int, match.groups())))


def checked(path: Path, clip: Clip) -> Clip:
    """The clip, if its action and its subject exist.

    Raises:
        BmnasError: they do not.
    """
    for what, number, most in (("action", clip.action, ACTIONS), ("subject", clip.subject, SUBJECTS)):
        if not 1 <= number <= most:
            raise BmnasError(f"{path}: names {what} {number}, but the data set has {what}s 1 to {most}")
    return clip


def expected(modalities: Sequence[str]) -> str:
    """What a folder should hold, and how to get it."""
    layout = " and ".join(f"{modality}/aA_sS_tT_{LAYOUTS[modality].suffix}.mat" for modality in modalities)
    return f"expected is a folder with {layout}; {how_to_get()}"


def how_to_get() -> str:
    """Where the data set is."""
    return f"the data set UTD-MHAD is at {ADDRESS}"
