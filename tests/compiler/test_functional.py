"""The arithmetic: against PyTorch's own layers, and with a leading axis of seeds against one seed at a time."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from bmnas.compiler import functional


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("heads", [1, 2, 3])
def test_attention_is_pytorchs(heads):
    q, k, v = randn(2, 3, 6), randn(2, 4, 6, seed=1), randn(2, 4, 6, seed=2)
    parts = (node.unflatten(2, (heads, -1)).transpose(1, 2) for node in (q, k, v))
    expected = F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
    torch.testing.assert_close(functional.attention(q, k, v, heads), expected)


def test_attention_is_the_equation():
    x, y = randn(2, 3, 5), randn(2, 4, 5, seed=1)
    expected = torch.softmax(x @ y.transpose(1, 2) / 5**0.5, dim=-1) @ y
    torch.testing.assert_close(functional.attention(x, y, y), expected)


def test_linear_and_norms_are_pytorchs():
    x = randn(4, 5, 6)
    columns = x.transpose(1, 2)  # PyTorch's layers have channels before positions
    conv, bn, ln = (
        torch.nn.Conv1d(6, 7, 1).double(),
        torch.nn.BatchNorm1d(6).double(),
        torch.nn.LayerNorm((6, 5)).double(),
    )
    torch.nn.init.normal_(ln.weight)
    torch.testing.assert_close(functional.linear(x, conv.weight.squeeze(-1), conv.bias).mT, conv(columns))
    mean, var = torch.zeros(6).double(), torch.ones(6).double()
    torch.testing.assert_close(functional.batch_norm(x, mean, var, bn.weight, bn.bias, training=True).mT, bn(columns))
    torch.testing.assert_close(mean, bn.running_mean)
    torch.testing.assert_close(var, bn.running_var)
    torch.testing.assert_close(functional.layer_norm(x, ln.weight, ln.bias).mT, ln(columns))
    torch.testing.assert_close(functional.flatten(x), columns.flatten(1))


@pytest.mark.parametrize("training", [True, False])
def test_every_seed_is_computed_as_if_alone(training):
    x, weight, bias = randn(3, 4, 5, 6), randn(3, 7, 6, seed=1), randn(3, 7, seed=2)
    together = functional.linear(x, weight, bias)
    for k in range(3):
        torch.testing.assert_close(together[k], functional.linear(x[k], weight[k], bias[k]))

    mean, var, scale = randn(3, 6, seed=3), randn(3, 6, seed=4).abs(), randn(3, 6, seed=5)
    alone = [(mean[k].clone(), var[k].clone()) for k in range(3)]
    together = functional.batch_norm(x, mean, var, scale, scale, training=training)
    for k, (mean_k, var_k) in enumerate(alone):
        one = functional.batch_norm(x[k], mean_k, var_k, scale[k], scale[k], training=training)
        torch.testing.assert_close(together[k], one)
        torch.testing.assert_close(mean[k], mean_k)
        torch.testing.assert_close(var[k], var_k)

    scale = randn(3, 6, 5, seed=6)
    together = functional.layer_norm(x, scale, scale)
    for k in range(3):
        torch.testing.assert_close(together[k], functional.layer_norm(x[k], scale[k], scale[k]))


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.98, 0.9999, 1.0])
def test_dropout_keeps_the_mean_and_drops_that_share(p):
    torch.manual_seed(0)
    x = torch.ones(1_000_003, requires_grad=True)
    out = functional.dropout(x, p, training=True)
    assert abs((out == 0).double().mean().item() - p) < 0.002
    assert out.unique().numel() <= 2
    if p < 0.99:
        assert abs(out.double().mean().item() - 1) < 0.02
    out.sum().backward()
    torch.testing.assert_close(x.grad, out.detach())
    assert functional.dropout(x, p, training=False) is x


def test_dropout_follows_the_seed():
    first, second, third = (seed_and_drop(seed) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def seed_and_drop(seed: int) -> torch.Tensor:
    torch.manual_seed(seed)
    return functional.dropout(torch.ones(1000), 0.5, training=True)


def test_weighted_sum():
    nodes, weights = [randn(3, 2, 4, 5, seed=i) for i in range(4)], randn(3, 4, seed=9)
    expected = sum(node * weights[:, i, None, None, None] for i, node in enumerate(nodes))
    torch.testing.assert_close(functional.weighted_sum(nodes, weights), expected)


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize("training", [False, True])
def test_batch_norm_before_positions_are_repeated_is_that_behind(seeds, samples, training):
    found = []
    for early in (True, False):
        x = randn(seeds, samples, 1, 5).requires_grad_()
        weight, bias = randn(seeds, 5, seed=1).requires_grad_(), randn(seeds, 5, seed=2).requires_grad_()
        mean, var = randn(seeds, 5, seed=3), randn(seeds, 5, seed=4).abs()
        given = x if early else functional.stretch(x, 6)
        y = functional.batch_norm(
            given, mean, var, weight, bias, training=training, momentum=0.3, positions=6 if early else 0
        )
        y = functional.stretch(y, 6)
        y.backward(randn(*y.shape, seed=5))
        found.append((y.detach(), mean, var, x.grad, weight.grad, bias.grad))
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("training", [False, True])
def test_norms_of_several_seeds_take_nodes_that_lie_in_any_way(training):
    weight, bias = randn(3, 5, seed=1), randn(3, 5, seed=2)
    ways = [
        lambda x: x,
        lambda x: x.transpose(1, 3).contiguous().transpose(1, 3),
        lambda x: x[:, :, :1].expand(-1, -1, 4, -1),
        lambda x: x[:, :1].expand(-1, 2, -1, -1),
    ]
    for way in ways:
        grads = []
        for given in (way, lambda x, way=way: way(x).contiguous()):
            x = randn(3, 2, 4, 5).requires_grad_()
            statistics = torch.zeros(3, 5).double(), torch.ones(3, 5).double()
            y = functional.batch_norm(given(x), *statistics, weight, bias, training=training)
            (y * randn(3, 1, 1, 5, seed=3)).sum().backward()
            grads.append((y.detach(), x.grad, *statistics))
        torch.testing.assert_close(*grads)


def test_gradients_of_several_seeds():
    """Those of wide products and of norms are written out by hand."""
    x, weight, bias = (randn(*shape).requires_grad_() for shape in [(2, 3, 1, 600), (2, 4, 600), (2, 4)])
    torch.autograd.gradcheck(functional.linear, (x, weight, bias))
    torch.autograd.gradcheck(functional.linear, (x, weight, None))
    x, weight, bias = randn(2, 3, 2, 4).requires_grad_(), randn(2, 4, seed=1), randn(2, 4, seed=2)
    for given in (True, False):
        weight.requires_grad_(given)
        bias.requires_grad_(given)
        torch.autograd.gradcheck(
            lambda x, weight, bias: functional.batch_norm(
                x, torch.zeros(2, 4).double(), torch.ones(2, 4).double(), weight, bias, training=True
            ),
            (x, weight, bias),
        )


def test_norms_of_several_seeds_refuse_a_single_row_as_pytorchs_do():
    for seeds in (1, 3):
        statistics = torch.zeros(seeds, 5).double(), torch.ones(seeds, 5).double()
        with pytest.raises(ValueError, match="Expected more than 1 value per channel when training, got input size"):
            functional.batch_norm(randn(seeds, 1, 1, 5), *statistics, *statistics, training=True)
        assert torch.equal(statistics[1], torch.ones(seeds, 5).double())


def test_only_products_of_several_seeds_have_second_derivatives():
    x, weight = randn(2, 3, 1, 600).requires_grad_(), randn(2, 2, 600, seed=1).requires_grad_()
    (first,) = torch.autograd.grad(functional.linear(x, weight, None).square().sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    torch.testing.assert_close(second, 2 * (weight.sum(2, keepdim=True) * weight).sum(1)[:, None, None].expand_as(x))
    x, statistics = randn(2, 3, 2, 4).requires_grad_(), [torch.ones(2, 4).double() for _ in range(4)]
    y = functional.batch_norm(x, *statistics, training=True)
    (first,) = torch.autograd.grad(y.pow(3).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize("training", [False, True])
def test_rectified_dropout_is_dropout_of_relu(training):
    def masks(shape, p, dtype):
        return torch.rand(shape, generator=torch.Generator().manual_seed(1)).ge(p).to(dtype), 1 / (1 - p)

    found = []
    for drop in (
        functional.rectified_dropout,
        lambda x, *given, **names: functional.dropout(x.relu(), *given, **names),
    ):
        x = randn(4, 50).requires_grad_()
        y = drop(x, 0.4, training=training, masks=masks)
        y.backward(randn(4, 50, seed=1))
        found.append((y.detach(), x.grad))
    torch.testing.assert_close(*found)
