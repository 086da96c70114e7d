"""What can be tapped in a network: every place that runs, with the shapes that come out there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.taps import hooks, tracing
from bmnas.taps.fields import parts
from bmnas.taps.layout import Layouts
from bmnas.taps.modes import set_mode
from bmnas.taps.tap import Tap, TapError, submodule_call
from bmnas.taps.tapped import uncompiled
from bmnas.taps.unchanged import unchanged


@dataclass(frozen=True)
class TapPlace:
    """One tensor that comes out at one place of a network.

    Attributes:
        tap: what takes it; its axis is that of the channels where this is known.
        kind: the module's class, or the operation's name.
        shape: of the tensor, with the batch of the inputs it was run on.
        axis: of the channels: ``1``, ``-1``, or ``None`` where it cannot be told; see `bmnas.taps.layout`.
        parameters: of all modules that have run up to there, each counted once; ``None`` for an operation.
        batch_first: whether the first axis is as long as the batch; where it is not, there is no feature to take.
        depth: the number of modules that the place is in, with itself, without the network and lists of modules: 0 for
            the network, 1 for its layers, and so on.
        call: the number of the call, from 0.
    """

    tap: Tap
    kind: str
    shape: tuple[int, ...]
    axis: int | None
    parameters: int | None
    batch_first: bool
    depth: int
    call: int = 0


def list_taps(module: nn.Module, inputs: Any) -> list[TapPlace]:
    """The submodules that run and return a tensor, or several (see `bmnas.taps.fields`), in the order they finish.

    What runs several times is NAME, NAME_1, ..., and what has several names, the first of them. The module runs once in
    eval mode, and is then as it was.

    Args:
        module: any network.
        inputs: a batch, best of several samples; a dictionary is keyword arguments, a tuple or list positional ones.

    Raises:
        TapError: the network fails on the inputs.
    """
    module = uncompiled(module)
    with unchanged(module):
        set_mode(module, training=False)
        places = _Places(module, batch_size(inputs))
        with places.watched():
            output = _call(module, inputs)
        if isinstance(module, torch.jit.ScriptModule):
            places.end(module, output)
    return places.found


def list_nodes(module: nn.Module, inputs: Any) -> list[TapPlace]:
    """The operations between modules that torch.fx sees, in the order of its graph.

    Args and errors as those of `list_taps`, and:

    Raises:
        NotTraceable: torch.fx cannot trace the module; the message says why.
    """
    module = uncompiled(module)
    traced = tracing.trace(module)
    eager, training = traced[False][1], traced[True][1]
    kinds = {name: node for name, node in eager.items() if hasattr(node, "op") and name in training}
    taps = [Tap(name) for name, node in kinds.items() if submodule_call(name, module) is None and not _given(node)]
    if not taps:
        return []
    with unchanged(module):
        cut = tracing.cut(module, traced, taps)
        cut.eval()
        values = _call(cut, inputs)
    size = batch_size(inputs)
    return [
        TapPlace(
            tap,
            tap.node.rpartition(".")[2],
            tuple(value.shape),
            axis=None,
            parameters=None,
            batch_first=value.shape[0] == size,
            depth=tap.node.count(".") + 1,
        )
        for tap, value in zip(taps, values, strict=True)
        if isinstance(value, Tensor) and value.dim() > 1
    ]


class _Places:
    """The places of one run, collected by hooks."""

    def __init__(self, module: nn.Module, batch: int | None) -> None:
        self.found: list[TapPlace] = []
        self._names = {part: name for name, part in module.named_modules()}
        self._module, self._batch = module, batch
        self._calls: Counter[str] = Counter()
        self._sizes: dict[int, int] = {}
        self._layouts = Layouts()

    def watched(self) -> _Hooks:
        """Collect while the module runs inside the block; scripted modules cannot be seen."""
        seen = [part for part in self._names if not isinstance(part, torch.jit.ScriptModule)]
        return _Hooks(seen, self._before, self._after)

    def end(self, module: nn.Module, output: Any) -> None:
        """Add what the whole network returned, of one that cannot be seen."""
        self._sizes |= {id(parameter): parameter.numel() for parameter in module.parameters()}
        self._after(module, None, output)

    def _before(self, module: nn.Module, *_: Any) -> None:
        self._sizes |= {id(parameter): parameter.numel() for parameter in module.parameters(recurse=False)}

    def _after(self, module: nn.Module, _inputs: Any, output: Any) -> None:
        # Those of torch use the weights of their parts without calling these (MultiheadAttention does).
        if type(module).__module__.startswith("torch.nn."):
            self._sizes |= {id(parameter): parameter.numel() for parameter in module.parameters()}
        name = self._names[module]
        number = self._calls[name]
        self._calls[name] += 1
        node = f"{name}_{number}" if number else name
        for item, value in _tensors(output):
            first = self._batch is None or value.shape[:1] == (self._batch,)
            axis = self._layouts.of(module, value) if first else None
            if value.dim() > 1 and submodule_call(node, self._module) == (name, number):
                tap = Tap(node, item, 1 if axis is None else axis)
                self.found.append(
                    TapPlace(
                        tap,
                        type(module).__name__,
                        tuple(value.shape),
                        axis,
                        sum(self._sizes.values()),
                        batch_first=first,
                        depth=_depth(name, self._module),
                        call=number,
                    )
                )


class _Hooks:
    def __init__(self, modules: Sequence[nn.Module], before: Any, after: Any) -> None:
        self._modules, self._before, self._after = modules, before, after

    def __enter__(self) -> None:
        self._handles = [module.register_forward_pre_hook(self._before) for module in self._modules]
        self._handles += [module.register_forward_hook(self._after) for module in self._modules]

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()


def _call(module: nn.Module, inputs: Any) -> Any:
    try:
        return hooks.call(module, tuple(inputs) if isinstance(inputs, list) else inputs)
    except Exception as error:  # a backbone's own code can raise anything
        said = str(error).strip().split("\n")[0][:300]
        raise TapError(f"the backbone cannot run on the sample: {type(error).__name__}: {said}") from error


def _tensors(output: Any) -> Iterator[tuple[int | str | None, Tensor]]:
    """What is tapped of an output: itself, or its items or fields."""
    if isinstance(output, Tensor):
        yield None, output
    else:
        yield from ((name, value) for name, value in (parts(output) or {}).items() if isinstance(value, Tensor))


def batch_size(inputs: Any) -> int | None:
    """The length of the first axis of the first tensor."""
    if isinstance(inputs, Tensor):
        return inputs.shape[0] if inputs.dim() else None
    values = inputs.values() if isinstance(inputs, Mapping) else inputs if isinstance(inputs, tuple | list) else ()
    return next((size for size in map(batch_size, values) if size is not None), None)


def _depth(name: str, module: nn.Module) -> int:
    parts = name.split(".") if name else []
    inside = (module.get_submodule(".".join(parts[: end + 1])) for end in range(len(parts)))
    return sum(not isinstance(part, nn.ModuleList | nn.ModuleDict) for part in inside)


def _given(node: Any) -> bool:
    return node.op in ("placeholder", "get_attr", "output")
