"""Read the files of NLVR: sentences about pictures of three boxes, whose objects are given, as JSON, one a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.files import parse_json, read_text

SHAPES = ("square", "circle", "triangle")
COLOURS = ("Yellow", "Black", "#0099ff")
BOXES = 3
# In pixels: the side of a box, and where the boxes of a picture begin.
SIDE = 100
STARTS = (0, 150, 300)
PICTURE = (400, 100)
HOW_TO_GET = (
    "the data folder holds train, dev and test (.jsonl, or .json as the corpus calls them), with a JSON object a line: "
    "identifier, sentence, label, structured_rep (from github.com/lil-lab/nlvr)"
)

_LIMIT = 2**27
_KEYS = ("identifier", "sentence", "label", "structured_rep")
_LABELS = ("false", "true")
_MOST = 8


class Thing(NamedTuple):
    """An object of a picture.

    Attributes:
        shape: its place in `SHAPES`.
        colour: its place in `COLOURS`.
        size: its side in pixels.
        x: of its upper left corner in its box, in pixels.
        y: likewise; down.
    """

    shape: int
    colour: int
    size: float
    x: float
    y: float


class Example(NamedTuple):
    """A line of a file.

    Attributes:
        presentation: the number of the sentence; its pictures share it.
        sentence: what a person wrote.
        label: 1 where it is true of the picture.
        boxes: the objects of the three boxes, from left to right.
        where: file and line, for messages.
    """

    presentation: int
    sentence: str
    label: int
    boxes: tuple[tuple[Thing, ...], ...]
    where: str


def file_of(data: Path, name: str) -> Path | None:
    """The file of a part of the corpus, ``train``, ``dev``, ``test`` or ``hidden``; ``None`` where there is none."""
    paths = [data / folder / f"{name}{ending}" for folder in (".", "nlvr", name) for ending in (".jsonl", ".json")]
    return next((path for path in paths if path.is_file()), None)


def read_examples(path: Path) -> list[Example]:
    """The examples of a file in its order; of one that gives several pictures by one sentence each is an example.

    Raises:
        BmnasError: the file cannot be read, or a line is not such an example; the message names the line.
    """
    examples = [_example(f"{path}: line {number}", value) for number, value in _values(path)]
    if not examples:
        raise BmnasError(f"{path}: has no example")
    return examples


def _values(path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(read_text(path, _LIMIT).split("\n"), 1):
        if line.strip():
            try:
                yield number, parse_json(line)
            except BmnasError as error:
                raise BmnasError(f"{path}: line {number} {error}") from None


def _example(where: str, value: Any) -> Example:
    if not isinstance(value, dict):
        raise BmnasError(f"{where}: is {short(value)}, but should be an object with {', '.join(_KEYS)}")
    for key in _KEYS:
        if key not in value:
            raise BmnasError(f"{where}: has no {key!r}")
    number = str(value["identifier"]).partition("-")[0]
    if not number.isdecimal() or len(number) > 9:
        raise BmnasError(f"{where}: the identifier is {short(value['identifier'])}, but should be such as 1572-0")
    if not isinstance(value["sentence"], str):
        raise BmnasError(f"{where}: the sentence is {short(value['sentence'])}, but should be text")
    label = str(value["label"]).lower()
    if label not in _LABELS:
        raise BmnasError(f"{where}: the label is {short(value['label'])}{did_you_mean(label, _LABELS)}")
    boxes = value["structured_rep"]
    if not isinstance(boxes, list) or len(boxes) != BOXES or not all(isinstance(box, list) for box in boxes):
        raise BmnasError(f"{where}: structured_rep is {short(boxes)}, but should be three lists of objects")
    things = tuple(tuple(_thing(where, thing) for thing in box) for box in boxes)
    if not any(things) or max(map(len, things)) > _MOST:
        raise BmnasError(
            f"{where}: its boxes have {', '.join(str(len(box)) for box in things)} objects, not 1 to {_MOST}"
        )
    return Example(int(number), value["sentence"], _LABELS.index(label), things, where)


def _thing(where: str, value: Any) -> Thing:
    keys = ("type", "color", "size", "x_loc", "y_loc")
    if not isinstance(value, dict) or any(key not in value for key in keys):
        raise BmnasError(f"{where}: an object is {short(value)}, but should have {', '.join(keys)}")
    for key, known in (("type", SHAPES), ("color", COLOURS)):
        if value[key] not in known:
            raise BmnasError(f"{where}: the {key} of an object is {short(value[key])}{_near(value[key], known)}")
    numbers = [value[key] for key in keys[2:]]
    for key, number in zip(keys[2:], numbers, strict=True):
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= SIDE:
            raise BmnasError(f"{where}: the {key} of an object is {short(number)}, but should be 0 to {SIDE}")
    size, x, y = map(float, numbers)
    return Thing(SHAPES.index(value["type"]), COLOURS.index(value["color"]), size, x, y)


def _near(value: Any, known: Sequence[str]) -> str:
    return did_you_mean(value, known) if isinstance(value, str) else f"; known: {', '.join(known)}"
