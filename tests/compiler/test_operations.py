"""Every declared operation is written in both dialects, with the shape and the parameters that it declares.

Nodes are (B, L, C) here, as inside a network.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bmnas.compiler.modules import build
from bmnas.compiler.operations import LOWERINGS
from bmnas.compiler.size import Size
from bmnas.genotype import OPERATIONS

DIALECTS = ("official", "paper")


def cases() -> list[object]:
    return [
        pytest.param(dialect, op, arity, id=f"{dialect}-{op}-{arity}")
        for dialect in DIALECTS
        for op, operation in OPERATIONS.items()
        for arity in range(operation.arity[0], (operation.arity[1] or 4) + 1)
    ]


def nodes(arity: int, *shape: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return list(torch.randn(arity, *(shape or (3, 4, 6))).unbind())


def test_what_is_declared_is_built():
    assert LOWERINGS.keys() == set(DIALECTS)
    for dialect, lowerings in LOWERINGS.items():
        assert lowerings.keys() == OPERATIONS.keys(), dialect


@pytest.mark.parametrize(("dialect", "op", "arity"), cases())
def test_shape_and_weights_are_as_declared(dialect, op, arity):
    size = {"channels": 6, "length": 4, "arity": arity, "dropout": 0.1, "dialect": dialect}
    module = build(op, Size(**size))
    assert module(*nodes(arity)).shape == (3, 4, 6)
    if dialect == "paper":  # in the official dialect there is a layer norm, too
        assert any(True for _ in module.parameters()) == OPERATIONS[op].weights


@pytest.mark.parametrize(("dialect", "op", "arity"), cases())
def test_seeds_are_independent_copies(dialect, op, arity):
    """With a leading axis of seeds, each seed computes what a module with its weights alone computes."""
    size = {"channels": 6, "length": 4, "arity": arity, "dialect": dialect}
    many = build(op, Size(**size, seeds=2)).eval()
    inputs = nodes(arity, 2, 3, 4, 6)
    out = many(*inputs)
    for seed in range(2):
        one = build(op, Size(**size)).eval()
        one.load_state_dict({name: value[seed] for name, value in many.state_dict().items()})
        torch.testing.assert_close(one(*(node[seed] for node in inputs)), out[seed])


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("op", OPERATIONS)
def test_commutative_is_true(op, dialect):
    x, y = nodes(2)
    module = build(op, Size(channels=6, length=4, dialect=dialect)).eval()
    assert torch.allclose(module(x, y), module(y, x)) == OPERATIONS[op].commutative


def test_operations_without_weights():
    x, y, z = nodes(3)
    size = Size(channels=6, length=4, arity=3)
    assert torch.equal(build("Sum", size)(x, y, z), x + y + z)
    assert torch.equal(build("Mul", size)(x, y, z), x * y * z)
    assert torch.equal(build("Max", size)(x, y, z), torch.stack([x, y, z]).amax(0))
    torch.testing.assert_close(build("Mean", size)(x, y, z), torch.stack([x, y, z]).mean(0))
    assert torch.equal(build("Zero", size)(x, y, z), torch.zeros(3, 4, 6))


def test_attention_of_query_key_and_value():
    q, k, v = nodes(3)
    module = build("Attention", Size(channels=6, length=4, arity=3, dialect="paper"))
    for batch in range(3):
        weights = (q[batch] @ k[batch].T / 6**0.5).softmax(-1)
        torch.testing.assert_close(module(q, k, v)[batch], weights @ v[batch])
    of_two = build("Attention", Size(channels=6, length=4, dialect="paper"))
    torch.testing.assert_close(of_two(q, k), module(q, k, k))


@pytest.mark.parametrize("heads", [1, 2, 3, 6])
def test_multi_head_attention_is_that_of_pytorch(heads):
    ours = build("MultiHeadAttention", Size(channels=6, length=4, arity=3, dialect="paper"), heads=heads)
    theirs = nn.MultiheadAttention(6, heads, batch_first=True)
    with torch.no_grad():
        projections = (ours.q_proj, ours.k_proj, ours.v_proj)
        theirs.in_proj_weight.copy_(torch.cat([each.weight for each in projections]))
        theirs.in_proj_bias.copy_(torch.cat([each.bias for each in projections]))
        theirs.out_proj.weight.copy_(ours.out_proj.weight)
        theirs.out_proj.bias.copy_(ours.out_proj.bias)
    q, k, v = nodes(3)
    theirs_out, _ = theirs(q, k, v)
    torch.testing.assert_close(ours(q, k, v), theirs_out)


def test_gated_sum_is_the_gated_multimodal_unit():
    x, y, z = nodes(3)
    two = build("GatedSum", Size(channels=6, length=4))
    w1, w2, v = (two.get_parameter(f"{name}.weight").T for name in ("transforms.0", "transforms.1", "gates.0"))
    gate = (torch.cat([x, y], -1) @ v).sigmoid()
    torch.testing.assert_close(two(x, y), gate * (x @ w1).tanh() + (1 - gate) * (y @ w2).tanh())

    three = build("GatedSum", Size(channels=6, length=4, arity=3))
    together = torch.cat([x, y, z], -1)
    expected = sum(
        (together @ three.get_parameter(f"gates.{i}.weight").T).sigmoid()
        * (node @ three.get_parameter(f"transforms.{i}.weight").T).tanh()
        for i, node in enumerate((x, y, z))
    )
    torch.testing.assert_close(three(x, y, z), expected)


def test_concat_sigmoid_is_concat_fc_with_a_sigmoid():
    relu, sigmoid = (
        build(op, Size(channels=6, length=4, dialect="paper")).eval() for op in ("ConcatFC", "ConcatSigmoid")
    )
    sigmoid.load_state_dict(relu.state_dict())
    inputs = nodes(2)
    before = torch.logit(sigmoid(*inputs).double())
    torch.testing.assert_close(before.relu().float(), relu(*inputs), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "op", ["Attention", "LinearGLU", "ConcatFC", "ConcatSigmoid", "GatedSum", "MultiHeadAttention"]
)
def test_the_official_dialect_drops_out_in_training(op):
    x, y = nodes(2, 8, 4, 6)
    for dialect in DIALECTS:
        module = build(op, Size(channels=6, length=4, dropout=0.5, dialect=dialect))
        assert torch.equal(module(x, y), module(x, y)) == (dialect == "paper")
        module.eval()
        assert torch.equal(module(x, y), module(x, y))


def test_the_official_dialect_drops_out_and_norms_attention():
    x, y = nodes(2)
    size = {"channels": 6, "length": 4}
    official, paper = (build("MultiHeadAttention", Size(**size, dialect=dialect)) for dialect in DIALECTS)
    paper.load_state_dict({name: value for name, value in official.state_dict().items() if name[:3] != "ln."})
    torch.testing.assert_close(official.eval()(x, y), official.ln(paper(x, y)))
    dropping = build("GatedSum", Size(**size, dropout=0.5))
    assert (dropping(x, y) == 0).float().mean() > 0.3
    assert not (dropping.eval()(x, y) == 0).any()
