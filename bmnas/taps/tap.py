"""Where in a backbone a feature is taken, and how what is found there becomes a feature (B, channels, ...)."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx, nn

from bmnas.errors import BmnasError
from bmnas.taps.fields import described, part


class TapError(BmnasError, ValueError):
    """A feature cannot be taken where its tap says."""


@dataclass(frozen=True)
class Tap:
    """A place in a backbone.

    Attributes:
        node: a submodule, as `torch.nn.Module.named_modules` names it, ``""`` for the whole backbone; or an operation
            between modules, as `torchvision.models.feature_extraction.get_graph_node_names` names it, where torch.fx
            can trace the backbone. What runs several times is NAME, NAME_1, NAME_2, ... in the order of its calls.
        item: which item, where a tuple, a list or a mapping comes out there, or which field of a named tuple, a
            dataclass or another object.
        axis: of the channels; it is moved to axis 1. ``-1`` for maps (B, H, W, C) and sequences (B, T, C).

    Raises:
        TapError: a part of it is of another type.
    """

    node: str
    item: int | str | None = None
    axis: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.node, str):
            raise TapError(f"the node of a Tap is {self.node!r}, but should be the name of a place in the backbone")
        if self.item is not None and not isinstance(self.item, str):
            object.__setattr__(self, "item", _whole(self.item, "item", "a number, or the name of a field"))
        object.__setattr__(self, "axis", _whole(self.axis, "axis", "a whole number, such as 1 or -1"))

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
            value = part(value, item)
        except LookupError:
            raise TapError(f"{described(value)}, which has no item {item!r}") from None
    return value.clone() if isinstance(value, Tensor) else value


def as_feature(value: Any, tap: Tap, feature: str, channels: int | None) -> Tensor:
    """What a tap gave, as a feature (B, channels, ...) of floating point numbers.

    Whole numbers and truth values become 32-bit floating point numbers, as those of arrays do.

    Args:
        value: what came out.
        tap: where.
        feature: its name.
        channels: what the genotype says, or ``None`` where it says nothing.

    Raises:
        TapError: it is no tensor, or of another shape or type.
    """
    where = f"feature {feature!r} taps {tap.node!r}, which"
    if not isinstance(value, Tensor):
        several = described(value) != f"a {type(value).__name__}"
        hint = f"; Tap({tap.node!r}, item=...) takes one of its items" if several and tap.item is None else ""
        raise TapError(f"{where} returns {described(value)}, not a tensor{hint}")
    if value.is_nested:
        raise TapError(f"{where} returns a nested tensor, whose rows have lengths of their own; pad them to one length")
    shape = tuple(value.shape)
    if value.dim() < 2:
        raise TapError(f"{where} returns shape {shape}; a feature needs (batch, channels, ...)")
    if not -value.dim() < tap.axis < value.dim() or tap.axis == 0:
        raise TapError(f"{where} returns shape {shape}, which has no axis {tap.axis} for channels beside the batch")
    if 0 in shape[1:]:
        axis = shape.index(0, 1)
        raise TapError(f"{where} returns shape {shape}: its axis {axis} is empty, so there is nothing to take")
    if channels is not None and shape[tap.axis] != channels:
        raise TapError(
            f"{where} returns shape {shape}, but the genotype says {channels} channels, as axis {tap.axis}"
            + _other_axis(shape, tap, channels)
        )
    value = _real(value, where)
    return value if tap.axis == 1 else value.movedim(tap.axis, 1)


def submodule_call(node: str, backbone: nn.Module) -> tuple[str, int] | None:
    """The submodule that a node's name means, and the number of its call from 0; ``None`` if it means none.

    The name is one of those that the module has in the backbone, not always the first, see `by_first_names`.
    """
    names = {name for name, _ in backbone.named_modules(remove_duplicate=False)}
    if node in names:
        return node, 0
    base, _, number = node.rpartition("_")
    if base in names and base and number.isdecimal() and int(number) > 0:
        return base, int(number)
    return None


def by_first_names(taps: Iterable[Tap], backbone: nn.Module) -> tuple[dict[Tap, Tap], dict[str, str]]:
    """Taps of modules that stand in the backbone under several names, by the first of them, under which they run.

    Which of its names a module is called by cannot be seen. So a tap of another name than the first has a meaning only
    where the module runs once; whoever runs the backbone has to see to that.

    Returns:
        By tap, the one that means the same; and of the modules that may run only once, by first name, the tapped one.

    Raises:
        TapError: a later call is meant of a name that is not the first.
    """
    first = {module: name for name, module in backbone.named_modules()}
    modules = dict(backbone.named_modules(remove_duplicate=False))  # scripted ones have no `get_submodule`
    meant: dict[Tap, Tap] = {}
    once: dict[str, str] = {}
    for tap in taps:
        call = submodule_call(tap.node, backbone)
        name = tap.node if call is None else first[modules[call[0]]]
        if call is None or name == call[0]:
            meant[tap] = tap
            continue
        if call[1]:
            raise TapError(several_calls(call[0], name))
        meant[tap] = replace(tap, node=name)
        once[name] = call[0]
    return meant, once


def several_calls(name: str, first: str) -> str:
    """The sentence about a module that runs several times and is tapped by another of its names than the first."""
    return (
        f"the tap {name!r} is another name of {first!r}, which runs several times, under whichever name: "
        f"{first!r} is its first call, '{first}_1' its second"
    )


def refuse_inert(tap: Tap, backbone: nn.Module, feature: str) -> None:
    """Say of a submodule why it cannot be seen while the backbone runs, where that is so.

    Raises:
        TapError: it is a scripted module, in one, or in an exported program.
    """
    call = submodule_call(tap.node, backbone)
    path = "" if call is None else call[0]
    steps = path.split(".") if path else []
    modules = dict(backbone.named_modules(remove_duplicate=False))
    for depth in range(len(steps) + 1):
        outer = ".".join(steps[:depth])
        module = modules[outer]
        whole = f"Tap({outer!r}) takes what it returns"
        if isinstance(module, torch.jit.ScriptModule) and path:
            if depth:
                whole = "only what the whole backbone returns can be taken, Tap('')"
            raise TapError(f"feature {feature!r} taps {tap.node!r}, but scripted modules have no hooks; {whole}")
        if depth < len(steps) and isinstance(module, fx.GraphModule) and not _calls_modules(module):
            raise TapError(
                f"feature {feature!r} taps {tap.node!r}, but the modules of an exported program do not run one by one; "
                f"{whole}"
            )


def not_the_batch(feature: str, tap: Tap, value: Tensor, size: int | None) -> str:
    """The sentence about a feature whose first axis is not as long as the batch."""
    shape = tuple(value.shape if tap.axis == 1 else value.movedim(1, tap.axis).shape)
    samples = "one sample" if size == 1 else f"{size} samples"
    return (
        f"feature {feature!r} taps {tap.node!r}, which returns shape {shape} for {samples}: its first axis is not the "
        "batch; tap a later place, or let a module of the backbone bring the samples to the first axis"
    )


def _calls_modules(module: fx.GraphModule) -> bool:
    return any(node.op == "call_module" and node.target != "_guards_fn" for node in module.graph.nodes)


def _real(value: Tensor, where: str) -> Tensor:
    """The same numbers as floating point numbers of 16 bits or more, in a dense tensor."""
    if value.is_complex():
        raise TapError(
            f"{where} returns complex numbers ({str(value.dtype).removeprefix('torch.')}); a feature has real ones, "
            "such as torch.view_as_real or abs() in a module of the backbone gives"
        )
    if value.layout != torch.strided:
        value = value.to_dense()
    if value.is_quantized:
        return value.dequantize()
    return value if value.is_floating_point() and value.element_size() > 1 else value.float()


def _whole(number: Any, name: str, right: str) -> int:
    """A whole number of any library as Python's."""
    try:
        if isinstance(number, bool):
            raise TypeError
        return operator.index(number)
    except TypeError:
        raise TapError(f"the {name} of a Tap is {number!r}, but should be {right}") from None


def _other_axis(shape: tuple[int, ...], tap: Tap, channels: int) -> str:
    if channels in shape[1:]:
        axis = -1 if shape[-1] == channels else shape.index(channels, 1)
        return f"; Tap({tap.node!r}, axis={axis}) takes axis {axis}"
    return ""
