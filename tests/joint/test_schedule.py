"""Step sizes rise, fall, and begin where they should."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from bmnas.joint.schedule import WarmCosine


def _optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([{"params": [nn.Parameter(torch.zeros(1))], "lr": rate} for rate in (2.0, 0.5)])


def _rates(steps: int, warmup: int, starts: tuple[int, int], least: float) -> list[tuple[float, float]]:
    optimizer = _optimizer()
    schedule = WarmCosine(optimizer, steps, warmup=warmup, starts=starts, least=least)
    found = []
    for _ in range(steps):
        found.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[1]["lr"]))
        optimizer.step()
        schedule.after_step()
    return found


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 40), st.floats(0, 1))
def test_each_rises_to_its_size_and_falls_to_its_share(steps: int, warmup: int, start: int, least: float) -> None:
    warmup, start = min(warmup, steps), min(start, steps - 1)
    rates = _rates(steps, warmup, (0, start), least)
    for group, (rate, begin) in enumerate(((2.0, 0), (0.5, start))):
        own = [step[group] for step in rates]
        assert own[:begin] == [0.0] * begin
        assert all(0 < each <= rate * (1 + 1e-9) for each in own[begin:]) or least == 0
        top = begin + warmup
        assert all(one < two for one, two in zip(own[begin : top - 1], own[begin + 1 : top], strict=False))
        if top < steps:
            assert own[top] == pytest.approx(rate)
            assert all(one >= two for one, two in zip(own[top:-1], own[top + 1 :], strict=False))
            assert own[-1] >= rate * least * (1 - 1e-9)


def test_it_goes_on_where_it_was() -> None:
    whole, optimizer = _rates(12, 3, (0, 4), 0.1), _optimizer()
    schedule = WarmCosine(optimizer, 12, warmup=3, starts=(0, 4), least=0.1)
    for _ in range(5):
        optimizer.step()
        schedule.after_step()
    other = _optimizer()
    again = WarmCosine(other, 12, warmup=3, starts=(0, 4), least=0.1)
    other.load_state_dict(optimizer.state_dict())
    again.load_state_dict(schedule.state_dict())
    for wanted in whole[5:]:
        assert (other.param_groups[0]["lr"], other.param_groups[1]["lr"]) == pytest.approx(wanted)
        other.step()
        again.after_step()
