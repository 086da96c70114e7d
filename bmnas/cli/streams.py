"""Standard output and error that may be closed, full, or a pipe that nobody reads any more.

What a command prints is lost then, which is said in a sentence where there still is a place for it; nothing else is
lost, and no traceback takes its place.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any


class OutputError(Exception):
    """Standard output cannot be written.

    Attributes:
        quiet: whether whoever reads it has gone, as ``head`` does, so that there is nothing to say.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output cannot be written: {(error.strerror or str(error)).lower()}")
        self.quiet = isinstance(error, BrokenPipeError)


@contextlib.contextmanager
def safe_streams() -> Iterator[None]:
    """Let the standard streams inside the block be ones that always can be written to.

    A stream that was closed gets the null device: its number would be given to the next file that is opened, and what
    is printed would be written into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is the stream's own
            setattr(sys, name, os.fdopen(null, "r" if number == 0 else "w", closefd=False))
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _wrapped(sys.stdout, forgiving=False), _wrapped(sys.stderr, forgiving=True)
    try:
        yield
    finally:
        with contextlib.suppress(OutputError):
            sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def flush_output() -> None:
    """Write what has been printed.

    Raises:
        OutputError: it cannot be written.
    """
    sys.stdout.flush()


def say(sentence: str) -> None:
    """A line on standard error."""
    from bmnas.cli.shown import wrapped

    text = f"bmnas: {sentence}"
    sys.stderr.write(f"{wrapped(text) if sys.stderr.isatty() else text}\n")
    sys.stderr.flush()


class _Stream(io.RawIOBase):
    """Writes to a stream of the system until that fails; after that it writes nothing.

    Args:
        stream: of the system, as Python opened it.
        forgiving: whether the first failure is silent, too. What is on standard error is never worth a search.
    """

    def __init__(self, stream: io.TextIOWrapper, forgiving: bool) -> None:
        self._stream = stream  # kept, because it closes its raw stream when it goes
        self._raw: Any = getattr(stream.buffer, "raw", stream.buffer)
        self._forgiving = forgiving
        self._failed = False

    def write(self, data: Any, /) -> int:
        if not self._failed:
            try:
                return self._raw.write(data) or 0
            except OSError as error:
                self._failed = True
                if not self._forgiving:
                    raise OutputError(error) from None
        return len(data)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()


def _wrapped(stream: Any, *, forgiving: bool) -> Any:
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # of a test, or of a program that runs the command inside itself
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Stream(stream, forgiving)),
        encoding=stream.encoding,
        errors="backslashreplace",  # a name may have letters that the terminal lacks
        line_buffering=stream.line_buffering or forgiving,
    )
