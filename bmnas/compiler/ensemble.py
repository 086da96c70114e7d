"""Networks that were trained one by one, as one network whose output is their mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bmnas.compiler.network import FusionNetwork, compile_genotype
from bmnas.compiler.plan.names import member_module
from bmnas.errors import BmnasError
from bmnas.genotype import Genotype
from bmnas.genotype.diff import diff
from bmnas.genotype.difference import Difference


def member_genotype(genotype: Genotype) -> Genotype:
    """The genotype of one member of an ensemble: the same with ``members=1``."""
    return genotype.replace(members=1)


def assemble(genotype: Genotype, networks: Sequence[FusionNetwork]) -> FusionNetwork:
    """The network of a genotype, with copies of the weights and statistics of its members.

    Args:
        genotype: of the ensemble.
        networks: of its `member_genotype`, which may have another name and provenance; as many as it has members.

    Returns:
        The network, in train mode; its weights are of the types, and on the devices, of those that were given.

    Raises:
        BmnasError: there are more or fewer networks, or one is of another genotype; it says what differs first.
    """
    if len(networks) != genotype.members:
        raise BmnasError(f"{genotype.name} has {genotype.members} members, but {len(networks)} networks are given")
    member = member_genotype(genotype)
    for number, network in enumerate(networks):
        for difference in _differences(member, network.genotype):
            raise BmnasError(f"network {number} is no member of {genotype.name}: {difference}")
    ensemble = compile_genotype(genotype)
    states = [network.state_dict() for network in networks]
    prefixes = [f"{member_module(number)}." for number in range(len(states))] if len(states) > 1 else [""]
    weights = {
        f"{prefix}{name}": tensor.clone()
        for prefix, state in zip(prefixes, states, strict=True)
        for name, tensor in state.items()
    }
    ensemble.load_state_dict(weights, assign=True)
    return ensemble


def _differences(member: Genotype, other: Genotype) -> Iterable[Difference]:
    """What differs, but for what does not change the network."""
    names = ("the ensemble", "the network")
    return (each for each in diff(member, other, names) if each.place not in ("name", "provenance"))
