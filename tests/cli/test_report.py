"""``bmnas report``: where the page goes, and what is wrong in a sentence."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.calling import bmnas
from tests.report.made import Made, make_run
from tests.report.pages import check


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("made") / "runs" / "made", Made(seeds=1, epochs=2, samples=30))


def test_it_goes_into_the_run_folder_and_is_replaced(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    for _ in range(2):
        assert bmnas("report", "run", cwd=tmp_path) == ("run/report.html\n", "")
    check((tmp_path / "run" / "report.html").read_text(encoding="utf-8"))


def test_of_several_it_goes_where_one_is(run, tmp_path):
    shutil.copytree(run, tmp_path / "one")
    shutil.copytree(run, tmp_path / "two")
    assert bmnas("report", "one", "two", cwd=tmp_path)[0] == "report.html\n"
    assert bmnas("report", "one", "--out", "deep/inside/o.html", cwd=tmp_path)[0] == "deep/inside/o.html\n"
    said = bmnas("report", "one", "--out", "deep/inside/o.html", cwd=tmp_path, code=2)[1]
    assert said == "bmnas: deep/inside/o.html: exists; --force overwrites it\n"
    bmnas("report", "one", "--out", "deep/inside/o.html", "--force", cwd=tmp_path)


def test_what_is_no_run_is_a_sentence(run, tmp_path):
    said = bmnas("report", "nowhere", cwd=tmp_path, code=2)[1]
    assert said == "bmnas: nowhere: is not a run folder: it has no config.json\n"
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "config.json").write_text("{")
    said = bmnas("report", ".", cwd=tmp_path, code=2)[1]
    assert said.startswith("bmnas: config.json: is not JSON") and len(said.splitlines()) == 1
