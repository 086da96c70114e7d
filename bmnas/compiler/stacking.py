"""Networks of one genotype as one module, whose tensors have them as the first axis; and back.

A step of a small network takes longer to be told to the device than to be computed: several of them as one are told
once. Axes: K networks, B batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from bmnas.compiler.foreign import PerSeed
from bmnas.compiler.network import FusionNetwork, compile_genotype
from bmnas.compiler.plan.primitives import Input
from bmnas.compiler.planned import PlannedModule
from bmnas.genotype import Genotype


class StackedNetworks(PlannedModule):
    """K networks of one genotype, each of which computes from features of its own.

    Args:
        networks: those that it begins as, whose weights are copied; on one device.

    Attributes:
        genotype: that of each.
        features: names of the features that ``forward`` needs.
    """

    def __init__(self, networks: Sequence[FusionNetwork]) -> None:
        first = networks[0]
        super().__init__(first.plan, len(networks))
        self.genotype, self.features = first.genotype, first.features
        self._given = [op.place[1] for op in self.plan if isinstance(op.primitive, Input)]
        states = [network.state_dict() for network in networks]
        own = _own_parts(self)
        self.load_state_dict({name: _of_all(states, name, own) for name in self.state_dict()}, assign=True)
        for parameter in self.parameters():
            parameter.requires_grad_()

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """One batch of each network.

        Args:
            features: by name, each pooled, (K, B, channels, T) or (K, B, channels, s, s).

        Returns:
            (K, B, outputs).
        """
        result: Tensor = self.program()([features[name] for name in self._given])
        return result

    def networks(self) -> list[FusionNetwork]:
        """The K networks by themselves, in the same mode, with copies of the weights."""
        given, own = self.state_dict(), _own_parts(self)
        count = len(next(iter(given.values())))
        return [_single(self.genotype, given, own, k).train(self.training) for k in range(count)]


def _of_all(states: Sequence[Mapping[str, Tensor]], name: str, own: Sequence[str]) -> Tensor:
    if prefix := _prefix(name, own):
        k, rest = name.removeprefix(prefix).split(".", 1)
        return states[int(k)][f"{prefix.removesuffix('seeds.')}{rest}"].clone()
    return torch.stack([state[name] for state in states])


def _single(genotype: Genotype, given: Mapping[str, Tensor], own: Sequence[str], k: int) -> FusionNetwork:
    with torch.device("meta"):
        network = compile_genotype(genotype)
    state = {}
    for name, tensor in given.items():
        if prefix := _prefix(name, own):
            number, rest = name.removeprefix(prefix).split(".", 1)
            if int(number) == k:
                state[f"{prefix.removesuffix('seeds.')}{rest}"] = tensor.clone()
        else:
            state[name] = tensor[k].clone()
    network.load_state_dict(state, assign=True)
    for parameter in network.parameters():
        parameter.requires_grad_()
    return network


def _own_parts(module: nn.Module) -> list[str]:
    """Where modules are that know no such axis, one for each network: names begin so, then comes its number."""
    return [f"{name}.seeds." for name, each in module.named_modules() if isinstance(each, PerSeed)]


def _prefix(name: str, own: Sequence[str]) -> str | None:
    return next((prefix for prefix in own if name.startswith(prefix)), None)
