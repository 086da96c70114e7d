"""How good outputs are, and how two sets of outputs differ: every measure that fits the labels, with intervals.

Knows outputs and labels, and features where some of them are lost or noisy; nothing of searches and run folders.
Names load on first use, all at once, so that tests of numbers alone do not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bmnas.evaluation.compare import compare as compare
    from bmnas.evaluation.corruption import Corruption as Corruption
    from bmnas.evaluation.evaluate import evaluate as evaluate
    from bmnas.evaluation.threshold import best_threshold as best_threshold
    from bmnas.evaluation.values import (
        ClassScores as ClassScores,
        Comparison as Comparison,
        Difference as Difference,
        Evaluation as Evaluation,
        Measured as Measured,
        OutputErrors as OutputErrors,
    )

_HOME = {
    "ClassScores": "bmnas.evaluation.values",
    "Comparison": "bmnas.evaluation.values",
    "Corruption": "bmnas.evaluation.corruption",
    "Difference": "bmnas.evaluation.values",
    "Evaluation": "bmnas.evaluation.values",
    "Measured": "bmnas.evaluation.values",
    "OutputErrors": "bmnas.evaluation.values",
    "best_threshold": "bmnas.evaluation.threshold",
    "compare": "bmnas.evaluation.compare",
    "evaluate": "bmnas.evaluation.evaluate",
}

__all__ = [
    "ClassScores",
    "Comparison",
    "Corruption",
    "Difference",
    "Evaluation",
    "Measured",
    "OutputErrors",
    "best_threshold",
    "compare",
    "evaluate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # All of them: a function that has the name of its file would otherwise be the file, once another has imported that.
    globals().update({each: getattr(import_module(module), each) for each, module in _HOME.items()})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(__all__)
