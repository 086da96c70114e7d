"""Progress of long work on standard error: bars in a terminal, lines elsewhere. See `bmnas.searcher.meter`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bmnas.searcher.meter import Meter as Shown


def Meter(*, remarks: bool = True) -> Shown:
    """What shows the events of the library, as a context. It stands for the class, whose import loads torch.

    Args:
        remarks: whether these are shown, too.
    """
    from bmnas.searcher.meter import command_meter

    return command_meter(remarks=remarks)
