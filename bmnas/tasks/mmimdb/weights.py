"""Trained weights of the two networks by the names that others gave them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from bmnas.errors import BmnasError

# Before the names of a network's weights in a whole model of the released code.
_PREFIXES: Mapping[str, str] = MappingProxyType({"Image": "imagenet.", "Text": "textnet."})
# What each network has, by which weights of the other one are told.
_FIRST: Mapping[str, tuple[str, tuple[int, ...]]] = MappingProxyType(
    {"Image": ("vgg.0.weight", (64, 3, 3, 3)), "Text": ("op1.lin.weight", (320, 300))}
)
_TORCHVISION, _OWN = "features.", "vgg."


def own_names(modality: str, state: Mapping[str, Tensor], outputs: int) -> Mapping[str, Tensor]:
    """The weights of a network by its own names.

    Args:
        modality: ``Image`` or ``Text``.
        state: of the network itself, of a whole model of the released code, or of torchvision's VGG-19, whose
            classifier is left out: `head` takes its place.
        outputs: of the classifier.

    Raises:
        BmnasError: they are of the network of the other modality.
    """
    prefix = _PREFIXES[modality]
    if any(name.startswith(prefix) for name in state):
        state = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    for other, (name, shape) in _FIRST.items():
        if other != modality and name in state and state[name].shape == shape:
            raise BmnasError(f"has weights of the network for {other}, not of that for {modality}")
    if modality == "Image" and f"{_TORCHVISION}0.weight" in state:
        if more := [name for name in state if not name.startswith((_TORCHVISION, "classifier."))]:
            raise BmnasError(f"has {more[0]} beside the weights of torchvision's VGG-19")
        return {**maps_of(state), **head(outputs)}
    return state


def maps_of(torchvision: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The maps' weights in a file of torchvision's VGG-19, by our names."""
    return {
        _OWN + name.removeprefix(_TORCHVISION): value
        for name, value in torchvision.items()
        if name.startswith(_TORCHVISION)
    }


def head(outputs: int) -> dict[str, Tensor]:
    """A classifier that answers every sample alike; no feature is taken from it."""
    return {
        "bn4.weight": torch.ones(512),
        "bn4.bias": torch.zeros(512),
        "bn4.running_mean": torch.zeros(512),
        "bn4.running_var": torch.ones(512),
        "classifier.weight": torch.zeros(outputs, 512),
        "classifier.bias": torch.zeros(outputs),
    }
