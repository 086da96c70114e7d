"""Forward and backward of a hypernet's parts as plain functions on tensors, outside autograd.

Axes: K seeds, B batch, L positions, C channels, R = B·L rows, I and O channels in and out. Every function gives new
tensors; what a name with a trailing underscore says is written over. The choice between ways to compute the same is by
measurement on a CPU: PyTorch's own batch norm, masks, and small products with a transposed factor are slow there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

aten = torch.ops.aten


def product(x_KRI: Tensor, weight_KOI: Tensor) -> Tensor:
    """x Wᵀ of each seed, (K, R, O). One seed is computed without the axis, which costs nothing then."""
    if len(x_KRI) == 1:
        return torch.mm(x_KRI[0], weight_KOI[0].t()).unsqueeze(0)
    return torch.bmm(x_KRI, weight_KOI.transpose(1, 2))


def add_product_(z_KRO: Tensor, x_KRI: Tensor, weight_KOI: Tensor) -> None:
    """z += x Wᵀ."""
    if len(x_KRI) == 1:
        z_KRO[0].addmm_(x_KRI[0], weight_KOI[0].t())
    else:
        z_KRO.baddbmm_(x_KRI, weight_KOI.transpose(1, 2))


def product_of_rows(dz_KRO: Tensor, x_KRI: Tensor) -> Tensor:
    """dzᵀ x of each seed, (K, O, I): the gradient of the weight of `product`."""
    if len(x_KRI) == 1:
        return torch.mm(dz_KRO[0].t(), x_KRI[0]).unsqueeze(0)
    return torch.bmm(dz_KRO.transpose(1, 2), x_KRI)


def sums(nodes_KEBLC: Tensor, weights_KSE: Tensor, out: Tensor | None = None) -> Tensor:
    """S weighted sums of E nodes, (K, S, B, L, C)."""
    shape = (*weights_KSE.shape[:2], *nodes_KEBLC.shape[2:])
    into = None if out is None else out.view(*shape[:2], -1)
    if len(nodes_KEBLC) == 1:
        flat = torch.mm(weights_KSE[0], nodes_KEBLC[0].flatten(1), out=None if into is None else into[0])
    else:
        flat = torch.bmm(weights_KSE, nodes_KEBLC.flatten(2), out=into)
    return flat.view(shape)


def dots(x: Tensor, y: Tensor) -> Tensor:
    """The inner product of each seed's part of two contiguous tensors, (K,)."""
    if len(x) == 1:
        return torch.dot(x.view(-1), y.view(-1)).unsqueeze(0)
    return torch.bmm(x.view(len(x), 1, -1), y.view(len(y), -1, 1)).view(-1)


