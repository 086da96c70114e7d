"""Run a module without leaving a trace in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from bmnas.taps.modes import set_mode


@contextmanager
def unchanged(backbone: nn.Module) -> Iterator[None]:
    """Run a backbone inside the block; its modes, its buffers and the random generators are then as before."""
    # A frozen scripted module has no mode.
    modes = [(module, module.training) for module in backbone.modules() if hasattr(module, "training")]
    buffers = [
        (module, key, buffer, buffer.clone())
        for module in backbone.modules()
        for key, buffer in module._buffers.items()
        if buffer is not None
    ]
    devices = {tensor.device.index for tensor in _tensors(backbone) if tensor.device.type == "cuda"}
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=sorted(index or 0 for index in devices)):
            yield
    finally:
        for module, training in modes[:1]:
            set_mode(module, training)  # the root's: what torch.fx cut has a graph for each mode, and changes it here
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for module, key, buffer, before in buffers:
                # What was made in inference mode may be changed there alone.
                with torch.inference_mode(buffer.is_inference()):
                    buffer.copy_(before)
                if module._buffers[key] is not buffer and not isinstance(module, torch.jit.ScriptModule):
                    module._buffers[key] = buffer


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()
