"""How many examples Hypothesis tries: a quarter of the usual number, or four times as many.

The quick profile is the default, for every change; ``HYPOTHESIS_PROFILE=thorough`` is for the night (``.ci/nightly``).
"""

from __future__ import annotations

import os
from fractions import Fraction

from hypothesis import settings

FACTORS = {"quick": Fraction(1, 4), "thorough": Fraction(4)}
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")


def load_profile() -> None:
    """Let Hypothesis try that many where a test says nothing. No test measures time: a slow machine is no failure."""
    if PROFILE not in FACTORS:
        raise ValueError(f"HYPOTHESIS_PROFILE is {PROFILE!r}; it is one of {', '.join(FACTORS)}")
    for name, factor in FACTORS.items():
        settings.register_profile(name, deadline=None, max_examples=int(100 * factor))
    settings.load_profile(PROFILE)


def examples(usual: int) -> int:
    """The number of examples in the chosen profile of a test that would usually try ``usual`` (Hypothesis' 100)."""
    return max(1, int(usual * FACTORS[PROFILE]))