def batch_normed(z_KRO: Tensor, weight_KO: Tensor, bias_KO: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Batch norm of each seed's rows; their means and 1 / √(variance + eps), each (K, O)."""
    if len(z_KRO) == 1:
        y, mean, inverse = torch.native_batch_norm(z_KRO[0], weight_KO[0], bias_KO[0], None, None, True, 0.0, eps)
        return y.unsqueeze(0), mean.unsqueeze(0), inverse.unsqueeze(0)
    y, mean, inverse = torch.empty_like(z_KRO), torch.empty_like(weight_KO), torch.empty_like(weight_KO)
    for z, weight, bias, *into in zip(z_KRO, weight_KO, bias_KO, y, mean, inverse, strict=True):
        torch.native_batch_norm(z, weight, bias, None, None, True, 0.0, eps, out=into)
    return y, mean, inverse


def batch_norm_backward_(
    dy_KRO: Tensor,
    z_KRO: Tensor,
    mean_KO: Tensor,
    inverse_KO: Tensor,
    weight_KO: Tensor,
    factor_KO: Tensor | float,
) -> tuple[Tensor, Tensor]:
    """Of `batch_normed`, where the gradient of its result is factor · dy: that of z is written over dy.

    PyTorch's own is used for the sums over rows alone: for the rest it takes several times as long as this.

    Args:
        dy_KRO: see above.
        z_KRO: what was normed.
        mean_KO: its means.
        inverse_KO: 1 / √(variance + eps).
        weight_KO: of the norm.
        factor_KO: see above; a number, or one for each channel.

    Returns:
        The gradients of weight and bias (K, O).
    """
    found = [
        aten.native_batch_norm_backward(dy, z, weight, None, None, mean, inverse, True, 0.0, [False, True, True])
        for dy, z, weight, mean, inverse in _by_seed(dy_KRO, z_KRO, weight_KO, mean_KO, inverse_KO)
    ]
    dweight, dbias = (_stacked([each[i] for each in found]) * factor_KO for i in (1, 2))
    scale = weight_KO * inverse_KO
    share = scale / -z_KRO.shape[1]
    slope = share * inverse_KO * dweight
    start = torch.mul(share, dbias).addcmul_(mean_KO, slope, value=-1)
    dy_KRO.mul_(scale.mul_(factor_KO).unsqueeze(1)).addcmul_(z_KRO, slope.unsqueeze(1)).add_(start.unsqueeze(1))
    return dweight, dbias


def gated(y_KRO: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """The first half of the columns times the sigmoid of the second; and that sigmoid."""
    gate = torch.sigmoid(y_KRO[..., channels:])
    return gate * y_KRO[..., :channels], gate


def gated_backward(dout: Tensor, y_KRO: Tensor, gate: Tensor, into_KRO: Tensor) -> None:
    """Write the gradient of y, where that of the result of `gated` is dout."""
    channels = gate.shape[-1]
    torch.mul(dout, gate, out=into_KRO[..., :channels])
    aten.sigmoid_backward.grad_input(dout * y_KRO[..., :channels], gate, grad_input=into_KRO[..., channels:])


def rectified_backward(dout: Tensor, out: Tensor, into: Tensor) -> None:
    """Write the gradient of y, where out = relu(y) · mask: zero where either made it zero."""
    aten.threshold_backward.grad_input(dout, out, 0, grad_input=into)


def layer_normed(
    x_KBLC: Tensor, weight_KCL: Tensor, bias_KCL: Tensor, eps: float = 1e-5
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Layer norm over (L, C); and the mean and 1 / σ of each sample, seed by seed."""
    found = [
        torch.native_layer_norm(x, x.shape[1:], weight.t().contiguous(), bias.t().contiguous(), eps)
        for x, weight, bias in _by_seed(x_KBLC, weight_KCL, bias_KCL)
    ]
    return _stacked([out for out, _, _ in found]), [(mean, inverse) for _, mean, inverse in found]


def layer_norm_backward(
    dout_KBLC: Tensor,
    x_KBLC: Tensor,
    statistics: Sequence[tuple[Tensor, Tensor]],
    weight_KCL: Tensor,
    factor_K: Tensor | None,
    *,
    weights_too: bool,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The gradients of x, weight and bias, where that of the result of `layer_normed` is factor · dout.

    Those of weight and bias only where ``weights_too``.
    """
    if factor_K is not None:
        weight_KCL = weight_KCL * factor_K.view(-1, 1, 1)
    found = []
    each_seed = zip(_by_seed(dout_KBLC, x_KBLC, weight_KCL), statistics, strict=True)
    for (dout, x, weight), (mean, inverse) in each_seed:
        wide = weight.t().contiguous()
        asked = [True, weights_too, weights_too]
        found.append(aten.native_layer_norm_backward(dout, x, x.shape[1:], mean, inverse, wide, wide, asked))
    dx = _stacked([dx for dx, _, _ in found])
    if not weights_too:
        return dx, None, None
    dweight, dbias = (_stacked([part[i].t() for part in found]) for i in (1, 2))
    if factor_K is not None:
        dweight, dbias = (each * factor_K.view(-1, 1, 1) for each in (dweight, dbias))
    return dx, dweight, dbias


def attended(query: Tensor, value: Tensor, factor: float) -> tuple[Tensor, Tensor, Tensor]:
    """factor · softmax(q vᵀ / √C) v of nodes (..., L, C); the softmax; and vᵀ, which the backward needs as well.

    A product with a transposed factor of a few rows takes four times as long as one with a transposed copy.
    """
    value_T = value.transpose(-1, -2).contiguous()
    weights = torch.bmm(query, value_T).mul_(query.shape[-1] ** -0.5).softmax(-1)
    return torch.bmm(weights * factor if factor != 1 else weights, value), weights, value_T


def attended_backward_(
    dout: Tensor, query: Tensor, value: Tensor, weights: Tensor, value_T: Tensor, factor: float, dx: Tensor, dy: Tensor
) -> None:
    """Add the gradient of the query to dx, and that of key and value to dy, where that of `attended` is dout."""
    scores = aten._softmax_backward_data(torch.bmm(dout, value_T), weights, -1, dout.dtype)
    scale = factor * query.shape[-1] ** -0.5
    dx.baddbmm_(scores, value, alpha=scale)
    dy.baddbmm_(scores.transpose(1, 2), query, alpha=scale)
    dy.baddbmm_(weights.transpose(1, 2), dout, alpha=factor)


def _by_seed(*tensors: Tensor) -> Iterable[tuple[Tensor, ...]]:
    """Their parts, seed by seed; of one seed in less time than it takes to iterate over a tensor."""
    if len(tensors[0]) == 1:
        return [tuple(tensor.squeeze(0) for tensor in tensors)]
    return zip(*(tensor.unbind() for tensor in tensors), strict=True)


def _stacked(parts: list[Tensor]) -> Tensor:
    return parts[0].unsqueeze(0) if len(parts) == 1 else torch.stack(parts)
