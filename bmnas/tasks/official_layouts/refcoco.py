"""RefCOCO, RefCOCO+ and RefCOCOg as MMnas prepares them: descriptions of things, each with the box of the thing."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from bmnas.errors import BmnasError, short
from bmnas.tasks.official_layouts.records import Record, read_document, records


class Description(NamedTuple):
    """A description.

    Attributes:
        text: words with blanks between them.
        file: name of the image's file.
        image: number of the image.
        box: x1, y1, x2, y2 in pixels.
        size: width and height of the image.
    """

    text: str
    file: str
    image: int
    box: tuple[float, float, float, float]
    size: tuple[float, float]


def read_descriptions(path: Path) -> list[Description]:
    """The descriptions of a file, such as ``testA.json``, in its order.

    Raises:
        BmnasError: it is no such file, names another split, or a box lies outside its image.
    """
    return [_description(each, path.stem) for each in records(read_document(path), path)]


def _description(record: Record, split: str) -> Description:
    tokens = record.list("tokens")
    if not tokens or not all(isinstance(token, str) for token in tokens):
        raise BmnasError(f"{record.where}: tokens is {short(tokens)}, but should be a list of words")
    own = record.text("split")
    if own != split:
        raise BmnasError(f"{record.where}: is of the split {short(own)}, but the file is called {split}.json")
    file = record.text("file_name")
    if not file or set(file) & set("/\\\0"):
        raise BmnasError(f"{record.where}: file_name is {short(file)}, but should be the name of a file")
    x, y, width, height = record.numbers("bbox", 4)
    size = (float(record.number("width")), float(record.number("height")))
    if width <= 0 or height <= 0 or x < -1 or y < -1 or x + width > size[0] + 1 or y + height > size[1] + 1:
        raise BmnasError(
            f"{record.where}: bbox is {[x, y, width, height]} (x, y, width, height), outside its image of "
            f"{size[0]:g} x {size[1]:g} pixels"
        )
    return Description(" ".join(tokens), file, record.number("image_id"), (x, y, x + width, y + height), size)
