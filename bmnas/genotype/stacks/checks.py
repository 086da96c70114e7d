"""What makes an encoder-decoder genotype a network that can be built: every rule, as a function that yields problems.

As in `bmnas.genotype.checks`, whose manner this is: places are relative to the model whose rule is broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.genotype.checks import Problem
from bmnas.genotype.stacks.operations import BLOCKS, BlockOperation

RESERVED = (".boxes", ".image")
"""Endings of names that further inputs of a network have: the boxes of an input, the sizes of its images."""


def sequence_input(each: Any) -> Iterator[Problem]:
    """It is a text or a sequence of vectors, and only the latter has boxes."""
    if each.tokens is not None:
        if each.channels is not None:
            yield Problem("channels", "is of vectors, but tokens says that this is a text; one of both")
        if each.boxes:
            yield Problem("boxes", "is true, but a text has none")
    elif each.vocabulary is not None:
        yield Problem("vocabulary", "is of a text, but tokens, the size of its word vectors, is left out")
    if each.name.endswith(RESERVED):
        yield Problem("name", f"is {short(each.name)}, which is what boxes and sizes of images are called; another one")


def block(block: Any) -> Iterator[Problem]:
    """The operation exists, and has the options that the block gives it."""
    operation = operation_of(block.op)
    if isinstance(operation, str):
        yield Problem("op", operation)
        return
    names = list(operation.options.model_fields)
    for key in block.options:
        if key not in names:
            which = f", which has {', '.join(map(repr, names))}" if names else ", which has none"
            yield Problem(
                key, f"is not an option of {operation.name}{which}{did_you_mean(key, names) if names else ''}"
            )
    try:
        operation.options.model_validate({key: value for key, value in block.options.items() if key in names})
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place = ".".join(str(part) for part in detail["loc"])
            yield Problem(place, f"is {short(detail['input'])}: {re.sub('^(Input|String)', 'it', detail['msg'])}")


def genotype(genotype: Any) -> Iterator[Problem]:
    """Names are distinct and known, memories come before, widths divide, and the head has what it needs."""
    inputs: dict[str, Any] = {}
    for i, each in enumerate(genotype.inputs):
        if each.name in inputs:
            yield Problem(f"inputs[{i}].name", f"is {short(each.name)}, which an earlier input has")
        inputs[each.name] = each
    if genotype.width % genotype.head_width:
        yield Problem("head_width", _divides(genotype.head_width, genotype.width))
    later = [stack.name for stack in genotype.stacks]
    earlier: dict[str, Any] = {}
    for i, stack in enumerate(genotype.stacks):
        yield from _stack(f"stacks[{i}]", stack, inputs, earlier, later, genotype.width)
        earlier[stack.name] = stack
    seen: set[str] = set()
    for i, name in enumerate(genotype.output):
        if name not in earlier:
            yield Problem(f"output[{i}]", f"names {short(name)}, which is not a stack{did_you_mean(name, earlier)}")
        elif name in seen:
            yield Problem(f"output[{i}]", f"names {short(name)} again")
        seen.add(name)
    yield from _head(genotype, inputs, earlier)


def _stack(
    place: str, stack: Any, inputs: dict[str, Any], earlier: dict[str, Any], later: list[str], width: int
) -> Iterator[Problem]:
    if stack.name in earlier:
        yield Problem(f"{place}.name", f"is {short(stack.name)}, which an earlier stack has")
    if stack.reads not in inputs:
        hint = "; a stack reads an input, and looks at another stack as its memory" if stack.reads in later else ""
        near = hint or did_you_mean(stack.reads, inputs)
        yield Problem(f"{place}.reads", f"is {short(stack.reads)}, which is not an input{near}")
    if stack.memory is not None and stack.memory not in earlier:
        what = "does not come before it" if stack.memory in later else "is not a stack"
        near = (
            "" if stack.memory in later else did_you_mean(stack.memory, [name for name in later if name != stack.name])
        )
        yield Problem(f"{place}.memory", f"is {short(stack.memory)}, which {what}{near}")
    for j, block in enumerate(stack.blocks):
        operation = operation_of(block.op)
        if isinstance(operation, str):
            continue
        if operation.reads == "memory" and stack.memory is None:
            yield Problem(
                f"{place}.blocks[{j}]",
                f"is {operation.name}, which looks at the end of an earlier stack: name it as the memory of this one",
            )
        if operation.reads == "relations" and stack.reads in inputs and not inputs[stack.reads].boxes:
            yield Problem(
                f"{place}.blocks[{j}]",
                f"is {operation.name}, but the input {stack.reads!r} has no boxes that could be related",
            )
        own = block.options.get("head_width")
        if isinstance(own, int) and width % own:
            yield Problem(f"{place}.blocks[{j}].head_width", _divides(own, width))


def _head(genotype: Any, inputs: dict[str, Any], stacks: dict[str, Any]) -> Iterator[Problem]:
    task = genotype.head.task
    if genotype.head.outputs is not None and task != "answer":
        yield Problem("head.outputs", f"is {genotype.head.outputs}, but only a head for answers has outputs")
    ends = [stacks[name] for name in genotype.output if name in stacks]
    if task == "ground":
        boxed = [each.name for each in ends if each.reads in inputs and inputs[each.reads].boxes]
        if len(boxed) != 1 or ends[-1].name != boxed[0]:
            found = ", ".join(boxed) or "none"
            yield Problem(
                "head.task",
                f"is 'ground', which says of each region whether it is meant: of the output exactly one stack reads an "
                f"input with boxes, and it is the last one; here {found}",
            )


def operation_of(op: str) -> BlockOperation | str:
    """The operation of that name, or why there is none."""
    if op in BLOCKS:
        return BLOCKS[op]
    try:
        return BLOCKS.find(op)
    except BmnasError as error:
        if op in BLOCKS.names():  # an installed package offers it, and cannot load it
            return f"is {short(op)}: {' '.join(str(error).split())}"
        return f"is {short(op)}, which is not an operation of blocks{BLOCKS.nearest(op)}"


def _divides(head: int, width: int) -> str:
    fitting = [number for number in range(1, min(width, 1024) + 1) if width % number == 0]
    near = sorted(sorted(fitting, key=lambda number: abs(number - head))[:4])
    return f"is {head}, which does not divide the width {width}; {', '.join(map(str, near))} would"
