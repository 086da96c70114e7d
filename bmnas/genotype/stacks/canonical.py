"""Canonical form: genotypes that compute the same function, up to naming and order, get the same form and hash.

A chain has no symmetry, so little is to be done: stacks that reach no output and inputs that nothing reads are gone,
stacks are called Stack_1, Stack_2, ... in the order in which the output needs them, options are filled in, blocks that
do nothing (`Identity`) are gone. How inputs are called counts (a network is given its inputs by name), modalities and
provenance do not; neither does the order of the output where a head adds the ends up, but for `ground`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from bmnas.genotype.stacks.operations import BLOCKS
from bmnas.genotype.stacks.schema import Block
from bmnas.genotype.stacks.value import StackGenotype


def used_stacks(genotype: StackGenotype) -> tuple[str, ...]:
    """The stacks that reach the output, in their order."""
    wanted = set(genotype.output)
    for stack in reversed(genotype.stacks):
        if stack.name in wanted and stack.memory is not None and looks_at_memory(genotype, stack.name):
            wanted.add(stack.memory)
    return tuple(stack.name for stack in genotype.stacks if stack.name in wanted)


def used_inputs(genotype: StackGenotype) -> tuple[str, ...]:
    """The inputs that the used stacks read, in their order."""
    read = {genotype.stack(name).reads for name in used_stacks(genotype)}
    return tuple(each.name for each in genotype.inputs if each.name in read)


def looks_at_memory(genotype: StackGenotype, stack: str) -> bool:
    """Whether a block of the stack reads its memory."""
    return any(BLOCKS.find(block.op).reads == "memory" for block in genotype.stack(stack).blocks)


def has_relations(genotype: StackGenotype, name: str) -> bool:
    """Whether a used block relates the boxes of an input."""
    return any(
        BLOCKS.find(block.op).reads == "relations"
        for stack in used_stacks(genotype)
        if genotype.stack(stack).reads == name
        for block in genotype.stack(stack).blocks
    )


def canonical_form(genotype: StackGenotype) -> StackGenotype:
    """The representative of all genotypes that compute the same function; it is called ``canonical``."""
    return StackGenotype.model_validate(_content(genotype))


def canonical_hash(genotype: StackGenotype) -> str:
    """SHA-256, in hexadecimal, of the canonical form."""
    return hashlib.sha256(json.dumps(_content(genotype), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _content(genotype: StackGenotype) -> dict[str, Any]:
    order = _order(genotype)
    names = {name: f"Stack_{number}" for number, name in enumerate(order, 1)}
    free_order = genotype.head.task in ("answer", "match")
    output = [names[name] for name in genotype.output]
    related = any(has_relations(genotype, name) for name in used_inputs(genotype))
    content: dict[str, Any] = {
        "format": genotype.format,
        "kind": genotype.kind,
        "name": "canonical",
        "dialect": genotype.dialect,
        "width": genotype.width,
        "dropout": abs(genotype.dropout),
        "inputs": [
            {**genotype.input(name).model_dump(exclude={"modality"}), "modality": "*"}
            for name in sorted(used_inputs(genotype))
        ],
        "stacks": [_stack(genotype, name, names) for name in order],
        "output": sorted(output) if free_order else output,
        "head": genotype.head.model_dump(),
        # Of blocks that do not say another one; where there are none of them it is of no account.
        "head_width": genotype.width,
        "relation_width": genotype.relation_width if related else 1,
    }
    return content


def _stack(genotype: StackGenotype, name: str, names: dict[str, str]) -> dict[str, Any]:
    stack = genotype.stack(name)
    return {
        "name": names[name],
        "reads": stack.reads,
        "memory": names[stack.memory] if stack.memory is not None and looks_at_memory(genotype, name) else None,
        "blocks": [{"op": block.op, **completed(genotype, block)} for block in stack.blocks if block.op != "Identity"],
    }


def completed(genotype: StackGenotype, block: Block) -> dict[str, Any]:
    """The options of a block, with the genotype's own head width where it says none."""
    options = block.options
    return {**options, "head_width": genotype.head_width} if options.get("head_width", 0) is None else options


def _order(genotype: StackGenotype) -> list[str]:
    """The used stacks, each behind its memory, in an order that does not depend on how they are called or listed."""
    found: list[str] = []

    def add(name: str) -> None:
        stack = genotype.stack(name)
        if stack.memory is not None and looks_at_memory(genotype, name):
            add(stack.memory)
        if name not in found:
            found.append(name)

    free_order = genotype.head.task in ("answer", "match")
    ends = sorted(genotype.output, key=lambda name: _text(genotype, name)) if free_order else genotype.output
    for name in ends:
        add(name)
    return found


def _text(genotype: StackGenotype, name: str) -> str:
    """All that a stack computes, as text."""
    stack = genotype.stack(name)
    memory = ""
    if stack.memory is not None and looks_at_memory(genotype, name):
        memory = _text(genotype, stack.memory)
    blocks = [[block.op, completed(genotype, block)] for block in stack.blocks if block.op != "Identity"]
    return json.dumps([stack.reads, blocks, memory], sort_keys=True)
