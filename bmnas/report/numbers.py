"""Numbers as people read them."""

from __future__ import annotations

from bmnas.report.paired import Interval

MINUS, NONE = "\N{MINUS SIGN}", "\N{EN DASH}"


def value(number: float | None, is_share: bool = False) -> str:
    """``97.22 %`` or ``0.9722``; a dash where there is none."""
    if number is None:
        return NONE
    return _signed(f"{100 * number:.2f} %" if is_share else plain(number))


def plain(number: float) -> str:
    """Four digits behind the point, or as many as say something."""
    if number != 0 and abs(number) < 1e-3:
        return _signed(f"{number:.2g}")
    return _signed(f"{number:.4f}" if abs(number) < 1000 else f"{number:,.0f}")


def apart(number: float | None, is_share: bool = False) -> str:
    """A difference, with its sign: ``+1.25`` points, or ``−0.0125``."""
    if number is None:
        return NONE
    return _signed(f"{100 * number:+.2f}" if is_share else f"{number:+.4f}")


def ends(found: Interval | None, is_share: bool = False, signed: bool = False) -> str:
    """``96.1 to 98.6``; a dash where there is no interval."""
    if found is None or found.low is None or found.high is None:
        return NONE
    if signed:
        return f"{apart(found.low, is_share)} to {apart(found.high, is_share)}"
    if is_share:
        return f"{100 * found.low:.2f} to {100 * found.high:.2f} %"
    return f"{plain(found.low)} to {plain(found.high)}"


def probability(p: float | None) -> str:
    """``0.034``, ``< 0.001``."""
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def seconds(number: float) -> str:
    """``0.4 s``, ``35 s``, ``12 min``, ``3.5 h``."""
    if number < 10:
        return f"{number:.1f} s"
    if number < 120:
        return f"{number:.0f} s"
    return f"{number / 60:.0f} min" if number < 7200 else f"{number / 3600:.1f} h"


def memory(number: float) -> str:
    """``640 MiB``, ``1.5 GiB``."""
    return f"{number / 2**20:,.0f} MiB" if number < 2**30 else f"{number / 2**30:.1f} GiB"


def whole(number: float) -> str:
    """``12,345``."""
    return f"{number:,.0f}"


def count(number: int, noun: str) -> str:
    """``1 seed``, ``2 seeds``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _signed(text: str) -> str:
    return text.replace("-", MINUS) if "e" not in text else text
