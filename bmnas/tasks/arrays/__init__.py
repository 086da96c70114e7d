"""A task from ready-made feature arrays: in memory (`ArrayTask`), or as a folder of files (`open_folder`)."""

from bmnas.tasks.arrays.folder import open_folder
from bmnas.tasks.arrays.task import ArrayTask

__all__ = ["ArrayTask", "open_folder"]
