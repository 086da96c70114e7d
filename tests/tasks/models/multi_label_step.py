"""The golden training step of the two networks of MM-IMDB."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from bmnas.taps import Tapped
from tests import paper_golden as golden


def worst_error(tag: str, module: nn.Module, taps: Mapping[str, str]) -> float:
    """Of loss, outputs, batch-norm statistics, gradients, and the logits after a step; the module is changed."""
    known, given = golden.backbones()[tag]["train"], golden.input_of(tag, "train")
    found: dict[str, Tensor] = Tapped(module.train(), taps)(given)
    logits = found["logits"]
    target = torch.from_numpy(golden.uniform(f"{tag}:target", tuple(logits.shape)) < 0.15).double()
    loss = binary_cross_entropy_with_logits(logits, target)
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
    errors = [
        abs(loss.item() / known["loss"] - 1),
        golden.compare(tag, "train", found),
        golden.compare_step(tag, module, gradients),
    ]
    with torch.no_grad():
        for parameter in module.parameters():
            assert parameter.grad is not None
            parameter -= 0.01 * parameter.grad
        after = module.eval()(given)
    kept = {"shape": list(after.shape), **known["logits_after_sgd"]}
    return max(*errors, golden._output_error(f"{tag}/train/logits_after_sgd", after, kept))
