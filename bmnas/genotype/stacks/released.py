"""Architectures of the released code of MMnas and of openvqa, in and out, as data that nothing executes.

MMnas writes a JSON object with a key for each epoch: ``{"epoch0": {"enc": [["self_att_64"], ...], "dec": [...]}}``;
openvqa a YAML file with two lists of short names: ``enc: [SA, ...]``, ``dec: [GA, ...]``, alone or under a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bmnas.errors import BmnasError, GenotypeError, did_you_mean, short
from bmnas.files import parse_json, parse_yaml
from bmnas.genotype.stacks.canonical import completed
from bmnas.genotype.stacks.schema import Block
from bmnas.genotype.stacks.value import StackGenotype, from_dict

SHORT = {
    "SA": "SelfAttention",
    "GA": "GuidedAttention",
    "RSA": "RelationAttention",
    "FFN": "FeedForward",
}
"""By openvqa's names."""

_ATTENTION = {"self_att": "SelfAttention", "guided_att": "GuidedAttention", "rel_self_att": "RelationAttention"}
_NAME = re.compile(r"(self_att|guided_att|rel_self_att)_(\d{1,5})\Z")
_FORWARD = re.compile(r"feed_forward(?:_(\d{1,2}))?\Z")
_SEPARABLE = re.compile(r"sep_conv_(\d{1,2})\Z")
_EPOCH = re.compile(r"epoch(\d{1,9})\Z")
_LISTS = ("enc", "dec")


def is_released(data: Any) -> bool:
    """Whether plain data look like an architecture of either code."""
    return isinstance(data, Mapping) and (
        all(key in data for key in _LISTS) or any(isinstance(key, str) and _EPOCH.match(key) for key in data)
    )


def blocks_of(text: str, source: str = "architecture", epoch: int | None = None) -> dict[str, list[dict[str, Any]]]:
    """The blocks of encoder and decoder, as plain data, under ``enc`` and ``dec``.

    Args:
        text: JSON of MMnas, or YAML of openvqa.
        source: what error messages call it.
        epoch: which one of a file of several.

    Raises:
        GenotypeError: it is no architecture, has several epochs and none is named, or a block that is not known here.
    """
    data = _data(text, source)
    if not is_released(data):
        raise GenotypeError(f"{source}: is no architecture of MMnas or openvqa: it has no lists enc and dec")
    if all(key in data for key in _LISTS):
        if epoch is not None:
            raise GenotypeError(f"{source}: has no epochs, of which one could be taken")
        chosen = data
    else:
        chosen = _epoch(data, source, epoch)
    return {key: _blocks(chosen.get(key), f"{source}: {key}") for key in _LISTS}


def to_genotype(blocks: Mapping[str, Sequence[Mapping[str, Any]]], like: StackGenotype, name: str) -> StackGenotype:
    """A genotype with these blocks.

    Args:
        blocks: as `blocks_of` gives them.
        like: everything else: two stacks.
        name: of the genotype.

    Raises:
        GenotypeError: the other genotype has not two stacks, or its inputs do not fit the blocks.
    """
    if len(like.stacks) != 2:
        raise GenotypeError(f"{like.name}: has {len(like.stacks)} stacks; encoder and decoder are two")
    stacks = [
        {**stack.model_dump(exclude={"blocks"}), "blocks": [dict(block) for block in blocks[key]]}
        for stack, key in zip(like.stacks, _LISTS, strict=True)
    ]
    return from_dict({**like.model_dump(exclude={"provenance"}), "name": name, "stacks": stacks}, name)


def to_mmnas(genotype: StackGenotype, epoch: int = 0) -> str:
    """The JSON that the released code of MMnas reads.

    Raises:
        GenotypeError: it has no name for a block, or there are not two stacks.
    """
    lists = {key: [[_released(genotype, block)] for block in blocks] for key, blocks in _two(genotype).items()}
    return json.dumps({f"epoch{epoch}": lists}) + "\n"


