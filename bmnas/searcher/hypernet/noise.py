"""Dropout masks, each seed's from its own random stream.

On the CPU, the generator that PyTorch has there takes 10 ns for a number. Here it gives one number for each forward
pass and seed, which starts a stream of NumPy's SFC64: a mask then takes a fifth of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bmnas.compiler.foreign import PerSeed
from bmnas.compiler.layers import Dropout


class Noise:
    """The masks of one forward pass.

    Args:
        generators: one for each seed, on the device of the hypernet; ``None`` for PyTorch's own, for all seeds alike.
        device: that of the hypernet.
    """

    def __init__(self, generators: Sequence[torch.Generator] | None, device: torch.device) -> None:
        self._generators: Sequence[torch.Generator | None] = generators or [None]
        self._streams: list[np.random.SFC64] | None = None
        self._device = device

    def mask(self, shape: Sequence[int], p: float, dtype: torch.dtype) -> Tensor:
        """Zeros with probability p, rounded to 1 / 65536, and ones.

        Args:
            shape: (K, ...).
            p: below 1.
            dtype: of the mask.
        """
        if self._device.type != "cpu":
            return self._bernoulli(shape, 1 / kept_factor(p), dtype)
        count = prod(shape) // len(self._generators)
        # Four numbers of 16 bits in each of 64.
        bits = [stream.random_raw((count + 3) // 4).view(np.uint16)[:count] for stream in self._started()]
        kept = (bits[0] if len(bits) == 1 else np.concatenate(bits)) >= _dropped(p)
        # int8, as PyTorch converts truth values one at a time.
        return torch.from_numpy(kept.view(np.int8)).to(dtype).view(*shape)

    @contextmanager
    def around(self, k: int) -> Iterator[None]:
        """Let what is drawn from PyTorch's own generator in the block be a matter of seed k's."""
        generator = self._generators[k] if len(self._generators) > 1 else self._generators[0]
        if generator is None:
            yield
            return
        with torch.random.fork_rng([self._device] if self._device.type == "cuda" else []):
            torch.manual_seed(int(torch.randint(2**63 - 1, (), generator=generator, device=self._device)))
            yield

    def _bernoulli(self, shape: Sequence[int], keep: float, dtype: torch.dtype) -> Tensor:
        mask = torch.empty(*shape, dtype=dtype, device=self._device)
        parts = mask.chunk(len(self._generators)) if len(self._generators) > 1 else [mask]
        for part, generator in zip(parts, self._generators, strict=True):
            part.bernoulli_(keep, generator=generator)
        return mask

    def _started(self) -> list[np.random.SFC64]:
        if self._streams is None:
            keys = [int(torch.empty((), dtype=torch.int64).random_(generator=it)) for it in self._generators]
            self._streams = [np.random.SFC64(key) for key in keys]
        return self._streams


def kept_factor(p: float) -> float:
    """What keeps the mean where a mask of that probability was applied."""
    return 65536 / (65536 - _dropped(p))


def _dropped(p: float) -> int:
    return min(round(65536 * p), 65535)


class Handed:
    """What a hypernet's dropout layers draw their masks from where they are not fused: the noise of this forward."""

    current: Noise

    def __getstate__(self) -> dict[str, Any]:
        return {}  # a copy of the hypernet draws its own; a generator cannot be copied

    def __call__(self, shape: Sequence[int], p: float, dtype: torch.dtype) -> tuple[Tensor, float]:
        """See `functional.Masks`."""
        return self.current.mask(shape, p, dtype), kept_factor(p)


def hand_out(network: nn.Module) -> Handed:
    """Let a network's dropout layers, and operations from outside the package, draw from what is handed to them."""
    handed = Handed()
    for module in network.modules():
        if isinstance(module, Dropout):
            module.masks = handed
        elif isinstance(module, PerSeed):
            for k, own in enumerate(module.seeds):
                around = _Around(handed, k)
                own.register_forward_pre_hook(around.enter)
                own.register_forward_hook(around.leave, always_call=True)
    return handed


class _Around:
    def __init__(self, handed: Handed, k: int) -> None:
        self.handed, self.k = handed, k
        self.entered: list[AbstractContextManager[None]] = []

    def enter(self, module: nn.Module, inputs: object) -> None:
        if module.training:
            self.entered.append(self.handed.current.around(self.k))
            self.entered[-1].__enter__()

    def leave(self, module: nn.Module, inputs: object, result: object) -> None:
        if self.entered:
            self.entered.pop().__exit__(None, None, None)
