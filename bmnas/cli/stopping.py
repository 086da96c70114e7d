"""Ctrl-C in a command, its imports and the reading of its options included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Stopped(Exception):
    """Ctrl-C, or SIGTERM where the library looks for it: the message is for the user.

    Typer would end the program without a word.

    Attributes:
        exit_code: the shell's.
    """

    def __init__(self, interrupt: KeyboardInterrupt) -> None:
        # The library's own says more, but importing it would bring torch along.
        super().__init__(str(interrupt) or "stopped")
        self.exit_code: int = getattr(interrupt, "exit_code", 130)


@contextmanager
def stoppable() -> Iterator[None]:
    """Let Ctrl-C inside the block raise `Stopped`."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise Stopped(interrupt) from None
