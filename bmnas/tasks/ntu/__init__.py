"""The task `ntu`: NTU RGB+D, videos and skeletons of sixty actions."""

from bmnas.tasks.ntu.task import NtuTask

__all__ = ["NtuTask"]
