"""Checkpoints of a training in a file: whole or absent, checked when they are read, and of this very training.

A file is what `torch.save` gives, sealed (`bmnas.files`). Reading one never executes anything: only tensors and plain
values are loaded.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from bmnas.errors import BmnasError
from bmnas.files import reason, sealed, unsealed, write_atomically
from bmnas.fit.events import Event, Pause

# A kill loses a few seconds of work, and checkpoints cost a few percent of it, whether an epoch takes milliseconds or
# hours: the next one is due after so many seconds, or after so many times what the last one took to write, if that is
# not much later.
SECONDS, SHARE, LATEST = 5.0, 30, 60


class Resumable(Protocol):
    """A training that can be stopped at each `Pause` of its steps, and goes on from its state."""

    @property
    def place(self) -> str:
        """Where it stands, as a part of a sentence."""
        ...

    def steps(self) -> Iterator[Event]:
        """Do what remains."""
        ...

    def state(self) -> dict[str, Any]:
        """Tensors and plain values only."""
        ...

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""
        ...


class StopRequest(Protocol):
    """Whether somebody wants the work to stop, and how it is said that it did."""

    @property
    def asked(self) -> bool:
        """Whether somebody does."""
        ...

    def waiting(self) -> AbstractContextManager[None]:
        """In the block the request is only noted."""
        ...

    def interrupted(self, says: str) -> BaseException:
        """What to raise."""
        ...


R = TypeVar("R", bound=Resumable)


class Keeper:
    """Keeps a training in a file while it goes on.

    Args:
        path: of the file.
        of: what decides the result of the training, as JSON values: one of something else is not gone on from.
        every: write a checkpoint after so many steps.
        seconds: write one where the last one is so old.
        stop: looked at after each step; where it is asked for, a checkpoint is written first.
        again: says how the training goes on after a stop.
    """

    def __init__(
        self,
        path: Path,
        of: Any,
        *,
        every: int | None = None,
        seconds: float = SECONDS,
        stop: StopRequest | None = None,
        again: str = "",
    ) -> None:
        self.path = path
        self._of = hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()
        self._every, self._seconds = every, seconds
        self._stop, self._again = stop, again

    def resumed(self, new: Callable[[], R]) -> R:
        """The training where the file says that it stands; a new one where it says nothing that can be used.

        A file that is damaged, or of another training, is as good as none: what it had is computed again.
        """
        training = new()
        state = self._read()
        if state is None:
            return training
        try:
            training.load_state(state)
        except Exception:
            # What a file lacks shows itself as any of a dozen types of exceptions, and a half-read one is of no use.
            return new()
        return training

    def steps(self, training: Resumable) -> Iterator[Event]:
        """Do what remains of a training, and keep it on the way.

        Raises:
            BmnasError: a checkpoint cannot be written.
            BaseException: what the stop gives, where it is asked for.
        """
        due, steps = time.monotonic() + self._seconds, 0
        with self._stop.waiting() if self._stop else nullcontext():
            for event in training.steps():
                yield event
                if not isinstance(event, Pause):
                    continue
                steps += 1
                asked = self._stop is not None and self._stop.asked
                begin = time.monotonic()
                if asked or steps == self._every or begin >= due:
                    self.save(training)
                    took = time.monotonic() - begin
                    due, steps = begin + took + max(self._seconds, min(SHARE * took, LATEST * self._seconds)), 0
                if asked and self._stop is not None:
                    raise self._stop.interrupted(f"{training.place}; a checkpoint is written, and {self._again}")

    def save(self, training: Resumable) -> None:
        """Replace the checkpoint.

        Raises:
            Diverged: the training has left the finite numbers.
            BmnasError: it cannot be written.
        """
        buffer = io.BytesIO()
        torch.save({"of": self._of, "state": training.state()}, buffer)
        write_atomically(self.path, sealed(buffer.getvalue()))

    def remove(self) -> None:
        """Remove the file: the training's result is kept elsewhere.

        Raises:
            BmnasError: it cannot be removed.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise BmnasError(f"{self.path}: cannot be removed: {reason(error)}") from error

    def _read(self) -> dict[str, Any] | None:
        try:
            content = unsealed(self.path.read_bytes())
            found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except Exception:
            # There is none, or it is damaged; torch reports what is wrong with many types of exceptions.
            return None
        if not isinstance(found, dict) or found.get("of") != self._of or not isinstance(found.get("state"), dict):
            return None
        state: dict[str, Any] = found["state"]
        return state
