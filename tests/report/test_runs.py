"""The list of run folders: what is a run, how it stands, in what it differs."""

from __future__ import annotations

import json
import os
import shutil
import socket

import pytest

from bmnas.errors import BmnasError
from bmnas.files import sealed_json
from bmnas.report.runs import list_runs
from tests.report.made import Made, make_run

SMALL = Made(seeds=1, epochs=2, samples=20)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("made") / "run", SMALL)


def note(folder, **values):
    status = {"format": "bmnas-status/1", "pid": os.getpid(), "host": socket.gethostname(), "why": "", **values}
    (folder / ".status").write_text(sealed_json(status))


def test_a_finished_run(digits_run):
    (line,) = list_runs(digits_run)
    assert (line.task, line.strategy, line.state, line.seeds, line.metric) == (
        "digits",
        "bilevel",
        "done",
        1,
        "accuracy",
    )
    rows = {row["name"]: row["test"] for row in json.loads((digits_run / "results.json").read_text())["rows"]}
    assert line.test == rows[line.result]
    assert line.validation is not None
    assert line.age >= 0


def test_settings_that_differ_are_told(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "deep" / "inside" / "one")
    make_run(tmp_path / "two", Made(**{**vars(SMALL), "lr": 0.5}))
    found = {line.folder.name: line for line in list_runs(tmp_path)}
    assert found["one"].differing == {"lr": "0.001"}
    assert found["two"].differing == {"lr": "0.5"}


def test_what_lies_in_a_run_is_not_another(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    shutil.copytree(whole, tmp_path / "run" / "copy")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"format": "of another program"}')
    assert [line.folder for line in list_runs(tmp_path)] == [tmp_path / "run"]


def test_states(whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    note(run, state="running")
    assert list_runs(run)[0].state == "at work"
    note(run, state="running", pid=2**22 + 1)  # more than Linux gives
    (line,) = list_runs(run)
    assert (line.state, line.why) == ("interrupted", "its process ended without a word")
    note(run, state="failed", why="the search diverged")
    assert (list_runs(run)[0].state, list_runs(run)[0].why) == ("failed", "the search diverged")
    note(run, state="interrupted", why="stopped by Ctrl-C")
    (run / "results.json").unlink()
    (line,) = list_runs(run)
    assert (line.state, line.where, line.test) == ("interrupted", "after the final choice", None)
    (run / ".status").unlink()
    lines = (run / "events.jsonl").read_text().splitlines(keepends=True)
    (run / "events.jsonl").write_text("".join(lines[:1]) + lines[1][:20])
    assert list_runs(run)[0].where == "after epoch 1 of 2"
    (run / "events.jsonl").unlink()
    assert list_runs(run)[0].where == "before the first round was done"


def test_damage_is_a_line(whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    record = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**record, "search": {"seeds": "many"}}))
    (line,) = list_runs(tmp_path)
    assert line.state == "damaged" and "is not what a search writes" in line.why
    (run / "config.json").write_text("{")
    (line,) = list_runs(tmp_path)
    assert (line.state, line.why) == ("damaged", "its config.json is damaged")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(BmnasError, match="there is no such folder"):
        list_runs(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(BmnasError, match="is a file, not a folder"):
        list_runs(tmp_path / "file")
    assert list_runs(tmp_path) == []
