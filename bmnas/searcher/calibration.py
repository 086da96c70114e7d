"""How sure outputs should be: the temperatures by which they are divided, tried on samples that were held out.

Guo et al., On Calibration of Modern Neural Networks, ICML 2017. A loss says two things at once, whether answers are
right and whether a network is as sure as it should be; at its best temperature it says the first. Axes: N samples, O
outputs.
"""

from __future__ import annotations

from torch import Tensor

from bmnas.tasks import Task

TEMPERATURES = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.7, 8.0)


def temperatures(task: Task) -> tuple[float, ...]:
    """Those that are tried: 1 alone where outputs are no logits."""
    return TEMPERATURES if getattr(task.objective, "logits", False) else (1.0,)


def least_loss(task: Task, outputs: Tensor, labels: Tensor) -> float:
    """The mean loss of outputs (N, O) at their best temperature."""
    return min(float(task.loss(outputs / temperature, labels)) for temperature in temperatures(task))
