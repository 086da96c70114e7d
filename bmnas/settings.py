"""Settings: frozen, typed values that are passed whole, saved beside results, and refuse what they do not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from bmnas.errors import BmnasError, did_you_mean


class Settings(BaseModel):
    """A frozen set of settings that refuses names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def checked(cls, **values: Any) -> Self:
        """Like the constructor, but with one sentence for an error.

        Raises:
            BmnasError: a value makes no sense, or a setting is unknown; the sentence names the setting.
        """
        return cls.read(values)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Settings from plain data, as a file has them.

        Raises:
            BmnasError: a value makes no sense, or a setting is unknown; the sentence names the setting.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise BmnasError(cls._sentence(error.errors(include_url=False)[0])) from None

    @classmethod
    def _sentence(cls, error: ErrorDetails) -> str:
        name = ".".join(str(part) for part in error["loc"])
        if error["type"] == "extra_forbidden":
            known = [key for key in cls.model_fields if not key.startswith("_")]
            return f"there is no setting {name[:100]!r}{did_you_mean(name, known)}"
        problem = error["msg"].removeprefix("Value error, ").replace("Input", "it")
        return f"setting {name} is {error['input']!r}: {problem}" if name else problem
