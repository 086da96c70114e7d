"""Whether a network in another form computes what the network itself does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from bmnas.compiler.export.subject import Subject
from bmnas.errors import BmnasError

# The largest difference that is allowed, relative to the largest output (to 1 where that is smaller), in float32.
TOLERANCE = 1e-5
# None is the batch size that a program is traced with.
BATCHES = (1, 5)


def largest_difference(subject: Subject, run: Callable[[Mapping[str, Tensor]], Tensor]) -> float:
    """The largest difference between two forms on random input, relative to the largest output or to 1.

    Args:
        subject: the network.
        run: another form of it.

    Returns:
        The difference; infinity where the shapes differ or a number is none.

    Raises:
        BmnasError: the network itself has no finite output.
    """
    return max(_difference(_expected(subject, batch), run(subject.features(batch))) for batch in BATCHES)


def check_runs(subject: Subject) -> None:
    """Run the network itself, before anything is made of it.

    Raises:
        BmnasError: it fails, or its output is not finite.
    """
    try:
        for batch in BATCHES:
            _expected(subject, batch)
    except BmnasError:
        raise
    except Exception as error:  # an operation from outside the package fails
        raise BmnasError(f"the network does not run: {in_a_line(error)}") from error


def in_a_line(error: BaseException, *, notes: bool = True) -> str:
    """An error as a part of a sentence: its first line, and the places that were noted on it."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    text = text if len(text) <= 300 else f"{text[:297]}..."
    places = [note for note in getattr(error, "__notes__", ()) if note.startswith("while ")] if notes else []
    return ", ".join([f"{type(error).__name__}: {text}" if text else type(error).__name__, *places])


def _expected(subject: Subject, batch: int) -> Tensor:
    out = subject(subject.features(batch))
    if not out.isfinite().all():
        raise BmnasError("the network's own output on random input is not finite, so nothing can be compared with it")
    return out


def _difference(expected: Tensor, found: Tensor) -> float:
    if expected.shape != found.shape or not found.isfinite().all():
        return float("inf")
    expected, found = expected.detach().cpu().double(), found.detach().cpu().double()
    scale = torch.clamp(expected.abs().max(), min=1)
    return float((expected - found).abs().max() / scale)
