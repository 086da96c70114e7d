"""The tasks that come with the package, by name. A new one is a file, and a line here."""

from __future__ import annotations

from bmnas.genotype.errors import BmnasError, did_you_mean
from bmnas.tasks.digits import DigitsTask
from bmnas.tasks.task import Task


def table(*tasks: type[Task]) -> dict[str, type[Task]]:
    """Tasks by name.

    Raises:
        ValueError: two have the same name.
    """
    by_name = {task.name: task for task in tasks}
    if len(by_name) != len(tasks):
        raise ValueError("two tasks have the same name")
    return by_name


TASKS = table(
    DigitsTask,
)


def get_task(name: str) -> Task:
    """The task of that name.

    Raises:
        BmnasError: there is none; the message names the nearest one.
    """
    if name not in TASKS:
        raise BmnasError(f"unknown task {name!r}{did_you_mean(name, TASKS)}")
    return TASKS[name]()
