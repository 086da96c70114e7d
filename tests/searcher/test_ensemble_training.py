"""Ensembles: members are trained side by side, and are one network, one file and one training to everybody else."""

from __future__ import annotations

import pytest
import torch

import bmnas
from bmnas.errors import BmnasError
from bmnas.fit.checkpoint import Keeper
from bmnas.fit.events import Pause
from bmnas.genotype import load
from bmnas.searcher.ensemble_training import EnsembleTraining
from bmnas.searcher.network_training import NetworkTraining
from bmnas.searcher.training import same_training, train_network
from tests.searcher.problems import problem
from tests.searcher.small import TRAIN
from tests.searcher.test_training import written

CPU = torch.device("cpu")
SHORT = TRAIN.model_copy(update={"epochs": 1})


@pytest.fixture
def given():
    """What a training takes, of an ensemble of two on the small task."""
    where = problem()
    names = [feature.name for feature in where.task.features][:2]
    features = [feature.model_dump() for feature in where.task.features][:2]
    cells = [{"inputs": names, "steps": [{"op": "ConcatFC", "inputs": ["x", "y"]}]}]
    head = {"outputs": where.task.outputs}
    return written(features=features, cells=cells, head=head, members=2), where.task, where.store, SHORT


def test_the_first_member_is_the_network_without_the_others(given):
    """But for what dropout leaves out, which is drawn for all members together."""
    genotype, *rest = given
    genotype = genotype.replace(dropout=0.0)
    ensemble = train_network(genotype, *rest, device=CPU)
    single = train_network(genotype.replace(members=1), *rest, device=CPU)
    state = ensemble.network.state_dict()
    for name, tensor in single.network.state_dict().items():
        torch.testing.assert_close(state[f"members.0.{name}"], tensor, rtol=1e-3, atol=1e-4)
        if name.endswith("conv.weight"):
            assert not torch.equal(state[f"members.1.{name}"], tensor)
    assert ensemble.parameters == 2 * single.parameters
    assert ensemble.seconds > 0


def test_the_outputs_are_the_mean_of_the_members(given):
    training = EnsembleTraining(*given, device=CPU)
    for _ in training.steps():
        pass
    outputs, labels = training.tested()
    features = given[2].split("test").features
    with torch.no_grad():
        each = [member.eval()({name: features[name] for name in member.features}) for member in training._done]
        assert len(each) == 2
    torch.testing.assert_close(outputs, torch.stack(each).mean(0), rtol=1e-4, atol=1e-5)
    assert labels.shape == (len(outputs),)


@pytest.mark.parametrize("stop_after", [1, 3, 12])
def test_a_stopped_training_goes_on(given, tmp_path, stop_after):
    whole = train_network(*given, device=CPU)
    keeper = Keeper(tmp_path / "part.ckpt", same_training(*given))
    training = EnsembleTraining(*given, device=CPU)
    steps = 0
    for event in training.steps():
        steps += isinstance(event, Pause)
        if steps == stop_after:
            break
    keeper.save(training)
    again = train_network(*given, device=CPU, keeper=keeper)
    assert again.test == whole.test
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, again.network.state_dict()[name]), name


def test_no_best_epoch_on_the_test_split(given):
    with pytest.raises(BmnasError, match="an ensemble has no best epoch on the test split"):
        train_network(*given, device=CPU, best_on_test=True)


def test_a_search_for_an_ensemble(tmp_path, cache):
    task = bmnas.get_task("digits")
    config = bmnas.SearchConfig.for_task(
        task, epochs=1, channels=4, length=2, cells=1, steps=1, ensemble=2, anchor="none", select_budget=0, top_k=1
    )
    result = bmnas.search(task, config, train=SHORT, folder=tmp_path / "run", cache=cache, device="cpu")
    assert result.genotype.members == 2
    kept = load(tmp_path / "run" / "genotype.json")
    tests = {row.name: row.test for row in result.rows}
    again = bmnas.train(kept, task, SHORT, cache=cache, device="cpu")
    assert again.test == pytest.approx(tests["found network"])
    network = bmnas.compile(kept)
    assert len([name for name in network.state_dict() if name.startswith("members.1.")]) > 0


def test_temperature_and_stop_hold_for_every_member(given):
    genotype, task, store, config = given
    cold = config.model_copy(update={"temperature": 2.0, "stop_epoch": 0})
    ensemble = EnsembleTraining(genotype, task, store, cold, device=CPU)
    single = NetworkTraining(genotype.replace(members=1), task, store, cold, device=CPU)
    for training in (ensemble, single):
        assert not [event for event in training.steps() if type(event).__name__ == "TrainingEpochDone"]
    state = ensemble.finished().state_dict()
    for name, tensor in single.finished().state_dict().items():
        assert torch.equal(state[f"members.0.{name}"], tensor)
