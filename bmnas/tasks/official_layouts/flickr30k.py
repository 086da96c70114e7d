"""Flickr30K: five captions of each image, in two text files a split, and the list that names the images' files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bmnas.errors import BmnasError, short
from bmnas.files import read_text
from bmnas.tasks.official_layouts.records import read_document, records

CAPTIONS = 5
_LIMIT = 2**27


class Caption(NamedTuple):
    """A caption.

    Attributes:
        text: of it.
        image: number of the image.
    """

    text: str
    image: int


def read_captions(texts: Path, numbers: Path) -> list[Caption]:
    """The captions of a split, such as ``dev_caps.txt`` and ``dev_ids.txt``, in their order.

    Args:
        texts: a caption a line, the five of an image one after another.
        numbers: a number a line, of each image, or of each caption.

    Raises:
        BmnasError: a file cannot be read, or the two do not fit together.
    """
    captions, images = _lines(texts), [_number(numbers, *line) for line in enumerate(_lines(numbers), 1)]
    if len(images) * CAPTIONS == len(captions):
        images = [image for image in images for _ in range(CAPTIONS)]
    if len(images) != len(captions):
        raise BmnasError(
            f"{texts}: has {len(captions)} captions, but {numbers} has {len(images)} numbers; there should be "
            f"{CAPTIONS} captions of each image"
        )
    for place, text in enumerate(captions):
        if not text.strip():
            raise BmnasError(f"{texts}: line {place + 1} is empty")
    return [Caption(text, image) for text, image in zip(captions, images, strict=True)]


def read_file_names(path: Path) -> Mapping[int, str]:
    """The names of images' files by number, from ``dataset_flickr30k.json``.

    Raises:
        BmnasError: it is no such file.
    """
    found = {}
    for each in records(read_document(path), path, "images"):
        name = each.text("filename")
        if not name or set(name) & set("/\\\0"):
            raise BmnasError(f"{each.where}: filename is {short(name)}, but should be the name of a file")
        found[each.number("imgid")] = name
    return found


def _lines(path: Path) -> list[str]:
    lines = read_text(path, _LIMIT).split("\n")
    return lines[:-1] if lines and not lines[-1].strip() else lines


def _number(path: Path, place: int, line: str) -> int:
    text = line.strip()
    if not (text.isdecimal() and len(text) < 19):
        raise BmnasError(f"{path}: line {place} is {short(line)}, but should be the number of an image")
    return int(text)
