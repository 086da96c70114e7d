"""The names that others gave the weights of the task's two networks, and which other network weights are of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.tasks.models.inflated_resnet import inflated
from bmnas.tasks.models.torchvision_weights import torchvision_state

# Of each backbone in a whole model of the released code.
_PREFIXES: Mapping[str, str] = MappingProxyType({"Video": "rgbnet.", "Skeleton": "skenet."})
# The first convolution of each, by which weights are told apart.
_FIRST: Mapping[str, str] = MappingProxyType({"Video": "cnn.conv1.weight", "Skeleton": "conv1.0.weight"})


def imagenet_weights(choice: str) -> dict[str, Tensor]:
    """Weights with which the training of the video backbone begins, all but the classifier's.

    Args:
        choice: ``cache``: those of torchvision's ResNet-50 where torch keeps what it has downloaded; ``none``: nothing;
            or their file.

    Raises:
        BmnasError: there is no such file, or it is of another network.
    """
    if choice == "none":
        return {}
    state = torchvision_state("resnet50", None if choice == "cache" else Path(choice))
    try:
        return inflated(state)
    except BmnasError as error:
        raise BmnasError(f"{'torchvision' if choice == 'cache' else choice}: {error}") from None


def own_names(modality: str, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The weights of a modality's backbone by its own names: what they are, or what a whole released model has of it.

    Raises:
        BmnasError: they are of another network; the message begins with a verb.
    """
    prefix = _PREFIXES[modality]
    own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    if own:
        return own
    if _FIRST[modality] not in state:
        for other, first in _FIRST.items():
            if first in state:
                raise BmnasError(f"has the weights of the backbone {other!r}; --backbone {other}=FILE takes them")
        shape = tuple(state["conv1.weight"].shape) if "conv1.weight" in state else ()
        if shape == (64, 3, 7, 7):
            raise BmnasError(
                "has the weights of a network for images, of which the training of the backbone 'Video' can begin: "
                "--task ntu:imagenet=FILE"
            )
        if len(shape) == 5:
            raise BmnasError("has the weights of a 3D network, such as those of task egogesture")
    return state
