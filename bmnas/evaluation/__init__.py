"""How good outputs are, and how two sets of outputs differ: every measure that fits the labels, with intervals.

Knows outputs and labels, and features where some of them are lost or noisy; nothing of searches and run folders.
"""

from bmnas.evaluation.compare import compare
from bmnas.evaluation.corruption import Corruption
from bmnas.evaluation.evaluate import evaluate
from bmnas.evaluation.values import ClassScores, Comparison, Difference, Evaluation, Measured, OutputErrors

__all__ = [
    "ClassScores",
    "Comparison",
    "Corruption",
    "Difference",
    "Evaluation",
    "Measured",
    "OutputErrors",
    "compare",
    "evaluate",
]
