"""A genotype by the path of its file, or by the name of a published one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bmnas.errors import BmnasError, GenotypeError, did_you_mean, short
from bmnas.files import read_text
from bmnas.genotype import published
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.io import loads

_LIMIT = 2**20  # bytes; genotypes have a few kilobytes


def opened(given: Genotype | str | os.PathLike[str]) -> Genotype:
    """A genotype as it is, or what `load` reads of a path or a name.

    Raises:
        GenotypeError: it is none of these, or as for `load`.
    """
    if isinstance(given, Genotype):
        return given
    if isinstance(given, str | os.PathLike):
        return load(given)
    raise GenotypeError(f"{short(given)} is no genotype, nor the path of one; bmnas.from_dict makes one of plain data")


def opened_all(
    given: Genotype | str | os.PathLike[str] | Iterable[Genotype | str | os.PathLike[str]],
) -> list[Genotype]:
    """One genotype or several, each as for `opened`.

    Raises:
        GenotypeError: as for `opened`.
    """
    # A model can be iterated over, and so can a dictionary; neither is several genotypes.
    is_one = isinstance(given, Genotype | str | os.PathLike | Mapping) or not isinstance(given, Iterable)
    several: Any = [given] if is_one else given
    return [opened(each) for each in several]


def load(path: str | os.PathLike[str]) -> Genotype:
    """Read a genotype file, or the published genotype of that name (``ntu-1``) where there is no such file.

    Raises:
        GenotypeError: the file cannot be read, is not JSON, or is not a genotype; the message names the place.
    """
    name = os.fspath(path)
    if name in published.names() and not Path(path).is_file():
        return published.load(name)
    try:
        text = read_text(path, _LIMIT)
    except BmnasError as error:
        could_be_a_name = isinstance(error.__cause__, FileNotFoundError) and Path(path).name == name.partition(".")[0]
        hint = f"; nor is it a published genotype{did_you_mean(name, published.names())}" if could_be_a_name else ""
        raise GenotypeError(f"{error}{hint}") from error
    return loads(text, source=name)
