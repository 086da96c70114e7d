"""``bmnas draw`` as a user gives it: several genotypes, levels, themes and differences."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from bmnas.cli.app import app
from bmnas.errors import BmnasError
from tests.genotype.test_schema import SHORT, changed


@pytest.fixture
def two(tmp_path, monkeypatch):
    """Two genotype files in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps({**SHORT, "name": "a"}))
    (tmp_path / "b.json").write_text(json.dumps(changed(name="b", cells__0__steps__0__op="Sum")))
    return tmp_path


def run(*arguments: str) -> str:
    """What the command prints; its error is raised, not printed."""
    result = CliRunner().invoke(app, ["draw", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_one_is_drawn_beside_its_file(two):
    assert run("a.json") == "a.svg\n"
    assert (two / "a.svg").is_file()


def test_a_published_one_is_drawn_by_its_name(two):
    assert run("ntu-1") == "ntu-1.svg\n"
    assert "Skeleton_4" in (two / "ntu-1.svg").read_text()


def test_several_need_a_file_and_are_side_by_side(two):
    with pytest.raises(BmnasError, match=r"several genotypes need a file for the drawing: -o FILE\.svg"):
        run("a.json", "b.json")
    run("a.json", "b.json", "-o", "both.dot")
    assert (two / "both.dot").read_text().count(">Cell_1</font>") == 4  # names of cells, and what others read


def test_level_theme_and_unused(two):
    run("a.json", "-o", "a.dot", "--level", "cells", "--theme", "dark", "--unused", "hide")
    text = (two / "a.dot").read_text()
    assert "2 steps" in text and "Attention" not in text and 'bgcolor="#14181D"' in text
    assert CliRunner().invoke(app, ["draw", "a.json", "--theme", "drak", "--force"]).exit_code == 2


def test_a_difference_is_of_two(two):
    run("a.json", "b.json", "--diff", "-o", "d.dot")
    assert "only in b" in (two / "d.dot").read_text()
    with pytest.raises(BmnasError, match="--diff draws two genotypes, not 1"):
        run("a.json", "--diff", "-o", "d.svg")
    with pytest.raises(BmnasError, match="--diff draws the steps too; leave out --level"):
        run("a.json", "b.json", "--diff", "--level", "cells", "-o", "d.svg")


def test_no_input_is_overwritten(two):
    (two / "b.svg").write_text(json.dumps(SHORT))
    with pytest.raises(BmnasError, match=r"b\.svg: is the genotype itself"):
        run("a.json", "b.svg", "-o", "b.svg", "--force")
    assert json.loads((two / "b.svg").read_text()) == SHORT


def test_text_that_cannot_be_read_is_a_sentence(two):
    result = CliRunner().invoke(app, ["draw", "ntu-1", "--width", "3cm"])
    assert (result.exit_code, result.stdout) == (0, "ntu-1.svg\n")
    assert result.stderr.startswith("ntu-1.svg: warning: the smallest text is of ")
    assert result.stderr.endswith("cm makes it 5\n")
    assert CliRunner().invoke(app, ["draw", "a.json", "--width", "30cm"]).stderr == ""
