"""The compiler: any valid genotype -> a plan -> a plain torch network, its source, its exports, its cost.

Names load on first use, so that what needs no torch (plans, costs) does not import it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bmnas.compiler.features import FeatureError as FeatureError
    from bmnas.compiler.network import FusionNetwork as FusionNetwork, compile_genotype as compile_genotype
    from bmnas.compiler.pooling import pool as pool
    from bmnas.compiler.summary import Summary as Summary, summarise as summarise
    from bmnas.compiler.temperature import divide_outputs as divide_outputs

_HOME = {
    "FeatureError": "bmnas.compiler.features",
    "FusionNetwork": "bmnas.compiler.network",
    "Summary": "bmnas.compiler.summary",
    "compile_genotype": "bmnas.compiler.network",
    "divide_outputs": "bmnas.compiler.temperature",
    "pool": "bmnas.compiler.pooling",
    "summarise": "bmnas.compiler.summary",
}

__all__ = [
    "FeatureError",
    "FusionNetwork",
    "Summary",
    "compile_genotype",
    "divide_outputs",
    "pool",
    "summarise",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bmnas.compiler' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
