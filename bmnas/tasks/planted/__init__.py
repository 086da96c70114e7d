"""The task `planted`: made-up features of which two together, and nothing else, determine the label."""

from bmnas.tasks.planted.task import PlantedTask

__all__ = ["PlantedTask"]
