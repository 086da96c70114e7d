"""A small list of made-up pictures with words, and the place of the real one."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

REAL = Path(__file__).parents[4] / "shared" / "data" / "emojitwo"
needs_real_data = pytest.mark.skipif(
    not (REAL / "samples.csv").is_file(), reason="the real emojitwo is not at ../shared/data/emojitwo"
)
HEAD = "image,text,tags,label,split"
LINES = [
    f"images/1f6{number}{digit}.png,{text} number {digit},{tags},{label},{split}"
    for number, (split, times) in enumerate({"train": 8, "validation": 3, "test": 3}.items())
    for digit in range(times)
    for text, tags, label in [[("red apple", "fruit;food", "Food & Drink"), ("flag: Chad", "td", "Flags")][digit % 2]]
]


def png(colour: tuple[int, int, int, int], side: int = 96, width: int | None = None) -> bytes:
    """A picture of one colour, red, green, blue, alpha, whose left half is transparent."""
    width = width or side
    row = b"\0" + bytes((0, 0, 0, 0)) * (width // 2) + bytes(colour) * (width - width // 2)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, side, 8, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * side)),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def write(folder: Path, lines: list[str] | None = None) -> Path:
    """Write the list, and a picture for each of its first names: apples are red, flags blue."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for line in LINES:
        colour = (150 + len(line), 0, 0, 255) if "apple" in line else (0, 0, 150 + len(line), 255)
        (folder / line.split(",")[0]).write_bytes(png(colour))
    (folder / "samples.csv").write_text("\n".join([HEAD, *(LINES if lines is None else lines)]) + "\n")
    return folder
