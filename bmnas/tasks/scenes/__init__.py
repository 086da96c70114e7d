"""Made-up texts and images whose difficulty is known: questions, matches, descriptions."""

from bmnas.tasks.scenes.task import ScenesAnswerTask, ScenesGroundTask, ScenesMatchTask, ScenesTask

__all__ = ["ScenesAnswerTask", "ScenesGroundTask", "ScenesMatchTask", "ScenesTask"]
