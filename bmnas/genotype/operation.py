"""What an operation is: its name, how many inputs it takes, its options, its equation.

This is the declaration; what it computes is written by `bmnas.compiler.operations`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """The options that a step may give its operation: none here; an operation with options has a subclass of this.

    Every option needs a default, so that a genotype may leave it out and a search may choose the operation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Operation:
    """One primitive operation.

    Attributes:
        name: as a genotype writes it.
        arity: the least and the greatest number of inputs; ``None`` means as many as the step names.
        commutative: the result does not depend on the order of the inputs.
        equation: what it computes (Eq. 4-8 of the paper for the paper's pool); the whole of it in the paper dialect.
        official: what the official dialect computes beyond it, or instead.
        repeats_last: whether a last input that is left out is the one before it: Attention(x, y) is Attention(x, y, y).
        weights: whether the equation has weights of its own; without them, two steps that apply the operation to the
            same inputs compute the same thing, and there is nothing to learn but a norm. How many parameters a step
            has is counted from what is built, see `bmnas.compiler.summary`.
        options: the model of its options.
        misfit: what is wrong with the options for a number of channels, from (options, channels), as ``(option,
            problem)``; ``None`` where nothing is.
        build: for an operation from outside the package: what makes its module, or ``"package.module:name"`` of it.
        origin: where an operation from outside the package comes from, for messages.
    """

    name: str
    arity: tuple[int, int | None]
    commutative: bool
    equation: str
    official: str = ""
    repeats_last: bool = False
    weights: bool = False
    options: type[Options] = Options
    misfit: Callable[[dict[str, Any], int], tuple[str, str] | None] | None = None
    build: Callable[..., Any] | str | None = None
    origin: str = ""

    def takes(self, inputs: int) -> bool:
        """Whether the operation accepts this number of inputs."""
        least, most = self.arity
        return inputs >= least and (most is None or inputs <= most)

    def shortest(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """The inputs without a last one that may as well be left out."""
        least = self.arity[0]
        return inputs[:-1] if self.repeats_last and len(inputs) > least and inputs[-1] == inputs[-2] else inputs

    def arity_in_words(self) -> str:
        """For messages: ``two inputs``, ``two or more inputs``, ``two or three inputs``."""
        least, most = self.arity
        if most == least:
            return f"{_word(least)} input{'s' if least != 1 else ''}"
        return f"{_word(least)} or more inputs" if most is None else f"{_word(least)} to {_word(most)} inputs"


def _word(number: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six")
    return words[number] if number < len(words) else str(number)
