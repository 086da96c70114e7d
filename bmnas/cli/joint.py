"""Options of joint training, shared by the commands that have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bmnas.cli.known_options import known_options
from bmnas.cli.settings_options import Option

if TYPE_CHECKING:
    from bmnas.joint import JointConfig
    from bmnas.tasks import Task

PANEL = "Joint training"
_PREFIX = "joint_"


@dataclass(frozen=True)
class Asked:
    """What was typed of a joint training.

    Attributes:
        joint: whether there is to be one.
        init: with what its network begins.
        given: settings by name.
    """

    joint: bool = False
    init: Path | None = None
    given: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.joint


def joint_options(what: str, *more: Option) -> list[Option]:
    """``--joint``, and the settings of a joint training as options: ``--joint-epochs``, ``--joint-lr``, ...

    Args:
        what: what ``--joint`` does.
        more: further options, of the command alone.
    """
    # The workers that read samples are those of the command.
    known = [option for option in known_options("joint", _settings) if option.name != "workers"]
    asked = Option("joint", bool, what, default="off", group=PANEL)
    return [asked, *more, *(replace(option, name=f"{_PREFIX}{option.name}") for option in known)]


def divided(settings: Mapping[str, Any]) -> tuple[dict[str, Any], Asked]:
    """What was typed, as settings of the command itself, and of the joint training.

    Raises:
        BmnasError: there are settings of a joint training, but there is to be none.
    """
    from bmnas.errors import BmnasError

    typed = {name: value for name, value in settings.items() if name in ("joint", "init") or name.startswith(_PREFIX)}
    own = {name: value for name, value in settings.items() if name not in typed}
    joint = typed.pop("joint", False)
    if typed and not joint:
        raise BmnasError(f"--{next(iter(typed)).replace('_', '-')} is of a joint training; give --joint, too")
    init = typed.pop("init", None)
    given = {name.removeprefix(_PREFIX): value for name, value in typed.items()}
    return own, Asked(bool(joint), None if init is None else Path(init), given)


def joint_config(task: Task, asked: Asked, workers: int | None) -> JointConfig:
    """The settings that were typed; those that suit the task where they were not.

    Raises:
        BmnasError: a value makes no sense; the sentence names the option.
    """
    from bmnas.errors import BmnasError
    from bmnas.joint import JointConfig

    several = ("rates", "freeze")
    values = {
        name: tuple(each.strip() for each in value.split(",")) if name in several else value
        for name, value in asked.given.items()
    }
    try:
        return JointConfig.for_task(task, workers=workers, **values)
    except BmnasError as error:
        raise BmnasError(named_as_options(str(error))) from None


def named_as_options(sentence: str) -> str:
    """A sentence of a joint training in which its settings are called as they are typed."""
    import re

    from bmnas.joint import JointConfig

    names = "|".join(JointConfig.model_fields)
    return re.sub(rf"\bsetting ({names})\b", lambda found: f"--joint-{found[1].replace('_', '-')}", sentence)


def _settings() -> type[JointConfig]:
    from bmnas.joint import JointConfig

    return JointConfig
