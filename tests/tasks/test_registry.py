from __future__ import annotations

import inspect
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from bmnas.errors import BmnasError
from bmnas.searcher.config import refuse_unknown_suggestions
from bmnas.tasks import TASKS, Task, described_task, get_task
from bmnas.tasks.registry import named_with


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


def test_options_come_after_a_name() -> None:
    task = get_task("planted:pair=B_1,A_3,seed=1")
    assert dict(task.options) == {"pair": ["A_3", "B_1"], "seed": 1}
    assert task.invocation == "--task planted:pair=B_1,A_3,seed=1"
    assert dict(get_task("planted").options) == {"pair": ["A_2", "B_3"], "seed": 0}


def test_the_recorded_command_makes_the_same_task(tmp_path: Path) -> None:
    task = get_task("utd-transfer:half=1,left_out=3", data=tmp_path, modalities=["Skeleton"])
    kept = shlex.split(task.invocation)
    again = get_task(kept[1], data=Path(kept[3]), modalities=kept[5].split(","))
    assert dict(again.options) == dict(task.options) == {"half": 1, "left_out": 3, "people": 2, "shots": 2}
    assert again.invocation == task.invocation


def test_a_described_task_has_its_options() -> None:
    assert described_task("utd-transfer").outputs == 13
    assert described_task("utd-transfer:half=1").outputs == 14


def test_options_of_what_has_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BmnasError, match=r"^task digits has no options, so leave 'half' out$"):
        get_task("digits:half=1")
    with pytest.raises(BmnasError, match=r"^unknown task 'utd-transfr'; did you mean 'utd-transfer'\?$"):
        get_task("utd-transfr:half=1")
    own = tmp_path / "my_task.py"
    own.write_text("task = None")
    with pytest.raises(BmnasError, match=r"my_task.py: only tasks that come with the package have options"):
        get_task(f"{own}:half=1")


def test_a_name_with_options_is_what_get_task_takes() -> None:
    task = get_task("planted:pair=A_1,B_1")
    assert named_with(task.name, task.options) == "planted:pair=A_1,B_1,seed=0"
    assert named_with("digits", {}) == "digits"
    with pytest.raises(BmnasError, match="task planted has no option 'pairs'; did you mean 'pair'"):
        named_with("planted", {"pairs": []})


@pytest.mark.parametrize("kind", TASKS.values(), ids=TASKS)
def test_options_are_the_arguments_of_the_constructor_with_the_same_defaults(kind: type[Task]) -> None:
    _, *parameters = inspect.signature(kind.__init__).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.default is not inspect.Parameter.empty}
    assert {name: field.default for name, field in kind.Options.model_fields.items()} == defaults
    assert all(field.description for field in kind.Options.model_fields.values())


@pytest.mark.parametrize("name", ["utd-transfer:half=1,shots=3", "av-sum:fold=4", "planted:pair=A_1,B_1"])
def test_a_task_of_its_recorded_options_is_the_same(name: str) -> None:
    task = described_task(name)
    recorded = json.loads(json.dumps(dict(task.options)))
    assert dict(type(task).of_options(recorded).options) == dict(task.options)
    with pytest.raises(BmnasError, match="has no option 'other'"):
        type(task).of_options({"other": 1})


@pytest.mark.parametrize(
    ("name", "begins"), [("mmimdb", {"Image": "vgg19-dcbb9e9d.pth"}), ("ntu", {"Video": "resnet50-0676ba61.pth"})]
)
def test_what_a_backbone_begins_with_is_known_where_it_is_not_a_file_of_the_user(name: str, begins: Any) -> None:
    task = described_task(name)
    assert {modality: address.rpartition("/")[2] for modality, address in task.pretrained.items()} == begins
    assert described_task(f"{name}:imagenet=none").pretrained == {}
