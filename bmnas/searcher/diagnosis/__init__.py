"""What can be said of a task before anything is searched: is there room for fusion?"""

from bmnas.searcher.diagnosis.diagnose import diagnose
from bmnas.searcher.diagnosis.values import Diagnosis

__all__ = ["Diagnosis", "diagnose"]
