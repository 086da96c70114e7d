"""Weights of the released code of MMnas, in a network here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

from bmnas.compiler.stacks.blocks import BlockModule
from bmnas.compiler.stacks.network import StackNetwork
from bmnas.errors import BmnasError

# By part of a name there; of operations, of reductions.
_OPERATION = {
    "attention.query": "mhatt.linear_q",
    "attention.key": "mhatt.linear_k",
    "attention.value": "mhatt.linear_v",
    "attention.merge": "mhatt.linear_merge",
    "relation": "mhatt.linear_r",
    "inner": "mlp.fc.linear",
    "outer": "mlp.linear",
}
_REDUCTION = {"inner": "mlp.fc.linear", "outer": "mlp.linear", "merge": "linear_merge"}
_STACKS = ("enc", "dec")
_PREFIXES = ("module.", "net.")


def load_official_state(network: StackNetwork, state: Mapping[str, Tensor]) -> None:
    """Put weights of the released code into a network of the dialect ``official`` with an encoder and a decoder.

    Weights of the relations that a network without them does not have are passed over.

    Args:
        network: with two stacks, the encoder first.
        state: the released network's, as `torch.load` with ``weights_only=True`` gives it, alone or as the checkpoint's
            ``state_dict``.

    Raises:
        BmnasError: a weight is missing, has another shape, or belongs to nothing here.
    """
    nested = state.get("state_dict", state)
    state = {_bare(name): value for name, value in (nested if isinstance(nested, Mapping) else state).items()}
    if network.genotype.dialect != "official" or len(network.genotype.stacks) != 2:
        raise BmnasError("weights of the released code are for a genotype of the dialect 'official' with two stacks")
    own, names = network.state_dict(), dict(official_names(network))
    unknown = sorted(set(state) - set(names.values()) - {name for name in state if name.startswith("linear_y_rel.")})
    missing = sorted(name for name in names.values() if name not in state)
    if missing or unknown:
        told = [f"{len(missing)} are missing ({missing[0]})"] if missing else []
        told += [f"{len(unknown)} belong to nothing here ({unknown[0]})"] if unknown else []
        raise BmnasError(f"these weights are of another network than {network.genotype.name}: {', '.join(told)}")
    for ours, theirs in names.items():
        if own[ours].shape != state[theirs].shape:
            raise BmnasError(
                f"weight {theirs} has shape {tuple(state[theirs].shape)}, but {tuple(own[ours].shape)} is needed"
            )
    network.load_state_dict({ours: state[theirs] for ours, theirs in names.items()})


def official_names(network: StackNetwork) -> Iterator[tuple[str, str]]:
    """Of each weight its name here, and in the released code."""
    genotype, keys = network.genotype, network._keys
    for each in genotype.inputs:
        begin, key = network.begins[keys[each.name]], f"begins.{keys[each.name]}"
        if each.tokens is not None:
            for name, _ in begin.named_parameters():
                yield f"{key}.{name}", name
        else:
            yield from ((f"{key}.{name}", f"imgfeat_linear.{name}") for name in ("weight", "bias"))
        if f"{each.name}.boxes" in network.inputs:
            yield from (
                (f"relations.{keys[each.name]}.linear.{name}", f"linear_y_rel.{name}") for name in ("weight", "bias")
            )
    for stack, kind in zip(genotype.stacks, _STACKS, strict=True):
        for number, block in enumerate(network._blocks(stack.name)):
            key, theirs = f"stacks.{keys[stack.name]}.{number}", f"backnone.cells_{kind}.0.dag.{number}.0"
            if isinstance(block, BlockModule):
                for name, _ in block.named_parameters():
                    yield f"{key}.{name}", f"{theirs}.{block_name(name)}"
    ends = ("x", "y")
    for number, reduction in enumerate(network.head.reductions):
        for name, _ in reduction.named_parameters():
            part, _, last = name.rpartition(".")
            yield f"head.reductions.{number}.{name}", f"attflat_{ends[number]}.{_REDUCTION[part]}.{last}"
    yield from (("head.norm.scale", "proj_norm.a_2"), ("head.norm.shift", "proj_norm.b_2"))
    ground = genotype.head.task == "ground"
    for ours, theirs in (
        *([("head.regions", "attfc_y"), ("head.change", "proj_reg")] if ground else []),
        *([("head.linear", "proj_scores" if ground else "proj")] if network.head.linear is not None else []),
    ):
        yield from ((f"{ours}.{name}", f"{theirs}.{name}") for name in ("weight", "bias"))


def block_name(name: str) -> str:
    """What a weight of a block is called in the released code."""
    norms = {"norm.scale": "ln.a_2", "norm.shift": "ln.b_2"}
    if name in norms:
        return norms[name]
    part, _, last = name.removeprefix("inside.").rpartition(".")
    return f"{_OPERATION.get(part, part)}.{last}"


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
