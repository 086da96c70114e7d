"""Read the list of samples and the pictures of `emoji`.

Both are data from elsewhere: sizes are checked before memory is taken, and what is wrong is one sentence.
"""

from __future__ import annotations

import csv
import io
import re
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.files import read_bytes, read_text
from bmnas.tasks.task import SPLITS, SplitName

SIDE = 32
CLASSES = (
    "Activities",
    "Animals & Nature",
    "Flags",
    "Food & Drink",
    "Objects",
    "People & Body",
    "Smileys & Emotion",
    "Symbols",
    "Travel & Places",
)
LIST = "samples.csv"
COLUMNS = ("image", "text", "tags", "label", "split")
HOW_TO_GET = (
    f"the data folder holds {LIST}, with the columns {', '.join(COLUMNS)}, and the pictures that it names, "
    "images/CODE.png, of 96 x 96 pixels (from github.com/EmojiTwo/emojitwo, the words from github.com/github/gemoji)"
)

_FOLDERS = (".", "emojitwo")
_NAME = re.compile(r"images/[0-9a-z-]{1,80}\.png")
_LIST_LIMIT = 2**22
_PICTURE_LIMIT = 2**20
_LARGEST = 512
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Sample(NamedTuple):
    """A line of the list.

    Attributes:
        path: of the picture.
        text: its description and its tags.
        label: the place of its class in `CLASSES`.
        split: the one that it is in.
    """

    path: Path
    text: str
    label: int
    split: SplitName


def read_samples(data: Path) -> list[Sample]:
    """The samples in the order of the list; no picture is looked at.

    Raises:
        BmnasError: the list is missing or has other columns, or a line names no picture, class or split.
    """
    path = next((data / folder / LIST for folder in _FOLDERS if (data / folder / LIST).is_file()), None)
    if path is None:
        raise BmnasError(f"{data / LIST}: is missing; {HOW_TO_GET}")
    lines = csv.DictReader(io.StringIO(read_text(path, _LIST_LIMIT)), strict=True)
    try:
        missing = [column for column in COLUMNS if column not in (lines.fieldnames or ())]
        if missing:
            raise BmnasError(f"{path}: has no column {missing[0]!r}; expected are {', '.join(COLUMNS)}")
        samples = [_sample(path, lines.line_num, line) for line in lines]
    except csv.Error as error:
        raise BmnasError(f"{path}: the line after {lines.line_num} is no CSV: {error}") from error
    first: dict[Path, int] = {}
    for number, sample in enumerate(samples, 1):
        if first.setdefault(sample.path, number) != number:
            raise BmnasError(f"{path}: samples {first[sample.path]} and {number} both have {sample.path.name}")
    return samples


def read_picture(path: Path) -> Tensor:
    """The picture (3, 32, 32): colours on white, from -1 to 0, which is white; each number is the mean of a block.

    Raises:
        BmnasError: it cannot be read, or is no square PNG with a multiple of 32 pixels a side.
    """
    from PIL import Image  # slow to import, so only where pictures are wanted

    content = read_bytes(path, _PICTURE_LIMIT, f"{_PICTURE_LIMIT // 2**20} MiB, too large for a small picture")
    # A picture says how large it is before it is unpacked.
    if content[:8] != _SIGNATURE or content[12:16] != b"IHDR" or len(content) < 33:
        raise BmnasError(f"{path}: is no PNG picture")
    width, height = (int.from_bytes(content[start : start + 4], "big") for start in (16, 20))
    if width != height or width % SIDE or not 0 < width <= _LARGEST:
        raise BmnasError(
            f"{path}: has {width} x {height} pixels, but pictures here are 96 x 96, or another multiple of {SIDE}"
        )
    try:
        # Not torchvision's decoder, which a damaged picture can bring down together with the process.
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            pixels = torch.from_numpy(np.array(picture.convert("RGBA"))).permute(2, 0, 1) / 255
    except (OSError, SyntaxError, ValueError, EOFError, LookupError, struct.error, zlib.error) as error:
        raise BmnasError(f"{path}: is no whole PNG picture: {' '.join(str(error).split())[:120]}") from error
    return avg_pool2d((pixels[:3] - 1) * pixels[3:], width // SIDE)


def _sample(path: Path, number: int, line: dict[str, str | None]) -> Sample:
    values = []
    for column in COLUMNS:
        value = line[column]
        if value is None or None in line:
            raise BmnasError(f"{path}: line {number} should have {len(COLUMNS)} values: {', '.join(COLUMNS)}")
        values.append(value)
    image, text, tags, label, split = values
    if not _NAME.fullmatch(image):
        raise BmnasError(f"{path}: line {number}: the image is {short(image)}, but should be such as images/1f600.png")
    _known(path, number, "label", label, CLASSES)
    _known(path, number, "split", split, SPLITS)
    return Sample(path.parent / image, f"{text};{tags}", CLASSES.index(label), cast(SplitName, split))


def _known(path: Path, number: int, what: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise BmnasError(f"{path}: line {number}: the {what} is {short(value)}{did_you_mean(value, known)}")
