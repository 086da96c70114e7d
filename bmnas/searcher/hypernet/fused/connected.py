"""Several dropout(activation(batch norm(1x1 conv))) of the same inputs as one product and one batch norm.

Axes as in `kernels`. In train mode a bias before batch norm changes nothing but the running mean: it is not added, and
its gradient is exactly zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bmnas.compiler.layers import BatchNorm
from bmnas.searcher.hypernet.fused import kernels
from bmnas.searcher.hypernet.fused.noise import Noise, kept_factor
from bmnas.searcher.hypernet.fused.recognise import Attention, Connected
from bmnas.searcher.hypernet.fused.scratch import scratch

PARAMETERS = 4  # of each: weight and bias of the conv, weight and bias of the norm


@dataclass
class Kept:
    """What the backward needs of a forward."""

    inputs: list[Tensor]
    weights: list[Tensor]
    gain: Tensor
    z: Tensor
    mean: Tensor
    inverse: Tensor
    y: Tensor
    outputs: list[Tensor] = field(default_factory=list)
    gates: list[Tensor | None] = field(default_factory=list)
    masks: list[Tensor | None] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)


def parameters(layers: Sequence[Connected]) -> list[Tensor]:
    """The parameters of all, `PARAMETERS` for each."""
    found: list[Tensor] = []
    for layer in layers:
        assert layer.conv.bias is not None
        found += [layer.conv.weight, layer.conv.bias, layer.norm.weight, layer.norm.bias]
    return found


def forward(
    layers: Sequence[Connected],
    tensors: Sequence[Tensor],
    inputs: Sequence[Tensor],
    slots: Sequence[int],
    noise: Noise,
) -> Kept:
    """Compute all layers.

    Args:
        layers: what they are.
        tensors: what `parameters` gives.
        inputs: the distinct inputs, each (K, R, C).
        slots: for each place of the concatenation that the layers read, the number of the input there.
        noise: gives the masks.

    Returns:
        Among others ``outputs``, each (K, R, C), which still want to be multiplied by ``factors``.
    """
    weight, bias, gain, shift = (_together(tensors[i::PARAMETERS]) for i in range(PARAMETERS))
    weights = _by_input(weight, slots, len(inputs))
    z = kernels.product(inputs[0], weights[0])
    for x, each in zip(inputs[1:], weights[1:], strict=True):
        kernels.add_product_(z, x, each)
    norms = [layer.norm for layer in layers]
    y, mean, inverse = normed(z, bias, gain, shift, norms)
    if norms[0].training:
        update(norms, mean + bias, inverse, z.shape[1])
    kept = Kept(list(inputs), weights, gain, z, mean, inverse, y)
    start = 0
    for layer in layers:
        channels = layer.conv.weight.shape[-2]
        part = y[..., start : start + channels]
        start += channels
        if layer.gated:
            out, gate = kernels.gated(part, channels // 2)
        else:
            out, gate = torch.relu(part), None
        mask = drawn(layer, out.shape, out.dtype, noise)
        kept.outputs.append(out if mask is None else out.mul_(mask))
        kept.gates.append(gate)
        kept.masks.append(mask if layer.gated else None)
        kept.factors.append(factor(layer))
    return kept


def backward(
    kept: Kept,
    layers: Sequence[Connected],
    douts: Sequence[Tensor],
    factors: Sequence[Tensor | float],
    slots: Sequence[int],
    *,
    weights_too: bool,
    inputs_too: bool = True,
) -> tuple[list[Tensor], list[Tensor | None]]:
    """The gradients of the inputs, and of the tensors where ``weights_too``.

    Args:
        kept: what `forward` gave.
        layers: as there.
        douts: for each layer, a tensor of which its output's gradient is a multiple.
        factors: for each layer, that multiple: a number, or one for each seed (K, 1).
        slots: as there.
        weights_too: see above.
        inputs_too: whether those of the inputs are asked for; else there are none.
    """
    dy = scratch(kept.y.shape, kept.y)
    columns = []
    start = 0
    for i, (layer, dout) in enumerate(zip(layers, douts, strict=True)):
        channels = layer.conv.weight.shape[-2]
        part = slice(start, start + channels)
        start += channels
        gate, mask = kept.gates[i], kept.masks[i]
        if gate is None:
            kernels.rectified_backward(dout, kept.outputs[i], dy[..., part])
        else:
            kernels.gated_backward(dout if mask is None else dout * mask, kept.y[..., part], gate, dy[..., part])
        columns.append((channels, factors[i]))
    wide = _wide(columns, dy)
    dgain, dshift = kernels.batch_norm_backward_(dy, kept.z, kept.mean, kept.inverse, kept.gain, wide)
    dz = dy
    dinputs = [kernels.product(dz, weight.transpose(1, 2)) for weight in kept.weights] if inputs_too else []
    if not weights_too:
        return dinputs, [None] * (PARAMETERS * len(layers))
    by_input = [kernels.product_of_rows(dz, x) for x in kept.inputs]
    dweight = torch.cat([by_input[slot] for slot in slots], -1) if len(slots) > 1 else by_input[0]
    gradients: list[Tensor | None] = []
    start = 0
    for channels, _ in columns:
        part = slice(start, start + channels)
        start += channels
        own = [dgain[:, part], dshift[:, part]]
        gradients += [dweight[:, part], torch.zeros_like(own[0]), *own]
    return dinputs, gradients


def normed(
    z: Tensor, bias_KO: Tensor, gain_KO: Tensor, shift_KO: Tensor, norms: Sequence[BatchNorm]
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch norm of z + bias: the result; the mean of z and 1 / √(variance + eps), each (K, O)."""
    eps = norms[0].eps
    if norms[0].training:
        return kernels.batch_normed(z, gain_KO, shift_KO, eps)
    mean = _together([norm.running_mean for norm in norms]) - bias_KO
    inverse = (_together([norm.running_var for norm in norms]) + eps).rsqrt_()
    scale = gain_KO * inverse
    return torch.addcmul((shift_KO - mean * scale).unsqueeze(1), z, scale.unsqueeze(1)), mean, inverse


