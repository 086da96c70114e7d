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
    """One alternative takes part in a step, drawn anew for each step and seed.

    Each input of a node is drawn from what those before it may leave it.
    """

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
        sizes = self.problem.space.sizes
        before_cells = [sizes.features + n for n in range(sizes.cells)]
        before_steps = [sizes.nodes_before_step(m) for m in range(sizes.steps)]
        # A weight step leaves alpha, beta and gamma as they are.
        with torch.set_grad_enabled(phase == "architecture"):
            alpha_KIE, beta_KINE, gamma_KNMP = self._perturbed()
            return Mixing(
                cells=tuple(
                    _drawn_inputs(logits_KIE, repeats=False, first=sizes.nodes_before_cell(n))
                    for n, logits_KIE in enumerate(alpha_KIE.split(before_cells, -1))
                ),
                steps=tuple(
                    tuple(
                        _drawn_inputs(logits_KIE, repeats=sizes.repeats, first=nodes)
                        for nodes, logits_KIE in zip(before_steps, beta_KIE.split(before_steps, -1), strict=True)
                    )
                    for beta_KIE in beta_KINE.unbind(2)
                ),
                operations=drawn(gamma_KNMP),
            )

    def _perturbed(self) -> tuple[Tensor, Tensor, Tensor]:
        """(logits + noise) / temperature of alpha, beta and gamma."""
        alpha_KEI, beta_KNEI, gamma_KNMP = self.hypernet.architecture()
        logits = (alpha_KEI.transpose(1, 2), beta_KNEI.permute(0, 3, 1, 2), gamma_KNMP)
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


def _drawn_inputs(logits_KIE: Tensor, *, repeats: bool, first: int) -> Tensor:
    """x, y, ..., (K, I, E), of the ``first`` so many alternatives alone; ``repeats``: y may be x, and so on."""
    free_KE = (torch.arange(logits_KIE.shape[-1], device=logits_KIE.device) < first).expand_as(logits_KIE[:, 0])
    inputs = []
    for logits_KE in logits_KIE.unbind(1):
        inputs.append(drawn(logits_KE.masked_fill(~free_KE, -math.inf)))
        if not repeats:
            free_KE = free_KE & (inputs[-1].detach() == 0)
    return torch.stack(inputs, 1)
