"""A backbone that gives its tapped features: prepared once, run on batch after batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, fx, nn

from bmnas.errors import did_you_mean
from bmnas.taps import hooks, tracing
from bmnas.taps.tap import (
    Tap,
    TapError,
    as_feature,
    by_first_names,
    refuse_inert,
    several_calls,
    submodule_call,
)


def run_taps(module: nn.Module, taps: Mapping[str, str | Tap], inputs: Any) -> dict[str, Tensor]:
    """The features of one forward pass; see `Tapped`, which is the thing to use for more than one."""
    return Tapped(module, taps)(inputs)


class Tapped:
    """A module and its taps, looked up once: called on inputs, it gives the features.

    Taps that are submodules (also a later call of one, ``relu_1``) are recorded by hooks while the module's own code
    runs, and nothing after the last of them is computed. If any tap is another node of the module's torch.fx graph
    (``layer1.0.add``), the graph is run instead, cut after the last tap.

    A module that moves to another device needs a new `Tapped`. Its modes (train, eval) and parameters may change. Of
    one that `torch.compile` wraps, the module inside is run, whose parts have the names that taps give.

    Args:
        module: any network.
        taps: by feature name, where it is taken.

    Attributes:
        module: the given one.
        taps: by feature name.

    Raises:
        TapError: a tap is no place in the module; the message names the nearest one.
    """

    def __init__(self, module: nn.Module, taps: Mapping[str, str | Tap]) -> None:
        self.module = module = uncompiled(module)
        self.taps = {feature: Tap.of(tap) for feature, tap in taps.items()}
        for feature, tap in self.taps.items():
            refuse_inert(tap, module, feature)
        self._meant, once = by_first_names(self.taps.values(), module)
        self._places = tuple(dict.fromkeys(self._meant.values()))
        self._hooked: hooks.Hooked | None = None
        self._cut: nn.Module | None = None
        if all(submodule_call(tap.node, module) for tap in self._places):
            self._hooked = hooks.Hooked(module, self._places, once)
        else:
            meant = {feature: self._meant[tap] for feature, tap in self.taps.items()}
            self._cut = _cut(module, meant, self._places, once)

    def __call__(self, inputs: Any) -> dict[str, Tensor]:
        """The features (B, C, ...) by name, in the order of the taps.

        Args:
            inputs: a tensor (B, ...); or a dictionary of keyword arguments, or a tuple or list of positional ones.

        Raises:
            TapError: a tap does not run, or gives no tensor with a batch and a channel axis.
        """
        if not self.taps:
            return {}
        found = self._run(tuple(inputs) if isinstance(inputs, list) else inputs)
        features = {}
        for feature, tap in self.taps.items():
            meant = self._meant[tap]
            if meant not in found:
                raise TapError(f"feature {feature!r} taps {tap.node!r}, {_absent(tap, self.module)}")
            features[feature] = as_feature(found[meant], tap, feature, None)
        return features

    def _run(self, inputs: Any) -> Mapping[Tap, Any]:
        if self._hooked is not None:
            return self._hooked(inputs)
        assert self._cut is not None, "one of the two is there"
        if self._cut.training != self.module.training:
            _follow_mode(self._cut, self.module.training)
        return dict(zip(self._places, hooks.call(self._cut, inputs), strict=True))


def uncompiled(module: nn.Module) -> nn.Module:
    """The module that `torch.compile` wraps; one that is not wrapped, itself."""
    inside = module._modules.get("_orig_mod") if type(module).__name__ == "OptimizedModule" else None
    return module if inside is None else inside


def _cut(module: nn.Module, taps: Mapping[str, Tap], places: tuple[Tap, ...], once: Mapping[str, str]) -> nn.Module:
    why = ""
    traced: dict[bool, tuple[fx.Graph, tracing.Nodes]] = {}
    nodes: set[str] = set()
    try:
        # To the end, where it has to be seen that a module does not run again.
        traced = tracing.trace(module, None if once else [tap.node for tap in places])
        nodes = {name for name in traced[True][1] if name in traced[False][1]}
        for first, name in once.items():
            if f"{first}_1" in nodes:
                raise TapError(several_calls(name, first))
    except tracing.NotTraceable as reason:
        why = f" (among its submodules; torch.fx cannot trace it: {reason})"
    for feature, tap in taps.items():
        if submodule_call(tap.node, module) is not None:
            if not why and tap.node not in nodes:
                raise TapError(f"feature {feature!r} taps {tap.node!r}, {_absent(tap, module)}")
        elif tap.node not in nodes:
            known = [name for name, _ in module.named_modules() if name]
            near = did_you_mean(tap.node, dict.fromkeys([*known, *sorted(filter(None, nodes))]))
            raise TapError(f"feature {feature!r} taps {tap.node!r}, which the backbone lacks{why}{near}")
    try:
        return tracing.cut(module, traced, places)
    except tracing.NotTraceable as reason:
        raise TapError(f"torch.fx cannot trace the backbone as far as its taps: {reason}") from None


def _follow_mode(cut: nn.Module, training: bool) -> None:
    """Choose the graph of a mode; the modules in it are the backbone's own and keep theirs (a frozen batch norm)."""
    modes = [(part, part.training) for part in cut.modules() if part is not cut]
    cut.train(training)
    for part, mode in modes:
        part.training = mode


def _absent(tap: Tap, module: nn.Module) -> str:
    found = submodule_call(tap.node, module)
    if found is None or found[1] == 0:
        return "which does not run in the backbone's forward pass"
    return f"but {found[0]!r} does not run a {found[1] + 1}. time in the backbone's forward pass"
