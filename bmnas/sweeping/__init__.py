"""Many searches with settings that differ: stated in a file, run in processes of their own, and compared."""

from bmnas.sweeping.run import run_sweep
from bmnas.sweeping.statement import Sweep
from bmnas.sweeping.table import TrialRow, pareto, rows_of

__all__ = ["Sweep", "TrialRow", "pareto", "rows_of", "run_sweep"]
