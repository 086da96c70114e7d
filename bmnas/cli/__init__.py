"""The command line: parse, call one library function, show what it returns."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> None:
    """Run ``bmnas``. What a user gave wrong is one sentence on standard error and exit code 2."""
    from bmnas.cli.limits import probe_torch
    from bmnas.cli.streams import OutputError, flush_output, safe_streams, say

    with safe_streams():
        probe_torch()
        try:
            try:
                from bmnas.cli.app import app

                app(prog_name="bmnas")
            finally:
                flush_output()
        except OutputError as error:
            if error.quiet:
                sys.exit(1)
            say(str(error))
            sys.exit(2)
        except Exception as error:
            _end(error)


def _end(error: Exception) -> NoReturn:
    """End with what is wrong in a sentence; a defect of the program is raised again, with its traceback.

    Raises:
        Exception: the error is nothing that a user can help.
    """
    # Imported only now: it brings Pydantic along, which `bmnas --help` can do without.
    from bmnas.cli.failures import sentence_of
    from bmnas.cli.streams import say

    sentence = sentence_of(error)
    if sentence is None:
        raise error
    say(sentence)
    sys.exit(2)
