"""Candidates: which are new, what they are trained on, and what stops them."""

from __future__ import annotations

import io
import itertools

import pytest
import torch

from bmnas.compiler import FusionNetwork
from bmnas.fit.watch import Diverged
from bmnas.genotype.canonical import equivalent
from bmnas.searcher import MicroBatch, search
from bmnas.searcher.candidate import CandidateTraining, Distinct
from bmnas.searcher.inherit import validated
from tests.fit.test_memory import ERRORS
from tests.searcher.problems import problem, task_and_store


def training(number: int = 1, **settings) -> CandidateTraining:
    stated = problem(strategy="random", **settings)
    return CandidateTraining(stated, stated.space.random(3), 0, number)


def finish(candidate: CandidateTraining) -> CandidateTraining:
    for _ in candidate.steps():
        pass
    return candidate


def test_only_new_genotypes_are_drawn():
    space = problem(cells=1, steps=1, operations=("Sum",)).space
    genotypes = list(space)
    distinct = Distinct(genotypes[:1])
    draws = iter([genotypes[0], genotypes[0], *genotypes])
    found = distinct.first_new(lambda: next(draws))
    assert not equivalent(found, genotypes[0])
    assert distinct.first_new(lambda: found, tries=5) is None
    assert distinct.first_new(lambda: genotypes[0], tries=5) is None


def test_a_candidate_learns_from_the_training_split_alone():
    one, two, three = training(epochs=3), training(epochs=3), training(epochs=3)
    for candidate, split in ((two, "validation"), (three, "train")):
        getattr(candidate._problem, split)._labels_R.zero_()
    assert finish(one).loss == finish(two).loss != finish(three).loss
    weights = [list(candidate.network.state_dict().values()) for candidate in (one, two)]
    assert all(map(torch.equal, *weights))


def test_it_learns():
    assert finish(training(epochs=30, lr=0.02)).loss < 0.8 * finish(training(epochs=1)).loss


def test_its_score_is_that_of_the_last_epoch_in_eval_mode():
    candidate = finish(training())
    assert candidate.score == validated(candidate.network, candidate._problem)
    assert not candidate.network.training


def test_its_step_size_falls_to_the_least():
    candidate = finish(training(lr=0.01, min_lr=0.001))
    assert candidate.fit.phases["weights"].optimizer.param_groups[0]["lr"] == pytest.approx(0.001)


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    for _ in itertools.islice(training().steps(), 4):
        pass
    assert torch.equal(torch.rand(3), expected)


def test_candidates_differ_in_their_weights_by_number():
    first, again, second = training(1), training(1), training(2)
    assert all(map(torch.equal, first.network.parameters(), again.network.parameters()))
    assert not all(map(torch.equal, first.network.parameters(), second.network.parameters()))


def test_a_loss_that_is_no_number_stops_it_at_once(monkeypatch):
    candidate = training(number=4)
    calls = itertools.count()
    loss = candidate._problem.task.loss
    monkeypatch.setattr(
        candidate._problem.task, "loss", lambda *pair: loss(*pair) * (float("nan") if next(calls) == 4 else 1)
    )
    with pytest.raises(
        Diverged,
        match=r"candidate 4 of seed 0 diverged: the loss is nan in epoch 2, at step 2; try a smaller lr than 0\.001",
    ):
        finish(candidate)
    assert next(calls) == 5


def test_weights_that_are_no_numbers_are_not_saved():
    candidate = training()
    next(candidate.steps())
    candidate.state()
    with torch.no_grad():
        next(candidate.network.parameters()).fill_(float("inf"))
    with pytest.raises(Diverged, match="a weight is no finite number in epoch 1, at step 1"):
        candidate.state()


@pytest.mark.parametrize("strategy", ["random", "evolution"])
def test_a_run_folder_keeps_every_candidate(tmp_path, strategy):
    task, _ = task_and_store()
    own = {"population": 2} if strategy == "evolution" else {}
    config = problem(strategy=strategy, budget_trainings=3, **own).config
    result = search(task, config, folder=tmp_path / "run", cache=tmp_path / "cache", device="cpu", evaluate=False)
    names = sorted(path.name for path in (tmp_path / "run" / "genotypes").iterdir())
    assert names == [f"candidate-00{n}.json" for n in (1, 2, 3)]
    scores = [entry["score"] for entry in result.history]
    assert result.seeds[0].score == max(scores)
    assert result.genotype.provenance.scores["validation"] == max(scores)
    again = search(task, config, folder=tmp_path / "run", cache=tmp_path / "cache", device="cpu", evaluate=False)
    assert again == result


def test_one_that_is_stopped_at_any_step_ends_the_same():
    """Two epochs of three steps, each with its end."""
    whole = finish(training(dropout=0.3))
    for stop in range(1, 9):
        first, again, file = training(dropout=0.3), training(dropout=0.3), io.BytesIO()
        for _ in itertools.islice(first.steps(), stop):
            pass
        torch.save(first.state(), file)
        file.seek(0)
        again.load_state(torch.load(file, weights_only=True))
        finish(again)
        assert (again.loss, again.score) == (whole.loss, whole.score)
        assert all(map(torch.equal, again.network.state_dict().values(), whole.network.state_dict().values()))


def test_it_goes_on_with_smaller_parts_where_memory_runs_out(monkeypatch):
    forward, seen = FusionNetwork.forward, []

    def failing(self, features):
        seen.append(len(next(iter(features.values()))))
        if self.training and seen[-1] > 9:
            raise ERRORS[0]
        return forward(self, features)

    monkeypatch.setattr(FusionNetwork, "forward", failing)
    candidate = training()
    told = [event for event in candidate.steps() if isinstance(event, MicroBatch)]
    assert told == [MicroBatch(samples=8, batch=16)]
    assert seen[:4] == [16, 8, 8, 8]
    again = training()
    again.load_state(candidate.state())
    assert again.fit.micro.size == 8
