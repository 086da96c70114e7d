"""A genotype by the path of its file, of the run folder that has it, or by the name of a published one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from bmnas.errors import BmnasError, GenotypeError, did_you_mean, short
from bmnas.files import read_json, read_text
from bmnas.genotype import published
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.parsing import AnyGenotype, loads_any, of_fusion
from bmnas.genotype.stacks import StackGenotype

_LIMIT = 2**20  # bytes; genotypes have a few kilobytes
_SUMMARY_LIMIT = 64 * 2**20
_FILE = "genotype.json"


Given: TypeAlias = AnyGenotype | str | os.PathLike[str]


def opened(given: Given) -> Genotype:
    """The genotype of a fusion network as it is, or what `load` reads of a path or a name.

    Raises:
        GenotypeError: it is none of these, or as for `load`.
    """
    name = os.fspath(given) if isinstance(given, str | os.PathLike) else getattr(given, "name", "genotype")
    return of_fusion(opened_any(given), name)


def opened_any(given: Given) -> AnyGenotype:
    """A genotype of any kind as it is, or what `load_any` reads of a path or a name.

    Raises:
        GenotypeError: it is none of these, or as for `load_any`.
    """
    if isinstance(given, Genotype | StackGenotype):
        return given
    if isinstance(given, str | os.PathLike):
        return load_any(given)
    raise GenotypeError(f"{short(given)} is no genotype, nor the path of one; bmnas.from_dict makes one of plain data")


def opened_all(given: Given | Iterable[Given]) -> list[AnyGenotype]:
    """One genotype or several, each as for `opened_any`.

    Raises:
        GenotypeError: as for `opened_any`.
    """
    # A model can be iterated over, and so can a dictionary; neither is several genotypes.
    is_one = isinstance(given, Genotype | StackGenotype | str | os.PathLike | Mapping) or not isinstance(
        given, Iterable
    )
    several: Any = [given] if is_one else given
    return [opened_any(each) for each in several]


def load(path: str | os.PathLike[str]) -> Genotype:
    """Read the genotype of a fusion network; arguments and errors are those of `load_any`.

    Raises:
        GenotypeError: it is of another kind, too.
    """
    return of_fusion(load_any(path), os.fspath(path))


def load_any(path: str | os.PathLike[str]) -> Any:
    """Read a genotype file, the genotype of a run folder, or the published one of that name (``ntu-1``).

    What it gives is a `bmnas.Genotype`, a fusion network, or, where the file says so, a `bmnas.StackGenotype`. A
    published genotype is meant where there is no file of its name, and no run folder.

    Raises:
        GenotypeError: the file cannot be read, is not JSON, or is not a genotype; the message names the place.
    """
    name = os.fspath(path)
    if name in published.every_name() and not Path(path).is_file() and not _is_run(Path(path)):
        return published.load(name)
    path = genotype_file(path)
    name = os.fspath(path)
    try:
        text = read_text(path, _LIMIT)
    except BmnasError as error:
        could_be_a_name = isinstance(error.__cause__, FileNotFoundError) and Path(path).name == name.partition(".")[0]
        hint = (
            f"; nor is it a published genotype{did_you_mean(name, published.every_name())}" if could_be_a_name else ""
        )
        raise GenotypeError(f"{error}{hint}") from error
    return loads_any(text, source=name)


def genotype_file(path: str | os.PathLike[str]) -> Path:
    """The file itself, or where the path is a run folder, the file of its genotype: of several seeds, that of the best.

    Raises:
        GenotypeError: the run folder has no genotype yet, or has several and no best one yet.
    """
    folder = Path(path)
    if not _is_run(folder):
        return folder
    if (folder / _FILE).is_file():
        return folder / _FILE
    seeds = sorted(each.parent.name for each in folder.glob(f"seed*/{_FILE}"))
    if not seeds:
        raise GenotypeError(f"{folder}: has no genotype yet: its search has not finished a round")
    if len(seeds) == 1:
        return folder / seeds[0] / _FILE
    best = _best_seed(folder)
    if f"seed{best}" not in seeds:
        raise GenotypeError(
            f"{folder}: has the genotypes of {len(seeds)} seeds, and its search is not finished; name one, such as "
            f"{folder / seeds[0]}"
        )
    return folder / f"seed{best}" / _FILE


def _is_run(folder: Path) -> bool:
    """A run folder, or the folder of one of its seeds."""
    return folder.is_dir() and any((folder / name).is_file() for name in ("config.json", _FILE))


def _best_seed(run: Path) -> object:
    try:
        summary = read_json(run / "summary.json", _SUMMARY_LIMIT)
    except BmnasError:
        return None
    return summary.get("best") if isinstance(summary, dict) else None
