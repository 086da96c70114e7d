"""The error of a search whose numbers are none any more."""

from __future__ import annotations

from bmnas.errors import BmnasError


class Diverged(BmnasError):
    """A loss or a score is no number any more."""
