"""The task ``utd-mhad``: skeleton, inertial and depth sequences of 27 human actions."""

from bmnas.tasks.utd_mhad.task import UtdMhadTask

__all__ = ["UtdMhadTask"]
