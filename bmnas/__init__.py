"""bmnas: search, write, compile, train and draw multimodal fusion networks (BM-NAS, AAAI 2022).

Every public name loads on first use, so that ``import bmnas`` is cheap: torch is imported only by the names that need
it (`compile`, `train`, `search` and what belongs to them).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bmnas.genotype import (
        BmnasError as BmnasError,
        Cell as Cell,
        Feature as Feature,
        Genotype as Genotype,
        GenotypeError as GenotypeError,
        Head as Head,
        Representation as Representation,
        Step as Step,
        load as load,
        loads as loads,
        save as save,
    )

_HOME = {
    "bmnas.genotype": (
        "BmnasError",
        "Cell",
        "Feature",
        "Genotype",
        "GenotypeError",
        "Head",
        "Representation",
        "Step",
        "load",
        "loads",
        "save",
    ),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'bmnas' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
