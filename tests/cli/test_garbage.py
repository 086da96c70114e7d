"""Python searches for no garbage while a command starts, but does so again in a command that may work for long."""

from __future__ import annotations

import gc

from tests.cli.calling import call, new_python

LOOKING = """
import gc
print(gc.isenabled(), gc.get_freeze_count() > 10_000)
"""


def test_a_command_searches_for_garbage_but_not_among_what_it_began_with(tmp_path):
    (tmp_path / "looking.py").write_text(LOOKING)
    done = new_python("--import", tmp_path / "looking.py", "info", "ntu-1")
    assert done.stdout.startswith("True True\n"), done.stderr


def test_a_program_that_calls_the_command_goes_on_as_before():
    before = gc.isenabled(), gc.get_freeze_count()
    assert call("validate", "ntu-1").returncode == 0
    assert (gc.isenabled(), gc.get_freeze_count()) == before
