"""The arrays in .npy, .npz and .safetensors files. Only headers are read here; nothing in a file is ever executed.

What lies in a file as it is (.npy, .safetensors, .npz written by ``numpy.savez``) is mapped into memory; what is
compressed is unpacked into memory when it is wanted.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from safetensors import SafetensorError, safe_open

from bmnas.errors import BmnasError, printable, short
from bmnas.files import reason
from bmnas.tasks.arrays.stored import Array, Stored, first_line, in_file, refuse_types

_DTYPES = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "BF16": "<u2",
    "BOOL": "?",
    **{f"{letter}{8 * size}": f"<{letter.lower()}{size}" for letter in "IU" for size in (1, 2, 4, 8)},
}
# What zipfile raises for archives that are damaged, encrypted, or packed in a way that it does not know.
_DAMAGED = (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError, struct.error, zlib.error)


def read(path: Path) -> dict[str, Stored]:
    """The arrays of one file by name; that of a .npy file has the name of the file.

    Raises:
        BmnasError: the file cannot be read, is damaged, or holds something else than numbers (or text).
    """
    try:
        return READERS[path.suffix.lower()](path)
    except OSError as error:
        raise BmnasError(f"{_shown(path)}: cannot be read: {reason(error)}") from error


def _read_npy(path: Path) -> dict[str, Stored]:
    with path.open("rb") as file:
        shape, fortran, dtype = _header(_shown(path), file)
        offset = file.tell()
    return {path.stem: _mapped(path, _shown(path), path.stat().st_size - offset, offset, dtype, shape, fortran)}


def _read_npz(path: Path) -> dict[str, Stored]:
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".npy"):
                    name = member.filename.removesuffix(".npy")
                    if name in found:
                        raise BmnasError(f"{_shown(path)}: has two arrays named {short(name)}")
                    found[name] = _member(path, archive, member, _array_in(path, name))
    except _DAMAGED as error:
        raise BmnasError(f"{_shown(path)}: is not a whole .npz file: {first_line(error)}") from error
    return found


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> Stored:
    with archive.open(member) as file:
        shape, fortran, dtype = _header(where, file)
        header = file.tell()
    if member.compress_type == zipfile.ZIP_STORED:
        with path.open("rb") as raw:
            raw.seek(member.header_offset + 26)
            name, extra = struct.unpack("<HH", raw.read(4))
        offset = member.header_offset + 30 + name + extra + header
        return _mapped(path, where, member.file_size - header, offset, dtype, shape, fortran)
    needed = _check_size(where, member.file_size - header, dtype, shape)
    if needed > _memory():
        raise BmnasError(
            f"{where}: is {needed / 2**30:.1f} GiB when it is unpacked, more than this computer's memory; "
            "save it as .npy, which is read piece by piece"
        )

    def unpack() -> Array:
        try:
            with zipfile.ZipFile(path) as again, again.open(member.filename) as file:
                return npy.read_array(file, allow_pickle=False)
        except (OSError, *_DAMAGED) as error:
            raise BmnasError(f"{where}: cannot be unpacked: {first_line(error)}") from error

    return in_file(where, shape, dtype, unpack)


def _read_safetensors(path: Path) -> dict[str, Stored]:
    try:
        with safe_open(path, "np"):  # verifies that the header is whole, and that it tells of every byte of the file
            pass
    except SafetensorError as error:
        raise BmnasError(f"{_shown(path)}: is not a whole safetensors file: {first_line(error)}") from error
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        where = _array_in(path, name)
        if entry["dtype"] not in _DTYPES:
            raise BmnasError(
                f"{where}: has type {entry['dtype']}, but should hold integers, or floats of 16 to 64 bits"
            )
        start, end = entry["data_offsets"]
        dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(entry["shape"])
        found[name] = _mapped(
            path, where, end - start, 8 + length + start, dtype, shape, False, bfloat16=entry["dtype"] == "BF16"
        )
    return found


READERS: dict[str, Callable[[Path], dict[str, Stored]]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
}


def _header(where: str, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns follow one another instead of rows, and type, from the header of a .npy file."""
    try:
        version = npy.read_magic(file)
        shape, fortran, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(file)
    except Exception as error:
        # A file from anywhere: its header shows what it lacks as any of a dozen types of exceptions.
        raise BmnasError(f"{where}: is not a .npy file, or a damaged one: {first_line(error)}") from error
    refuse_types(where, dtype, text=True)
    return shape, fortran, dtype


def _mapped(
    path: Path,
    where: str,
    there: int,
    offset: int,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    fortran: bool,
    *,
    bfloat16: bool = False,
) -> Stored:
    size = _check_size(where, there, dtype, shape)

    def open_array() -> Array:
        if size == 0:
            return np.empty(shape, dtype)
        try:
            return np.memmap(path, dtype, "r", offset, shape, "F" if fortran else "C")
        except (OSError, ValueError) as error:
            raise BmnasError(f"{where}: cannot be read: {first_line(error)}") from error

    return in_file(where, shape, dtype, open_array, bfloat16=bfloat16)


def _check_size(where: str, there: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    """The bytes that an array of that type and shape has."""
    needed = dtype.itemsize * math.prod(shape)
    if min(shape, default=1) < 0 or needed > there:
        raise BmnasError(
            f"{where}: is cut short: shape {_sizes(shape)} of {dtype} needs {short(needed)} bytes, but there are "
            f"{max(there, 0)}"
        )
    return needed


def _shown(path: Path) -> str:
    """A path in a message; one that is no Unicode, or has control characters in it, can be printed, too."""
    return printable(str(path))


def _array_in(path: Path, name: str) -> str:
    return f"{_shown(path)}: array {short(name)}"


def _sizes(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(short, shape))}{',' if len(shape) == 1 else ''})" if len(shape) <= 64 else "of many axes"


def _memory() -> float:
    """Bytes of this computer's memory."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return math.inf  # Windows does not say
