"""Ctrl-C while a command starts: one line and the shell's exit code, whatever is being imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import loaded_by

PROGRAM = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that run in the background ignore it
from bmnas.cli import program
sys.meta_path.insert(0, Interrupting())
sys.argv[1:] = {words!r}
program()
"""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bmnas.cli.limits", ["--help"]),  # the first of all
        ("bmnas.cli.streams", ["--help"]),
        ("typer", ["--help"]),
        ("bmnas.cli.app", ["validate", "ntu-1"]),
        ("bmnas.cli.validate", ["validate", "ntu-1"]),
        ("pydantic", ["validate", "ntu-1"]),
        ("bmnas.genotype", ["validate", "ntu-1"]),
        ("rich.table", ["info", "ntu-1"]),
        ("torch", ["search", "--task", "digits"]),
    ],
)
def test_one_line_during_an_import(tmp_path, monkeypatch, name, words):
    monkeypatch.setenv("BMNAS_CACHE", str(tmp_path))
    command = [sys.executable, "-c", PROGRAM.format(name=name, words=words)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    # Python ends itself by the signal where it has seen it inside of an `exec`; shells call both 130.
    assert done.returncode in (130, -2)
    assert (done.stdout, done.stderr) == ("", "bmnas: stopped\n")
    assert not list(tmp_path.iterdir())


def test_next_to_nothing_is_imported_before_it_is_heard():
    """While Python itself starts, and during these, Ctrl-C ends in Python's traceback."""
    own = {"bmnas", "bmnas.version", "bmnas.cli", "bmnas.cli.garbage"}
    assert loaded_by("from bmnas.cli import program") - loaded_by("pass") <= own | {"__future__", "gc"}
