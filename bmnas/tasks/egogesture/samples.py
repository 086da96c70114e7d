"""One gesture in a recording, as annotations or an index have it."""

from __future__ import annotations

from dataclasses import dataclass

from bmnas.errors import BmnasError
from bmnas.tasks.egogesture.gestures import SUBJECTS
from bmnas.tasks.egogesture.layout import Recording
from bmnas.tasks.task import SPLITS, SplitName


@dataclass(frozen=True)
class Sample:
    """Some frames of a recording.

    Attributes:
        recording: which.
        label: the place of its gesture in `GESTURES`; meaningless where something is wrong.
        first: number of its first frame, from 1.
        last: number of its last frame, which belongs to it.
        place: where it is annotated, for messages.
        wrong: why it cannot be used, the end of a sentence; empty where it can.
    """

    recording: Recording
    label: int
    first: int
    last: int
    place: str
    wrong: str = ""

    def __len__(self) -> int:
        return self.last - self.first + 1


def split_of(recording: Recording, place: str) -> SplitName:
    """The split that the subject is in.

    Raises:
        BmnasError: it is in none.
    """
    for name in SPLITS:
        if recording.subject in SUBJECTS[name]:
            return name
    raise BmnasError(f"{place}: is of subject {recording.subject}, but EgoGesture has subjects 1 to 50")


def problem_of_frames(first: int, last: int) -> str:
    """What is wrong with the numbers of a sample's frames; empty if nothing is."""
    if first < 1:
        return f"the first frame is {first}, but frames are numbered from 1"
    if last < first:
        return f"the last frame, {last}, is before the first one, {first}"
    return ""
