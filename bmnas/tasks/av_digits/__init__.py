"""The task `av-digits`: spoken digits (FSDD) paired with written ones (MNIST), both under noise."""

from bmnas.tasks.av_digits.task import AvDigitsTask

__all__ = ["AvDigitsTask"]
