"""What differs between two encoder-decoder genotypes: values by place, blocks by an alignment of both lists."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from bmnas.errors import short
from bmnas.genotype.difference import Difference
from bmnas.genotype.stacks.canonical import completed
from bmnas.genotype.stacks.schema import Block, Stack
from bmnas.genotype.stacks.value import StackGenotype

_VALUES = ("dialect", "width", "head_width", "relation_width", "dropout")


def diff(a: StackGenotype, b: StackGenotype, names: tuple[str, str]) -> tuple[Difference, ...]:
    """All differences, in the order of the file."""
    return tuple(_all(a, b, names))


def _all(a: StackGenotype, b: StackGenotype, names: tuple[str, str]) -> Iterator[Difference]:
    if a.name != b.name:
        yield Difference("changed", "name", f"is {short(a.name)} in the first, {short(b.name)} in the second")
    for key in _VALUES:
        yield from _value(key, getattr(a, key), getattr(b, key), names)
    yield from _named("inputs", a.inputs, b.inputs, names)
    for i, each in enumerate(a.inputs):
        other = {one.name: one for one in b.inputs}.get(each.name)
        if other is not None:
            for key in ("modality", "length", "tokens", "vocabulary", "channels", "boxes"):
                place = f"inputs[{i}].{key} ({each.name})"
                yield from _value(place, getattr(each, key), getattr(other, key), names)
    yield from _named("stacks", a.stacks, b.stacks, names)
    for i, stack in enumerate(a.stacks):
        same = {one.name: one for one in b.stacks}.get(stack.name)
        if same is not None:
            yield from _stacks(i, (a, stack), (b, same), names)
    yield from _value("output", list(a.output), list(b.output), names)
    yield from _value("head.task", a.head.task, b.head.task, names)
    yield from _value("head.outputs", a.head.outputs, b.head.outputs, names)
    if a.provenance != b.provenance:
        yield Difference("changed", "provenance", "differs, which does not change what the genotype means")


def _stacks(
    i: int, one: tuple[StackGenotype, Stack], other: tuple[StackGenotype, Stack], names: tuple[str, str]
) -> Iterator[Difference]:
    (a, stack), (b, same) = one, other
    for key in ("reads", "memory"):
        yield from _value(f"stacks[{i}].{key} ({stack.name})", getattr(stack, key), getattr(same, key), names)
    first, second = ([_block(whole, block) for block in each.blocks] for whole, each in ((a, stack), (b, same)))
    for tag, begin, end, start, stop in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        place = f"stacks[{i}].blocks[{begin}]" if end - begin < 2 else f"stacks[{i}].blocks[{begin}..{end - 1}]"
        was = ", ".join(_brief(a, block) for block in stack.blocks[begin:end])
        now = ", ".join(_brief(b, block) for block in same.blocks[start:stop])
        if tag == "delete":
            yield Difference("removed", f"{place} ({stack.name})", f"{was}: only in {names[0]}")
        elif tag == "insert":
            where = (
                f"stacks[{i}].blocks, before block {begin}" if begin < len(first) else f"stacks[{i}].blocks, at the end"
            )
            yield Difference("added", f"{where} ({stack.name})", f"{now}: only in {names[1]}")
        elif tag == "replace":
            yield Difference("changed", f"{place} ({stack.name})", f"is {was} in {names[0]}, {now} in {names[1]}")


def _named(what: str, a: Any, b: Any, names: tuple[str, str]) -> Iterator[Difference]:
    first, second = {each.name for each in a}, {each.name for each in b}
    for i, each in enumerate(a):
        if each.name not in second:
            yield Difference("removed", f"{what}[{i}] ({each.name})", f"only in {names[0]}")
    for each in b:
        if each.name not in first:
            yield Difference("added", f"{what} ({each.name})", f"only in {names[1]}")


def _value(place: str, one: Any, other: Any, names: tuple[str, str]) -> Iterator[Difference]:
    if one != other:
        yield Difference("changed", place, f"is {_said(one)} in {names[0]}, {_said(other)} in {names[1]}")


def _said(value: Any) -> str:
    return "not given" if value is None else short(value) if isinstance(value, str) else str(value)


def _brief(genotype: StackGenotype, block: Block) -> str:
    """A block with the options that are not the usual ones."""
    usual = completed(genotype, Block(op=block.op))
    own = {key: value for key, value in completed(genotype, block).items() if value != usual[key]}
    return f"{block.op}({', '.join(f'{key} {value}' for key, value in own.items())})" if own else block.op


def _block(genotype: StackGenotype, block: Block) -> str:
    options = ", ".join(f"{key} {value}" for key, value in completed(genotype, block).items())
    return f"{block.op}({options})" if options else block.op
