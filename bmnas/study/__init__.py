"""Studies: the paper's ablations, and a comparison of systems, on any task, with tests of every difference."""

from bmnas.study.study import ablate, compare_systems
from bmnas.study.table import Study, Table

__all__ = ["Study", "Table", "ablate", "compare_systems"]
