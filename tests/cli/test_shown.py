"""No word and no name is broken, in a narrow terminal or a pipe."""

from __future__ import annotations

import io
import re
import sys

import pytest
from rich.table import Table

from bmnas.cli.shown import show_table, tell, wrapped
from tests.cli.calling import bmnas

NAME = "features.denseblock4.denselayer16.very_long_name_of_a_convolution_that_is_longer_than_a_line"


class Terminal(io.StringIO):
    """Says that a person reads it."""

    def isatty(self) -> bool:
        return True


def table() -> Table:
    """A name that is to stay whole, and prose."""
    made = Table("name", "what")
    made.columns[0].no_wrap = True
    made.add_row(NAME, "several words that can be put into several lines")
    return made


@pytest.mark.parametrize("columns", [20, 80])
def test_prose_is_wrapped_between_words_in_a_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stdout", Terminal())
    text = f"a cross-validation of {NAME} and {'of more and more ' * 9}"
    tell(text)
    lines = sys.stdout.getvalue().splitlines()
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= columns for line in lines if NAME not in line)
    assert wrapped("one\n\n  two") == "one\n\n  two"


def test_prose_in_a_pipe_is_a_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    tell("word " * 100)
    assert sys.stdout.getvalue().count("\n") == 1


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_names_in_a_table_are_whole(monkeypatch, stream):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys, "stdout", stream())
    show_table(table())
    printed = sys.stdout.getvalue()
    assert NAME in printed
    assert "several words that" in printed or re.search("several", printed)
    assert ("several words that can be put into several lines" in printed) is (stream is io.StringIO)


@pytest.mark.parametrize("columns", [40, 80])
def test_commands_print_names_whole(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = bmnas("info", "ego-4")[0]
    for name in ("Cell_1 / Step_1", "Cell_2", "feature (sequence)", "parameters"):
        assert name in out
