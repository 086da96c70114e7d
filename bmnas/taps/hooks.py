"""Run a backbone by its own code, with forward hooks on the tapped submodules, and stop after the last of them.

A backbone with forward hooks of its own is run to its end: its code may pick up there what they have collected. What
the whole backbone returns needs no hook, so that it can be had of a scripted one too.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from bmnas.taps.tap import Tap, TapError, keep, several_calls, submodule_call


def attach(backbone: nn.Module, taps: Iterable[Tap]) -> list[RemovableHandle]:
    """Put the hooks that `run` needs on the backbone; outside of `run` they do nothing.

    Raises:
        TapError: a tap is no submodule.
    """
    submodules = dict(backbone.named_modules(remove_duplicate=False))
    handles = []
    for tap in taps:
        hook = Recorder(_call_of(tap, backbone)[0])
        module = submodules[hook.path]
        if hook.path and hook not in module._forward_hooks.values():
            handles.append(module.register_forward_hook(hook))
    return handles


def run(backbone: nn.Module, taps: Sequence[Tap], value: Any) -> tuple[Any, ...]:
    """What comes out at the taps when the backbone runs on ``value``, in the order of ``taps``.

    Nothing after the last of them is computed. Threads may run one backbone at the same time.

    Raises:
        TapError: a tap does not run.
    """
    recording = _Recording({tap: _call_of(tap, backbone) for tap in taps}, stops=not has_own_hooks(backbone))
    recording.run(backbone, value)
    return tuple(recording.found(tap) for tap in taps)


class Hooked:
    """A backbone with taps that are looked up once; its hooks are there only while it runs. Threads may share one.

    Args:
        backbone: any network.
        taps: submodules.
        once: by any of these names, modules that may run only once, and are tapped by other names that they have; see
            `bmnas.taps.tap.by_first_names`. To see to that, the backbone is run to its end.

    Raises:
        TapError: a tap is no submodule.
    """

    def __init__(self, backbone: nn.Module, taps: Iterable[Tap], once: Mapping[str, str] | None = None) -> None:
        self._backbone = backbone
        self._calls = {tap: _call_of(tap, backbone) for tap in taps}
        self._once = once or {}
        self._stops = not self._once and not has_own_hooks(backbone)
        submodules = dict(backbone.named_modules(remove_duplicate=False))
        self._modules = {path: submodules[path] for path, _ in self._calls.values() if path}

    def __call__(self, value: Any) -> dict[Tap, Any]:
        """What comes out at the taps, without those that do not run. Nothing after the last of them is computed.

        Raises:
            TapError: a tap has no such item, or a module runs again that may run only once.
        """
        recording = _Recording(self._calls, self._once, stops=self._stops)
        handles: list[RemovableHandle] = []
        try:
            for path, module in self._modules.items():
                handles.append(module.register_forward_hook(partial(_record_for, recording, path)))
            recording.run(self._backbone, value)
        finally:
            for handle in handles:
                handle.remove()
        return recording.values


def has_own_hooks(backbone: nn.Module) -> bool:
    """Whether forward hooks are on the backbone that are not of this module."""
    return any(
        not isinstance(hook, Recorder) and getattr(hook, "func", None) is not _record_for
        for module in backbone.modules()
        for hook in list(module._forward_hooks.values())
    )


def call(module: nn.Module, value: Any) -> Any:
    """The module on one modality's input: a tuple is its positional arguments, a mapping its keyword arguments."""
    if isinstance(value, Mapping):
        return module(**value)
    return module(*value) if isinstance(value, tuple) else module(value)


class Recorder:
    """A forward hook. An object with a path alone, so that a model with hooks can be copied and pickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recorder) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __call__(self, _module: nn.Module, _inputs: Any, output: Any) -> None:
        """Record ``output`` if the innermost run of this thread wants it."""
        stack = _running()
        if stack:
            stack[-1].record(self.path, output)


class _Recording:
    """What one run wants, and what it found."""

    def __init__(
        self, calls: Mapping[Tap, tuple[str, int]], once: Mapping[str, str] | None = None, *, stops: bool
    ) -> None:
        self._calls, self._once, self._stops = calls, once or {}, stops
        self._seen: Counter[str] = Counter()
        self.values: dict[Tap, Any] = {}

    def run(self, backbone: nn.Module, value: Any) -> None:
        """Run the backbone until everything is recorded."""
        stack = _running()
        stack.append(self)
        try:
            with _modules_of_export():
                output = call(backbone, value)
            self.record("", output)
        except _Stop as stop:
            if stop.args[0] is not self:
                raise
        finally:
            stack.remove(self)

    def record(self, path: str, output: Any) -> None:
        number = self._seen[path]
        self._seen[path] += 1
        if number and path in self._once:
            raise TapError(several_calls(self._once[path], path))
        for tap, wanted in self._calls.items():
            if wanted == (path, number):
                try:
                    self.values[tap] = keep(output, tap.item)
                except TapError as error:
                    raise TapError(f"the tap {tap.node!r} returns {error}") from None
        if self._stops and len(self.values) == len(self._calls):
            raise _Stop(self)

    def found(self, tap: Tap) -> Any:
        if tap not in self.values:
            path, number = self._calls[tap]
            times = f" a {number + 1}. time" if number else ""
            raise TapError(f"the tap {tap.node!r} does not run: no {path!r} in the backbone's forward pass{times}")
        return self.values[tap]


def _record_for(recording: _Recording, path: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
    """A forward hook for one run; another thread's, or another run inside it, is not recorded."""
    stack = _running()
    if stack and stack[-1] is recording:
        recording.record(path, output)


class _Stop(BaseException):
    """All taps are recorded. No `Exception`, so that a backbone's own ``except Exception`` lets it through.

    Its only argument is the recording; it has no ``__init__``, which strict `torch.export` could not trace.
    """


def _call_of(tap: Tap, backbone: nn.Module) -> tuple[str, int]:
    found = submodule_call(tap.node, backbone)
    if found is None:
        raise TapError(f"{tap.node!r} is no submodule of the backbone")
    return found


@contextmanager
def _modules_of_export() -> Iterator[None]:
    """While `torch.export` traces: leave its stack of running modules as it was, which it fails to do itself.

    It pushes each module that is called and pops it when the call returns; a call that `_Stop` ends does not return.
    """
    if torch.compiler.is_dynamo_compiling() or not torch.compiler.is_exporting():
        yield
        return
    from torch.fx.experimental.proxy_tensor import get_proxy_mode

    mode = get_proxy_mode()
    modules = getattr(getattr(mode, "tracer", None), "module_stack", {})
    depth = len(modules)
    try:
        yield
    finally:
        while len(modules) > depth:
            modules.popitem()


_local = threading.local()


def _running() -> list[_Recording]:
    if not hasattr(_local, "stack"):
        _local.stack = []
    stack: list[_Recording] = _local.stack
    return stack
