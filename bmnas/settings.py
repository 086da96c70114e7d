"""Settings: frozen, typed values that are passed whole, saved beside results, and refuse what they do not know."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, JsonValue, ValidationError, model_validator
from pydantic_core import ErrorDetails

from bmnas.errors import BmnasError, did_you_mean
from bmnas.sentences import Sentences
from bmnas.table import Table


def shown(unit: str | None = None, group: str | None = None) -> dict[str, JsonValue]:
    """For the ``json_schema_extra`` of a field: how a command's help shows the setting.

    Args:
        unit: of what it is a number: ``"epochs"``.
        group: under which heading it stands; under that of its class, `Settings.group`, if left out.
    """
    return {name: text for name, text in (("unit", unit), ("group", group)) if text is not None}


class Settings(Sentences):
    """A frozen set of settings that refuses names it does not know, in one sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    group: ClassVar[str] = "Settings"
    """The heading under which a command's help shows them."""

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
    def _refusal(cls, values: Mapping[str, Any], error: ValidationError) -> BmnasError:
        return BmnasError(cls._sentence(error.errors(include_url=False)[0]))

    @classmethod
    def _sentence(cls, error: ErrorDetails) -> str:
        name = ".".join(str(part) for part in error["loc"])
        if error["type"] == "extra_forbidden":
            known = [key for key in cls.model_fields if not key.startswith("_")]
            return f"there is no setting {name[:100]!r}{did_you_mean(name, known)}"
        return f"setting {name} is {error['input']!r}: {problem_of(error)}" if name else problem_of(error)


def problem_of(error: ErrorDetails) -> str:
    """What is wrong with a value, as the end of a sentence that names it."""
    return error["msg"].removeprefix("Value error, ").replace("Input", "it")


class Member(Settings):
    """The settings of one member of a table, such as a strategy; ``kind`` is its name there."""

    # A Literal in every subclass. Type checkers that take fields for mutable would let none take the place of a str.
    kind: Any

    @classmethod
    def name(cls) -> str:
        """The name of the member whose settings these are."""
        name: str = cls.model_fields["kind"].default
        return name


class Choosing(Settings):
    """Settings one of which chooses a member of a table, and has that member's settings as its value.

    For people, all are one flat list: the member is given by its name, and its settings beside it::

        SearchConfig(strategy="evolution", population=16)

    is ``SearchConfig(strategy={"kind": "evolution", "population": 16})``, which is how it is written to a file. A
    setting that the chosen member does not have is refused, with the name of a member that has it.
    """

    chooses: ClassVar[str]
    """The name of the setting that chooses."""

    @classmethod
    @abstractmethod
    def members(cls) -> Table[Any]:
        """From which table. Its members have settings, see `settings_of`."""

    @classmethod
    def settings_of(cls, kind: str) -> type[Member]:
        """The class of the settings of the member of that name.

        Raises:
            BmnasError: there is none.
        """
        member = cls.members().find(kind)
        settings: type[Member] = getattr(member, "Settings", member)
        return settings

    @classmethod
    def usual(cls) -> str:
        """The name of the member that is chosen where none is given."""
        return cls.model_fields[cls.chooses].get_default(call_default_factory=True).kind

    @classmethod
    def kind_of(cls, given: Mapping[str, Any]) -> str:
        """The name of the member that is chosen by settings as a person gives them.

        Raises:
            BmnasError: it is no name.
        """
        chosen = given.get(cls.chooses, cls.usual())
        if isinstance(chosen, Mapping):
            chosen = chosen.get("kind", cls.usual())
        kind = getattr(chosen, "kind", chosen)
        if not isinstance(kind, str):
            raise BmnasError(f"setting {cls.chooses} is {kind!r}, but names a {cls.members().what}")
        return kind

    @classmethod
    def names_with(cls, given: Mapping[str, Any]) -> set[str]:
        """The flat names of all settings that make a difference with what is given."""
        own = set(cls.model_fields) - {"kind"}
        settings = cls.settings_of(cls.kind_of(given))
        return own | (settings.names_with(given) if issubclass(settings, Choosing) else set(settings.model_fields))

    def flat(self) -> dict[str, Any]:
        """All settings by their flat names; what is chosen by its name."""
        own = {name: getattr(self, name) for name in type(self).model_fields if name != "kind"}
        member: Member = own[self.chooses]
        theirs = member.flat() if isinstance(member, Choosing) else dict(member)
        return own | {self.chooses: member.kind} | {name: value for name, value in theirs.items() if name != "kind"}

    def changed(self, **given: Any) -> Self:
        """The same with other values by their flat names. Where another member is chosen, its own settings are usual.

        Raises:
            BmnasError: a value makes no sense, or a setting is unknown.
        """
        before = self.flat()
        choice = given.get(self.chooses)
        if choice is not None and choice != before[self.chooses]:
            before = {name: value for name, value in before.items() if name in type(self).model_fields}
        merged = {**before, **given}
        names = self.names_with(merged)
        return self.read({name: value for name, value in merged.items() if name in names or name in given})

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Any) -> Any:
        """Put what stands beside the choice into it."""
        if not isinstance(given, Mapping):
            return given
        own = {name: value for name, value in given.items() if name in cls.model_fields}
        loose = {name: value for name, value in given.items() if name not in cls.model_fields}
        chosen = own.get(cls.chooses, cls.usual())
        settings = cls.settings_of(cls.kind_of(given))
        if "kind" in loose:  # every member's, and none that is given beside the others
            raise ValueError(f"there is no setting 'kind'; {cls.chooses} names the {cls.members().what}")
        if isinstance(chosen, Member) and not loose:
            return own
        nested = dict(chosen) if isinstance(chosen, Mapping) else {}
        if isinstance(chosen, Member):
            usual = type(chosen).model_validate({"kind": chosen.kind})
            nested = {name: value for name, value in chosen if value != getattr(usual, name)}
        for name in sorted(nested.keys() & loose.keys()):
            raise ValueError(f"setting {name} is given twice: by itself, and in {cls.chooses}")
        given_there = {**nested, **loose, "kind": settings.name()}
        reachable = settings.names_with(given_there) if issubclass(settings, Choosing) else set(settings.model_fields)
        for name in given_there:
            if name not in reachable | {"kind"}:
                raise ValueError(cls._idle(str(name), settings.name()))
        return own | {cls.chooses: settings.model_validate(given_there)}

    @classmethod
    def _idle(cls, name: str, kind: str) -> str:
        """Why a setting cannot be given with that member."""
        what = cls.members().what
        for other in cls.members().loadable():
            if name in (theirs := cls.settings_of(other)).model_fields:
                return f"setting {name} is of the {what} {other}; the {what} {kind} does not have it"
            if issubclass(theirs, Choosing):
                inner = theirs.members()
                for chosen in inner.loadable():
                    if name in theirs.settings_of(chosen).model_fields:
                        return f"setting {name} is of the {inner.what} {chosen}, which is not chosen here"
        known = sorted(cls.names_with({cls.chooses: kind}))
        return f"there is no setting {name[:100]!r}{did_you_mean(name, known)}"
