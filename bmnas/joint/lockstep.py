"""Several networks that run in turns: each stops at its places, all of them go on when each has come as far.

What a module returns in one network may then depend on what modules of the others return, which are not finished yet.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

Meeting = Callable[[int, dict[str, Any]], dict[str, Any]]
"""Given the number of a stage and by network what came out there, gives by network what goes on in its place."""


def in_turns(runs: Mapping[str, Callable[[], Any]], places: Mapping[str, Sequence[nn.Module]], meet: Meeting) -> Any:
    """Run networks side by side, one at a time, in the order given, so that random numbers are drawn as ever.

    A network runs in a thread of its own, because its code cannot be left in the middle otherwise. Only one of them
    runs at any moment, with the modes (gradients, mixed precision) of the caller.

    Args:
        runs: by network, what runs it.
        places: by network, its modules at which it waits, one for each stage, each of which runs once, in this order.
        meet: called at each stage.

    Returns:
        By network, what its run returned.

    Raises:
        RuntimeError: a network ends before it has come to all of its places, or comes to one more often.
        Exception: whatever a run, or ``meet``, raises.
    """
    turns = {name: _Turn(name, run, places[name]) for name, run in runs.items()}
    try:
        for stage in range(len(next(iter(places.values())))):
            for turn in turns.values():
                turn.go(stage)
            given = meet(stage, {name: turn.value for name, turn in turns.items()})
            for name, turn in turns.items():
                turn.value = given[name]
        for turn in turns.values():
            turn.go(None)
    finally:
        for turn in turns.values():
            turn.end()
    return {name: turn.value for name, turn in turns.items()}


class _Ended(BaseException):
    """Nobody waits for this run any more."""


class _Turn:
    """One network.

    Attributes:
        value: what has come out last: at its places, what goes on, and in the end.
    """

    def __init__(self, name: str, run: Callable[[], Any], places: Sequence[nn.Module]) -> None:
        self._name, self._run, self._places = name, run, places
        self._may_go, self._has_come = threading.Semaphore(0), threading.Semaphore(0)
        self._stage: int | None = -1
        self._failure: BaseException | None = None
        self._over = self._unwanted = False
        self.value: Any = None
        self._modes = _modes()
        # Not to be waited for by a program that ends.
        self._thread = threading.Thread(target=self._whole, daemon=True)
        self._thread.start()

    def go(self, stage: int | None) -> None:
        """Let it run to the place of a stage, or to its end."""
        if not self._over:
            self._may_go.release()
            self._has_come.acquire()
        if self._failure is not None:
            raise self._failure
        if self._stage != stage:
            wanted = "its end" if stage is None else f"place {stage + 1} of {len(self._places)}"
            raise RuntimeError(f"{self._name} does not come to {wanted}: each place has to run once, in their order")

    def end(self) -> None:
        """Leave it, wherever it is."""
        if not self._over:
            self._unwanted = True
            self._may_go.release()
        self._thread.join()

    def _whole(self) -> None:
        self._may_go.acquire()
        try:
            if self._unwanted:
                return
            with self._modes(), contextlib.ExitStack() as stack:
                for stage, place in enumerate(self._places):
                    # Before other hooks, such as those of taps, which see what goes on.
                    stack.callback(place.register_forward_hook(self._hook(stage), prepend=True).remove)
                self.value = self._run()
                self._stage = None
        except _Ended:
            return
        except BaseException as error:
            self._failure = error
        finally:
            self._over = True
            self._has_come.release()

    def _hook(self, stage: int) -> Callable[..., Any]:
        def wait(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            # Hooks of the same module in another thread's run are not ours.
            if threading.current_thread() is not self._thread:
                return output
            self.value, self._stage = output, stage
            self._has_come.release()
            self._may_go.acquire()
            if self._unwanted:
                raise _Ended
            return self.value

        return wait


def _modes() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """The modes of this thread that belong to a thread, for another one."""
    gradients, kinds = torch.is_grad_enabled(), ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    mixed = {kind: (torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in kinds}
    device = torch.cuda.current_device() if torch.cuda.is_initialized() else None

    @contextlib.contextmanager
    def entered() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(torch.set_grad_enabled(gradients))
            for kind, (enabled, dtype) in mixed.items():
                if enabled:
                    stack.enter_context(torch.autocast(kind, dtype=dtype))
            if device is not None:
                stack.enter_context(torch.cuda.device(device))
            yield

    return entered
