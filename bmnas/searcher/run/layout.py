"""Where everything lies in a run folder, and how its lines are read. It imports no torch: a look costs nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bmnas.errors import BmnasError
from bmnas.files import parse_json, read_json, read_text, unsealed_json

FORMAT = "bmnas-run/2"
OLDER = ("bmnas-run/1",)
JSON_LIMIT = 64 * 2**20  # bytes
OUTPUTS_LIMIT = 2**30
FOUND = "found network"
"""The title of the row of what was found."""


def read_record(folder: Path) -> dict[str, Any]:
    """The content of a run folder's ``config.json``.

    Raises:
        BmnasError: it is no run folder, or its configuration is damaged.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise BmnasError(f"{folder}: is not a run folder: it has no config.json")
    record = read_json(path, JSON_LIMIT)
    if not isinstance(record, dict) or record.get("format") not in (FORMAT, *OLDER):
        raise BmnasError(f"{path}: is not the configuration of a search")
    if record["format"] in OLDER:
        return record
    try:
        return unsealed_json(record)
    except BmnasError as error:
        raise BmnasError(f"{path}: {error}") from None


def event_lines(folder: Path) -> list[dict[str, Any]]:
    """What ``events.jsonl`` has. A last line that is being written is left out.

    Raises:
        BmnasError: a line is damaged.
    """
    path = folder / "events.jsonl"
    if not path.exists():
        return []
    lines = read_text(path, JSON_LIMIT).split("\n")
    found = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            found.append(unsealed_json(parse_json(line)))
        except BmnasError as error:
            if number == len(lines):  # without its end: it is being written, or its writer was killed
                break
            raise BmnasError(f"{path}: line {number} {error}") from None
    return found


def version_of(record: Mapping[str, Any]) -> str:
    """Which version of bmnas wrote a ``config.json``, and in which format."""
    return f"{str(record.get('bmnas', 'unknown'))[:50]} ({record.get('format')})"


def status_file(folder: Path) -> Path:
    """How the search stands, and where it runs. Hidden as the lock is: it is of the process, not of the result."""
    return folder / ".status"


def round_file(folder: Path, unit: str, number: int) -> Path:
    """The genotype of a round in the folder of its seed."""
    return folder / "genotypes" / f"{unit}-{number:03d}.json"


def mixing_file(folder: Path, epoch: int) -> Path:
    """The weights of all alternatives after an epoch, in the folder of its seed."""
    return folder / "mixing" / f"epoch-{epoch:03d}.json"


def outputs_file(folder: Path, row: str) -> Path:
    """What a row's network gives for the test split, in the folder of its seed."""
    return folder / "outputs" / f"{file_name(row)}.safetensors"


def curve_file(folder: Path, row: str) -> Path:
    """The losses of a row's training, in the folder of its seed."""
    return folder / "curves" / f"{file_name(row)}.json"


def file_name(title: str) -> str:
    """A name of a file, without its ending, for a row or whatever else has any title."""
    # Titles have names of modalities in them, which may differ in what no file name shows.
    plain = re.sub("[^a-z0-9]+", "-", title.lower())[:60]
    return f"{plain}-{hashlib.sha256(title.encode()).hexdigest()[:8]}"
