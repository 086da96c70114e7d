"""The hypernet computes what its equations say; seeds are independent; only what is asked for is computed."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from bmnas.genotype import extension
from bmnas.searcher.hypernet import Hypernet
from bmnas.searcher.hypernet.mixing import Mixing
from bmnas.searcher.hypernet.seeds import of_seed
from tests.searcher.hypernet.nets import POOL, batch, plainly, small, without_dropout

POOLS = [
    POOL,
    ("LinearGLU",),
    ("ConcatFC", "LinearGLU", "ConcatFC"),
    ("Attention", "Zero"),
    ("Zero",),
    ("Sum", "Mul", "Max", "Mean"),
    ("GatedSum", "ConcatFC", "MultiHeadAttention"),
]


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def gradients(net: Hypernet, features: dict, cotangent: torch.Tensor) -> dict[str, torch.Tensor]:
    net.zero_grad()
    out = net(features)
    (out * cotangent).sum().backward()
    found = {name: parameter.grad for name, parameter in net.named_parameters() if parameter.grad is not None}
    return found | {"out": out.detach()} | {name: feature.grad for name, feature in features.items()}


def assert_same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> None:
    for name in one.keys() | two.keys():
        a, b = one.get(name), two.get(name)
        if a is None and b is None:
            continue
        a, b = torch.zeros_like(b) if a is None else a, torch.zeros_like(a) if b is None else b
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9, msg=lambda text, at=name: f"{at}: {text}")


@pytest.mark.parametrize("relaxation", ["shared", "split"])
@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("pool", POOLS, ids="-".join)
def test_it_computes_what_the_equations_say(relaxation, seeds, pool):
    net = without_dropout(small(seeds, relaxation=relaxation, operations=pool)).train()
    other = copy.deepcopy(net)
    features = {name: feature.requires_grad_() for name, feature in batch(seeds).items()}
    same = {name: feature.detach().clone().requires_grad_() for name, feature in features.items()}
    cotangent = torch.randn(seeds, 5, 3, dtype=torch.float64)
    found = gradients(net, features, cotangent)
    with plainly():
        plain = gradients(other, same, cotangent)
    assert_same(found, plain)
    assert_same(net.state_dict(), other.state_dict())


@pytest.mark.parametrize("relaxation", ["shared", "split"])
@pytest.mark.parametrize("outputs", [1, 2, 3, 4])
def test_it_computes_what_the_equations_say_for_every_end_of_a_cell(relaxation, outputs):
    net = without_dropout(small(2, relaxation=relaxation, cell_outputs=outputs, outputs=None)).train()
    other, features = copy.deepcopy(net), batch(2)
    cotangent = torch.randn(2, 5, 2 * 24, dtype=torch.float64)
    found = gradients(net, features, cotangent)
    with plainly():
        assert_same(found, gradients(other, features, cotangent))


@pytest.mark.parametrize("relaxation", ["shared", "split"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_it_computes_what_the_equations_say_in_eval_mode(relaxation, seeds):
    net, features = small(seeds, relaxation=relaxation).eval(), batch(seeds)
    before = copy.deepcopy(net.state_dict())
    with torch.no_grad():
        found = net(features)
    with plainly():
        expected = copy.deepcopy(net)(features).detach()
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    assert_same(net.state_dict(), before)


def test_given_mixing_is_used():
    net, features = without_dropout(small(relaxation="split")).train(), batch()
    weights = net.mixing()
    certain = Mixing(
        tuple((each == each.amax(-1, keepdim=True)).double() for each in weights.cells),
        tuple(tuple((each == each.amax(-1, keepdim=True)).double() for each in row) for row in weights.steps),
        (weights.operations == weights.operations.amax(-1, keepdim=True)).double(),
    )
    out, other = net(features, certain), copy.deepcopy(net)
    with plainly():
        torch.testing.assert_close(out, other(features, certain), rtol=1e-9, atol=1e-9)
    assert not torch.allclose(out, net(features))


@pytest.mark.parametrize("relaxation", ["shared", "split"])
@pytest.mark.parametrize("seeds", [1, 2])
def test_gradients_are_those_of_the_network_with_its_masks(relaxation, seeds):
    """With dropout, along a random direction of all parameters, against differences."""
    net, features = small(seeds, relaxation=relaxation).train(), batch(seeds)
    cotangent = torch.randn(seeds, 5, 3, dtype=torch.float64)
    parameters = list(net.parameters())
    direction = [torch.randn_like(parameter) for parameter in parameters]

    def value() -> torch.Tensor:
        torch.manual_seed(1)
        return (net(features) * cotangent).sum()

    found = torch.autograd.grad(value(), parameters)
    slope = sum((gradient * along).sum() for gradient, along in zip(found, direction, strict=True))
    ends = []
    for step in (1e-6, -1e-6):
        with torch.no_grad():
            for parameter, along in zip(parameters, direction, strict=True):
                parameter.add_(along, alpha=step)
            ends.append(value())
            for parameter, along in zip(parameters, direction, strict=True):
                parameter.sub_(along, alpha=step)
    torch.testing.assert_close(slope, (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pool", [POOL, ("GatedSum", "MultiHeadAttention")], ids="-".join)
def test_each_seed_is_its_own_single_run(pool):
    net, features = small(3, operations=pool).train(), batch(3)
    generators = [torch.Generator().manual_seed(seed) for seed in (3, 1, 2)]
    singles = [of_seed(net, k) for k in range(3)]
    with net.noise(generators):
        outs = [net(features), net(features)]
    assert not torch.equal(*outs)
    for k, seed in enumerate((3, 1, 2)):
        own = {name: feature[k : k + 1] for name, feature in features.items()}
        with singles[k].noise([torch.Generator().manual_seed(seed)]):
            for out in outs:
                torch.testing.assert_close(singles[k](own)[0], out[k], rtol=1e-9, atol=1e-9)


def test_a_graph_can_be_walked_twice():
    net, features = small(2).train(), batch(2)
    total, parameters = net(features).square().sum(), list(net.parameters())
    first = torch.autograd.grad(total, parameters, retain_graph=True)
    net(batch(2)).sum().backward()  # what is used again and again in between holds other numbers now
    assert all(map(torch.equal, first, torch.autograd.grad(total, parameters)))


def test_without_generators_pytorch_s_own_decides():
    net, features = small().train(), batch()
    outs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outs.append(net(features))
    assert torch.equal(outs[0], outs[1])
    assert not torch.equal(outs[0], outs[2])


@pytest.mark.parametrize("relaxation", ["shared", "split"])
def test_learning_leaves_the_gradients_of_its_phase_as_they_are(relaxation):
    net, features = small(2, relaxation=relaxation).train(), batch(2)
    cotangent = torch.randn(2, 5, 3, dtype=torch.float64)

    def found(phase: str | None) -> dict[str, torch.Tensor]:
        torch.manual_seed(1)
        if phase is None:
            return gradients(net, features, cotangent)
        with net.learning(phase):
            return gradients(net, features, cotangent)

    every, architecture, weights = found(None), found("architecture"), found("weights")
    logits = {"alpha_KEI", "beta_KNEI", "gamma_KNMP"}
    assert {name for name, _ in net.named_parameters()} <= every.keys()
    assert logits <= architecture.keys()
    assert not logits & weights.keys()
    for name, value in every.items():
        if name in logits:
            torch.testing.assert_close(architecture[name], value)
        elif name in dict(net.named_parameters()):
            torch.testing.assert_close(weights[name], value)


def test_an_architecture_step_computes_no_gradient_of_a_weight():
    net, features = small().train(), batch()
    with net.learning("architecture"):
        net(features).sum().backward()
    weights = {name for name, parameter in net.named_parameters() if parameter.grad is not None}
    # The head is PyTorch's own, which leaves out what `backward(inputs=...)` does not ask for.
    assert {name.split(".")[0] for name in weights} <= {"alpha_KEI", "beta_KNEI", "gamma_KNMP", "output"}


@pytest.mark.parametrize("training", [True, False])
def test_a_prepared_batch_gives_what_its_features_give(training):
    net, features = small(2).train(training), batch(2)
    other = copy.deepcopy(net)
    outs: list[list[torch.Tensor]] = []
    for each, given in ((net, None), (other, features)):
        torch.manual_seed(1)
        with each.learning("architecture"), torch.set_grad_enabled(training):
            given = given or each.prepared(features)
            first = each(given)
        if training:
            first.sum().backward()
        with torch.no_grad():
            outs.append([first.detach(), each(given)])
    for one, two in zip(*outs, strict=True):
        assert torch.equal(one, two)
    assert_same(net.state_dict(), other.state_dict())
    if training:
        assert not torch.equal(*outs[0])  # new masks
        assert torch.equal(net.alpha_KEI.grad, other.alpha_KEI.grad)


def test_a_prepared_batch_is_not_used_where_it_does_not_fit():
    net, features = small().train(), batch()
    with torch.no_grad():
        prepared = net.prepared(features)
    net.eval()
    with torch.no_grad():
        assert torch.equal(net(prepared), net(features))
    net.train()
    torch.manual_seed(1)
    net(prepared).sum().backward()
    assert net.get_parameter("reshapes.0.conv.weight").grad.abs().sum() > 0


def test_frozen_statistics_stay():
    from bmnas.fit.statistics import frozen_statistics

    net, features = small().train(), batch()
    before = copy.deepcopy(net.state_dict())
    with frozen_statistics(net):
        net(features)
    assert_same(net.state_dict(), before)
    net(features)
    assert not torch.equal(net.state_dict()["reshapes.0.bn.running_mean"], before["reshapes.0.bn.running_mean"])


@pytest.mark.parametrize("training", [True, False])
def test_it_can_be_differentiated_twice(training):
    net, features = without_dropout(small()).train(training), batch()
    (gradient,) = torch.autograd.grad(net(features).square().sum(), [net.alpha_KEI], create_graph=True)
    assert torch.autograd.grad(gradient.sum(), [net.alpha_KEI])[0].isfinite().all()


def test_an_operation_of_one_s_own(monkeypatch):
    class Noisy(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(size.channels, 1))
            self.dropout = nn.Dropout(0.5)

        def forward(self, x, y):
            return self.dropout((x - y / 2).abs() * self.scale)

    monkeypatch.setattr(extension, "_registered", dict(extension._registered))
    extension.operation("Noisy")(Noisy)
    net = small(2, operations=("Noisy", "LinearGLU")).train()
    features, generators = batch(2), [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    single, own = of_seed(net, 1), None
    own = {name: feature[1:] for name, feature in features.items()}
    torch.manual_seed(5)
    with net.noise(generators):
        out = net(features)
    torch.manual_seed(6)
    with single.noise([torch.Generator().manual_seed(2)]):
        torch.testing.assert_close(single(own)[0], out[1], rtol=1e-9, atol=1e-9)
    out.sum().backward()
    assert net.get_parameter("cells.0.steps.0.0.operation.seeds.1.module.scale").grad.abs().sum() > 0
    net, other = without_dropout(net), without_dropout(copy.deepcopy(net))
    out = net(features)
    with plainly():
        torch.testing.assert_close(other(features), out, rtol=1e-9, atol=1e-9)


def test_a_used_hypernet_can_be_copied_and_pickled():
    net, features = without_dropout(small()).train(), batch()
    with net.noise([torch.Generator()]):
        net(features)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):  # noqa: S301
        torch.testing.assert_close(other(features), net(features))
        with torch.no_grad():
            other.get_parameter("cells.0.steps.0.2.conv.weight").zero_()
        assert not torch.allclose(other(features), net(features))
