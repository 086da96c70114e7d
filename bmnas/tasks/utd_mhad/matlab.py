"""Official files of UTD-MHAD as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bmnas.errors import BmnasError, short
from bmnas.tasks.utd_mhad import mat_process
from bmnas.tasks.utd_mhad.layout import Array, Layout, how_to_get


def read_mat(path: Path, layout: Layout) -> Array:
    """The variable of a ``.mat`` file: finite numbers of the shape in the layout, in the file's own type.

    Raises:
        BmnasError: the file cannot be read, or does not hold this.
    """
    (array,) = read_mats([path], layout)
    return array


def read_mats(paths: Sequence[Path], layout: Layout) -> Iterator[Array]:
    """Each file's variable, see `read_mat`.

    Raises:
        BmnasError: a file cannot be read, or does not hold this; the message names it.
    """
    variables = mat_process.load(paths, layout.variable)
    for path in paths:
        try:
            variable = next(variables)
        except mat_process.Unreadable as error:
            if error.args and error.args[0]:
                raise BmnasError(f"{path}: cannot be read: {error.args[0].lower()}") from error
            raise BmnasError(f"{path}: is truncated, or no MATLAB file that can be read; {how_to_get()}") from error
        yield _checked(path, layout, variable)
    next(variables, None)  # to its end, which gives the process that reads free


def _checked(path: Path, layout: Layout, array: Array | str | None) -> Array:
    if array is None:
        raise BmnasError(f"{path}: has no variable {layout.variable} of shape {layout.shape_text}; {how_to_get()}")
    if isinstance(array, str) or not _fits(array.shape, layout.shape):
        found = array if isinstance(array, str) else f"{array.dtype} of shape {array.shape}"
        raise BmnasError(
            f"{path}: {layout.variable} is {short(found)[1:-1]}, not numbers of shape {layout.shape_text} with T at "
            "least 2"
        )
    # As what is made of it: a 64-bit number may be too large for that.
    if array.dtype.kind == "f" and not (np.abs(array) <= np.finfo(np.float32).max).all():
        raise BmnasError(f"{path}: {layout.variable} has a value that is no finite number of 32 bits")
    if not array.any():
        raise BmnasError(f"{path}: {layout.variable} is zero everywhere, so nothing was recorded; {how_to_get()}")
    return array


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        found == size if size is not None else found >= 2 for found, size in zip(shape, wanted, strict=True)
    )
