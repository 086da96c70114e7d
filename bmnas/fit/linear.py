"""Linear heads on features, fitted to the end: (multinomial) logistic or linear regression with an L2 penalty.

What is minimised is convex, so there is one result, which depends on no seed: L-BFGS from zero finds it. Axes: N
samples, D numbers of a feature, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
"""The mean loss of outputs (N, O) against labels."""

STEPS = 200
TOLERANCE = 1e-7


class Head(NamedTuple):
    """A linear map: weight (O, D) and bias (O,), as `torch.nn.Linear` has them."""

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """(N, D) to (N, O)."""
        return torch.addmm(self.bias, x, self.weight.t())

    def times(self, factor: float) -> Head:
        """The head whose outputs are so many times as great."""
        return Head(self.weight * factor, self.bias * factor)


def fit_joint(
    xs: Sequence[Tensor],
    labels: Tensor,
    loss: Loss,
    outputs: int,
    l2: float,
    begin: Sequence[Head] | None = None,
    *,
    steps: int = STEPS,
    tolerance: float = TOLERANCE,
) -> list[Head]:
    """Heads whose sum is fitted: min mean loss(Σ heads, labels) + l2 / 2 · Σ|weight|². Biases have no penalty.

    Args:
        xs: features, each (N, D) with its own D.
        labels: as the loss takes them.
        loss: convex in its outputs.
        outputs: O.
        l2: of the penalty.
        begin: heads for other data or another penalty, to begin with; they make it faster and change nothing else.
        steps: of L-BFGS, at most.
        tolerance: see `minimise`.
    """
    x = torch.cat(list(xs), 1)
    weight = torch.cat([head.weight for head in begin], 1).clone() if begin else x.new_zeros(outputs, x.shape[1])
    bias = sum((head.bias for head in begin), x.new_zeros(outputs)) if begin else x.new_zeros(outputs)

    def objective() -> Tensor:
        return loss(torch.addmm(bias, x, weight.t()), labels) + l2 / 2 * weight.square().sum()

    minimise(objective, [weight, bias], steps, tolerance)
    widths = [each.shape[1] for each in xs]
    parts = weight.split(widths, 1)
    # One bias would do; it is that of the first head.
    return [Head(part.clone(), bias if i == 0 else torch.zeros_like(bias)) for i, part in enumerate(parts)]


def fit_apart(xs: Sequence[Tensor], labels: Tensor, loss: Loss, outputs: int, l2: float) -> list[Head]:
    """Heads each of which is fitted by itself, as for score fusion; arguments as of `fit_joint`."""
    return [head for x in xs for head in fit_joint([x], labels, loss, outputs, l2)]


def summed(heads: Sequence[Head], xs: Sequence[Tensor]) -> Tensor:
    """Σ of the heads' outputs, (N, O)."""
    total = heads[0](xs[0])
    for head, x in zip(heads[1:], xs[1:], strict=True):
        total = total + head(x)
    return total


def minimise(
    objective: Callable[[], Tensor], variables: Sequence[Tensor], steps: int = STEPS, tolerance: float = TOLERANCE
) -> None:
    """Change the variables in place to where the objective is smallest: L-BFGS of scipy, in 64 bits.

    Args:
        objective: of the variables as they are; differentiable and convex.
        variables: leaves without gradients.
        steps: at most.
        tolerance: it ends with a step that makes the objective smaller by less than this part of it.
    """
    from scipy.optimize import minimize

    sizes = [each.numel() for each in variables]

    def put(flat: np.ndarray[Any, np.dtype[np.float64]]) -> None:
        with torch.no_grad():
            for each, part in zip(variables, torch.from_numpy(flat).split(sizes), strict=True):
                each.copy_(part.view(each.shape))

    def value_and_gradient(flat: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, Any]:
        put(flat)
        with torch.enable_grad():
            value = objective()
            gradients = torch.autograd.grad(value, list(variables))
        return value.item(), torch.cat([each.flatten() for each in gradients]).double().cpu().numpy()

    begin = torch.cat([each.detach().flatten() for each in variables]).double().cpu().numpy()
    for each in variables:
        each.requires_grad_(True)
    try:
        options = {"maxiter": steps, "ftol": tolerance, "gtol": 1e-6}
        put(minimize(value_and_gradient, begin, jac=True, method="L-BFGS-B", options=options).x)
    finally:
        for each in variables:
            each.requires_grad_(False)
