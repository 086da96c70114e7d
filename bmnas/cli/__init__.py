"""The command line: parse, call one library function, show what it returns."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run ``bmnas``. What a user gave wrong is one sentence on standard error and exit code 2."""
    from bmnas.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name may have letters that the terminal lacks
    try:
        app(prog_name="bmnas")
    except Exception as error:
        # Imported only now: it brings Pydantic along, which `bmnas --help` can do without.
        from bmnas.errors import BmnasError
        from bmnas.files import reason

        if isinstance(error, PermissionError) and error.filename is not None:
            # A folder that may not be looked into can be met by any path; asking all of them first would be in vain.
            error = BmnasError(f"{error.filename}: cannot be read: {reason(error)}")
        if not isinstance(error, BmnasError):
            raise
        sys.stderr.write(f"bmnas: {error}\n")
        sys.exit(2)
