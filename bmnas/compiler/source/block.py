"""One block of a plan as source: a class if it has weights, an expression if not."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from bmnas.compiler.plan.plan import Id, Op
from bmnas.compiler.plan.primitives import Conv, Foreign, Input, Linear, Pool, Scale, Shape
from bmnas.compiler.source.expressions import Expression, constructor, expression
from bmnas.compiler.source.identifiers import quoted

_WIDTH = 88  # of a line with its comment, as formatters have it
_INDENT = "        "


@dataclass(frozen=True)
class Block:
    """The primitives of one block.

    Attributes:
        ops: with shapes, the inputs first.
        output: the id of the result.
        weights: the name of the submodule that holds its weights.
    """

    ops: tuple[Op, ...]
    output: Id
    weights: str

    @property
    def has_modules(self) -> bool:
        """Whether anything in it needs a module."""
        return any(op.weights for op in self.ops)

    @property
    def numbers_modules(self) -> bool:
        """Whether modules of one kind are numbered, as in a step; those of an output have the names of nodes."""
        return self.ops[0].place[0] == "step"

    @property
    def takes_channels(self) -> bool:
        """Whether it is a reshape layer, of which several differ in the channels of their features alone."""
        return any(isinstance(op.primitive, Pool) for op in self.ops) and not any(
            isinstance(op.primitive, Linear) for op in self.ops
        )

    def shape(self) -> Shape:
        """Of the result."""
        return next(op.shape for op in self.ops if op.id == self.output)


def inline(block: Block, inputs: Sequence[str]) -> Expression:
    """A block without modules as one expression of its inputs."""
    values = _inputs(block, inputs)
    for op in block.ops:
        if not isinstance(op.primitive, Input):
            values[op.id] = expression(op.primitive, [values[id] for id in op.reads], "")
    return values[block.output]


def class_body(block: Block, inputs: Sequence[str], about: str) -> str:
    """Docstring, ``__init__`` and ``forward`` of the block's class; that of a reshape layer is given its channels."""
    made = _constructors(block)
    given = "self, channels" if block.takes_channels else "self"
    lines = [*_docstring(about), "", f"    def __init__({given}):", f"{_INDENT}super().__init__()", *made, ""]
    lines.append(f"    def forward({', '.join(['self', *inputs])}):")
    return "\n".join([*lines, *_statements(block, inputs)])


def shown(shape: Shape) -> str:
    """``(B, 128, 8)``."""
    return f"({', '.join(['B', *map(str, shape)])})"


def line(text: str, shape: Shape) -> str:
    """A statement with the shape of its result behind it, if there is room."""
    comment = f"  # {shown(shape)}"
    return f"{_INDENT}{text}{comment}" if len(_INDENT + text + comment) <= _WIDTH else f"{_INDENT}{text}"


def _inputs(block: Block, inputs: Sequence[str]) -> dict[Id, Expression]:
    given = [op for op in block.ops if isinstance(op.primitive, Input)]
    return {op.id: Expression(name) for op, name in zip(given, inputs, strict=True)}


def _constructors(block: Block) -> list[str]:
    shapes = {op.id: op.shape for op in block.ops}
    single: list[str] = []
    members: dict[str, dict[str, str]] = {}
    for op in block.ops:
        if op.weights:
            assert not isinstance(op.primitive, Foreign), "refused before"
            text = constructor(op.primitive, [shapes[id] for id in op.reads])
            if isinstance(op.primitive, Conv) and block.takes_channels:
                text = f"Conv1x1(channels, {op.primitive.channels})"
            if isinstance(op.primitive, Scale) and block.takes_channels:
                text = "Scale(channels)"
            name, _, index = _own(op, block).partition(".")
            if index:
                members.setdefault(name, {})[index] = text
            else:
                single.append(f"{_INDENT}self.{name} = {text}")
    for name, texts in members.items():
        if block.numbers_modules:
            single += _list(f"self.{name} = nn.ModuleList", [texts[index] for index in sorted(texts, key=int)])
        else:
            single += _dictionary(f"self.{name} = nn.ModuleDict", texts)
    return single


def _list(start: str, texts: list[str]) -> list[str]:
    whole = f"{_INDENT}{start}([{', '.join(texts)}])"
    if len(whole) <= _WIDTH:
        return [whole]
    inner = _INDENT + " " * 8
    middle = [f"{inner}{text}," for text in texts]
    return [f"{_INDENT}{start}(", f"{_INDENT}    [", *middle, f"{_INDENT}    ]", f"{_INDENT})"]


def _dictionary(start: str, texts: dict[str, str]) -> list[str]:
    inner = _INDENT + " " * 8
    middle = [f"{inner}{quoted(name)}: {text}," for name, text in texts.items()]
    return [f"{_INDENT}{start}(", f"{_INDENT}    {{", *middle, f"{_INDENT}    }}", f"{_INDENT})"]


def _docstring(about: str) -> list[str]:
    text = f'"""{about}"""'
    return textwrap.wrap(text, _WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4)


def _statements(block: Block, inputs: Sequence[str]) -> list[str]:
    """A line for each result that is used more than once or is long; the others are written where they are used."""
    values = _inputs(block, inputs)
    uses = [id for op in block.ops for id in op.reads]
    found: list[str] = []
    for op in block.ops:
        if isinstance(op.primitive, Input):
            continue
        own = _own(op, block)
        module = f"self.{own}" if op.weights else ""
        if "." in own:
            name, _, index = own.partition(".")
            module = f"self.{name}[{index if block.numbers_modules else quoted(index)}]"
        value = expression(op.primitive, [values[id] for id in op.reads], module)
        if op.id != block.output and (uses.count(op.id) > 1 or len(value.text) > 50):
            local = f"out_{len(found) + 1}" if found else "out"
            found.append(line(f"{local} = {value.text}", op.shape))
            value = Expression(local)
        values[op.id] = value
    return [*found, line(f"return {values[block.output].text}", block.shape())]


def _own(op: Op, block: Block) -> str:
    """The name of the op's module inside the block's."""
    return op.weights[0].removeprefix(block.weights).lstrip(".") if op.weights else ""
