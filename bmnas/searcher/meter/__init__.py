"""What a person sees of long work: bars in a terminal or a notebook, lines in a log, with the time that is left."""

from bmnas.searcher.meter.meter import Listener, Meter
from bmnas.searcher.meter.reporting import Report, Reporting, command_meter, reporting

__all__ = ["Listener", "Meter", "Report", "Reporting", "command_meter", "reporting"]
