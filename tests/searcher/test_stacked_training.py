"""Trainings side by side are what each would be by itself; they stop, go on, and fit into memory."""

from __future__ import annotations

import pytest
import torch

from bmnas.fit.checkpoint import Keeper
from bmnas.fit.events import Pause
from bmnas.searcher import stacked_training
from bmnas.searcher.beginning import Single
from bmnas.searcher.ensemble_training import EnsembleTraining
from bmnas.searcher.network_training import NetworkTraining
from bmnas.searcher.stacked_training import StackedTraining, at_once, member_seeds
from bmnas.searcher.training import same_training
from tests.searcher.problems import problem
from tests.searcher.small import TRAIN
from tests.searcher.test_training import written

CPU = torch.device("cpu")
SETTINGS = TRAIN.model_copy(update={"batch_size": 16, "epochs": 3, "lr": 1e-3})


def a_genotype(anchored: bool = False, **changes: object):
    """Of the small task; without dropout, as its masks are drawn for all trainings together."""
    where = problem()
    features = [feature.model_dump() for feature in where.task.features][:2]
    names = [feature["name"] for feature in features]
    cells = [{"name": "C", "inputs": names, "steps": [{"op": "ConcatFC", "inputs": ["x", "y"]}]}]
    head = {"outputs": where.task.outputs}
    begins = {"join": "sum", "output": [*names, "C"]} if anchored else {}
    if anchored:
        features = [{**feature, "scale": "each"} for feature in features]
    return written(features=features, cells=cells, head=head, dropout=0.0, **begins, **changes)


def done(training):
    for _ in training.steps():
        pass
    return training


def side_by_side(genotype, singles, config=SETTINGS):
    where = problem()
    return StackedTraining(genotype, where.task, where.store, config, singles, device=CPU)


@pytest.mark.parametrize("anchored", [False, True])
def test_each_is_the_training_by_itself(anchored):
    where, genotype, seeds = problem(), a_genotype(anchored), [5, 8, 13]
    config = SETTINGS.model_copy(update={"modality_dropout": 0.3, "temperature": 2.0})
    stack = done(side_by_side(genotype, [Single(seed) for seed in seeds], config))
    for seed, network in zip(seeds, stack.finished(), strict=True):
        own = config.model_copy(update={"seed": seed})
        single = done(NetworkTraining(genotype, where.task, where.store, own, device=CPU)).finished()
        for name, tensor in single.state_dict().items():
            torch.testing.assert_close(network.state_dict()[name], tensor, rtol=1e-2, atol=1e-3)
    assert stack.seconds > 0


@pytest.mark.parametrize("anchored", [False, True])
def test_each_has_the_samples_that_it_is_given(anchored):
    """A fold of a cross-validation is trained as it is where there is no other."""
    genotype, rows = a_genotype(anchored), torch.arange(72)
    config = SETTINGS.model_copy(update={"heads": "joint", "head_l2": 0.01})
    parts = [rows[rows % 3 != fold] for fold in range(3)]
    held = [rows[rows % 3 == 0], rows[:10], rows[60:]]
    together = done(side_by_side(genotype, [Single(5, part) for part in parts], config))
    found = together.outputs(held)
    for part, own, outputs in zip(parts, held, found, strict=True):
        alone = done(side_by_side(genotype, [Single(5, part)], config))
        (expected,) = alone.outputs([own])
        assert outputs.shape == (len(own), 3)
        torch.testing.assert_close(outputs, expected, rtol=1e-2, atol=1e-3)


def test_where_one_has_fewer_samples_it_makes_as_many_steps():
    parts = [torch.arange(60), torch.arange(33)]
    stack = side_by_side(a_genotype(), [Single(5, part) for part in parts])
    steps = sum(isinstance(event, Pause) and not event.save for event in stack.steps())
    assert steps == SETTINGS.epochs * 4  # of 16, 16, 16, 12


@pytest.mark.parametrize("stop_after", [1, 4, 7])
def test_they_go_on_from_any_step(tmp_path, stop_after):
    genotype, singles = a_genotype(anchored=True).replace(dropout=0.2), [Single(5), Single(6, torch.arange(40))]
    whole = done(side_by_side(genotype, singles)).finished()
    stopped, steps = side_by_side(genotype, singles), 0
    for event in stopped.steps():
        steps += isinstance(event, Pause)
        if steps == stop_after:
            break
    keeper = Keeper(tmp_path / "part.ckpt", ["these"])
    keeper.save(stopped)
    again = keeper.resumed(lambda: side_by_side(genotype, singles))
    assert again.fit.place == stopped.fit.place
    for one, other in zip(whole, done(again).finished(), strict=True):
        for name, tensor in one.state_dict().items():
            assert torch.equal(tensor, other.state_dict()[name]), name


def test_as_many_at_once_as_there_is_room_for(monkeypatch, tmp_path):
    where, genotype = problem(), a_genotype(members=3)
    member = genotype.replace(members=1).with_channels({feature.name: 5 for feature in where.task.features})
    assert at_once(member, 16, CPU, 3) == 3
    assert at_once(member, 16, torch.device("meta"), 1000) == 1000  # whose memory nobody knows
    size = stacked_training.summarise(member)
    needed = stacked_training.training_bytes(size.parameters, size.activations, 16)
    for there, expected in ((4 * needed, 2), (2 * needed - 1, 1), (1, 1), (100 * needed, 3)):
        monkeypatch.setattr(stacked_training, "memory_of", lambda device, there=there: there)
        assert at_once(member, 16, CPU, 3) == expected
    given = genotype, where.task, where.store, SETTINGS
    whole = done(EnsembleTraining(*given, device=CPU))
    monkeypatch.setattr(stacked_training, "memory_of", lambda device: 4 * needed)
    training = EnsembleTraining(*given, device=CPU)
    keeper, titles = Keeper(tmp_path / "part.ckpt", same_training(*given)), []
    for event in training.steps():
        titles.append(training.place)
        assert training.tick.done <= training.tick.total == 3 * SETTINGS.epochs
        if isinstance(event, Pause) and "3 to 3 of 3" in training.place and "after 2 steps" in training.place:
            keeper.save(training)
    again = keeper.resumed(lambda: EnsembleTraining(*given, device=CPU))
    assert "3 to 3 of 3" in again.place
    assert titles[0].startswith("in the training of mine, 1 to 2 of 3")
    for one, other in zip(
        done(again).finished().state_dict().values(), training.finished().state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)
    # Without dropout it makes no difference which are side by side.
    for one, other in zip(
        whole.finished().state_dict().values(), training.finished().state_dict().values(), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_seeds_of_members():
    assert member_seeds(5, 1) == [5]
    assert len(set(member_seeds(5, 4))) == 4
    assert member_seeds(5, 4)[:2] == member_seeds(5, 2)
