"""The error of one sample, told apart from those of a whole data set: `Extraction.skip_bad` goes on without it."""

from __future__ import annotations

from bmnas.errors import BmnasError

# The end of a sentence about a sample that is one of a few.
SKIPPING = "; --skip-bad leaves such samples out"


class BadSample(BmnasError):
    """A sample that ``--skip-bad`` can leave out: it cannot be read, or its label cannot be one."""
