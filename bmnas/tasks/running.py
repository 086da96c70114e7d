"""Run a backbone on a batch of a task, and say in a sentence what went wrong with it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.taps import TapError, Tapped
from bmnas.taps.tap import not_the_batch
from bmnas.tasks.loading import is_death
from bmnas.tasks.tree import Tree, leaves, mapped


def run(tapped: Tapped, inputs: Tree, modality: str) -> dict[str, Tensor]:
    """The features (B, channels, ...) of one modality, by name.

    Args:
        tapped: the backbone.
        inputs: a batch, on its device.
        modality: what messages call it.

    Raises:
        TapError: a tap gives no feature, or one whose first axis is not the batch.
        BmnasError: the backbone fails.
    """
    size = len(next(tensor for _, tensor in leaves(inputs)))
    try:
        features = tapped(inputs)
    except BmnasError:
        raise
    except Exception as error:  # a backbone's own code can raise anything
        if is_death(error):
            raise
        said = (str(error).strip() or "no message").split("\n")[0][:300]
        shapes = ", ".join(f"{place[1:]} {tuple(tensor.shape)}".strip() for place, tensor in leaves(inputs))
        raise BmnasError(
            f"the backbone of modality {modality!r} cannot run on an input {shapes}: {type(error).__name__}: {said}"
        ) from error
    for name, feature in features.items():
        if len(feature) != size:
            raise TapError(not_the_batch(name, tapped.taps[name], feature, size))
    return features


def on(module: nn.Module, inputs: Tree) -> Tree:
    """The inputs on the device of the module."""
    tensors = (*module.parameters(), *module.buffers())
    device = tensors[0].device if tensors else torch.device("cpu")
    return mapped(lambda tensor: tensor.to(device), inputs)
