"""Weights that others trained: by the names of our network, and of the right modality.

The two networks differ in their first kernel alone, by which a file tells what it is of. A network for RGB whose first
kernel sees seven frames, as that for depth does, can begin one for depth: its three channels are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.tasks.state_files import misfit

_FIRST = "conv1.weight"
_LAST = "fc."
# What a whole trained model of the released code has before the names of each network.
_PREFIXES: Mapping[str, str] = MappingProxyType({"RGB": "rgb_net.", "Depth": "depth_net."})
_KERNELS: Mapping[str, tuple[int, ...]] = MappingProxyType({"RGB": (64, 3, 3, 7, 7), "Depth": (64, 1, 7, 7, 7)})
_AVERAGED = (64, 3, 7, 7, 7)


def own_names(modality: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of one network, also out of a whole model of the released code.

    Raises:
        BmnasError: they are of the other modality.
    """
    own = _unprefixed(modality, state)
    found = _shape(own)
    for other, kernel in _KERNELS.items():
        if other != modality and found == kernel:
            raise BmnasError(f"holds weights of {other}, not of {modality}: {_FIRST} is {found}, {_wanted(modality)}")
    if modality == "Depth" and found == _AVERAGED:
        raise BmnasError(
            f"holds weights for RGB: {_FIRST} is {found}, {_wanted(modality)}; a network for depth can begin with "
            "them and be trained, --task egogesture:depth_start=FILE"
        )
    return own


def begin(modality: str, network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Let the training of a network begin with weights that were trained on other clips.

    Its last layer stays as it is where theirs is of other classes.

    Raises:
        BmnasError: the weights do not fit otherwise.
    """
    own, wanted = _unprefixed(modality, state), network.state_dict()
    if modality == "Depth" and _shape(own) == _AVERAGED:
        own[_FIRST] = own[_FIRST].mean(1, keepdim=True)
    own = own_names(modality, own)
    last = {name: value for name, value in wanted.items() if name.startswith(_LAST)}
    if any(name not in own or own[name].shape != value.shape for name, value in last.items()):
        own |= last
    if wrong := misfit(wanted, own):
        raise BmnasError(f"does not fit the network for {modality}: {wrong}")
    network.load_state_dict({**wanted, **own})


def _unprefixed(modality: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = _PREFIXES[modality]
    if not any(name.startswith(prefix) for name in state):
        return dict(state)
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _shape(state: Mapping[str, Tensor]) -> tuple[int, ...]:
    return tuple(state[_FIRST].shape) if _FIRST in state else ()


def _wanted(modality: str) -> str:
    return f"but {modality} has {_KERNELS[modality]}"
