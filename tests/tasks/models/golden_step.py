"""One golden training step: loss, gradients, statistics, and the logits after a step of gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn

from tests.paper_golden import _output_error, backbones, compare, compare_step

LABELS = torch.tensor([0, 7, 31, 59])


def check_step(
    tag: str, case: str, module: nn.Module, outputs: Callable[[], Mapping[str, Tensor]], labels: Tensor = LABELS
) -> None:
    """Compare a step of a classifier whose dropouts are 0 with the golden one.

    Args:
        tag: of the backbone.
        case: ``train`` or ``maps-train``.
        module: with the golden weights.
        outputs: runs the module on the golden input; ``logits`` is among what it gives.
        labels: (B,).
    """
    module.train()
    found = outputs()
    assert compare(tag, case, found) < 1e-9
    loss = nn.functional.cross_entropy(found["logits"], labels)
    assert loss.item() == pytest.approx(backbones()[tag]["train"]["loss"], rel=1e-9)
    loss.backward()
    assert compare_step(tag, module, {name: own.grad for name, own in module.named_parameters()}) < 1e-9
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.grad is not None:
                parameter -= 0.01 * parameter.grad
        module.eval()
        after = outputs()["logits"]
    kept = backbones()[tag]["train"]["logits_after_sgd"]
    assert _output_error(f"{tag}/{case}/logits_after_sgd", after, kept) < 1e-9
