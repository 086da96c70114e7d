"""A process of its own that reads .mat files: a damaged one can end SciPy's reader, and with it the process.

It is run as a script, so that it imports nothing but SciPy, which it looks for in the folders of its argument, a JSON
list. It is told on its standard input what to read: lines of JSON, ``[[path, ...], variable]``. For each path it
answers on its standard output with one line of JSON, which is ``{"dtype": ..., "shape": ...}``, after which the numbers
follow, column by column, or ``{"kind": ...}``, or ``{"error": ...}``, or ``{"no_scipy": why}``. It ends with its input.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any


def main() -> None:
    """Answer until there are no more questions."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks, with which this one ends
    sys.path[:] = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
    for line in sys.stdin.buffer:
        paths, variable = json.loads(line)
        for path in paths:
            answer, array = _read(os.fsdecode(path.encode("utf-8", "surrogateescape")), variable)
            answers.write(json.dumps(answer).encode() + b"\n")
            if array is not None:
                answers.write(array.tobytes("F"))
            answers.flush()


def _read(path: str, variable: str) -> tuple[dict[str, Any], Any]:
    """The answer, and the variable if it is an array of numbers."""
    try:
        import numpy as np
        from scipy.io import loadmat
    except Exception as error:  # a broken installation can end in any type
        return {"no_scipy": " ".join(str(error).split())[:200] or type(error).__name__}, None
    try:
        found = loadmat(path, variable_names=[variable]).get(variable)
    except Exception as error:  # a damaged file can end in any of a dozen types
        # SciPy's own OSErrors, of truncated files, have no number.
        return {"error": getattr(error, "strerror", None) if getattr(error, "errno", None) else None}, None
    if found is None:
        return {"kind": None}, None
    if not isinstance(found, np.ndarray):
        return {"kind": type(found).__name__}, None
    if found.dtype.kind not in "fiu":
        return {"kind": f"{found.dtype} of shape {found.shape}"}, None
    return {"dtype": found.dtype.str, "shape": found.shape}, found


if __name__ == "__main__":
    main()
