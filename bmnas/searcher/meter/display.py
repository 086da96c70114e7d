"""What a display is, and what stands in it: the phase that is under way, and the time left."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass
class Phase:
    """A phase of the work.

    Attributes:
        name: what is going on.
        done: steps that are done; a part of a step counts.
        total: of the steps; 0 where nobody knows.
        unit: what they are.
        info: a short remark.
        begun: when, by the meter's clock.
    """

    name: str
    done: float = 0
    total: int = 0
    unit: str = ""
    info: str = ""
    begun: float = 0.0

    @property
    def count(self) -> str:
        """How far it is: ``3 of 20 epochs``, ``20 epochs`` at the end; empty where steps are nothing of their own."""
        if not self.unit:
            return ""
        of = f" of {self.total:,}" if self.done < self.total else ""
        return f"{int(self.done):,}{of} {self.unit if self.done != 1 or of else self.unit.removesuffix('s')}"


class Display(ABC):
    """Shows it somewhere."""

    @abstractmethod
    def now(self, phase: Phase) -> None:
        """The phase has got on; many times a second."""

    @abstractmethod
    def step(self, phase: Phase, sentence: str) -> None:
        """A step that is worth a line of a log, such as an epoch of a search, is done."""

    @abstractmethod
    def over(self, phase: Phase, sentence: str) -> None:
        """The phase is over."""

    @abstractmethod
    def say(self, sentence: str) -> None:
        """Something that a person should know."""

    def close(self) -> None:  # noqa: B027 - where there is nothing to close
        """The work is over, or has failed."""
