"""Sentences that people wrote about pictures of three boxes: are they true?"""

from bmnas.tasks.nlvr.task import NlvrTask

__all__ = ["NlvrTask"]
