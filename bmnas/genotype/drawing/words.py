"""What the boxes of a drawing say, and how each is told in words."""

from __future__ import annotations

from bmnas.genotype.drawing.scene import Line
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.lookup import find
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.schema import Cell, Step

_KINDS = {
    **dict.fromkeys(("Attention", "MultiHeadAttention"), "attention"),
    **dict.fromkeys(("LinearGLU", "GatedSum"), "gate"),
    **dict.fromkeys(("ConcatFC", "ConcatSigmoid", "Bilinear"), "linear"),
    **dict.fromkeys(("Sum", "Mul", "Max", "Mean"), "elementwise"),
    "Zero": "zero",
}


def step_lines(step: Step, inputs: bool) -> tuple[Line, ...]:
    """Operation, options, and the inputs in brackets if they are to be told."""
    below = [_options(step), _brackets(step) if inputs else ""]
    return Line(step.op, bold=True), *(Line(text, small=True) for text in below if text)


def tint(op: str) -> str:
    """To which kind of operations one belongs, in a word; empty for one from outside the package."""
    return _KINDS.get(op, "")


def ordered(step: Step) -> bool:
    """Whether the order of the inputs makes a difference, so that they have to be told."""
    return not find(step.op).commutative


def cell_lines(cell: Cell, dialect: str) -> tuple[Line, ...]:
    """What becomes of the output nodes of a cell, before anything outside reads it."""
    rest = "add x, layer norm" if dialect == "official" else ""
    if len(cell.output) == 1:
        return (Line(rest or f"= {cell.output[0]}"),)
    return (Line("Concat + FC"), *([Line(rest, small=True)] if rest else []))


def output_lines(genotype: Genotype) -> tuple[Line, ...]:
    """What becomes of the output of a genotype, before the head."""
    if genotype.join == "sum":
        assert genotype.head is not None
        return Line(f"Sum → {genotype.head.outputs}"), Line("a linear head each", small=True), *_members(genotype)
    together = Line("Concat" if len(genotype.output) > 1 else "Output")
    return (together, Line("layer norm, ReLU", small=True)) if genotype.dialect == "official" else (together,)


def head_lines(genotype: Genotype) -> tuple[Line, ...] | None:
    """What the head does that comes after the output; ``None`` where there is none, or one for each node before it."""
    if genotype.head is None or genotype.join == "sum":
        return None
    return Line(f"Linear → {genotype.head.outputs}"), *_members(genotype)


def sizes(genotype: Genotype) -> str:
    """Channels and length of every node, and the dialect: ``128 x 8, official dialect``."""
    shape = genotype.representation
    return f"{shape.channels} x {shape.length}, {genotype.dialect} dialect"


def about_step(cell: Cell, step: Step) -> str:
    """Such as ``Step_1 of Cell_1: MultiHeadAttention (x, y), heads 4``."""
    options = _options(step)
    return f"{step.name} of {cell.name}: {step.op} {_brackets(step)}{', ' if options else ''}{options}"


def about_input(cell: Cell, number: int) -> str:
    """Such as ``x of Cell_1: Video_3``."""
    return f"{INPUT_NAMES[number]} of {cell.name}: {cell.inputs[number]}"


def _members(genotype: Genotype) -> tuple[Line, ...]:
    if genotype.members == 1:
        return ()
    return (Line(f"mean of {genotype.members} such networks", small=True),)


def _options(step: Step) -> str:
    text = ", ".join(f"{name} {value}" for name, value in step.options.items())
    # An operation from outside the package may have options of any length and with any characters.
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= 100 else text[:97] + "..."


def _brackets(step: Step) -> str:
    return f"({', '.join(step.inputs)})"
