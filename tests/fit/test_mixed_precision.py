from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from bmnas.fit.fit import Fit, Phase
from bmnas.fit.mixed_precision import computing, scaler_of, with_gradient_scaled

CPU = torch.device("cpu")


def test_only_float16_needs_its_gradients_scaled() -> None:
    assert scaler_of("none", CPU) is None
    assert scaler_of("bfloat16", CPU) is None
    assert scaler_of("float16", CPU) is not None


@pytest.mark.parametrize("amp", ["none", "bfloat16", "float16"])
def test_a_block_computes_in_the_numbers(amp: str) -> None:
    layer, inputs = nn.Linear(2, 2), torch.randn(3, 2)
    with computing(amp, CPU):  # type: ignore[arg-type]
        outputs = layer(inputs)
    assert outputs.dtype == getattr(torch, amp, torch.float32)


def test_the_gradient_is_scaled_and_the_loss_is_not() -> None:
    scaler, weight = torch.amp.GradScaler("cpu", init_scale=1024.0), torch.tensor([2.0, 3.0], requires_grad=True)
    loss = with_gradient_scaled(weight.square(), scaler)
    loss.sum().backward()
    assert loss.tolist() == [4.0, 9.0]
    assert weight.grad is not None
    assert weight.grad.tolist() == [4096.0, 6144.0]


def fit_of(module: nn.Module, spoilt: int | None = None) -> Fit:
    """Three steps on the same four samples; the gradient of one of them is infinite."""
    inputs, optimizer = torch.linspace(-1, 1, 8).view(4, 2), torch.optim.SGD(module.parameters(), lr=0.1)
    steps = [inputs * (torch.inf if step == spoilt else 1.0) for step in range(3)]

    def loss(batch: torch.Tensor) -> torch.Tensor:
        # Its value is finite whatever the gradient is.
        return (module(inputs).square().mean()) if batch.isfinite().all() else _Spoilt.apply(module(inputs).mean())

    phase: Phase[torch.Tensor] = Phase(
        name="weights",
        parameters=list(module.parameters()),
        optimizer=optimizer,
        batches=lambda epoch, done: steps[done:],
        loss=lambda batch: lambda part: loss(batch),
        seed=lambda *place: None,
        rate=0.1,
        scaler=scaler_of("float16", CPU),
    )
    return Fit(module, [phase], epochs=1, device=CPU, subject="toy")


class _Spoilt(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, loss: torch.Tensor) -> torch.Tensor:
        return loss.detach().clone()

    @staticmethod
    def backward(ctx: object, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0] * torch.inf


def test_steps_are_those_of_a_plain_loop_and_one_that_overflows_is_left_out() -> None:
    torch.manual_seed(0)
    module = nn.Linear(2, 1)
    other = copy.deepcopy(module)
    list(fit_of(module, spoilt=1).steps())
    inputs, optimizer = torch.linspace(-1, 1, 8).view(4, 2), torch.optim.SGD(other.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        other(inputs).square().mean().backward()
        optimizer.step()
    for one, two in zip(module.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=1e-7)


def test_the_factor_goes_on_where_it_was() -> None:
    begun, ended = fit_of(nn.Linear(2, 1), spoilt=1), fit_of(nn.Linear(2, 1))
    list(begun.steps())
    state = begun.state()
    ended.load_state(state)
    scaler = ended.phases["weights"].scaler
    assert scaler is not None
    assert scaler.get_scale() == state["scalers"]["weights"]["scale"] == 2.0**15
    ended.load_state({name: value for name, value in state.items() if name != "scalers"})
