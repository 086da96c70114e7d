"""Sweeps: what they state, what they refuse, trials that end, fail and are killed, and going on."""

from __future__ import annotations

import csv
import json
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from bmnas.errors import BmnasError
from bmnas.sweeping import Sweep, TrialRow, pareto, run as running, run_sweep
from bmnas.sweeping.statement import read_sweep
from tests.cli.calling import call

QUICK = {"epochs": 1, "channels": 8, "cells": 1}


def stated(**changes) -> Sweep:
    return Sweep(**{"task": "planted", "settings": QUICK, "vary": {"steps": (1, 2)}, **changes})


@given(
    st.dictionaries(
        st.sampled_from("abcd"), st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True), min_size=1
    )
)
@settings(max_examples=40)
def test_a_grid_has_each_combination_once(vary):
    sweep = Sweep(task="t", vary=vary)
    found = [tuple(sorted(each.items())) for each in sweep.combinations()]
    assert len(found) == len(set(found)) == sweep.count
    assert all(each[name] in vary[name] for each in sweep.combinations() for name in vary)


@given(st.integers(1, 30), st.integers(0, 99))
@settings(max_examples=40)
def test_drawn_combinations_are_different_and_the_same_again(trials, seed):
    sweep = Sweep(
        task="t", vary={"a": tuple(range(5)), "b": ("x", "y", "z")}, choose="random", trials=trials, seed=seed
    )
    found = [tuple(each.items()) for each in sweep.combinations()]
    assert len(found) == len(set(found)) == min(trials, 15)
    more = Sweep(
        task="t", vary={"a": tuple(range(5)), "b": ("x", "y", "z")}, choose="random", trials=trials + 1, seed=seed
    )
    assert [tuple(each.items()) for each in more.combinations()][:trials] == found[:trials]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"vary": {}}, "the sweep has no trial: no setting differs"),
        ({"vary": {"steps": ()}}, "the sweep has no trial: of steps there is no value"),
        ({"vary": {"epochs": (1,)}}, "epochs is both in settings and in vary"),
        ({"trials": 3}, "is for choose 'random' alone"),
        ({"choose": "random"}, "trials says how many combinations"),
        ({"vry": {}}, "there is no vry; did you mean 'vary'"),
        ({"vary": {"a": tuple(range(200)), "b": tuple(range(200))}}, "there are 40,000 combinations; at most 10,000"),
    ],
)
def test_what_is_no_sweep_is_told(changes, sentence, tmp_path):
    with pytest.raises(BmnasError, match=sentence):
        stated(**changes)
    content = {"task": "planted", "settings": QUICK, "vary": {"steps": [1, 2]}, **changes}
    content["vary"] = {name: list(values) for name, values in content["vary"].items()}
    (tmp_path / "s.json").write_text(json.dumps(content))
    with pytest.raises(BmnasError, match=f"s.json: .*{sentence}"):
        read_sweep(tmp_path / "s.json")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"vary": {"stesp": (1,)}}, "a search has no setting 'stesp'; did you mean 'steps'"),
        ({"vary": {"steps": (1, 0)}}, "the trial with steps 0: .*steps is 0"),
        ({"task": "plantd"}, "unknown task 'plantd'"),
    ],
)
def test_settings_are_looked_at_before_the_first_trial(changes, sentence, tmp_path):
    with pytest.raises(BmnasError, match=sentence):
        run_sweep(stated(**changes), tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()


def test_trials_fail_are_killed_and_go_on_and_what_is_done_is_not_repeated(tmp_path, monkeypatch):
    own, calls = running._command, []

    def command(sweep, folder, settings, *, evaluate):
        calls.append((folder.name, evaluate))
        if folder.name == "trial-001" and len(calls) == 1:
            return [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
        found = own(sweep, folder, settings, evaluate=evaluate)
        # More than the split has, which no look at the settings alone can tell.
        return [*found, "--batch-size", "100000"] if folder.name == "trial-002" else found

    monkeypatch.setattr(running, "_command", command)
    said = []
    rows = run_sweep(stated(), tmp_path / "sweep", evaluate=False, say=said.append)
    assert [row.state for row in rows] == ["done", "failed"]
    assert "fewer than a batch of 100000" in rows[1].why
    assert rows[0].validation is not None
    assert rows[0].parameters is not None
    assert rows[0].pareto
    assert rows[0].test is None
    assert any("was killed" in text for text in said)
    assert calls == [("trial-001", False), ("trial-001", False), ("trial-002", False)]
    with (tmp_path / "sweep" / "results.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["trial"] for row in table] == ["trial-001", "trial-002"]

    calls.clear()
    calls.append(("no more kills", False))
    run_sweep(stated(), tmp_path / "sweep", evaluate=False)
    assert calls[1:] == [("trial-002", False)]
    with pytest.raises(BmnasError, match="has another sweep; name another folder with --out"):
        run_sweep(stated(vary={"steps": (2,)}), tmp_path / "sweep")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").touch()
    with pytest.raises(BmnasError, match="is not empty and not the folder of a sweep: it has 'x'"):
        run_sweep(stated(), tmp_path / "other")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), max_size=12))
def test_the_front_is_what_nothing_beats(values):
    rows = pareto([TrialRow(str(n), {}, "done", "", a, b) for n, (a, b) in enumerate(values)])
    front = sorted({(row.parameters, row.validation) for row in rows if row.pareto})
    assert all(one[0] < other[0] and one[1] < other[1] for one, other in pairwise(front))
    for row in rows:
        assert row.pareto or any(b <= row.parameters and a >= row.validation for b, a in front)


@pytest.mark.slow
def test_the_command_runs_two_at_once_and_tests_the_best_alone(tmp_path):
    (tmp_path / "s.json").write_text(stated(settings={**QUICK, "select_budget": 0}).model_dump_json())
    done = call("sweep", str(tmp_path / "s.json"), "--out", str(tmp_path / "sweep"), "--workers", "2", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["state"] for row in rows] == ["done", "done"]
    best = max(rows, key=lambda row: row["validation"])
    assert [row["test"] is not None for row in rows] == [row is best for row in rows]
