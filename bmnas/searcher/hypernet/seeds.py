"""Hypernets of several seeds from those of one, and back: every tensor has the seeds as its first axis."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bmnas.compiler.foreign import PerSeed
from bmnas.searcher.hypernet.network import Hypernet


def stacked(singles: Sequence[Hypernet]) -> Hypernet:
    """One hypernet that computes what K hypernets of one seed do."""
    net = Hypernet(singles[0].size, len(singles))
    states = [single.state_dict() for single in singles]
    own = _own_parts(net)
    state = {}
    for name in net.state_dict():
        if prefix := next((prefix for prefix in own if name.startswith(prefix)), None):
            k, rest = name.removeprefix(prefix).split(".", 1)
            state[name] = states[int(k)][f"{prefix}0.{rest}"]
        else:
            state[name] = torch.cat([each[name] for each in states])
    net.load_state_dict(state)
    return net


def of_seed(net: Hypernet, k: int) -> Hypernet:
    """A hypernet of one seed, a copy of the k-th of several; on the same device, in the same mode."""
    single = Hypernet(net.size, 1).to(net.alpha_KEI.device, net.alpha_KEI.dtype)
    given, own = net.state_dict(), _own_parts(net)
    state = {}
    for name in single.state_dict():
        if prefix := next((prefix for prefix in own if name.startswith(prefix)), None):
            state[name] = given[f"{prefix}{k}.{name.removeprefix(prefix).split('.', 1)[1]}"]
        else:
            state[name] = given[name][k : k + 1]
    single.load_state_dict(state)
    return single.train(net.training)


def _own_parts(net: Hypernet) -> list[str]:
    """Where modules are that know nothing of seeds, one for each: names begin so, then comes the seed's number."""
    return [f"{name}.seeds." for name, module in net.named_modules() if isinstance(module, PerSeed)]
