"""The nine architectures of the paper (Figures 9 to 11), complete, by name: ``bmnas draw ntu-1``.

Features and their channels are those of the paper's tasks; channels, length, node multiplier and dropout are those of
Table 8. Where its N and M differ from the figures (ntu-3, ego-2 to ego-4), the figures hold.
"""

from __future__ import annotations

import pkgutil

from bmnas.errors import GenotypeError, did_you_mean
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.parsing import loads

_NAMES = ("ntu-1", "ntu-2", "ntu-3", "ntu-4", "ego-1", "ego-2", "ego-3", "ego-4", "mmimdb-1")


def names() -> tuple[str, ...]:
    """What the architectures are called: task, then configuration of Table 8."""
    return _NAMES


def load(name: str) -> Genotype:
    """The architecture of that name.

    Raises:
        GenotypeError: there is none.
    """
    if name not in _NAMES:
        raise GenotypeError(f"{name!r} is not a published genotype{did_you_mean(name, _NAMES)}")
    text = pkgutil.get_data(__name__, f"{name}.json")  # importlib.resources is slow to import
    assert text is not None, "a part of the package"
    return loads(text.decode(), source=name)
