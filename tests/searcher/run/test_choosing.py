"""Which form of what was found is the result: as it is, concatenated, or a runner-up; and what is kept of that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

import bmnas
from bmnas import SearchConfig
from bmnas.errors import BmnasError
from bmnas.fit.events import Event
from bmnas.genotype import load
from bmnas.searcher import open_run
from bmnas.searcher.events import meaning_of
from bmnas.searcher.run import choice
from bmnas.searcher.run.choosing import found_by, runners_up
from bmnas.searcher.run.held_out import Held
from bmnas.searcher.run.seed_folder import SeedFolder
from bmnas.tasks import Tick
from tests.searcher.run.test_choice import a_task, searched


@pytest.fixture
def losses(monkeypatch) -> dict[str, float]:
    """What every training of a final choice loses, by the name of the candidate; 1 of those not named."""
    given: dict[str, float] = {}

    class Told:
        """A trial that knows its losses."""

        place = ""
        tick = Tick("training", 0, 0)

        def __init__(self, problem: object, genotype: object, *rest: Any) -> None:
            _, cut, title = rest
            count = sum(len(held) for _, held in cut)
            loss = given.get(title.removesuffix(" in the final choice"), 1.0)
            self.held = Held((0,), (loss + torch.linspace(-1e-3, 1e-3, count)).expand(1, 11, -1), (0.5,))

        def steps(self) -> Iterator[Event]:
            return iter(())

    monkeypatch.setattr(choice, "Trial", Told)
    return given


def made(result) -> dict:
    (entry,) = [entry for entry in result.history if entry["event"] == "ChoiceDone"]
    return entry


def test_a_runner_up_can_be_the_result(tmp_path, losses):
    losses["runner-up 1"] = 0.5
    result = searched("additive", tmp_path)
    entry = made(result)
    assert (entry["chosen"], entry["runner_up"], entry["form"]) == ("found network", 1, "as found")
    kept = load(tmp_path / "run" / "genotypes" / "runner-up-001.json")
    assert meaning_of(result.genotype) == meaning_of(kept)
    selected = load(tmp_path / "run" / "genotypes" / "selection-001.json")
    assert kept.cells != selected.cells
    (told,) = [each for each in result.history if each["event"] == "RunnerUp"]
    assert told["sha256"] == meaning_of(kept)
    assert searched("additive", tmp_path).genotype == result.genotype
    run = open_run(tmp_path / "run")
    assert meaning_of(run.genotype()) == meaning_of(kept)
    assert meaning_of(found_by(run.history, 1, SeedFolder(run.folder_of(1)))) == meaning_of(kept)


def test_the_found_network_can_join_late_fusion(tmp_path, losses):
    losses["found network, concatenated"] = 0.5
    result = searched("additive", tmp_path)
    assert (made(result)["chosen"], made(result)["form"]) == ("found network", "concatenated")
    selected = load(tmp_path / "run" / "genotypes" / "selection-001.json")
    assert result.genotype.join == "concat"
    assert result.genotype.cells == selected.cells
    assert result.genotype.output == ("A", "B", *(cell.name for cell in selected.cells))
    parameters = {row.name: row.parameters for row in result.rows}
    assert parameters["found network"] > parameters["late fusion"]


def test_the_found_network_can_be_wide(tmp_path, losses):
    losses["found network, wide"] = 0.5
    result = searched("additive", tmp_path)
    assert (made(result)["chosen"], made(result)["form"]) == ("found network", "wide")
    selected = load(tmp_path / "run" / "genotypes" / "selection-001.json")
    assert result.genotype.cells == selected.cells
    assert (result.genotype.representation.channels, result.genotype.representation.length) == (256, 1)
    assert {row.name: row.parameters for row in result.rows}["found network"] > 2 * 256 * 16
    assert searched("additive", tmp_path).genotype == result.genotype  # nothing is left to do


def test_what_is_better_within_the_noise_is_not_the_result(tmp_path, losses):
    losses["found network"] = 1 - 1e-6
    entry = made(searched("additive", tmp_path))
    assert entry["difference"] == pytest.approx(-1e-6, rel=0.1)
    # The losses differ by the same in every sample, so there is no noise.
    assert entry["chosen"] == "found network"
    losses["found network"] = 1 + 1e-6
    assert made(searched("additive", tmp_path / "other"))["chosen"] == "score fusion"


def test_candidates_have_runners_up_too(tmp_path, losses):
    task = a_task("additive", 120)
    config = SearchConfig.for_task(
        task, strategy="random", budget_trainings=3, epochs=1, cells=1, steps=1, channels=4, runners_up=2, ensemble=1
    )
    train = bmnas.TrainConfig.ending(task, config, 1)
    losses["runner-up 2"] = 0.5
    result = bmnas.search(task, config, train=train, folder=tmp_path / "run", cache=tmp_path / "cache", device="cpu")
    assert made(result)["runner_up"] == 2
    rounds = [entry for entry in result.history if entry["event"] == "CandidateDone"]
    worst = min(rounds, key=lambda entry: (entry["score"], -entry["round"]))
    assert meaning_of(result.genotype) == worst["sha256"]
    place = SeedFolder(tmp_path / "run")
    assert len(runners_up(result.history, config.seed, place, 5, higher_is_better=True)) == 2
    (tmp_path / "run" / "genotypes" / f"candidate-{worst['round']:03d}.json").write_text("{}")
    with pytest.raises(BmnasError):
        found_by(result.history, config.seed, place)


def test_outputs_of_rows_that_look_alike_are_kept_apart(tmp_path):
    place = SeedFolder(tmp_path)
    for number, row in enumerate(["X 1 alone", "X-1 alone", "x 1 alone", "\u97f3 alone", "\u50cf alone", "Y" * 300]):
        place.keep_outputs(row, torch.full((2, 3), float(number)), torch.tensor([0, 1]))
    for number, row in enumerate(["X 1 alone", "X-1 alone", "x 1 alone", "\u97f3 alone", "\u50cf alone", "Y" * 300]):
        assert place.outputs(row)[0].unique().tolist() == [number]
    with pytest.raises(BmnasError, match="cannot be read"):
        place.outputs("Z alone")
    for file in (tmp_path / "outputs").iterdir():
        file.write_bytes(b"damaged")
    with pytest.raises(BmnasError, match="does not hold the outputs of a network"):
        place.outputs("X 1 alone")
