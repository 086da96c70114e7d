"""Make each backbone compute its taps and no more: by cutting its torch.fx graph, or else with hooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.compiler.multimodal import pruning
from bmnas.compiler.multimodal.model import Backbone
from bmnas.errors import BmnasError, did_you_mean
from bmnas.taps import hooks, tracing
from bmnas.taps.modes import set_mode
from bmnas.taps.tap import Tap, TapError, by_first_names, refuse_inert, several_calls, submodule_call
from bmnas.taps.tracing import NotTraceable
from bmnas.taps.unchanged import unchanged

Taps = Mapping[str, Tap]


def prepare(
    backbones: Mapping[str, nn.Module], taps: Mapping[str, Taps], examples: Mapping[str, Sequence[Any]]
) -> dict[str, Backbone]:
    """Backbones that run up to their last tap, without the weights of what comes after it.

    Args:
        backbones: by modality; they are changed, so they should be copies.
        taps: by modality and feature.
        examples: by modality, inputs of its backbone.

    Raises:
        BmnasError: a tap is no place in its backbone, or a backbone that cannot be traced has no example.
    """
    ready: dict[str, Backbone] = {}
    for modality, backbone in backbones.items():
        own = _by_first_names(backbone, modality, taps[modality], examples.get(modality, ()))
        places = tuple(dict.fromkeys(own.values()))
        try:
            module = _cut(backbone, modality, own, places, examples.get(modality, ()))
            ready[modality] = Backbone(module, own, cut=True)
        except NotTraceable as reason:
            if not examples.get(modality):
                raise BmnasError(
                    f"the backbone of modality {modality!r} cannot be traced by torch.fx ({reason}), so that what its "
                    f"taps need is found by running it: give an example input, examples={{{modality!r}: ...}}"
                ) from reason
            ready[modality] = Backbone(backbone, own, cut=False)
    _prune(ready, examples)
    return ready


@contextmanager
def running_example(modality: str) -> Iterator[None]:
    """Say whose example it was, if a backbone's own code fails inside the block.

    Raises:
        BmnasError: it failed.
    """
    try:
        yield
    except BmnasError:
        raise
    except Exception as error:  # a backbone's own code can raise anything
        said = (str(error).strip() or "no message").split("\n")[0][:300]
        raise BmnasError(
            f"the backbone of modality {modality!r} cannot run on its example: {type(error).__name__}: {said}"
        ) from error


def _by_first_names(backbone: nn.Module, modality: str, taps: Taps, examples: Sequence[Any]) -> Taps:
    """The same taps, by the names under which the backbone's modules run; see `bmnas.taps.tap.by_first_names`."""
    for feature, tap in taps.items():
        refuse_inert(tap, backbone, feature)
    meant, once = by_first_names(taps.values(), backbone)
    if once and examples:
        hooked = hooks.Hooked(backbone, [Tap(first) for first in once], once)
        with unchanged(backbone), running_example(modality):
            set_mode(backbone, training=False)
            for example in examples:
                hooked(example)
    elif once:
        try:
            nodes = tracing.trace(backbone)[False][1]
        except NotTraceable as reason:
            name = next(iter(once.values()))
            raise BmnasError(
                f"the tap {name!r} of modality {modality!r} is a module with several names; that it runs once is seen "
                f"on an example input, examples={{{modality!r}: ...}} (torch.fx cannot trace it: {reason})"
            ) from reason
        for first, name in once.items():
            if f"{first}_1" in nodes:
                raise TapError(several_calls(name, first))
    return {feature: meant[tap] for feature, tap in taps.items()}


def _cut(backbone: nn.Module, modality: str, taps: Taps, places: Sequence[Tap], examples: Sequence[Any]) -> nn.Module:
    try:
        traced = tracing.trace(backbone, [tap.node for tap in places])
    except NotTraceable as reason:
        for feature, tap in taps.items():
            _check_place(
                feature, tap, modality, backbone, [], f" (among its submodules; torch.fx cannot trace it: {reason})"
            )
        raise
    nodes = {name for name in traced[True][1] if name in traced[False][1]}
    for feature, tap in taps.items():
        _check_place(feature, tap, modality, backbone, sorted(nodes))
    for tap in places:
        if tap.node not in nodes:
            raise NotTraceable(f"its graph does not show {tap.node!r}")
    module = tracing.cut(backbone, traced, places)
    with running_example(modality):
        comparable = all(submodule_call(tap.node, backbone) for tap in places)
        agree = not comparable or _agree(module, backbone, places, examples)
    if not agree:
        raise NotTraceable("its graph gives other numbers than its code")
    return module


def _check_place(
    feature: str, tap: Tap, modality: str, backbone: nn.Module, nodes: Sequence[str], why: str = ""
) -> None:
    if tap.node not in nodes and submodule_call(tap.node, backbone) is None:
        known = [name for name, _ in backbone.named_modules() if name]
        raise TapError(
            f"feature {feature!r} taps {tap.node!r}, which the backbone of modality {modality!r} lacks{why}"
            + did_you_mean(tap.node, dict.fromkeys([*known, *filter(None, nodes)]))
        )


def _agree(cut: nn.Module, backbone: nn.Module, places: Sequence[Tap], examples: Sequence[Any]) -> bool:
    """Whether the cut module gives what the backbone's own code gives."""
    handles = hooks.attach(backbone, places)
    try:
        with unchanged(backbone), unchanged(cut):
            set_mode(backbone, training=False)
            set_mode(cut, training=False)
            return all(_same(hooks.run(backbone, places, value), hooks.call(cut, value)) for value in examples)
    finally:
        for handle in handles:
            handle.remove()


def _same(one: Any, other: Any) -> bool:
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        pairs = isinstance(one, tuple | list) and isinstance(other, tuple | list) and len(one) == len(other)
        return all(map(_same, one, other)) if pairs else type(one) is type(other)
    if (one.shape, one.dtype, one.layout) != (other.shape, other.dtype, other.layout):
        return False
    if one.is_complex():
        return torch.allclose(one, other, rtol=1e-3, atol=1e-5, equal_nan=True)
    # Not every type and layout can be compared as it is.
    first, second = (value.to_dense().double() for value in (one, other))
    return torch.allclose(first, second, rtol=1e-3, atol=1e-5, equal_nan=True)


def _prune(ready: Mapping[str, Backbone], examples: Mapping[str, Sequence[Any]]) -> None:
    """Drop the weights that no backbone needs; two of them may share some."""
    tensors: set[int] = set()
    called: set[int] = set()
    for modality, backbone in ready.items():
        if backbone.cut:
            tensors |= {id(tensor) for tensor in (*backbone.module.parameters(), *backbone.module.buffers())}
        else:
            places = tuple(dict.fromkeys(backbone.taps.values()))
            hooks.attach(backbone.module, places)
            with running_example(modality):
                more = pruning.needed(backbone.module, places, examples[modality])
            tensors, called = tensors | more[0], called | more[1]
    for modality, backbone in ready.items():
        if not backbone.cut:
            pruning.drop(backbone.module, tensors, called, modality)
