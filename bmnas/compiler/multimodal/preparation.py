"""Make each backbone compute its taps and no more: by cutting its torch.fx graph, or else with hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.compiler.multimodal import pruning
from bmnas.compiler.multimodal.model import Backbone
from bmnas.errors import BmnasError, did_you_mean
from bmnas.taps import hooks, tracing
from bmnas.taps.tap import Tap, TapError, submodule_call
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
        places = tuple(dict.fromkeys(taps[modality].values()))
        try:
            module = _cut(backbone, modality, taps[modality], places, examples.get(modality, ()))
            ready[modality] = Backbone(module, taps[modality], cut=True)
        except NotTraceable as reason:
            if not examples.get(modality):
                raise BmnasError(
                    f"the backbone of modality {modality!r} cannot be traced by torch.fx ({reason}), so that what its "
                    f"taps need is found by running it: give an example input, examples={{{modality!r}: ...}}"
                ) from reason
            ready[modality] = Backbone(backbone, taps[modality], cut=False)
    _prune(ready, examples)
    return ready


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
    if all(submodule_call(tap.node, backbone) for tap in places) and not _agree(module, backbone, places, examples):
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
            backbone.eval()
            cut.eval()
            return all(_same(hooks.call(cut, value), hooks.run(backbone, places, value)) for value in examples)
    finally:
        for handle in handles:
            handle.remove()


def _same(one: Any, other: Any) -> bool:
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        pairs = isinstance(one, tuple | list) and isinstance(other, tuple | list) and len(one) == len(other)
        return all(map(_same, one, other)) if pairs else type(one) is type(other)
    return one.shape == other.shape and torch.allclose(one, other, rtol=1e-3, atol=1e-5, equal_nan=True)


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
            more = pruning.needed(backbone.module, places, examples[modality])
            tensors, called = tensors | more[0], called | more[1]
    for modality, backbone in ready.items():
        if not backbone.cut:
            pruning.drop(backbone.module, tensors, called, modality)
