"""What kind of genotype some bytes are: our JSON, the released code's text, or its pickle."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from bmnas.errors import GenotypeError
from bmnas.genotype import opening
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.official.pickled import parse_pickle
from bmnas.genotype.official.text import parse
from bmnas.genotype.official.values import LIMIT, OfficialGenotype

Kind = Literal["json", "text", "pickle"]

# From protocol 2 on a pickle begins with its protocol; before, a named tuple begins with the function that makes it.
_PICKLE = re.compile(rb"\x80|c[\w.]+\n[\w.]+\n")


def load(path: str | os.PathLike[str]) -> Genotype | OfficialGenotype:
    """Read a genotype file of any kind: ours, or text or pickle of the released code.

    Raises:
        GenotypeError: the file cannot be read, or holds no genotype.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError:
        return opening.load(path)  # the name of a published genotype, or the sentence that says what is wrong
    return opening.load(path) if kind_of(data) == "json" else read(data, source=os.fspath(path))


def kind_of(data: bytes) -> Kind:
    """What the data are, by how they begin; ``text`` where they begin like nothing else."""
    begin = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    # A line of a log may begin with a time in brackets.
    if begin == b"{" or (begin == b"[" and b"Genotype(" not in data):
        return "json"
    return "pickle" if _PICKLE.match(data) else "text"


def read(data: bytes, source: str = "genotype") -> OfficialGenotype:
    """Read a genotype of the released code, text or pickle.

    Args:
        data: the whole file.
        source: what error messages call it.

    Raises:
        GenotypeError: the data are neither.
    """
    if kind_of(data) == "pickle":
        return parse_pickle(data, source)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise GenotypeError(
            f"{source}: is no genotype: neither the text Genotype(...) nor a pickle of the released code"
        ) from None
    return parse(text, source)
