"""The task ``mmimdb``: genres of movies, from their posters and plots."""

from bmnas.tasks.mmimdb.task import MmimdbTask

__all__ = ["MmimdbTask"]
