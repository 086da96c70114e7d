"""Train and eval mode of any backbone, also of those that torch lets choose neither."""

from __future__ import annotations

from torch import nn


def set_mode(module: nn.Module, training: bool) -> None:
    """As `torch.nn.Module.train`, but the module of an exported program, whose mode is a part of it, stays as it is."""
    try:
        module.train(training)
    except NotImplementedError:
        module.training = training
        for child in module.children():
            set_mode(child, training)


def eval_mode(module: nn.Module) -> nn.Module:
    """The module itself, in eval mode."""
    set_mode(module, training=False)
    return module


def frozen(module: nn.Module) -> nn.Module:
    """The module itself, in eval mode and without gradients."""
    for parameter in module.parameters():  # `requires_grad_` of the module is not there in scripted ones
        parameter.requires_grad_(False)
    return eval_mode(module)
