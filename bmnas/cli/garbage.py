"""Python's search for garbage, put off while a command starts.

Importing makes a hundred thousand objects, hardly one of which is garbage. To look through them again and again, and
once more at the end, takes a quarter of the time of a command that is quick.
"""

from __future__ import annotations

import gc


def put_off() -> None:
    """Search no more until `resume`, which a command that works for long needs."""
    gc.disable()


def resume() -> None:
    """If it was put off, search again, though never among what is there by now."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def never_again() -> None:
    """The process ends: the system takes all memory back at once."""
    gc.freeze()
