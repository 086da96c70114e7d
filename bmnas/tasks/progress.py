"""What long work reports while it runs. The library sends these events; the caller decides what is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One step of a phase of the work is done.

    Attributes:
        phase: what is going on, such as ``backbone Top`` or ``features train``.
        done: steps of the phase that are done (epochs, samples); whole ones, but in a `Tick`.
        total: steps that the phase has.
        info: a short remark, such as ``loss 0.213``; may be empty.
        unit: what the steps are, such as ``epochs``; may be empty.
    """

    phase: str
    done: float
    total: int
    info: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Tick(Progress):
    """A part of a step is done. There are many a second, for displays alone: other reports are not told of them."""


@dataclass(frozen=True)
class Remark:
    """Something that a person should know, though the work goes on.

    Attributes:
        sentence: what, without a full stop.
    """

    sentence: str


Report = Callable[[Progress | Remark], None]


def silent(_: Progress | Remark) -> None:
    """The default report: says nothing."""
