"""Warnings about encoder-decoder genotypes: what can be compiled, and is probably a mistake or a waste; and notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bmnas.genotype.finding import Finding, note, warning
from bmnas.genotype.stacks.canonical import canonical_hash, looks_at_memory, used_inputs, used_stacks
from bmnas.genotype.stacks.operations import BLOCKS
from bmnas.genotype.stacks.schema import Stack
from bmnas.genotype.stacks.value import StackGenotype


def lint(genotype: StackGenotype) -> tuple[Finding, ...]:
    """The warnings and notes about a genotype, in its order; all are notes where a search has found it."""
    found = tuple(_warnings(genotype))
    told = genotype.provenance.canonical_hash if genotype.provenance else None
    if told is not None and told == canonical_hash(genotype):
        return tuple(replace(each, level="note") for each in found)
    return found


def _warnings(genotype: StackGenotype) -> Iterator[Finding]:
    used, inputs = used_stacks(genotype), used_inputs(genotype)
    for i, each in enumerate(genotype.inputs):
        if each.name not in inputs:
            problem = "is read by no stack that reaches the output"
            yield note("unused-input", f"inputs[{i}]", each.name, problem, "a network is not given it")
    for i, stack in enumerate(genotype.stacks):
        place = f"stacks[{i}]"
        if stack.name not in used:
            problem = "reaches no output and is looked at by no stack that does"
            yield warning("unused-stack", place, stack.name, problem, "name it in output, or leave it out")
            continue
        yield from _stack(genotype, place, stack)


def _stack(genotype: StackGenotype, place: str, stack: Stack) -> Iterator[Finding]:
    ops = [BLOCKS.find(block.op) for block in stack.blocks]
    if stack.memory is not None and not looks_at_memory(genotype, stack.name):
        problem = f"has {stack.memory} as its memory, and no block that looks at it"
        yield warning("unused-memory", f"{place}.memory", stack.name, problem, "add a GuidedAttention, or leave it out")
    looking = [number for number, op in enumerate(ops) if op.reads == "memory"]
    if looking and len(ops) > 2 and looking[0] == len(ops) - 1:
        problem = "looks at its memory in its last block alone"
        advice = "nothing that it has seen there is worked on; put a GuidedAttention further to the front"
        yield warning("late-memory", f"{place}.blocks[{looking[0]}]", stack.name, problem, advice)
    if ops and all(block.op in ("FeedForward", "GatedLinear", "Identity") for block in stack.blocks):
        problem = "has blocks alone that look at one position"
        yield warning(
            "no-mixing", place, stack.name, problem, "its positions know nothing of each other: add attention"
        )
    idle = [number for number, block in enumerate(stack.blocks) if block.op == "Identity"]
    if idle:
        where = f"{place}.blocks[{idle[0]}]"
        yield note("idle-block", where, stack.name, "does nothing (Identity)", "it may be left out")
    if genotype.dialect == "official" and any(op.reads == "relations" for op in ops):
        where = f"{place}.blocks[{next(number for number, op in enumerate(ops) if op.reads == 'relations')}]"
        problem = "relates boxes without the direction of their offset: left and right are the same to it"
        yield note("no-direction", where, stack.name, problem, "the dialect 'signed' keeps it")
