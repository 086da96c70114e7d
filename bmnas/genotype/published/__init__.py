"""The nine architectures of the paper (Figures 9 to 11), complete, by name: ``bmnas draw ntu-1``; and those of MMnas.

Features and their channels are those of the paper's tasks; channels, length, node multiplier and dropout are those of
Table 8. Where its N and M differ from the figures (ntu-3, ego-2 to ego-4), the figures hold. Of the encoder-decoder
networks that MMnas has published, and of MCAN (Yu et al., CVPR 2019), blocks and sizes are those of the released files
and settings.
"""

from __future__ import annotations

import pkgutil
from typing import Any

from bmnas.errors import GenotypeError, did_you_mean
from bmnas.genotype.parsing import loads_any

_NAMES = ("ntu-1", "ntu-2", "ntu-3", "ntu-4", "ego-1", "ego-2", "ego-3", "ego-4", "mmimdb-1")


_STACKS = ("mmnas-vqa", "mmnas-itm", "mmnas-vgd", "mcan")


def names() -> tuple[str, ...]:
    """What the paper's architectures are called: task, then configuration of Table 8."""
    return _NAMES


def every_name() -> tuple[str, ...]:
    """What the published genotypes of all kinds are called."""
    return (*_NAMES, *_STACKS)


def load(name: str) -> Any:
    """The architecture of that name, a `bmnas.Genotype` or a `bmnas.StackGenotype`.

    Raises:
        GenotypeError: there is none.
    """
    if name not in every_name():
        raise GenotypeError(f"{name!r} is not a published genotype{did_you_mean(name, every_name())}")
    text = pkgutil.get_data(__name__, f"{name}.json")  # importlib.resources is slow to import
    assert text is not None, "a part of the package"
    return loads_any(text.decode(), source=name)
