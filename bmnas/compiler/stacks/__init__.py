"""Encoder-decoder genotypes as torch networks. Names load on first use: costs need no torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bmnas.compiler.stacks.blocks import BlockSize as BlockSize
    from bmnas.compiler.stacks.export import export_stacks as export_stacks
    from bmnas.compiler.stacks.network import (
        SequenceError as SequenceError,
        StackNetwork as StackNetwork,
        compile_stacks as compile_stacks,
    )
    from bmnas.compiler.stacks.official import load_official_state as load_official_state
    from bmnas.compiler.stacks.summary import summarise_stacks as summarise_stacks

_HOME = {
    "BlockSize": "bmnas.compiler.stacks.blocks",
    "SequenceError": "bmnas.compiler.stacks.network",
    "StackNetwork": "bmnas.compiler.stacks.network",
    "compile_stacks": "bmnas.compiler.stacks.network",
    "export_stacks": "bmnas.compiler.stacks.export",
    "load_official_state": "bmnas.compiler.stacks.official",
    "summarise_stacks": "bmnas.compiler.stacks.summary",
}

__all__ = [
    "BlockSize",
    "SequenceError",
    "StackNetwork",
    "compile_stacks",
    "export_stacks",
    "load_official_state",
    "summarise_stacks",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bmnas.compiler.stacks' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
