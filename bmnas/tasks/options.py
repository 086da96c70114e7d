"""Options of a task: what a user can choose of its data or its backbones, in Python and on the command line.

``--task utd-transfer:half=1,left_out=3`` is ``UtdTransferTask.open(data, half=1, left_out=3)``.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.settings import Settings, problem_of

# A comma ends a value only where another option begins, because values may have commas: a path, or several names.
_NEXT = re.compile(r",(?=\s*\w+\s*=)")


class TaskOptions(Settings):
    """The options of a task, one field for each, with a description; without fields for a task that has none.

    A field is a keyword argument of the task's constructor, with the same default.
    """

    group: ClassVar[str] = "Options of the task"

    @classmethod
    def chosen(cls, task: str, values: Mapping[str, Any]) -> Self:
        """Options as values.

        Args:
            task: the name of the task, for messages.
            values: by option; the others are as usual.

        Raises:
            BmnasError: there is no such option, or a value makes no sense; the sentence says which there are.
        """
        for name in values:
            cls._refuse_unknown(task, name)
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise BmnasError(cls._about(task, error.errors(include_url=False)[0])) from None

    @classmethod
    def parsed(cls, task: str, text: str) -> Self:
        """Options as they are typed after the name of a task: ``half=1,left_out=3``.

        Several values of one option have commas between them, too: ``pair=A_1,B_2``. ``none`` is no value, where an
        option may have none.

        Raises:
            BmnasError: as `chosen`; or the text is something else, or names an option twice.
        """
        given: dict[str, Any] = {}
        for pair in _NEXT.split(text):
            name, equals, value = (part.strip() for part in pair.partition("="))
            if not (name and equals):
                raise BmnasError(cls._no_pair(task, pair))
            cls._refuse_unknown(task, name)
            if name in given:
                raise BmnasError(f"option {name} of task {task} is given twice")
            given[name] = _from_text(cls.model_fields[name].annotation, value)
        return cls.chosen(task, given)

    @property
    def given(self) -> dict[str, Any]:
        """Those that were chosen, as keyword arguments of the task's constructor."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}

    @property
    def written(self) -> str:
        """Those that were chosen, as `parsed` reads them; empty where none was."""
        return ",".join(f"{name}={_as_text(value)}" for name, value in self.given.items())

    @classmethod
    def _refuse_unknown(cls, task: str, name: str) -> None:
        if name in cls.model_fields:
            return
        if not cls.model_fields:
            raise BmnasError(f"task {task} has no options, so leave {short(name)} out")
        raise BmnasError(f"task {task} has no option {short(name)}{did_you_mean(name, cls.model_fields)}")

    @classmethod
    def _no_pair(cls, task: str, text: str) -> str:
        if not cls.model_fields:
            return f"task {task} has no options, so nothing comes after its name; {short(text)} does"
        usual = ", ".join(f"{name}={_as_text(field.default)}" for name, field in cls.model_fields.items())
        return f"options of task {task} are NAME=VALUE with commas between them, not {short(text)}; as usual: {usual}"

    @classmethod
    def _about(cls, task: str, error: ErrorDetails) -> str:
        name, problem = ".".join(map(str, error["loc"])), problem_of(error).partition(", unable to parse")[0]
        if not name:
            return f"options of task {task}: {problem}"
        if error["type"] == "missing":  # one of several values
            return f"option {error['loc'][0]} of task {task} has too few values: {short(error['input'])}"
        return f"option {name} of task {task} is {short(error['input'])}: {problem}"


def _from_text(annotation: Any, text: str) -> Any:
    """What a text stands for, as far as Pydantic does not see it by itself."""
    kinds = _alternatives(annotation)
    literals = [value for kind in kinds if get_origin(kind) is Literal for value in get_args(kind)]
    for value in literals:
        if _as_text(value) == text:
            return value
    if text == "none" and type(None) in kinds:
        return None
    if any(get_origin(kind) in (tuple, list) for kind in kinds):
        return [part.strip() for part in text.split(",")]
    return text


def _alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return list(get_args(annotation))
    return [annotation]


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return ",".join(map(_as_text, value))
    return str(value)
