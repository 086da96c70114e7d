"""How each primitive is written in source, on nodes (B, C, L)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from typing import Any

from bmnas.compiler.plan import primitives as p

ATOM, PRODUCT, SUM = 3, 2, 1
"""How tightly the parts of an expression are bound."""


@dataclass(frozen=True)
class Expression:
    """A text, and how tightly its parts are bound."""

    text: str
    binds: int = ATOM

    def within(self, binds: int) -> str:
        """The text as a part of something that binds so tightly."""
        return self.text if self.binds >= binds else f"({self.text})"


def expression(primitive: p.Primitive, reads: list[Expression], module: str) -> Expression:
    """A primitive on what it reads; ``module`` is what holds its weights, if it has any."""
    if module:
        return Expression(f"{module}({', '.join(each.text for each in reads)})")
    return WRITTEN[type(primitive)](primitive, *reads)


def _call(function: str, *after: str) -> Callable[..., Expression]:
    return lambda it, *reads: Expression(f"{function}({', '.join([*(each.text for each in reads), *after])})")


def _joined(sign: str, binds: int) -> Callable[..., Expression]:
    return lambda it, *reads: Expression(f" {sign} ".join(each.within(binds) for each in reads), binds)


def _maximum(it: p.Maximum, *reads: Expression) -> Expression:
    text = reads[0].text
    for each in reads[1:]:
        text = f"torch.maximum({text}, {each.text})"
    return Expression(text)


def _pool(it: p.Pool, x: Expression) -> Expression:
    if it.reshape == "none":
        return x
    side = isqrt(it.length) if it.reshape == "grid" else it.length
    return Expression(f"pool_{it.reshape}({x.text}, {side})")


def _attend(it: p.Attend, *reads: Expression) -> Expression:
    heads = f", heads={it.heads}" if it.heads > 1 else ""
    return Expression(f"attention({', '.join(each.text for each in reads)}{heads})")


WRITTEN: dict[type[p.Primitive], Callable[..., Expression]] = {
    p.Pool: _pool,
    p.MeanPosition: lambda it, x: Expression(f"{x.within(ATOM)}.mean(-1)"),
    p.Stretch: lambda it, x: x,  # the pooling of the source gives all positions at once
    p.Relu: _call("F.relu"),
    p.Sigmoid: _call("torch.sigmoid"),
    p.Tanh: _call("torch.tanh"),
    p.Glu: _call("F.glu", "dim=1"),
    p.Concat: lambda it, *reads: Expression(f"torch.cat([{', '.join(each.text for each in reads)}], dim=1)"),
    p.Add: _joined("+", SUM),
    p.Multiply: _joined("*", PRODUCT),
    p.Maximum: _maximum,
    p.Divide: lambda it, x: Expression(f"{x.within(PRODUCT)} / {it.by}", PRODUCT),
    p.Complement: lambda it, x: Expression(f"1 - {x.within(PRODUCT)}", SUM),
    p.Zeros: _call("torch.zeros_like"),
    p.Attend: _attend,
    p.Flatten: lambda it, x: Expression(f"{x.within(ATOM)}.flatten(1)"),
}


def constructor(primitive: Any, reads: list[p.Shape]) -> str:
    """What makes the module that holds a primitive's weights."""
    match primitive:
        case p.Conv(channels, bias):
            return f"Conv1x1({reads[0][0]}, {channels}{'' if bias else ', bias=False'})"
        case p.Linear(outputs, zero):
            linear = f"nn.Linear({reads[0][0]}, {outputs})"
            return f"zeroed({linear})" if zero else linear
        case p.Scale():
            return f"Scale({reads[0][0]})"
        case p.BatchNorm():
            return f"nn.BatchNorm1d({reads[0][0]})"
        case p.LayerNorm():
            return f"nn.LayerNorm({list(reads[0])})"
        case p.Dropout(rate):
            return f"nn.Dropout({rate})"
    raise KeyError(type(primitive).__name__)


HELPERS = {
    "Conv1x1(": '''
class Conv1x1(nn.Linear):
    """A 1x1 convolution: the same linear map at every position, (B, in, L) -> (B, out, L)."""

    def forward(self, x):
        return super().forward(x.transpose(1, 2).contiguous()).transpose(1, 2)
''',
    "Scale(": '''
class Scale(nn.Module):
    """(x - mean) / std of every channel: statistics of the training split, (B, C, L) -> (B, C, L)."""

    def __init__(self, channels):
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))

    def forward(self, x):
        return (x - self.mean[:, None]) / self.std[:, None]
''',
    "zeroed(": '''
def zeroed(linear):
    """A linear layer that begins as zero."""
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear
''',
    "pool_sequence(": '''
def pool_sequence(feature, length):
    """Max pooling: the first axis after the channels to `length` positions, others to one."""
    batch, channels, *axes = feature.shape
    plane = feature.reshape(batch, channels, axes[0] if axes else 1, -1)
    return F.adaptive_max_pool2d(plane, (length, 1)).squeeze(-1)
''',
    "pool_grid(": '''
def pool_grid(feature, side):
    """Max pooling to `side` x `side` positions, one row after the other."""
    plane = feature.reshape(*feature.shape, *[1] * (4 - feature.dim()))
    return F.adaptive_max_pool2d(plane, side).flatten(2)
''',
    "attention(": '''
def attention(query, key, value, heads=1):
    """softmax(q k^T / sqrt(C)) v, over the key's positions, in each of `heads` parts of C."""
    q, k, v = (node.unflatten(1, (heads, -1)) for node in (query, key, value))
    scores = torch.einsum("bhcl,bhct->bhlt", q, k) / q.shape[2] ** 0.5
    return torch.einsum("bhlt,bhct->bhcl", scores.softmax(-1), v).flatten(1, 2)
''',
}
"""What the source defines for itself, by how its use begins; only what is used is written."""
