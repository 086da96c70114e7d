"""A training that is stopped at any step goes on as if it had not been; what diverges is noticed and named."""

from __future__ import annotations

import io
import math

import pytest
import torch
from torch import nn

from bmnas.fit.events import EpochEnd, MicroBatch, Pause
from bmnas.fit.fit import Fit
from bmnas.fit.watch import Diverged
from tests.fit.nets import finished, plain, small_fit
from tests.fit.test_memory import ERRORS


@pytest.mark.parametrize("phases", [1, 2])
def test_a_training_that_is_stopped_at_any_step_ends_the_same(phases):
    whole = finished(small_fit(phases=phases))
    pauses = sum(isinstance(event, Pause) for event in small_fit(phases=phases).steps())
    assert pauses == 3 * (3 * phases + 1)
    for stop in range(1, pauses + 1):
        assert plain(finished(went_on(stop, phases)).state()) == plain(whole.state())


def went_on(stop: int, phases: int) -> Fit:
    """Stopped at that pause, saved, and read again."""
    first, again, file = small_fit(phases=phases), small_fit(phases=phases), io.BytesIO()
    for event in first.steps():
        stop -= isinstance(event, Pause)
        if not stop:
            break
    torch.save(first.state(), file)
    file.seek(0)
    torch.rand(5)  # what happens in between does not matter
    again.load_state(torch.load(file, weights_only=True))
    return again


def test_each_step_has_random_numbers_of_its_own():
    """Of the same weights and the same batch, dropout leaves other parts in another step."""
    fit = small_fit(lr=0.0, one_batch=True)
    for _ in fit.steps_of("first"):
        pass
    assert len(set(fit.watch.state()["first"].tolist())) == 3


def test_epochs_end_with_the_mean_losses_of_their_phases():
    ends = [event for event in small_fit(phases=2).steps() if isinstance(event, EpochEnd)]
    assert [event.epoch for event in ends] == [1, 2, 3]
    assert all(set(event.losses) == {"first", "second"} for event in ends)


def test_phases_change_their_own_parameters_alone():
    fit = small_fit(phases=2)
    before = [parameter.clone() for parameter in fit.network.parameters()]
    for _ in fit.steps_of("second"):
        pass
    same = [torch.equal(*pair) for pair in zip(fit.network.parameters(), before, strict=True)]
    assert same == [True, True, False, False, False, False]


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    finished(small_fit())
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("phases", "phase"), [(1, "first"), (2, "second")])
def test_a_loss_that_is_no_number_is_named_by_epoch_step_and_setting(phases, phase):
    fit = small_fit(phases=phases, wrong=(phase, 2, 1))
    sentence = (
        rf"^the toy diverged: the loss is nan in epoch 2, at step 2 on the {phase} data; "
        rf"try a smaller {phase}_lr than 0\.02$"
    )
    with pytest.raises(Diverged, match=sentence):
        finished(fit)
    assert (fit.epoch, fit.done(phase)) == (1, 2)


def test_what_was_infinite_before_is_no_divergence():
    fit = small_fit()
    fit.network.register_buffer("mask", torch.full((2,), -math.inf))
    again = Fit(fit.network, list(fit.phases.values()), epochs=1, device=fit.device, subject="the toy")
    finished(again).state()
    with torch.no_grad():
        fit.network[0].weight[0, 0] = math.inf
    with pytest.raises(Diverged, match="the toy diverged: a weight is no finite number in epoch 2, at step 1"):
        again.state()


def test_where_memory_runs_out_the_parts_get_smaller_and_stay_so():
    fit, forward = small_fit(), nn.Sequential.forward

    def failing(inputs):
        if len(inputs) > 4:
            raise ERRORS[0]
        return forward(fit.network, inputs)

    fit.network.forward = failing
    told = [event for event in fit.steps() if isinstance(event, MicroBatch)]
    assert told == [MicroBatch(samples=4, batch=8)]
    again = small_fit()
    again.load_state(fit.state())
    assert again.micro.size == 4
