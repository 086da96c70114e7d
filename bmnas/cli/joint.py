"""Options of joint training, shared by the commands that have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bmnas.cli.known_options import known_options
from bmnas.cli.settings_options import Option

if TYPE_CHECKING:
    from bmnas.joint import JointConfig
    from bmnas.tasks import Task

PANEL = "Joint training"
_PREFIX = "joint_"

Joint = Annotated[
    bool,
    typer.Option("--joint", help="Then train backbones and network together, from raw samples.", rich_help_panel=PANEL),
]


def joint_options() -> list[Option]:
    """The settings of a joint training as options: ``--joint-epochs``, ``--joint-lr``, ..."""
    return [
        replace(option, name=f"{_PREFIX}{option.name}")
        for option in known_options("joint", _settings)
        if option.name != "workers"
    ]


def divided(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was typed, as settings of the command itself and of the joint training."""
    own = {name: value for name, value in settings.items() if not name.startswith(_PREFIX)}
    joint = {name.removeprefix(_PREFIX): value for name, value in settings.items() if name not in own}
    return own, joint


def refuse_without_joint(joint: bool, given: Mapping[str, Any], **others: Any) -> None:
    """Refuse options of a joint training where there is none.

    Raises:
        BmnasError: the first one.
    """
    from bmnas.errors import BmnasError

    named = [f"--{name}" for name, value in others.items() if value is not None]
    named += [f"--joint-{name.replace('_', '-')}" for name in given]
    if named and not joint:
        raise BmnasError(f"{named[0]} is of a joint training; give --joint, too")


def joint_config(task: Task, given: Mapping[str, Any], workers: int | None) -> JointConfig:
    """The settings that were typed; those that suit the task where they were not.

    Raises:
        BmnasError: a value makes no sense; the sentence names the option.
    """
    from bmnas.errors import BmnasError
    from bmnas.joint import JointConfig

    several = ("rates", "freeze")
    values = {
        name: tuple(each.strip() for each in value.split(",")) if name in several else value
        for name, value in given.items()
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
