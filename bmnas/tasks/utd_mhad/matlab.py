"""One official file of UTD-MHAD as an array."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bmnas.errors import BmnasError
from bmnas.files import reason
from bmnas.tasks.utd_mhad.layout import Array, Layout, how_to_get


def read_mat(path: Path, layout: Layout) -> Array:
    """The variable of a ``.mat`` file: finite numbers of the shape in the layout, in the file's own type.

    Raises:
        BmnasError: the file cannot be read, or does not hold this.
    """
    from scipy.io import loadmat  # slow to import, so only where .mat files are read

    try:
        arrays = loadmat(path, variable_names=[layout.variable])
    except Exception as error:  # a damaged file can end in any of a dozen types
        if isinstance(error, OSError) and error.errno is not None:  # SciPy's own, of truncated files, have no number
            raise BmnasError(f"{path}: cannot be read: {reason(error)}") from error
        raise BmnasError(f"{path}: is truncated, or no MATLAB file that can be read; {how_to_get()}") from error
    array = arrays.get(layout.variable)
    if array is None:
        raise BmnasError(f"{path}: has no variable {layout.variable} of shape {layout.shape_text}; {how_to_get()}")
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu" or not _fits(array.shape, layout.shape):
        found = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise BmnasError(
            f"{path}: {layout.variable} is {found}, not numbers of shape {layout.shape_text} with T at least 2"
        )
    # As what is made of it: a 64-bit number may be too large for that.
    if array.dtype.kind == "f" and not (np.abs(array) <= np.finfo(np.float32).max).all():
        raise BmnasError(f"{path}: {layout.variable} has a value that is no finite number of 32 bits")
    return array


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        found == size if size is not None else found >= 2 for found, size in zip(shape, wanted, strict=True)
    )
