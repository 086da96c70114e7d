"""Which performers' recordings are in which split, by the name of the list.

Test are the twenty performers of the official cross-subject protocol, validation 2, 5, 9 and 14, in each of the lists.
They differ in who trains the search:

- ``released``: eight performers, as in the released code, with 23,760 samples, which is the number in the paper;
- ``paper``: the seven that the paper's text names, as MFAS has them, with 23,040 samples;
- ``official``: the sixteen other training performers of the protocol, with 37,800 samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from bmnas.tasks.ntu.recording import PERFORMERS
from bmnas.tasks.task import SplitName

ListName = Literal["paper", "released", "official"]

OFFICIAL_TRAINING = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
VALIDATION = (2, 5, 9, 14)
TEST = tuple(performer for performer in range(1, PERFORMERS + 1) if performer not in OFFICIAL_TRAINING)

_SEARCH_TRAINING: Mapping[ListName, tuple[int, ...]] = MappingProxyType(
    {
        "paper": (1, 4, 8, 13, 15, 17, 19),
        "released": (1, 8, 15, 17, 19, 27, 31, 35),
        "official": tuple(performer for performer in OFFICIAL_TRAINING if performer not in VALIDATION),
    }
)


def performers_of(split: SplitName, by: ListName) -> tuple[int, ...]:
    """The performers whose recordings are in a split, by a list."""
    return {"train": _SEARCH_TRAINING[by], "validation": VALIDATION, "test": TEST}[split]
