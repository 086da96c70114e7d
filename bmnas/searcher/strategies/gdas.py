"""Gumbel sampling (Dong and Yang, "Searching for a Robust Neural Architecture in Four GPU Hours", CVPR 2019: GDAS).

In every step each choice is one alternative alone, drawn with the probabilities that alpha, beta and gamma stand for:
the greatest of logits + Gumbel noise (Eq. 4 there). alpha, beta and gamma get the gradient of the softmax of the same
sums, divided by a temperature that falls from 10 to 0.1 (Eq. 5 and 6). Every alternative adds to that gradient; the
authors' code takes the drawn ones alone.

An epoch's score is that of the derived genotype, with weights inherited from the hypernet: a hypernet that was never
trained as a mixture has no score as one.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from pydantic import Field, SerializeAsAny
from torch import Tensor

from bmnas.searcher.hypernet import Mixing
from bmnas.searcher.hypernet.network import Phase
from bmnas.searcher.selections import Alpha
from bmnas.searcher.settings import SelectionSettings
from bmnas.searcher.strategies.hypernet_settings import ArchitectureSettings
from bmnas.searcher.strategies.on_hypernet import OnHypernet

WARM, COLD = 10.0, 0.1  # the temperature in the first and in the last epoch


class Gdas(OnHypernet):
    """One alternative takes part in a step, drawn anew for each step and seed. y is drawn from what x may leave it."""

    class Settings(ArchitectureSettings):
        """Those of hypernets whose alpha, beta and gamma are learnt."""

        kind: Literal["gdas"] = "gdas"
        select: SerializeAsAny[SelectionSettings] = Field(
            default_factory=Alpha, description="How the hypernet is turned into a genotype at the end."
        )

    scores_genotypes = True

    @property
    def temperature(self) -> float:
        """That of the epoch which is under way."""
        return WARM + (COLD - WARM) * self.epoch / max(1, self.config.epochs - 1)

    def _mixing(self, phase: Phase) -> Mixing:
        net, official = self.hypernet, self.config.derive == "official"
        features, cells, steps = len(net.size.features), net.size.cells, net.size.steps
        # A weight step leaves alpha, beta and gamma as they are.
        with torch.set_grad_enabled(phase == "architecture"):
            alpha_K2E, beta_K2NE, gamma_KNMP = self._perturbed()
            return Mixing(
                cells=tuple(
                    # Under the official rule a cell reads features alone.
                    _drawn_pair(logits_K2E, repeats=False, only=features if official else None)
                    for logits_K2E in alpha_K2E.split([features + n for n in range(cells)], -1)
                ),
                steps=tuple(
                    tuple(
                        _drawn_pair(logits_K2E, repeats=not official)
                        for logits_K2E in beta_K2E.split([2 + m for m in range(steps)], -1)
                    )
                    for beta_K2E in beta_K2NE.unbind(2)
                ),
                operations=drawn(gamma_KNMP),
            )

    def _perturbed(self) -> tuple[Tensor, Tensor, Tensor]:
        """(logits + noise) / temperature of alpha, beta and gamma."""
        net = self.hypernet
        logits = (net.alpha_KE2.transpose(1, 2), net.beta_KNE2.permute(0, 3, 1, 2), net.gamma_KNMP)
        alpha, beta, gamma = ((each + self._gumbel(each.shape[1:])) / self.temperature for each in logits)
        return alpha, beta, gamma

    def _gumbel(self, shape: torch.Size) -> Tensor:
        """Standard Gumbel noise, (K, *shape), of each seed from its own generator."""
        like = self.hypernet.gamma_KNMP
        rows = [like.new_empty(shape).exponential_(generator=generator) for generator in self.generators]
        return -torch.stack(rows).log()


def drawn(logits: Tensor) -> Tensor:
    """One-hot at the greatest logit of the last axis, with the gradient of the softmax (straight through)."""
    soft = logits.softmax(-1)
    hard = torch.zeros_like(soft).scatter_(-1, soft.argmax(-1, keepdim=True), 1)
    # In this order, because then the sum is exactly 0 or 1.
    return hard + (soft - soft.detach())


def _drawn_pair(logits_K2E: Tensor, *, repeats: bool, only: int | None = None) -> Tensor:
    """x and y, (K, 2, E); ``repeats``: y may be x; ``only``: of the first so many alternatives."""
    if only is not None:
        none = torch.arange(logits_K2E.shape[-1], device=logits_K2E.device) >= only
        logits_K2E = logits_K2E.masked_fill(none, -math.inf)
    x_logits_KE, y_logits_KE = logits_K2E.unbind(1)
    x_KE = drawn(x_logits_KE)
    if not repeats:
        y_logits_KE = y_logits_KE.masked_fill(x_KE.detach() > 0, -math.inf)
    return torch.stack([x_KE, drawn(y_logits_KE)], 1)
