"""Where in a backbone a feature is taken, and how what is found there becomes a feature (B, channels, ...)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from bmnas.errors import BmnasError


class TapError(BmnasError, ValueError):
    """A feature cannot be taken where its tap says."""


@dataclass(frozen=True)
class Tap:
    """A place in a backbone.

    Attributes:
        node: a submodule, as `torch.nn.Module.named_modules` names it, ``""`` for the whole backbone; or an operation
            between modules, as `torchvision.models.feature_extraction.get_graph_node_names` names it, where torch.fx
            can trace the backbone. What runs several times is NAME, NAME_1, NAME_2, ... in the order of its calls.
        item: which item, where a tuple, a list or a mapping comes out there.
        axis: of the channels; it is moved to axis 1. ``-1`` for maps (B, H, W, C) and sequences (B, T, C).
    """

    node: str
    item: int | str | None = None
    axis: int = 1

    @classmethod
    def of(cls, tap: str | Tap) -> Tap:
        """A tap; of a name alone, the one with the defaults.

        Raises:
            TapError: it is neither.
        """
        if not isinstance(tap, str | Tap):
            raise TapError(f"a tap is the name of a place in the backbone or a Tap, and {tap!r} is neither")
        return cls(tap) if isinstance(tap, str) else tap

    def as_json(self) -> str | dict[str, Any]:
        """The name alone where that says everything, else all of it: for fingerprints and printed JSON."""
        return self.node if self == Tap(self.node) else {"node": self.node, "item": self.item, "axis": self.axis}


def keep(value: Any, item: int | str | None = None) -> Any:
    """``value``, or its ``item``, safe from later layers that work in place on it (ReLU(inplace=True) is common).

    Raises:
        TapError: it has no such item.
    """
    if item is not None and not isinstance(value, Tensor):
        try:
            value = value[item]
        except (LookupError, TypeError):
            raise TapError(f"a {type(value).__name__}{_items(value)}, which has no item {item!r}") from None
    return value.clone() if isinstance(value, Tensor) else value


def as_feature(value: Any, tap: Tap, feature: str, channels: int | None) -> Tensor:
    """What a tap gave, as a feature (B, channels, ...).

    Args:
        channels: what the genotype says, or ``None`` where it says nothing.

    Raises:
        TapError: it is no tensor, or of another shape.
    """
    where = f"feature {feature!r} taps {tap.node!r}, which"
    if not isinstance(value, Tensor):
        several = isinstance(value, tuple | list | dict)
        hint = f"; Tap({tap.node!r}, item=...) takes one of its items" if several and tap.item is None else ""
        raise TapError(f"{where} returns a {type(value).__name__}, not a tensor{hint}")
    shape = tuple(value.shape)
    if value.dim() < 2:
        raise TapError(f"{where} returns shape {shape}; a feature needs (batch, channels, ...)")
    if not -value.dim() < tap.axis < value.dim() or tap.axis == 0:
        raise TapError(f"{where} returns shape {shape}, which has no axis {tap.axis} for channels beside the batch")
    if channels is not None and shape[tap.axis] != channels:
        raise TapError(
            f"{where} returns shape {shape}, but the genotype says {channels} channels, as axis {tap.axis}"
            + _other_axis(shape, tap, channels)
        )
    return value if tap.axis == 1 else value.movedim(tap.axis, 1)


def submodule_call(node: str, backbone: nn.Module) -> tuple[str, int] | None:
    """The submodule that a node's name means, and the number of its call from 0; ``None`` if it means none."""
    names = {name for name, _ in backbone.named_modules(remove_duplicate=False)}
    if node in names:
        return node, 0
    base, _, number = node.rpartition("_")
    if base in names and base and number.isdecimal() and int(number) > 0:
        return base, int(number)
    return None


def _items(value: Any) -> str:
    if isinstance(value, Mapping):
        return " of " + ", ".join(map(str, value))
    return f" of {len(value)}" if isinstance(value, tuple | list) else ""


def _other_axis(shape: tuple[int, ...], tap: Tap, channels: int) -> str:
    if channels in shape[1:]:
        axis = -1 if shape[-1] == channels else shape.index(channels, 1)
        return f"; Tap({tap.node!r}, axis={axis}) takes axis {axis}"
    return ""
