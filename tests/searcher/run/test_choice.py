"""The final choice: what is better by more than the noise, or else what is simpler; kept, gone on with, told."""

from __future__ import annotations

import numpy as np
import pytest

import bmnas
from bmnas import ArrayTask, SearchConfig
from bmnas.searcher import open_run
from bmnas.searcher.events import meaning_of
from bmnas.searcher.run.interrupt import Interrupted


def a_task(kind: str, count: int = 400) -> ArrayTask:
    """Additive: the sum of two views tells the class; interaction: neither does, nor any sum of what each says."""
    random = np.random.default_rng(0)
    if kind == "additive":
        labels = random.integers(0, 3, count)
        views = {name: random.normal(0, 1, (3, 6))[labels] + random.normal(0, 2, (count, 6)) for name in "AB"}
    else:
        a, b = random.integers(0, 2, (2, count))
        labels = a ^ b
        views = {
            "A": random.normal(0, 1.5, (2, 6))[a] + random.normal(0, 0.3, (count, 6)),
            "B": random.normal(0, 1.5, (2, 6))[b] + random.normal(0, 0.3, (count, 6)),
        }
    splits = ["train"] * (count // 2) + ["validation"] * (count // 4) + ["test"] * (count - count // 2 - count // 4)
    return ArrayTask(views, labels, splits, name=kind)


def searched(kind: str, tmp_path, **options: object) -> bmnas.SearchResult:
    task = a_task(kind)
    config = SearchConfig.for_task(task, cells=1, steps=1, channels=16, epochs=3, lr=5e-3, seed=1, select_budget=4)
    train = bmnas.TrainConfig.ending(task, config, 20)
    return bmnas.search(
        task, config, train=train, folder=tmp_path / "run", cache=tmp_path / "cache", device="cpu", **options
    )


def test_where_nothing_pays_the_result_is_a_baseline(tmp_path):
    result = searched("additive", tmp_path)
    made = [entry for entry in result.history if entry["event"] == "ChoiceDone"]
    (entry,) = made
    # It has not found what is better by more than the noise.
    assert (
        entry["chosen"]
        == entry["rival"]
        == min((name for name in entry["losses"] if name != "found network"), key=entry["losses"].get)
    )
    assert entry["difference"] >= -entry["error"]
    tests = {row.name: row.test for row in result.rows}
    assert result.genotype.provenance.scores["test"] == tests[made[0]["chosen"]]
    heads = {"A alone", "B alone", "score fusion", "linear, last features"}
    assert {*heads, "late fusion", "fully connected", "wide, all features", "found network"} == set(tests)
    for row in result.rows:
        outputs, labels = open_run(tmp_path / "run").outputs(row.name)
        assert (outputs.argmax(1) == labels).double().mean().item() == pytest.approx(row.test)
    run = open_run(tmp_path / "run")
    assert meaning_of(run.genotype()) == meaning_of(result.genotype)
    again = searched("additive", tmp_path)  # nothing is left to do
    assert meaning_of(again.genotype) == meaning_of(result.genotype)
    assert again.rows == result.rows


def test_where_cells_pay_the_result_is_what_was_found(tmp_path):
    result = searched("interaction", tmp_path)
    (made,) = [entry for entry in result.history if entry["event"] == "ChoiceDone"]
    tests = {row.name: row.test for row in result.rows}
    assert tests["score fusion"] < 0.65 < 0.9 < tests["found network"]
    # Late fusion and a fully connected layer are not linear, and solve this too.
    assert (made["chosen"] == "found network") == (made["difference"] < -made["error"])
    assert made["chosen"] not in ("score fusion", "linear, last features")
    assert made["losses"]["found network"] < made["losses"]["score fusion"] / 2


def test_a_choice_that_was_stopped_goes_on(tmp_path, monkeypatch):
    from bmnas.searcher.run import choice

    whole = searched("additive", tmp_path / "whole")
    write, count = choice.FinalChoice._write, 0

    def interrupted(self):
        nonlocal count
        write(self)
        count += 1
        if count == 4:
            raise Interrupted("stopped")

    monkeypatch.setattr(choice.FinalChoice, "_write", interrupted)
    with pytest.raises(Interrupted):
        searched("additive", tmp_path)
    assert (tmp_path / "run" / "checkpoints" / "choice.ckpt").exists()
    monkeypatch.setattr(choice.FinalChoice, "_write", write)
    trained = []
    begin = choice.FinalChoice._trial
    monkeypatch.setattr(choice.FinalChoice, "_trial", lambda self, key: trained.append(key) or begin(self, key))
    result = searched("additive", tmp_path)
    (made,) = [entry for entry in result.history if entry["event"] == "ChoiceDone"]
    # What was found is tried as it is, concatenated, and wide, and so is a runner-up; the best one counts.
    assert len(trained) == len(made["losses"]) + 3 - 4
    (told,) = [entry for entry in whole.history if entry["event"] == "ChoiceDone"]
    assert made["losses"] == told["losses"]
    assert not (tmp_path / "run" / "checkpoints" / "choice.ckpt").exists()


def test_no_budget_no_choice(tmp_path):
    task = a_task("additive", 120)
    config = SearchConfig.for_task(task, cells=1, steps=1, channels=4, epochs=1, select_budget=0)
    train = bmnas.TrainConfig.ending(task, config, 1)
    result = bmnas.search(task, config, train=train, folder=tmp_path / "run", cache=tmp_path / "cache", device="cpu")
    assert "ChoiceDone" not in {entry["event"] for entry in result.history}
    assert result.genotype.cells
