"""How wide a drawing should be, as people say it: ``8.5cm``, ``3.25in``, ``240``."""

from __future__ import annotations

import math
import re

from bmnas.errors import BmnasError, did_you_mean

_POINTS = {"pt": 1.0, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4, "pc": 12.0}
_LEAST, _MOST = 36.0, 14400.0  # half an inch, where nothing can be read; 200 inches, the widest page of a PDF


def in_points(width: float | str, dpi: float) -> float:
    """A width in points.

    Args:
        width: a number of points, or a number with a unit: pt, in, cm, mm, pc or px.
        dpi: how many pixels are an inch.

    Raises:
        BmnasError: it is not a width, or one that no drawing can have.
    """
    number, unit = _parts(width)
    units = {**_POINTS, "px": 72 / dpi}
    if unit not in units:
        raise BmnasError(f"width is {width!r}, and {unit!r} is not a unit{did_you_mean(unit, units)}")
    points = number * units[unit]
    if not math.isfinite(points) or not _LEAST <= points <= _MOST:
        raise BmnasError(f"width is {width!r}; a drawing is from half an inch to 200 inches wide")
    return points


def times(width: float | str, factor: float) -> str:
    """So many times a width, in its unit: to people, so it is rounded up to three digits."""
    number, unit = _parts(width)
    product = number * factor
    digits = max(0, 2 - math.floor(math.log10(product)))
    return f"{math.ceil(product * 10**digits) / 10**digits:g}{unit}"


def _parts(width: float | str) -> tuple[float, str]:
    found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*", str(width).lower())
    if not found:
        raise BmnasError(
            f"width is {width!r}, which should be a number and a unit, such as 8.5cm, 3.25in, 240pt or 800px"
        )
    return float(found[1]), found[2] or "pt"
