from __future__ import annotations

from pathlib import Path

import pytest

from bmnas.errors import BmnasError
from bmnas.searcher.config import refuse_unknown_suggestions
from bmnas.tasks import TASKS, Task, described_task, get_task


def test_every_task_has_its_name_and_taps_for_features_that_are_not_ready() -> None:
    for name in TASKS:
        task = described_task(name)
        assert isinstance(task, Task)
        assert task.name == name
        assert set(task.taps) == {feature.name for feature in task.features if feature.modality not in task.ready}
        refuse_unknown_suggestions(task)


def test_an_unknown_task_is_answered_with_the_nearest() -> None:
    with pytest.raises(BmnasError, match=r"^unknown task 'digitz'; did you mean 'digits'\?$"):
        get_task("digitz")
    with pytest.raises(BmnasError, match=r"^unknown task 'zzz'; known: 'digits'"):
        get_task("zzz")


def test_a_task_with_data_of_its_own_asks_for_them() -> None:
    for name in ("utd-mhad", "av-digits"):
        with pytest.raises(BmnasError, match=f"^task {name} needs its data"):
            get_task(name)
    with pytest.raises(BmnasError, match="task digits brings its own data; leave --data out"):
        get_task("digits", data=Path())


def test_some_modalities_of_a_task() -> None:
    task = get_task("digits", modalities=["bottom"])
    assert task.modalities == ("Bottom",)
    assert [feature.name for feature in task.features] == ["Bottom_1", "Bottom_2", "Bottom_3"]
    assert get_task("digits").modalities == ("Top", "Bottom")
    assert task.invocation == "--task digits --modalities Bottom"
    with pytest.raises(BmnasError, match=r"task digits has no modality 'botom'; did you mean 'Bottom'\?$"):
        get_task("digits", modalities=["Top", "botom"])
    with pytest.raises(BmnasError, match="no modality is named"):
        get_task("digits", modalities=[])


def test_a_path_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    for name in (str(tmp_path / "features"), "./features"):
        with pytest.raises(BmnasError, match="no such task: there is neither a Python file nor a folder of that name"):
            get_task(name)
