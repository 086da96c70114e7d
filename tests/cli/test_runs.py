"""``bmnas runs``: a table for people, JSON for programs, a sentence for what is no folder."""

from __future__ import annotations

import json
import shutil

import pytest

from bmnas.cli.runs import age
from tests.cli.calling import bmnas
from tests.report.made import Made, make_run

SMALL = Made(seeds=1, epochs=2, samples=30)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make_run(folder / "runs" / "one", SMALL)
    make_run(folder / "runs" / "two", Made(**{**vars(SMALL), "lr": 0.25, "task": "an\x1bother"}))
    return folder


def test_a_line_for_each(place):
    out, err = bmnas("runs", cwd=place)
    assert err == ""
    one, two = (next(line for line in out.splitlines() if line.split()[:1] == [name]) for name in ("one", "two"))
    assert "made" in one and "lr 0.001" in one and "done" in one and "90.00 %" in one
    assert "an\\x1bother" in two and "lr 0.25" in two


def test_as_json(place):
    found = {line["folder"]: line for line in json.loads(bmnas("runs", "runs", "--json", cwd=place)[0])}
    assert found["runs/two"]["differing"] == {"lr": "0.25"}
    assert found["runs/one"]["state"] == "done"
    assert found["runs/one"]["settings"]["strategy.kind"] == "bilevel"
    assert 0 <= found["runs/one"]["test"] <= 1


def test_many_are_a_line_each(place, tmp_path):
    for number in range(101):
        shutil.copytree(place / "runs" / "one", tmp_path / f"run-{number}")
    out = bmnas("runs", tmp_path)[0].splitlines()
    assert len(out) == 102 and out[0].split()[:2] == ["run", "task"]


def test_nothing_there(tmp_path):
    assert "has no run folders" in bmnas("runs", tmp_path)[0]
    assert bmnas("runs", "nowhere", cwd=tmp_path, code=2)[1] == "bmnas: nowhere: there is no such folder\n"


def test_age():
    assert [age(seconds) for seconds in (5, 100, 120, 7200, 200_000)] == ["5 s", "100 s", "2 min", "2 h", "2 days"]
