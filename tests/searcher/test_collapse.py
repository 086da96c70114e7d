"""The eigenvalue is that of the Hessian, and a search stops where it grows fast."""

from __future__ import annotations

import pytest
import torch

import bmnas
from bmnas.genotype import OPERATIONS, extension, from_dict
from bmnas.searcher.collapse import Sharpness, dominant_eigenvalues, parameter_free
from tests.genotype.test_schema import changed
from tests.searcher.problems import decided, problem


def test_the_eigenvalue_of_a_quadratic_is_known():
    a_K2 = torch.nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    b_K1 = torch.nn.Parameter(torch.tensor([[1.0], [1.0]]))
    losses_K = torch.stack(
        [a_K2[0, 0] ** 2 + 3 * a_K2[0, 1] ** 2 + b_K1[0, 0], 2 * a_K2[1, 0] * b_K1[1, 0] - a_K2[1, 1] ** 2]
    )
    assert dominant_eigenvalues(losses_K, [a_K2, b_K1]) == pytest.approx([6.0, 2.0])


@pytest.mark.parametrize("relaxation", ["shared", "split"])
def test_the_eigenvalue_of_a_hypernet_is_that_of_its_differences(relaxation):
    search = problem(relaxation=relaxation, cells=1, steps=1)
    hypernet = decided(search).double()
    batch = search.validation.whole()
    features = {name: feature.unsqueeze(0).double() for name, feature in batch.features.items()}

    def losses() -> torch.Tensor:
        return search.task.loss(hypernet(features)[0], batch.labels)[None]

    [value] = Sharpness(1).measure(hypernet, losses)
    parameters, step, rows = hypernet.architecture(), 1e-5, []
    for parameter in parameters:
        for i in range(parameter.numel()):
            gradients = []
            for sign in (1, -1):
                parameter.data.view(-1)[i] += sign * step
                gradients.append(torch.cat([g.flatten() for g in torch.autograd.grad(losses().sum(), parameters)]))
                parameter.data.view(-1)[i] -= sign * step
            rows.append((gradients[0] - gradients[1]) / (2 * step))
    hessian = torch.stack(rows)
    assert value == pytest.approx(torch.linalg.eigvalsh((hessian + hessian.T) / 2)[-1].item(), rel=1e-5)


def test_fast_growth_stops_a_seed():
    watch = Sharpness(3)
    watch.load_state({"history": [[1.0] * 10, [1.0] * 5 + [1.4] * 5, [1.0] * 5 + [1.4] * 4]})
    assert watch.stopped == [False, True, False]
    again = Sharpness(3)
    again.load_state(watch.state())
    assert again.stopped == watch.stopped


def test_a_stopped_seed_stays_so():
    watch = Sharpness(1)
    watch.load_state({"history": [[1.0] * 5 + [1.4] * 5]})
    parameter = torch.nn.Parameter(torch.ones(1, 1))
    for _ in range(10):
        watch.measure(_Net(parameter), lambda: (parameter**2).sum(1))
        assert watch.stopped == [True]


class _Net(torch.nn.Module):
    def __init__(self, parameter):
        super().__init__()
        self.parameter = parameter

    def architecture(self):
        return [self.parameter]


def share(*ops):
    steps = [{"op": op, "inputs": ["x", "y"]} for op in ops]
    return parameter_free(
        from_dict(changed(cells=[{"inputs": ["Video_3", "Skeleton_4"], "steps": steps}], output=["Cell_1"]))
    )


@pytest.fixture
def own_operation():
    yield bmnas.operation("Distance", weights=False)(torch.nn.Identity)
    extension._registered.pop("Distance")


def test_the_share_is_of_the_steps_whose_operation_has_no_weights():
    assert share("Sum", "Attention", "ConcatFC", "LinearGLU") == 0.5
    assert {op for op in OPERATIONS if share(op)} == {"Zero", "Sum", "Attention", "Mul", "Max", "Mean"}


def test_an_operation_from_outside_the_package_is_asked_too(own_operation):
    assert share("Distance", "ConcatFC") == 0.5
