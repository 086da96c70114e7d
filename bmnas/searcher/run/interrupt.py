"""Ctrl-C and SIGTERM: what is under way ends in order, and one sentence says how to go on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Interrupted(KeyboardInterrupt):
    """Work was stopped from outside; the message is one sentence that says where it stands and how to go on.

    A `KeyboardInterrupt` and no `BmnasError`: who handles the errors of one search among many goes on with the next,
    which is not what somebody wants who stops the program.

    Attributes:
        exit_code: what a shell expects of a command that ends so: 130 after Ctrl-C, 143 after SIGTERM.
    """

    def __init__(self, message: str, number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class Stop:
    """Whether somebody wants the work to stop. Use `stoppable`.

    Attributes:
        says: what the sentence says of a stop that comes now, after "stopped by Ctrl-C".
    """

    def __init__(self, says: str) -> None:
        self.says = says
        self._asked: signal.Signals | None = None
        self._waits = False
        self._process = os.getpid()
        self._before: dict[signal.Signals, Any] = {}

    @property
    def asked(self) -> bool:
        """Whether a signal came that `waiting` has put off."""
        return self._asked is not None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Only note the first signal inside the block, which asks for it; a Ctrl-C after that one stops at once."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False

    def interrupted(self, says: str) -> Interrupted:
        """What to raise where `asked`."""
        number = self._asked or signal.SIGINT
        return Interrupted(f"stopped by {_NAMES[number]} {says}", number)

    def _install(self) -> None:
        # Python lets the main thread alone have handlers. What somebody else has installed, or ignores (nohup), stays.
        if threading.current_thread() is threading.main_thread():
            for number in _NAMES:
                before = signal.getsignal(number)
                if before in (signal.SIG_DFL, signal.default_int_handler):
                    self._before[number] = before
                    signal.signal(number, self._handle)

    def _restore(self) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _handle(self, given: int, frame: FrameType | None) -> None:
        number = signal.Signals(given)
        if os.getpid() != self._process:  # a worker, which was forked: this is its parent's handler
            signal.signal(number, self._before[number])
            os.kill(os.getpid(), number)
            return
        again = self._asked is not None
        self._asked = self._asked or number
        if not self._waits or (again and number == signal.SIGINT):
            raise self.interrupted(self.says)


@contextmanager
def stoppable(says: str) -> Iterator[Stop]:
    """Inside the block, Ctrl-C and SIGTERM raise `Interrupted`: at once, or where `Stop.waiting` looks for them.

    Outside of the main thread nothing changes, and a handler of the caller's own stays in force.

    Args:
        says: see `Stop.says`.
    """
    stop = Stop(says)
    stop._install()
    try:
        yield stop
    finally:
        stop._restore()
