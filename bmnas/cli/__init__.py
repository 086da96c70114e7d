"""The command line: parse, call one library function, show what it returns."""

from __future__ import annotations

import sys


def main() -> None:
    """Run ``bmnas``. What a user gave wrong is one sentence on standard error and exit code 2."""
    from bmnas.cli.app import app
    from bmnas.genotype.errors import BmnasError

    try:
        app(prog_name="bmnas")
    except BmnasError as error:
        sys.stderr.write(f"bmnas: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("bmnas: stopped\n")
        sys.exit(130)
