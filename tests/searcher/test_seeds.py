"""Several seeds as one computation: each is its own single search, up to rounding."""

from __future__ import annotations

import copy
import json

import pytest
import torch

from bmnas.fit.events import Pause
from bmnas.searcher import EpochDone, RoundDone, SearchConfig, SelectionDone, TrainConfig, collapse, search
from bmnas.searcher.hypernet import of_seed, stacked
from bmnas.searcher.strategies import Bilevel
from bmnas.searcher.strategies.new_hypernet import new_hypernet
from tests.searcher.problems import problem, task_and_store


@pytest.mark.parametrize("relaxation", ["shared", "split"])
def test_each_seed_equals_its_own_single_search(relaxation):
    settings = {"relaxation": relaxation, "dropout": 0.2, "arch_lr": 0.1}
    together = list(Bilevel(problem(seed=4, seeds=3, **settings)).events())
    for seed in (4, 5, 6):
        alone = list(Bilevel(problem(seed=seed, **settings)).events())
        for kind in (EpochDone, SelectionDone):
            ours = [event for event in together if isinstance(event, kind) and event.seed == seed]
            theirs = [event for event in alone if isinstance(event, kind)]
            assert len(ours) == len(theirs) > 0
            for one, other in zip(ours, theirs, strict=True):
                assert one.genotype == other.genotype
                assert one.score == pytest.approx(other.score)
                if kind is EpochDone:
                    assert (one.loss, one.arch_loss) == pytest.approx((other.loss, other.arch_loss), rel=1e-4)


def test_hypernets_are_stacked_and_taken_apart():
    singles = [new_hypernet(problem(seed=seed)) for seed in (1, 2)]
    both = stacked(singles)
    assert both.alpha_KEI.shape[0] == 2
    for k, single in enumerate(singles):
        ours, theirs = of_seed(both, k).state_dict(), single.state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_run_folder_of_several_seeds(tmp_path, cache):
    task, _ = task_and_store()
    config = SearchConfig.for_task(task, channels=4, length=3, cells=1, steps=1, epochs=2, batch_size=16, seeds=2)
    result = search(
        task, config, train=TrainConfig(epochs=1, batch_size=16), folder=tmp_path / "run", device="cpu", cache=cache
    )
    assert [found.seed for found in result.seeds] == [0, 1]
    for found in result.seeds:
        assert found.folder == result.folder / f"seed{found.seed}"
        names = {path.name for path in found.folder.iterdir()}
        assert {"genotype.json", "genotype.svg", "genotype.safetensors", "results.json", "genotypes"} <= names
        assert found.genotype.provenance.seed == found.seed
        assert "--seeds 2" in found.genotype.provenance.command
    assert result.genotype == max(result.seeds, key=lambda found: found.score).genotype
    summary = json.loads((result.folder / "summary.json").read_text())
    assert summary["seeds"] == [0, 1]
    heads = {"score fusion", "linear, last features", "linear, all features"}
    networks = {"late fusion", "fully connected", "wide, all features", "found network"}
    assert set(summary["rows"]) == {"A alone", "B alone", *heads, *networks}
    again = search(task, config, train=TrainConfig(epochs=1, batch_size=16), folder=tmp_path / "run", cache=cache)
    assert again == result


@pytest.mark.parametrize("watch", [{"patience": 2}, {"sharpness": True}])
def test_a_seed_that_stops_before_the_others_is_selected_from_what_it_was_then(watch, monkeypatch):
    settings = {"arch_lr": 0.1, "lr": 0.01, "epochs": 8, "top_k": 2, **watch}
    monkeypatch.setattr(collapse, "WINDOW", 1)
    monkeypatch.setattr(collapse, "LEAST_RATIO", 1.0)
    together = list(Bilevel(problem(seed=4, seeds=4, **settings)).events())
    stopped = set()
    for seed in (4, 5, 6, 7):
        alone = [event for event in Bilevel(problem(seed=seed, **settings)).events() if isinstance(event, RoundDone)]
        ours = [event for event in together if isinstance(event, RoundDone) and event.seed == seed]
        assert [(event.round, event.genotype) for event in ours] == [(event.round, event.genotype) for event in alone]
        assert ours[-1].score == pytest.approx(alone[-1].score)
        stopped.add(len(ours))
    assert len(stopped) > 1  # else this test tests nothing


def test_what_a_stopped_seed_was_is_in_the_checkpoint():
    whole, first, second = (
        Bilevel(problem(seed=4, seeds=4, arch_lr=0.1, lr=0.01, epochs=8, patience=2)) for _ in range(3)
    )
    wanted = [event for event in whole.events() if isinstance(event, SelectionDone)]
    for event in first.events():
        if isinstance(event, Pause) and first._selecting._ended:
            break
    second.load_state(copy.deepcopy(first.state()))
    found = [event for event in second.events() if isinstance(event, SelectionDone)]
    assert [(event.genotype, event.score) for event in found] == [(event.genotype, event.score) for event in wanted]
