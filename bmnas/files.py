"""Files that are whole or absent: write to a temporary neighbour, flush it to the disk, then rename.

A kill at any moment leaves either the old file or the new one. Errors of the operating system come back as one
sentence that names the file.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from bmnas.errors import BmnasError, printable, short

# What a spreadsheet takes for a formula begins with one of these.
_FORMULA = ("=", "+", "-", "@")


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write ``content`` (text as UTF-8) to ``path``, creating its folder; an existing file is replaced in one step.

    Raises:
        BmnasError: the folder cannot be created or the file cannot be written.
    """
    path = Path(path)
    try:
        data = content.encode() if isinstance(content, str) else content
    except UnicodeEncodeError:
        raise BmnasError(f"{path}: cannot be written: its text has half of a surrogate pair") from None
    temporary = path.with_name(f".{path.name[:100]}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _flush_folder(path.parent)
    except OSError as error:
        raise BmnasError(f"{path}: cannot be written: {reason(error)}") from error


def read_bytes(path: str | os.PathLike[str], limit: int, limit_in_words: str) -> bytes:
    """The content of a file of at most ``limit`` bytes.

    Raises:
        BmnasError: no such file, not readable, or larger than what ``limit_in_words`` says.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise BmnasError(f"{path}: cannot be read: {reason(error)}") from error
    if len(data) > limit:
        raise BmnasError(f"{path}: is larger than {limit_in_words}")
    return data


def read_text(path: str | os.PathLike[str], limit: int) -> str:
    """The text of a UTF-8 file of at most ``limit`` bytes.

    Raises:
        BmnasError: no such file, not readable, not UTF-8, or too large.
    """
    data = read_bytes(path, limit, f"{limit // 2**20} MiB, too large for what it should be")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BmnasError(f"{path}: is not UTF-8 text: byte {error.start} is {data[error.start]:#04x}") from error


def parse_yaml(text: str) -> Any:
    """Plain values from YAML text; nothing is executed.

    Raises:
        BmnasError: it is none, or the package that reads it is missing.
    """
    try:
        import yaml
    except ImportError:
        raise BmnasError("is YAML, which needs a package: pip install 'bmnas[yaml]'") from None
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise BmnasError("is no YAML that can be read") from None


def parse_json(text: str) -> Any:
    """Plain data from JSON text: distinct keys, finite numbers, not too deep.

    Raises:
        BmnasError: the text is not such JSON; the message begins with a verb.
    """
    try:
        return json.loads(text, object_pairs_hook=_distinct_keys, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise BmnasError(_not_json(error)) from None
    except RecursionError:
        raise BmnasError("is nested too deeply") from None
    except ValueError:
        raise BmnasError("has a number that is too long") from None


def read_json(path: str | os.PathLike[str], limit: int) -> Any:
    """The data of a JSON file of at most ``limit`` bytes.

    Raises:
        BmnasError: the file cannot be read or is not JSON.
    """
    text = read_text(path, limit)
    try:
        return parse_json(text)
    except BmnasError as error:
        raise BmnasError(f"{os.fspath(path)}: {error}") from None


def sealed(content: bytes) -> bytes:
    """The content behind a line with its SHA-256, so that damage is found when it is read: see `unsealed`."""
    return _SEAL + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def unsealed(data: bytes) -> bytes:
    """What was `sealed`.

    Raises:
        BmnasError: it is something else, or was damaged; the message begins with a verb.
    """
    line, newline, content = data.partition(b"\n")
    if not (newline and line.startswith(_SEAL)):
        raise BmnasError("has no checksum")
    if line.removeprefix(_SEAL) != hashlib.sha256(content).hexdigest().encode():
        raise BmnasError("is damaged: its checksum is that of another content")
    return content


def sealed_json(data: Mapping[str, Any], indent: int | None = 2) -> str:
    """JSON text of an object with the SHA-256 of the rest as its last entry, ``checksum``; see `unsealed_json`."""
    rest = {key: value for key, value in data.items() if key != _CHECKSUM}
    return json.dumps({**rest, _CHECKSUM: _checksum(rest)}, indent=indent) + "\n"


def unsealed_json(data: Any) -> dict[str, Any]:
    """The object that `sealed_json` wrote, without its checksum.

    Raises:
        BmnasError: it has no checksum, or was changed; the message begins with a verb.
    """
    if not isinstance(data, dict) or _CHECKSUM not in data:
        raise BmnasError("has no checksum")
    rest = {key: value for key, value in data.items() if key != _CHECKSUM}
    if data[_CHECKSUM] != _checksum(rest):
        raise BmnasError("was changed: its checksum is that of another content")
    return rest


def csv_cell(text: str) -> str:
    """A text for a CSV file: in one line, and with an apostrophe where a spreadsheet would take it for a formula."""
    text = printable(text)  # readers of CSV do not agree on ends of lines
    return f"'{text}" if text.startswith(_FORMULA) else text


def reason(error: OSError) -> str:
    """The operating system's words for an error, in lower case, without number and path."""
    return (error.strerror or str(error)).lower()


_SEAL = b"sha256 "
_CHECKSUM = "checksum"


def _checksum(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _not_json(error: json.JSONDecodeError) -> str:
    """Where JSON ends to be JSON, and what people write there out of habit."""
    text, at = error.doc, error.pos
    if not text.strip():
        return "is empty"
    problem = error.msg[:1].lower() + error.msg[1:]
    here, before = text[at : at + 5], text[:at].rstrip()
    hint = ""
    if here[:1] in ("/", "#"):
        hint = "; JSON has no comments"
    elif here[:1] in ("'", "\u201c", "\u201d", "\u2018", "\u2019"):
        hint = '; JSON writes names and text in straight double quotes (")'
    elif here.startswith(("None", "True", "False")):
        hint = "; JSON has null, true and false"
    elif here[:1] in ("}", "]") and before.endswith(","):
        hint = "; the comma before it is one too many"
    elif "',' delimiter" in error.msg:
        hint = "; perhaps a comma is missing before it"
    return f"is not JSON: {problem} at line {error.lineno}, column {error.colno}{hint}"


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        times = Counter(key for key, _ in pairs)
        twice = next(key for key in times if times[key] > 1)
        raise BmnasError(f"has the key {twice[:60]!r} twice in one object")
    return data


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise BmnasError(f"has the number {short(text)}, which is too large")
    return value


def _no_constant(name: str) -> NoReturn:
    raise BmnasError(f"has {name}, which is not a JSON number")


def _flush_folder(folder: Path) -> None:
    # Without it a power cut can undo the rename. Windows cannot open a folder; there the rename is journalled.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
