"""docs/own-backbones.md is run.

``UPDATE_DOCS=1 pytest tests/taps/test_guide.py`` writes what the command prints into the page; review the difference.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bmnas.cli.app import app

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "own-backbones.md"
COMMAND = re.compile(r"```sh\nbmnas (?P<command>.*)\n```\n```text\n(?P<shown>(.*\n)*?)```\n")


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("BMNAS_CACHE", str(tmp_path / "cache"))
    shutil.copy(ROOT / "examples" / "my_task.py", tmp_path)


def test_the_python():
    text = PAGE.read_text(encoding="utf-8").replace("```", "")
    example = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, PAGE.name, 0)
    failures: list[str] = []
    doctest.DocTestRunner().run(example, out=failures.append)
    assert len(example.examples) == 15
    assert not failures, "".join(failures)


def test_the_command_prints_what_is_shown():
    text = PAGE.read_text(encoding="utf-8")
    (found,) = COMMAND.finditer(text)
    result = CliRunner().invoke(app, shlex.split(found["command"]))
    assert result.exit_code == 0, result.output
    printed = "".join(f"{line.rstrip()}\n" for line in result.output.splitlines())
    if os.environ.get("UPDATE_DOCS"):
        start, end = found.span("shown")
        PAGE.write_text(text[:start] + printed + text[end:], encoding="utf-8")
    else:
        assert found["shown"] == printed


def test_the_end_of_the_example_is_shown():
    example = (ROOT / "examples" / "my_task.py").read_text(encoding="utf-8")
    assert example[example.index("task = ModuleTask(") :] in PAGE.read_text(encoding="utf-8")
