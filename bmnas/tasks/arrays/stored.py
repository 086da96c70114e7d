"""An array that is read when it is wanted: in memory, or in a file, of which only the rows that are asked for are read.

Whatever its type, its rows come out as 32-bit floats.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError, printable

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Stored:
    """One array.

    Attributes:
        where: how messages name it, as ``data/Video_1.npy`` or ``feature 'Video_1'``.
        shape: of the array.
        dtype: of the array; 16-bit unsigned integers where it holds bfloat16, which NumPy does not know.
        open: the array itself, mapped into memory where it lies in a file.
        bfloat16: whether the integers stand for bfloat16.
        in_file: whether the content lies on the disk.
        parts: where it comes from, with the number of samples, if it was joined from several.
    """

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    open: Callable[[], Array]
    bfloat16: bool = False
    in_file: bool = False
    parts: tuple[tuple[str, int], ...] = ()

    def place(self, index: int) -> str:
        """Where a sample lies: ``data/Video_1.npy: sample 17``."""
        for where, samples in self.parts:
            if index < samples:
                return f"{where}: sample {index}"
            index -= samples
        return f"{self.where}: sample {index}"

    def values(self) -> Array:
        """The whole array, in memory and in the machine's byte order."""
        array = np.asarray(self.open())
        return floats(array, bfloat16=True).numpy() if self.bfloat16 else array.astype(array.dtype.newbyteorder("="))


def in_file(
    where: str, shape: tuple[int, ...], dtype: np.dtype[Any], read: Callable[[], Array], *, bfloat16: bool = False
) -> Stored:
    """An array in a file, opened when it is first wanted."""
    return Stored(where, shape, dtype, functools.cache(read), bfloat16, True)


def in_memory(where: str, given: Any) -> Stored:
    """An array from a NumPy array (a memory map is not read), a tensor, or nested lists.

    Raises:
        BmnasError: there are neither numbers nor text in it, or it is no array.
    """
    bfloat16 = isinstance(given, Tensor) and given.dtype == torch.bfloat16
    try:
        array = _of_tensor(given) if isinstance(given, Tensor) else np.asarray(given)
    except (ValueError, TypeError, RuntimeError, OverflowError, RecursionError) as error:
        raise BmnasError(f"{where}: is no array: {first_line(error)}") from None
    if array.dtype.name == "bfloat16":  # of JAX, by a package that NumPy does not know of
        array, bfloat16 = array.view(np.uint16), True
    refuse_types(where, array.dtype, text=True)
    return Stored(where, array.shape, array.dtype, lambda: array, bfloat16)


def refuse_types(where: str, dtype: np.dtype[Any], *, text: bool = False) -> None:
    """Refuse an array that holds anything but real numbers or truth values.

    Args:
        where: how the message names it.
        dtype: of the array.
        text: whether text is as good.
    Raises:
        BmnasError: it does.
    """
    if dtype.hasobject:
        raise BmnasError(f"{where}: holds Python objects, which are not read because they can run code; save numbers")
    if dtype.kind == "V" and dtype.names is None:
        raise BmnasError(f"{where}: {_untyped(dtype)}")
    if dtype.kind not in ("biufSU" if text else "biuf"):
        kind = {"S": "text", "U": "text", "c": "complex numbers", "V": "records", "M": "dates", "m": "durations"}
        raise BmnasError(f"{where}: holds {kind.get(dtype.kind, str(dtype))}, but should hold numbers")


def _untyped(dtype: np.dtype[Any]) -> str:
    """What an array of a type that NumPy lacks probably is; in a .npy file the type's name is lost."""
    if not dtype.name.startswith("void"):
        return f"holds {dtype.name}, but should hold integers, or floats of 16 to 64 bits; convert it to float32"
    if dtype.itemsize == 2:
        return (
            "holds numbers of 2 bytes without a type, as NumPy saves bfloat16; save them as float32, or in a "
            ".safetensors file, which knows bfloat16"
        )
    return f"holds bytes without a type, {dtype.itemsize} for each number; save float32, or another type of NumPy's own"


def floats(array: Array, *, bfloat16: bool) -> Tensor:
    """The numbers as 32-bit floats, in memory of their own; what is too large for them becomes infinite."""
    if array.dtype.itemsize > 8:
        array = array.astype(np.float64)  # torch knows nothing longer
    native = np.require(array, array.dtype.newbyteorder("="), ["C", "W", "O"])
    tensor = torch.from_numpy(native.view(np.int16) if bfloat16 else native)
    # By torch, because it is several times as fast as NumPy with 16-bit floats.
    return (tensor.view(torch.bfloat16) if bfloat16 else tensor).float()


def first_line(error: Exception) -> str:
    """What a library says, cut after its first line and where it is long: some repeat what they read."""
    try:
        said = (str(error).splitlines() or [type(error).__name__])[0]
    except ValueError:  # an error about a number may be unable to write it
        said = type(error).__name__
    return printable(said if len(said) <= 200 else f"{said[:150]}...")


def row_bytes(stored: Stored) -> int:
    """The bytes of one sample."""
    return stored.dtype.itemsize * math.prod(stored.shape[1:])


def _of_tensor(tensor: Tensor) -> Array:
    tensor = tensor.detach().cpu()
    return tensor.view(torch.int16).numpy().view(np.uint16) if tensor.dtype == torch.bfloat16 else tensor.numpy()
