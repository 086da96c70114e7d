"""Errors that are no defect of the program, each as the sentence that a user sees."""

from __future__ import annotations

import errno

from bmnas.errors import BmnasError, printable
from bmnas.files import reason

# What libraries say, in the words of the system's loader and of themselves, when there is no memory for them.
_NO_MEMORY = (
    "failed to map segment",
    "cannot allocate memory",
    "can't allocate memory",
    "not enough memory",
    "can't start new thread",
    "out of memory",
)
_MEMORY = "memory ran out; free some, or raise the limit that the process was given"


def sentence_of(error: BaseException) -> str | None:
    """What to tell of an error, without the traceback; ``None`` for a defect of the program."""
    if isinstance(error, BmnasError):
        return "\n".join(map(printable, str(error).split("\n")))
    if _ran_out(error):
        return _MEMORY
    if isinstance(error, PermissionError) and error.filename is not None:
        # A folder that may not be looked into can be met by any path; asking all of them first would be in vain.
        return printable(f"{error.filename}: cannot be read: {reason(error)}")
    return None


def _ran_out(error: BaseException | None) -> bool:
    """Whether memory ran out, by the error or by what it came of."""
    seen = 0
    while error is not None and seen < 20:
        if isinstance(error, MemoryError):
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        # An import that found no room for a library; what PyTorch and thread pools raise.
        if isinstance(error, ImportError | RuntimeError | OSError) and _says_so(error):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def _says_so(error: BaseException) -> bool:
    said = str(error).lower()
    return any(words in said for words in _NO_MEMORY)
