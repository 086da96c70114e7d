"""Which of the known data sets a folder looks like, for messages about a folder that is not the wanted one."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

# A folder may have very many files; those of a data set stand among its first.
_MOST = 1000

# What a data set is called, and patterns of paths in its folder, of which one tells it.
_SIGNS = (
    ("MM-IMDB (task mmimdb)", r"multimodal_imdb\.hdf5", r"(train|dev|test)/(image|text|label)_\d{6}\.npy"),
    ("NTU RGB+D (task ntu)", r"nturgb\+?d_(skeletons|rgb).*", r"S\d{3}C\d{3}P\d{3}R\d{3}A\d{3}\w*\.(skeleton|avi)"),
    (
        "EgoGesture (task egogesture)",
        r"labels-final-revised1",
        r"(images/)?Subject\d\d",
    ),
    ("UTD-MHAD (task utd-mhad)", r"(Skeleton|Inertial|Depth)/a\d+_s\d+_t\d+_\w+\.mat"),
    (
        "the Free Spoken Digit Dataset (task av-digits)",
        r"(recordings/)?\d_[a-z]+_\d+\.wav",
        r"free-spoken-digit-dataset",
    ),
    ("MNIST (task av-digits)", r"(mnist/)?(train|t10k)-images.*ubyte.*"),
    ("Emojitwo (task emoji)", r"images/[0-9a-f-]+\.png", r"emojitwo"),
)


def looks_like(folder: Path) -> str:
    """The name of the data set and its task; empty where the folder looks like none, or cannot be read."""
    try:
        names = list(_names(folder))
    except OSError:
        return ""
    for called, *signs in _SIGNS:
        if any(re.fullmatch(sign, name) for sign in signs for name in names):
            return called
    return ""


def _names(folder: Path) -> list[str]:
    """What is in a folder, and in its folders, by paths from there."""
    names = []
    for path in islice(sorted(islice(folder.iterdir(), _MOST)), _MOST):
        names.append(path.name)
        if path.is_dir():
            names += [f"{path.name}/{inside.name}" for inside in islice(path.iterdir(), _MOST)]
    return names