def to_openvqa(genotype: StackGenotype) -> str:
    """The YAML lists of openvqa.

    Raises:
        GenotypeError: it has no name for a block, or there are not two stacks.
    """
    names = {long: brief for brief, long in SHORT.items()}
    lines = []
    for key, blocks in _two(genotype).items():
        for block in blocks:
            own = block.options
            if block.op not in names or own.get("factor", 4) != 4:
                raise GenotypeError(f"{genotype.name}: openvqa has no name for {block.op} as it is here")
        lines.append(f"{key}: [{', '.join(names[block.op] for block in blocks)}]\n")
    return "".join(lines)


def _data(text: str, source: str) -> Any:
    try:
        data = parse_json(text) if text.lstrip().startswith("{") else parse_yaml(text)
    except BmnasError as error:
        raise GenotypeError(f"{source}: {error}") from None
    if isinstance(data, Mapping) and not is_released(data):
        inner = [value for value in data.values() if is_released(value)]
        return inner[0] if len(inner) == 1 else data
    return data


def _epoch(data: Mapping[str, Any], source: str, epoch: int | None) -> Mapping[str, Any]:
    there = sorted(int(match[1]) for key in data if isinstance(key, str) and (match := _EPOCH.match(key)))
    if epoch is None and len(there) > 1:
        raise GenotypeError(
            f"{source}: has the architectures of {len(there)} epochs, {there[0]} to {there[-1]}; say which: --epoch "
            f"{there[-1]}"
        )
    wanted = there[0] if epoch is None else epoch
    chosen = data.get(f"epoch{wanted}")
    if not isinstance(chosen, Mapping):
        raise GenotypeError(f"{source}: has no epoch {wanted}; it has {', '.join(map(str, there[:20]))}")
    return chosen


def _blocks(found: Any, where: str) -> list[dict[str, Any]]:
    if not isinstance(found, list) or len(found) > 1024:
        raise GenotypeError(f"{where} is {short(found)}, but should be a list of at most 1024 blocks")
    return [_block(each, f"{where}[{number}]") for number, each in enumerate(found)]


def _block(found: Any, where: str) -> dict[str, Any]:
    names = found if isinstance(found, list) else [found]
    if len(names) != 1:
        raise GenotypeError(f"{where} has {len(names)} operations whose results are added; a block here has one")
    (name,) = names
    if not isinstance(name, str):
        raise GenotypeError(f"{where} is {short(name)}, but should be the name of an operation")
    if name in SHORT:
        return {"op": SHORT[name]}
    if match := _NAME.match(name):
        return {"op": _ATTENTION[match[1]], "head_width": int(match[2])}
    if match := _FORWARD.match(name):
        return {"op": "FeedForward", "factor": int(match[1] or 4)}
    if match := _SEPARABLE.match(name):
        return {"op": "DepthwiseConv", "kernel": int(match[1])}
    if name == "skip_connect":
        return {"op": "Identity"}
    if name == "gated_linear_1":
        return {"op": "GatedLinear"}
    known = [*SHORT, *(f"{each}_64" for each in _ATTENTION), "feed_forward", "skip_connect", "gated_linear_1"]
    raise GenotypeError(f"{where} is {short(name)}, which has no operation here{did_you_mean(name, known)}")


def _released(genotype: StackGenotype, block: Block) -> str:
    options = completed(genotype, block)
    for begin, op in _ATTENTION.items():
        if block.op == op:
            return f"{begin}_{options['head_width']}"
    match block.op:
        case "FeedForward":
            return "feed_forward" if options["factor"] == 4 else f"feed_forward_{options['factor']}"
        case "Identity":
            return "skip_connect"
        case "GatedLinear":
            return "gated_linear_1"
        case "DepthwiseConv":
            return f"sep_conv_{options['kernel']}"
    raise GenotypeError(f"{genotype.name}: the released code has no name for {block.op}")


def _two(genotype: StackGenotype) -> dict[str, tuple[Block, ...]]:
    if len(genotype.stacks) != 2:
        raise GenotypeError(f"{genotype.name}: has {len(genotype.stacks)} stacks; the released code has two")
    return {key: stack.blocks for key, stack in zip(_LISTS, genotype.stacks, strict=True)}
