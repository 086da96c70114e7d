"""Even random integers that stay what they are from version to version."""

from __future__ import annotations

from random import Random


def below(limit: int, rng: Random) -> int:
    """An even random integer from 0 to ``limit - 1``.

    From the generator's bits alone: how `Random` turns them into integers of a range is not promised to stay.
    """
    bits = (limit - 1).bit_length()
    while (number := rng.getrandbits(bits)) >= limit:
        pass
    return number
