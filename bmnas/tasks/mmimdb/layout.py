"""What MM-IMDB is: genres, splits, shapes, and where a folder has it.

Arevalo, Solorio, Montes-y-Gómez and González, "Gated Multimodal Units for Information Fusion", ICLR workshop 2017.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from bmnas.errors import BmnasError
from bmnas.files import reason
from bmnas.tasks.known_folders import looks_like
from bmnas.tasks.task import SplitName

FILE = "multimodal_imdb.hdf5"
SPLIT_FILE = "split.json"
# In the order of the label's columns.
GENRES = (
    *("Drama", "Comedy", "Romance", "Thriller", "Crime", "Action", "Adventure", "Horror", "Documentary", "Mystery"),
    *("Sci-Fi", "Fantasy", "Family", "Biography", "War", "History", "Music", "Animation", "Musical", "Western"),
    *("Sport", "Short", "Film-Noir"),
)
# Channels B, G, R; height before width.
POSTER = (3, 256, 160)
VECTOR = (300,)
# What the data set calls the splits, and how many movies its official file has in each, one behind the other.
SETS: Mapping[SplitName, str] = MappingProxyType({"train": "train", "validation": "dev", "test": "test"})
SIZES: Mapping[SplitName, int] = MappingProxyType({"train": 15552, "validation": 2608, "test": 7799})
# Of a movie: what is read, by the name that files of the prepared folder begin with, and its shape.
SHAPES: Mapping[str, tuple[int, ...]] = MappingProxyType({"image": POSTER, "text": VECTOR, "label": (len(GENRES),)})
# Which of these is the input of a modality.
PARTS: Mapping[str, str] = MappingProxyType({"Image": "image", "Text": "text"})
EXPECTED = (
    f"the data folder holds {FILE}, of 25,959 movies (from archive.org/download/mmimdb), or the folders train, dev and "
    "test of the released code, with image_000000.npy, text_000000.npy, label_000000.npy and so on"
)

_PREPARED = re.compile(r"(image|text|label)_\d{6}\.npy")


def is_prepared(folder: Path) -> bool:
    """Whether a folder is one that the released code prepared.

    Raises:
        BmnasError: it is nothing of MM-IMDB; the sentence says what it looks like.
    """
    try:
        if (folder / FILE).exists():
            return False
        for name in SETS.values():
            inside = folder / name
            if inside.is_dir() and any(_PREPARED.fullmatch(path.name) for path in inside.iterdir()):
                return True
        raise BmnasError(f"{folder}: {_seen(folder)}; {EXPECTED}")
    except OSError as error:
        raise BmnasError(f"{error.filename or folder}: cannot be read: {reason(error)}") from error


def _seen(folder: Path) -> str:
    """What a folder without the data set has."""
    if other := looks_like(folder):
        return f"looks like {other}, not like MM-IMDB"
    if (folder / "dataset").is_dir() and any((folder / "dataset").glob("*.jpeg")):
        return f"looks like the archive of MM-IMDB's posters and plots, of which {FILE} was made"
    named = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in (".hdf5", ".h5", ".hdf"))
    return f"has {named[0]}, but no {FILE}" if named else f"has no {FILE}"
