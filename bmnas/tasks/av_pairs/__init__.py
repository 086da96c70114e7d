"""The tasks `av-sum`, `av-same` and `av-speaker`: questions that neither a picture nor a sound of digits answers."""

from bmnas.tasks.av_pairs.same import AvSameTask
from bmnas.tasks.av_pairs.speaker import AvSpeakerTask
from bmnas.tasks.av_pairs.sum import AvSumTask

__all__ = ["AvSameTask", "AvSpeakerTask", "AvSumTask"]