def update(norms: Sequence[BatchNorm], mean_KO: Tensor, inverse_KO: Tensor, rows: int) -> None:
    """Let the statistics of so many rows into the running ones."""
    if not norms[0].momentum:
        return
    variance = (inverse_KO.pow(-2) - norms[0].eps).mul_(rows / (rows - 1))
    start = 0
    for norm in norms:
        part = slice(start, start + norm.running_mean.shape[-1])
        start = part.stop
        norm.running_mean.lerp_(mean_KO[:, part], norm.momentum)
        norm.running_var.lerp_(variance[:, part], norm.momentum)


def drawn(layer: Connected | Attention, shape: Sequence[int], dtype: torch.dtype, noise: Noise) -> Tensor | None:
    """The mask of the layer's dropout, if there is one now."""
    if not layer.dropout.training or layer.dropout.p == 0:
        return None
    return noise.mask(shape, layer.dropout.p, dtype)


def factor(layer: Connected | Attention) -> float:
    """By what the dropout multiplies besides the mask."""
    return kept_factor(layer.dropout.p) if layer.dropout.training else 1.0


def _together(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts), 1)


def _by_input(weight_KOI: Tensor, slots: Sequence[int], inputs: int) -> list[Tensor]:
    """The weight of each distinct input: Conv(concat(h, h)) = (W₁ + W₂) h."""
    if len(slots) == 1:
        return [weight_KOI]
    parts = weight_KOI.chunk(len(slots), -1)
    found = []
    for i in range(inputs):
        own = [part for part, slot in zip(parts, slots, strict=True) if slot == i]
        found.append(sum(own[1:], start=own[0]))
    return found


def _wide(columns: Sequence[tuple[int, Tensor | float]], like: Tensor) -> Tensor | float:
    """The factors as one for each channel, (K, O); a single one as it is."""
    if len(columns) == 1:
        return columns[0][1]
    parts = [
        factor.expand(-1, channels) if isinstance(factor, Tensor) else like.new_full((len(like), channels), factor)
        for channels, factor in columns
    ]
    return torch.cat(parts, -1)
