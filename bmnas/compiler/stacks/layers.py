"""The layers of encoder-decoder networks, as the released code of MMnas (Yu et al., ACM MM 2020) computes them.

Axes: B batch, n positions, m positions that are looked at, H width, h heads of d numbers each, R regions.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FLOOR = 1e-6
_HIDDEN = -1e9
_EPSILON = 1e-6


class TokenNorm(nn.Module):
    """Layer norm of each position: a ⊙ (x - mean) / (s + 1e-6) + b, s the unbiased deviation over H.

    Not `torch.nn.LayerNorm`, which divides by the root of the biased variance and an epsilon.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """(..., H) to (..., H)."""
        centred = x - x.mean(-1, keepdim=True)
        return self.scale * centred / (x.std(-1, keepdim=True) + _EPSILON) + self.shift


class MultiHead(nn.Module):
    """Attention of h heads, which look at the positions that are no padding: softmax(q kᵀ / √d + bias) v.

    Where all is padding, it looks at all positions evenly, as the released code does.

    Args:
        width: H.
        head_width: d, which divides it.
        dropout: the rate, of the softmax.
        bias: whether the four linear maps have biases: in openvqa, not in MMnas.
    """

    def __init__(self, width: int, head_width: int, dropout: float, *, bias: bool) -> None:
        super().__init__()
        self.heads, self.dropout = width // head_width, dropout
        self.query, self.key, self.value, self.merge = (nn.Linear(width, width, bias=bias) for _ in range(4))

    def forward(self, x: Tensor, y: Tensor, padding: Tensor, bias: Tensor | None = None) -> Tensor:
        """What x finds in y.

        Args:
            x: (B, n, H), what asks.
            y: (B, m, H), what is looked at.
            padding: (B, m), where that is padding.
            bias: (B, h, n, m), added to the scores.

        Returns:
            (B, n, H).
        """
        blank = padding.all(1)[:, None, None, None]
        # Scores of equal size where nothing is to be seen.
        q = self._split(self.query(x)).masked_fill(blank, 0.0)
        hidden = padding[:, None, None, :] & ~blank
        mask = ~hidden if bias is None else bias.masked_fill(blank, 0.0).masked_fill(hidden, _HIDDEN)
        rate = self.dropout if self.training else 0.0
        found = F.scaled_dot_product_attention(q, self._split(self.key(y)), self._split(self.value(y)), mask, rate)
        return self.merge(found.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        """(B, n, H) as (B, h, n, d)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class SelfAttention(nn.Module):
    """A sequence looks at itself."""

    def __init__(self, width: int, head_width: int, dropout: float, *, bias: bool) -> None:
        super().__init__()
        self.attention = MultiHead(width, head_width, dropout, bias=bias)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        """(B, n, H), where it is padding (B, n)."""
        return self.attention(x, x, padding)


class GuidedAttention(nn.Module):
    """A sequence looks at a memory."""

    def __init__(self, width: int, head_width: int, dropout: float, *, bias: bool) -> None:
        super().__init__()
        self.attention = MultiHead(width, head_width, dropout, bias=bias)

    def forward(self, x: Tensor, memory: Tensor, padding: Tensor) -> Tensor:
        """(B, n, H), the memory (B, m, H), where that is padding (B, m)."""
        return self.attention(x, memory, padding)


class RelationAttention(nn.Module):
    """A sequence looks at itself, and each head at how the boxes lie to each other: ln max(ReLU(ρ w + b), 1e-6)."""

    def __init__(self, width: int, head_width: int, relation_width: int, dropout: float, *, bias: bool) -> None:
        super().__init__()
        self.attention = MultiHead(width, head_width, dropout, bias=bias)
        self.relation = nn.Linear(relation_width, width // head_width)

    def forward(self, x: Tensor, padding: Tensor, relations: Tensor) -> Tensor:
        """(B, n, H), where it is padding (B, n), and relations ρ (B, n, n, W)."""
        bias = self.relation(relations).clamp(min=_FLOOR).log().permute(0, 3, 1, 2)
        return self.attention(x, x, padding, bias)


class FeedForward(nn.Module):
    """Two linear maps of each position, ReLU and dropout between them."""

    def __init__(self, width: int, factor: int, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Linear(width, width * factor)
        self.outer = nn.Linear(width * factor, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, n, H)."""
        return self.outer(self.dropout(F.relu(self.inner(x))))


class GatedLinear(nn.Module):
    """A gated linear unit of each position."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2 * width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, n, H)."""
        return F.glu(self.linear(x), dim=-1)


class DepthwiseConv(nn.Module):
    """A convolution along the sequence, each channel by itself, then a linear map of each position; padding counts."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.pointwise = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, n, H)."""
        return self.pointwise(self.depthwise(x.transpose(1, 2))).transpose(1, 2)


class Reduction(nn.Module):
    """A sequence as one vector: attention over its positions, Σ softmax(W₂ ReLU(W₁ z)) z, then a linear map H to 2H.

    Args:
        width: H.
        hidden: numbers inside.
        dropout: the rate.
        glimpses: how many such sums are concatenated.
    """

    def __init__(self, width: int, hidden: int, dropout: float, glimpses: int = 1) -> None:
        super().__init__()
        self.inner = nn.Linear(width, hidden)
        self.outer = nn.Linear(hidden, glimpses)
        self.merge = nn.Linear(width * glimpses, 2 * width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        """(B, n, H), where it is padding (B, n), to (B, 2H)."""
        scores = self.outer(self.dropout(F.relu(self.inner(x))))
        weights = scores.masked_fill(padding[..., None], _HIDDEN).softmax(1)
        return self.merge((weights.transpose(1, 2) @ x).flatten(1))


class BoxRelations(nn.Module):
    """How boxes lie to each other: ρ = ReLU(linear(geometry)), for each ordered pair; zero geometry of padding.

    The geometry of boxes i and j, c their centres, w and v their widths and heights: ln max(|cxᵢ - cxⱼ| / wᵢ, 0.001),
    ln max(|cyᵢ - cyⱼ| / vᵢ, 0.001), ln(wᵢ / wⱼ), ln(vᵢ / vⱼ). It does not know left from right; where ``signed`` there
    are two more numbers that do, tanh of both offsets (ours).
    """

    def __init__(self, width: int, *, signed: bool) -> None:
        super().__init__()
        self.signed = signed
        self.linear = nn.Linear(6 if signed else 4, width)

    def forward(self, boxes: Tensor, padding: Tensor) -> Tensor:
        """Boxes (B, R, 4), x1, y1, x2, y2 in pixels, and which are padding (B, R), to (B, R, R, W)."""
        return F.relu(self.linear(box_geometry(boxes, padding, signed=self.signed)))


def box_geometry(boxes: Tensor, padding: Tensor, *, signed: bool = False) -> Tensor:
    """The numbers that `BoxRelations` begins with, (B, R, R, 4) or, signed, (B, R, R, 6)."""
    size = boxes[..., 2:] - boxes[..., :2] + 1
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    offset = (centre[:, :, None] - centre[:, None]) / size[:, :, None]
    ratio = (size[:, :, None] / size[:, None]).log()
    parts = [offset.abs().clamp(min=1e-3).log(), ratio, *([-offset.tanh()] if signed else [])]
    beside = (padding[:, :, None] | padding[:, None])[..., None]
    return torch.cat(parts, -1).masked_fill(beside, 0.0)
