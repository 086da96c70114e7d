"""When a training should stop and how sure it should be, by samples that were held out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.searcher.calibration import TEMPERATURES, least_loss, temperatures
from bmnas.searcher.run.held_out import Held, best_stop, fair_losses, looks, losses_at, together
from bmnas.tasks import MultiLabel, Regression, Task, get_task


@given(st.integers(0, 1000))
def test_looks_begin_before_the_training_and_end_with_it(epochs):
    found = looks(epochs)
    assert found[0] == 0
    assert found[-1] == epochs
    assert list(found) == sorted(set(found))
    assert len(found) <= 22


def task_of(objective: object, outputs: int = 3) -> Task:
    task = get_task("digits")
    task.objective, task.outputs = objective, outputs  # type: ignore[assignment]
    return task


def test_the_losses_of_samples_are_those_of_the_task():
    torch.manual_seed(0)
    task, outputs, labels = get_task("digits"), torch.randn(7, 10), torch.randint(10, (7,))
    found = losses_at(task, outputs, labels)
    assert found.shape == (len(TEMPERATURES), 7)
    for temperature, own in zip(TEMPERATURES, found, strict=True):
        torch.testing.assert_close(own.mean(), task.loss(outputs / temperature, labels))


def test_several_labels_have_a_temperature_and_numbers_have_none():
    torch.manual_seed(0)
    outputs = torch.randn(5, 3)
    several = task_of(MultiLabel())
    assert temperatures(several) == TEMPERATURES
    labels = torch.randint(2, (5, 3)).float()
    torch.testing.assert_close(
        losses_at(several, outputs, labels)[TEMPERATURES.index(1.0)].mean(), several.loss(outputs, labels)
    )
    numbers = task_of(Regression())
    assert temperatures(numbers) == (1.0,)
    assert losses_at(numbers, outputs, torch.randn(5, 3)).shape == (1, 5)


def held(*means: float, count: int = 4) -> Held:
    """Looks with those mean losses at temperature 1, greater ones at the others."""
    losses = torch.tensor(means, dtype=torch.float32)[:, None, None].expand(-1, 3, count).clone()
    losses[:, (0, 2)] += 1
    return Held(looks(100)[: len(means)], losses, tuple(-mean for mean in means))


def test_it_stops_where_all_folds_together_are_best():
    both = together([held(3, 1, 2, 4), held(3, 2.5, 1, 4)])
    stop = best_stop(both, (0.5, 1.0, 2.0))
    assert (stop.epoch, stop.temperature) == (2, 1.0)
    assert both.losses[2, 1].tolist() == [2, 2, 2, 2, 1, 1, 1, 1]
    assert stop.score == pytest.approx(-1.5)


def test_a_fold_that_ended_early_is_compared_as_far_as_it_went():
    both = together([held(3, 2, 1, 0), held(3, 2)])
    assert best_stop(both, (0.5, 1.0, 2.0)).epoch == 1
    assert both.losses.shape == (2, 3, 8)


def test_more_looks_and_forms_gain_nothing_by_their_number():
    """Of many that are equally good, the best on the very samples looks good; on others it is like the rest."""
    torch.manual_seed(0)
    fold_N, luckiest, fair = torch.arange(60) % 3, [], []
    for _ in range(40):
        forms = [Held(tuple(range(8)), 1 + torch.randn(8, 5, 60) / 4, (0.0,) * 8) for _ in range(3)]
        luckiest.append(min(float(form.losses.mean(2).min()) for form in forms))
        fair.append(float(fair_losses(forms, fold_N).mean()))
    assert sum(luckiest) / 40 < 0.94
    assert abs(sum(fair) / 40 - 1) < 0.02
    better = Held((0,), torch.full((1, 1, 60), 0.5), (0.0,))
    assert fair_losses([*forms, better], fold_N).tolist() == [0.5] * 60


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 9))
def test_what_others_say_decides(looks, degrees, count, seed):
    torch.manual_seed(seed)
    fold_N = torch.randint(3, (12,))
    forms = [Held(tuple(range(looks)), torch.rand(looks, degrees, 12), (0.0,) * looks) for _ in range(count)]
    fair = fair_losses(forms, fold_N)
    for fold in fold_N.unique():
        own, others = fold_N == fold, fold_N != fold
        options = [losses for form in forms for losses in form.losses.flatten(0, 1)]
        asked = others if others.any() else own
        best = min(options, key=lambda losses: float(losses.double()[asked].mean()))
        assert fair[own].tolist() == best.double()[own].tolist()


def test_what_only_gets_worse_is_past_its_best_in_the_second_half():
    assert not held(3, 2, 1).is_past_its_best(3)
    assert not held(1, 2, 3, 4).is_past_its_best(3)
    assert held(1, 2, 3, 4, 5).is_past_its_best(8)
    assert not held(1, 2, 3, 4, 5).is_past_its_best(9)
    assert not held(5, 4, 3, 2, 1).is_past_its_best(4)


def test_the_loss_at_the_best_temperature():
    labels = torch.tensor([0] * 9 + [1])
    sure = torch.tensor([[10.0, 0.0]]).expand(10, 2)  # nine of ten are right
    task = task_of(get_task("digits").objective, outputs=2)
    nothing_said = float(task.loss(torch.zeros(10, 2), labels))
    assert least_loss(task, sure, labels) < nothing_said < float(task.loss(sure, labels))


def test_a_state_gives_the_same_back():
    one = held(3, 1)
    other = Held.of_state(one.state())
    assert other.epochs == one.epochs
    assert other.scores == one.scores
    assert torch.equal(other.losses, one.losses)
