"""The task ``egogesture``: 83 gestures of hands, seen by a camera on the head, in colour and in depth."""

from bmnas.tasks.egogesture.task import EgoGestureTask

__all__ = ["EgoGestureTask"]
