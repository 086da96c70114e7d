"""How NTU RGB+D names its recordings, which there are, and which of them lack a whole skeleton."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

from bmnas.errors import BmnasError, short

ACTIONS = 60
# Of each performer: how many setups there are of them, x 3 cameras x 2 repetitions x 60 actions.
SAMPLES: Mapping[int, int] = MappingProxyType(
    {
        1: 2160,
        2: 1080,
        3: 1440,
        4: 720,
        5: 360,
        6: 360,
        7: 5760,
        8: 5760,
        9: 720,
        10: 720,
        11: 360,
        12: 360,
        13: 1080,
        14: 360,
        15: 4680,
        16: 3960,
        17: 4320,
        18: 2520,
        19: 4320,
        20: 720,
        21: 1080,
        22: 360,
        23: 360,
        24: 360,
        25: 3600,
        26: 360,
        27: 1800,
        28: 1440,
        29: 360,
        30: 360,
        31: 360,
        32: 360,
        33: 360,
        34: 360,
        35: 360,
        36: 360,
        37: 1440,
        38: 360,
        39: 720,
        40: 360,
    }
)
PERFORMERS = len(SAMPLES)

_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})", re.ASCII)
_MOST = {"setup": 17, "camera": 3, "performer": PERFORMERS, "repetition": 2, "action": ACTIONS}


class Recording(NamedTuple):
    """What a name says; all are counted from 1. Prints as the beginning of its files' names."""

    setup: int
    camera: int
    performer: int
    repetition: int
    action: int

    def __str__(self) -> str:
        return "S{:03}C{:03}P{:03}R{:03}A{:03}".format(*self)


def recording_named(name: str) -> Recording:
    """The recording of that name, without the ends of its files' names.

    Raises:
        BmnasError: NTU RGB+D has no such recording; the message begins with a verb.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise BmnasError(
            f"begins with {short(name)}, but NTU RGB+D's names are such as S001C002P003R001A010: setup, camera, "
            "performer, repetition, action"
        )
    recording = Recording(*map(int, match.groups()))
    for (what, most), number in zip(_MOST.items(), recording, strict=True):
        if not 1 <= number <= most:
            larger = "; NTU RGB+D 120 has more, and is another data set" if number > most else ""
            raise BmnasError(f"names {what} {number}, but NTU RGB+D has {what}s 1 to {most}{larger}")
    return recording


@cache
def without_skeleton() -> frozenset[Recording]:
    """The 302 recordings whose skeleton is missing or incomplete, as those who recorded them list them."""
    text = files("bmnas.tasks.ntu").joinpath("missing_skeletons.txt").read_text("ascii")
    return frozenset(recording_named(name) for name in text.split())
