"""What can be said of a task before anything is searched: is there room for fusion?"""

from bmnas.searcher.diagnosis.of_task import diagnosis_of, outlook
from bmnas.searcher.diagnosis.values import Diagnosis

__all__ = ["Diagnosis", "diagnosis_of", "outlook"]
