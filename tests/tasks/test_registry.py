from __future__ import annotations

import pytest

from bmnas.genotype import BmnasError
from bmnas.tasks import TASKS, Task, get_task
from bmnas.tasks.digits import DigitsTask
from bmnas.tasks.registry import table


def test_every_task_has_its_name_and_taps_for_its_features() -> None:
    for name in TASKS:
        task = get_task(name)
        assert isinstance(task, Task)
        assert task.name == name
        assert set(task.taps) == {feature.name for feature in task.features}
        assert set(task.settings) <= {"channels", "length", "batch_size", "epochs", "train_epochs"}


def test_an_unknown_task_is_answered_with_the_nearest() -> None:
    with pytest.raises(BmnasError, match=r"^unknown task 'digitz'; did you mean 'digits'\?$"):
        get_task("digitz")
    with pytest.raises(BmnasError, match=r"^unknown task 'zzz'; known: 'digits'"):
        get_task("zzz")


def test_two_tasks_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match="same name"):
        table(DigitsTask, DigitsTask)
