"""Names that people type: which there are, for the shell's completion, and what is wrong with one, without torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def tasks(incomplete: str) -> list[str]:
    """Tasks that begin so, and Python files and folders."""
    return _beginning(_known("task"), incomplete) + _paths(incomplete, ".py")


def presets(incomplete: str) -> list[str]:
    """Presets of a search that begin so."""
    return _beginning(_known("preset"), incomplete)


def genotypes(incomplete: str) -> list[str]:
    """Published genotypes that begin so, and JSON files and folders."""
    from bmnas.genotype import published

    return _beginning(published.every_name(), incomplete) + _paths(incomplete, ".json")


def inner_structures(incomplete: str) -> list[str]:
    """Presets of ``bmnas new`` that begin so."""
    from bmnas.genotype import presets as structures
    from bmnas.genotype.stacks import presets as stack_presets

    return _beginning([*structures.PRESETS.names(), *stack_presets.PRESETS.names()], incomplete)


def devices(incomplete: str) -> list[str]:
    """Devices that begin so; which of them there are, torch alone knows."""
    return _beginning(["cpu", "cuda", "cuda:0", "cuda:1", "mps"], incomplete)


def refuse_unknown_task(name: str) -> None:
    """Look whether there is a task of that name, or a file or a folder, before anything that needs torch.

    Raises:
        BmnasError: there is none; the message has the nearest name.
    """
    from bmnas.errors import BmnasError, did_you_mean, short

    known, before = _known("task"), name.partition(":")[0]  # after a colon there are options
    try:
        if before in known or any(path and Path(path).expanduser().exists() for path in (name, before)):
            return
    except (OSError, RuntimeError, ValueError):
        return  # what is wrong with such a path is told by who opens it
    if name.endswith(".py"):
        raise BmnasError(f"{name}: cannot be read: no such file or directory")
    if not ("/" in name or "\\" in name):
        raise BmnasError(f"unknown task {short(before)}{did_you_mean(before, known)}")


def refuse_unknown_preset(name: str) -> None:
    """Look whether there is a preset of a search of that name.

    Raises:
        BmnasError: there is none; the message has the nearest name.
    """
    from bmnas.errors import BmnasError, did_you_mean, short

    if name not in _known("preset"):
        raise BmnasError(f"unknown preset {short(name)}{did_you_mean(name, _known('preset'), 0.75)}")


def _known(kind: str) -> list[str]:
    from bmnas.cli.known_options import known_names

    return known_names()[kind]


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _paths(incomplete: str, suffix: str) -> list[str]:
    """Files with the suffix, and folders, that begin so."""
    folder, begin = (incomplete.rpartition("/")[0] + "/" if "/" in incomplete else ""), incomplete.rpartition("/")[2]
    try:
        entries = sorted(Path(folder or ".").expanduser().iterdir())
    except (OSError, RuntimeError):
        return []
    there = [entry for entry in entries if entry.name.startswith(begin) and (begin or not entry.name.startswith("."))]
    return [f"{folder}{entry.name}/" for entry in there if entry.is_dir()] + [
        f"{folder}{entry.name}" for entry in there if entry.suffix == suffix and entry.is_file()
    ]
