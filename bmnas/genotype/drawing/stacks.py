"""An encoder-decoder genotype as a scene: inputs beside their modality, stacks as cells, runs of equal blocks as steps.

A stack is drawn as a cell is: it says what it reads and at which memory it looks, and its blocks follow one another. Of
blocks in a row that are the same one box is drawn with their number. From the memory an arrow leads to each block that
looks at it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from bmnas.genotype.drawing.scene import HEAD, Arrow, Box, Column, Frame, Key, Line, Mark, Scene
from bmnas.genotype.graph import OUTPUT
from bmnas.genotype.stacks.canonical import completed, used_inputs, used_stacks
from bmnas.genotype.stacks.operations import BLOCKS
from bmnas.genotype.stacks.schema import Block, SequenceInput, Stack
from bmnas.genotype.stacks.value import StackGenotype

_HEADS = {"match": "Linear → 1", "ground": "Score and box of each region"}


def scene_of_stacks(genotype: StackGenotype, collapsed: bool, unused: str) -> Scene:
    """What is drawn of a genotype.

    Args:
        genotype: what to draw.
        collapsed: whether a stack is one box.
        unused: ``"hide"`` leaves out what does not reach the output; else it is grey and dashed.
    """
    picture = _Picture(genotype, collapsed, unused)
    return Scene(
        title=genotype.name,
        aside=f"width {genotype.width}, heads of {genotype.head_width}, dropout {genotype.dropout:g}, "
        f"{genotype.dialect}",
        columns=tuple(picture.columns()),
        frames=tuple(picture.frame(stack) for stack in genotype.stacks if picture.shown("stack", stack.name)),
        ends=tuple(picture.ends()),
        arrows=tuple(picture.arrows()),
        collapsed=collapsed,
    )


class _Picture:
    def __init__(self, genotype: StackGenotype, collapsed: bool, unused: str) -> None:
        self.genotype, self.collapsed, self.unused = genotype, collapsed, unused
        self.used = {*(("input", name) for name in used_inputs(genotype))}
        self.used |= {("stack", name) for name in used_stacks(genotype)}
        self.hues: dict[str, int] = {}
        for each in genotype.inputs:
            self.hues.setdefault(each.modality, len(self.hues))

    def shown(self, *node: str) -> bool:
        return self.unused != "hide" or node in self.used

    def mark(self, *node: str) -> Mark:
        return "plain" if node in self.used else "unused"

    def hue(self, name: str) -> int:
        return self.hues[self.genotype.input(name).modality]

    def columns(self) -> Iterable[Column]:
        for modality, hue in self.hues.items():
            rows = tuple(
                Box(("feature", each.name), "feature", _input_lines(each), self.mark("input", each.name), hue=hue)
                for each in self.genotype.inputs
                if each.modality == modality and self.shown("input", each.name)
            )
            if rows:
                yield Column(modality, rows, hue=hue, joined=False)

    def frame(self, stack: Stack) -> Frame:
        mark, key = self.mark("stack", stack.name), ("cell", stack.name)
        read = ("input", stack.name, "reads")
        inputs = [Box(read, "input", (Line("reads", True), Line(stack.reads)), mark, hue=self.hue(stack.reads))]
        if stack.memory is not None:
            memory = ("input", stack.name, "memory")
            inputs.append(Box(memory, "input", (Line("memory", True), Line(stack.memory)), mark))
        boxes = [
            Box(self._run_key(stack, number), "step", _lines(self.genotype, block, count), mark, tint=_tint(block))
            for number, (block, count) in enumerate(runs(stack))
        ]
        count = len(stack.blocks)
        return Frame(
            key,
            stack.name,
            tuple(inputs),
            () if self.collapsed else tuple(boxes),
            mark,
            f"{count} block{'' if count == 1 else 's'}",
        )

    def ends(self) -> Iterable[Box]:
        task, several = self.genotype.head.task, len(self.genotype.output) > 1
        if task == "ground":
            lines = (Line("Add, layer norm"), Line("text reduced, each region", small=True))
        else:
            lines = (
                Line("Reduce, add" if several else "Reduce"),
                Line("attention over positions, layer norm", small=True),
            )
        yield Box(OUTPUT, "output", lines, about=f"output of {self.genotype.name}")
        if task is not None:
            outputs = self.genotype.head.outputs
            text = f"Linear → {outputs if outputs is not None else 'answers'}" if task == "answer" else _HEADS[task]
            yield Box(HEAD, "output", (Line(text), Line(task, small=True)))

    def arrows(self) -> Iterable[Arrow]:
        for stack in self.genotype.stacks:
            if self.shown("stack", stack.name):
                yield from self._of(stack)
        for name in self.genotype.output:
            yield Arrow(self._end(self.genotype.stack(name)), OUTPUT, "upper", self.mark("stack", name))
        if self.genotype.head.task is not None:
            yield Arrow(OUTPUT, HEAD, "upper")

    def _of(self, stack: Stack) -> Iterable[Arrow]:
        mark, hue = self.mark("stack", stack.name), self.hue(stack.reads)
        read, memory = ("input", stack.name, "reads"), ("input", stack.name, "memory")
        yield Arrow(("feature", stack.reads), read, "upper", mark, hue=hue)
        if stack.memory is not None:
            yield Arrow(self._end(self.genotype.stack(stack.memory)), memory, "upper", mark)
        if self.collapsed:
            return
        before: Key = read
        for number, (block, _) in enumerate(runs(stack)):
            key = self._run_key(stack, number)
            yield Arrow(before, key, "inner", mark, hue=hue if before == read else None)
            if BLOCKS.find(block.op).reads == "memory":
                yield Arrow(memory, key, "inner", mark)
            before = key

    def _end(self, stack: Stack) -> Key:
        """Where what a stack gives comes out."""
        found = runs(stack)
        if self.collapsed:
            return ("cell", stack.name)
        return self._run_key(stack, len(found) - 1) if found else ("input", stack.name, "reads")

    def _run_key(self, stack: Stack, number: int) -> Key:
        return ("step", stack.name, f"run {number + 1}")


def runs(stack: Stack) -> list[tuple[Block, int]]:
    """The blocks of a stack, equal ones in a row as one, with how many they are."""
    return [(block, len(list(same))) for block, same in groupby(stack.blocks)]


def _lines(genotype: StackGenotype, block: Block, count: int) -> tuple[Line, ...]:
    lines = [Line(block.op if count == 1 else f"{block.op} × {count}", bold=True)]
    own = {key: value for key, value in completed(genotype, block).items() if value != _usual(genotype, block).get(key)}
    if own:
        lines.append(Line(", ".join(f"{key} {value}" for key, value in own.items()), small=True))
    if BLOCKS.find(block.op).reads == "relations":
        lines.append(Line("relations of boxes", small=True))
    return tuple(lines)


def _usual(genotype: StackGenotype, block: Block) -> dict[str, object]:
    return completed(genotype, Block(op=block.op))


def _tint(block: Block) -> str:
    return BLOCKS.find(block.op).tint


def _input_lines(each: SequenceInput) -> tuple[Line, ...]:
    if each.tokens is not None:
        words = f"word vectors of {each.tokens}, LSTM"
        return Line(each.name), Line(f"up to {each.length} words", small=True), Line(words, small=True)
    size = f"× {each.channels}" if each.channels is not None else "vectors"
    boxes = [Line("with boxes", small=True)] if each.boxes else []
    return Line(each.name), Line(f"up to {each.length} {size}", small=True), *boxes
