"""Drop the weights of a backbone that its taps do not need, where the backbone is run by its own code.

What is needed is seen on example inputs, in training and in evaluation mode: the tensors of the modules that run
before the last tap (if they contain no others), and those that reach a torch function by another way (the projection
of a `torch.nn.MultiheadAttention` is such a one). The modules themselves stay, so that the backbone's code finds what
it looks for (the length of a list of layers, say); a dropped one that is called says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from bmnas.taps.hooks import run
from bmnas.taps.modes import set_mode
from bmnas.taps.tap import Tap, TapError
from bmnas.taps.unchanged import unchanged


def needed(backbone: nn.Module, taps: Sequence[Tap], examples: Sequence[Any]) -> tuple[set[int], set[int]]:
    """The identities of the tensors, and of the modules, that a backbone uses up to its last tap. Nothing is changed.

    Args:
        backbone: with hooks, see `hooks.attach`.
        examples: inputs of it.

    Raises:
        TapError: a tap does not run.
    """
    tensors: set[int] = set()
    with _watched(backbone) as called, unchanged(backbone):
        for training in (False, True):
            set_mode(backbone, training)
            for module in backbone.modules():
                if isinstance(module, nn.modules.batchnorm._NormBase):
                    module.eval()  # a single example has no statistics of a batch
            for example in examples:
                with _Seen(tensors):
                    run(backbone, taps, example)
    for module in backbone.modules():
        # Of those with others inside, the whole backbone for one, only what was seen: the rest may be for what follows.
        # What scripted ones use is not seen, so of those it is all.
        scripted = isinstance(module, torch.jit.ScriptModule)
        if scripted or (id(module) in called and not any(module.children())):
            tensors |= {id(tensor) for tensor in _own(module)}
    return tensors, called


def drop(backbone: nn.Module, tensors: set[int], called: set[int], modality: str) -> None:
    """Take all other parameters and buffers out of the backbone."""
    for name, module in backbone.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            continue  # its tensors cannot be taken out
        dropped = False
        for own in (module._parameters, module._buffers):
            for key, tensor in own.items():
                if tensor is not None and id(tensor) not in tensors:
                    own[key], dropped = None, True
        if dropped and isinstance(module, nn.RNNBase):
            module._init_flat_weights()  # it lists its weights a second time
        if dropped and id(module) not in called:
            module.register_forward_pre_hook(Dropped(name, modality))


class Dropped:
    """A forward hook of a module whose weights were dropped."""

    def __init__(self, name: str, modality: str) -> None:
        self.name, self.modality = name, modality

    def __call__(self, _module: nn.Module, _inputs: Any) -> None:
        """Refuse to run."""
        raise TapError(
            f"the backbone of modality {self.modality!r} runs {self.name!r} before its last tap, but did not on the "
            "example inputs, so its weights were left out; give examples that reach it too"
        )


class _Seen(TorchFunctionMode):
    """Collects the identities of all tensors that torch functions get."""

    def __init__(self, seen: set[int]) -> None:
        super().__init__()
        self.seen = seen

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen |= {id(leaf) for leaf in tree_leaves((args, kwargs or {})) if isinstance(leaf, Tensor)}
        return func(*args, **(kwargs or {}))


@contextmanager
def _watched(backbone: nn.Module) -> Iterator[set[int]]:
    """The identities of the modules that are called inside the block."""
    called: set[int] = set()

    def note(module: nn.Module, _inputs: Any) -> None:
        called.add(id(module))

    seen = [module for module in backbone.modules() if not isinstance(module, torch.jit.ScriptModule)]
    hooks = [module.register_forward_pre_hook(note) for module in seen]
    try:
        yield called
    finally:
        for hook in hooks:
            hook.remove()


def _own(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters(recurse=False)
    yield from module.buffers(recurse=False)
