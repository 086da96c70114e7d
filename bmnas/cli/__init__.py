"""The command line: parse, call one library function, show what it returns."""

from __future__ import annotations

import sys

from bmnas.cli import garbage

TYPE_CHECKING = False
if TYPE_CHECKING:  # each import before `main` is time in which Ctrl-C ends in a traceback
    from typing import NoReturn


def program() -> None:
    """`main` in a process that is there for nothing else, as ``bmnas`` and ``python -m bmnas`` are."""
    garbage.put_off()
    try:
        main()
    finally:
        garbage.never_again()


def main() -> None:
    """Run ``bmnas``. What a user gave wrong is one sentence on standard error and exit code 2."""
    try:
        _run()
    except KeyboardInterrupt:  # while this program starts or ends
        if sys.stderr is not None:
            sys.stderr.write("bmnas: stopped\n")
        sys.exit(130)


def _run() -> NoReturn:
    import os

    # Pydantic would look through all installed packages for plugins, in each command anew.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from bmnas.cli.limits import probe_torch
    from bmnas.cli.streams import OutputError, flush_output, safe_streams, say

    with safe_streams():
        probe_torch()
        try:
            try:
                from bmnas.cli.app import app

                code: int | None = app(prog_name="bmnas", standalone_mode=False)
            finally:
                flush_output()
        except OutputError as error:
            if error.quiet:
                sys.exit(1)
            say(str(error))
            sys.exit(2)
        except Exception as error:
            _end(error)
        sys.exit(code or 0)


def _end(error: Exception) -> NoReturn:
    """End with what is wrong in a sentence; a defect of the program is raised again, with its traceback.

    Raises:
        Exception: the error is nothing that a user can help.
    """
    # Imported only now: it brings Pydantic along, which `bmnas --help` can do without.
    from bmnas.cli.failures import sentence_of
    from bmnas.cli.stopping import Stopped
    from bmnas.cli.streams import say
    from bmnas.cli.usage import is_help, misuse

    if isinstance(error, Stopped):
        say(str(error))
        sys.exit(error.exit_code)
    if is_help(error):
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    sentence = misuse(error) or sentence_of(error)
    if sentence is None:
        raise error
    say(sentence)
    sys.exit(2)
