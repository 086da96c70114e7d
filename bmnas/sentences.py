"""Models that answer wrong values with one sentence, also where a person calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from bmnas.errors import BmnasError, did_you_mean, short

if TYPE_CHECKING:
    # Type checkers shall see the constructors as they are.
    from pydantic._internal._model_construction import ModelMetaclass as InOneSentence
    from pydantic_core import ErrorDetails
else:

    class InOneSentence(type(BaseModel)):
        """The class of models whose constructor raises a `BmnasError`.

        Pydantic does not come here when it makes a model inside another one, so that there all problems are found.
        """

        def __call__(cls, *args, **values):  # noqa: D102 - the class's own text says it
            try:
                return super().__call__(*args, **values)
            except ValidationError as error:
                raise cls._refusal(values, error) from None


class Sentences(BaseModel, metaclass=InOneSentence):
    """A model whose constructor raises a `BmnasError` with one sentence."""

    @classmethod
    def _refusal(cls, values: Mapping[str, Any], error: ValidationError) -> BmnasError:
        """What the constructor raises, from what it was given and what Pydantic says of it."""
        found = error.errors(include_url=False)
        # A key that is not known often explains one that is missing.
        first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])
        return BmnasError(f"{cls.__name__}: {cls._sentence(first)}")

    @classmethod
    def _sentence(cls, error: ErrorDetails) -> str:
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
        match error["type"]:
            case "extra_forbidden":
                return f"there is no {place[:100]}{did_you_mean(place, cls.model_fields)}"
            case "missing":
                return f"{place} is missing"
        problem = re.sub("^(Input|String|Tuple)", "it", error["msg"].removeprefix("Value error, "))
        return f"{place} is {short(error['input'])}: {problem}" if place else problem
