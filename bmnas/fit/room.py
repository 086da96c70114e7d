"""How much memory there is, asked without torch, and what a training takes of it, before anything is allocated."""

from __future__ import annotations

import os
from contextlib import suppress

from bmnas.errors import BmnasError
from bmnas.fit.control_groups import hierarchies

_NUMBER = 4  # bytes of a float32
# Each weight has a gradient and Adam's two moments beside it.
_PER_WEIGHT = 4
_GIB = 2**30


def machine_memory() -> int | None:
    """Bytes of memory that this process can have at most: the machine's, or its container's; ``None``: not known."""
    known = []
    with suppress(AttributeError, OSError, ValueError):
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for hierarchy in hierarchies():
        for group in hierarchy.groups():
            with suppress(OSError, ValueError):  # "max" is no number, and no limit
                known.append(int((group / hierarchy.limit).read_text()))
    return min((number for number in known if number > 0), default=None)


def training_bytes(parameters: int, activations: int, samples: int) -> int:
    """Bytes that a training with Adam in float32 takes: weights, gradients, moments, and activations of a batch.

    Args:
        parameters: how many weights are trained.
        activations: numbers that the backward pass needs of one sample.
        samples: in a batch.
    """
    return _NUMBER * (_PER_WEIGHT * parameters + activations * samples)


def refuse_untrainable(what: str, parameters: int, activations: int, samples: int, there: int | None) -> None:
    """Refuse a training that cannot fit, before anything is allocated.

    Args:
        what: is trained: ``"the network"``.
        parameters: see `training_bytes`.
        activations: see `training_bytes`.
        samples: in the smallest batch that can be worked on.
        there: bytes that there are; where they are not known, nothing is refused.

    Raises:
        BmnasError: it takes more.
    """
    needed = training_bytes(parameters, activations, samples)
    if there is not None and needed > there:
        raise BmnasError(
            f"{what} has {parameters:,} parameters, whose training takes about {gib(needed)} of memory with "
            f"{samples} samples in a batch, but there is {gib(there)}; use fewer channels, a smaller length or "
            "a smaller batch_size"
        )


def refuse_unmakeable(what: str, parameters: int, there: int | None) -> None:
    """Refuse to make weights that cannot fit.

    Raises:
        BmnasError: they take more than ``there`` bytes.
    """
    if there is not None and _NUMBER * parameters > there:
        raise BmnasError(
            f"{what} has {parameters:,} parameters, which take {gib(_NUMBER * parameters)} of memory, but there is "
            f"{gib(there)}; use fewer channels or a smaller length"
        )


def gib(number: int) -> str:
    """Bytes as people read them: ``4,353.2 GiB``."""
    return f"{number / _GIB:,.1f} GiB"
