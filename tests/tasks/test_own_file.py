from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks import fingerprint, get_task
from bmnas.tasks.loading import load
from bmnas.tasks.own_file import load_task

# A task whose data set is a class of the file.
TASK = """
import torch
from torch import nn
from bmnas.tasks.module_task import ModuleTask

class Rows:
    def __init__(self, size):
        self.size = size
    def __len__(self):
        return self.size
    def __getitem__(self, index):
        return {"A": torch.full((3,), float(index)), "B": torch.zeros(2)}, index % 2

def build(name):
    backbones = {"A": nn.Sequential(nn.Linear(3, 4)), "B": nn.Sequential(nn.Linear(2, 5))}
    return ModuleTask(name, train=Rows(12), validation=Rows(6), test=Rows(6), backbones=backbones,
                      taps={"A": "0", "B": "0"}, outputs=2)
"""


def written(folder: Path, end: str, name: str = "my_task.py") -> Path:
    path = folder / name
    path.write_text(TASK + end)
    return path


@pytest.mark.parametrize(
    "end",
    [
        "task = build('own')",
        "def task(): return build('own')",
        "def task(data=None): return build('own' if data is None else data.name)",
        "def task(**options): return build('own')",
        "class task(ModuleTask):\n    def __init__(self):\n        self.__dict__ = build('own').__dict__",
    ],
)
def test_a_task_and_what_makes_one(tmp_path: Path, end: str) -> None:
    task = load_task(written(tmp_path, end))
    assert task.name == "own"
    assert [feature.channels for feature in task.features] == [4, 5]


def test_data_are_handed_over(tmp_path: Path) -> None:
    path = written(tmp_path, "def task(data): return build(data.name)")
    assert load_task(path, tmp_path / "corpus").name == "corpus"
    assert get_task(str(path), data=tmp_path / "corpus").name == "corpus"
    with pytest.raises(BmnasError, match=r"my_task.py: its 'task' needs a folder of data: --data DIR"):
        load_task(path)


@pytest.mark.parametrize(
    ("end", "data", "sentence"),
    [
        ("tsk = 1", False, r"my_task.py: defines no 'task'; did you mean 'tsk'\?"),
        (
            "task = 3",
            False,
            r"my_task.py: its 'task' should be a Task or .*, not an object of the type int",
        ),
        ("def task(): pass", False, r"my_task.py: its 'task' should be a Task or .*, not None"),
        ("task = build('own')", True, r"my_task.py: its 'task' takes no data, so leave --data out"),
        (
            "def task(): return build('own')",
            True,
            r"my_task.py: its 'task' has no parameter 'data', so",
        ),
        ("x = 1\nraise ValueError('no luck\\nat all')", False, r"my_task.py, line 19: ValueError: no luck$"),
        ("import nothing_such", False, r"my_task.py, line 18: ModuleNotFoundError: No module named 'nothing_such'"),
        ("def task(:", False, r"my_task.py, line 18: SyntaxError: "),
        ("raise SystemExit", False, r"my_task.py, line 18: SystemExit$"),
        ("def task():\n    return build()", False, r"my_task.py, line 19: TypeError: build\(\) missing"),
        ("task = build('own').with_modalities(['C'])", False, r"my_task.py, line 18: task own has no modality 'C'"),
    ],
)
def test_a_file_that_gives_no_task(tmp_path: Path, end: str, data: bool, sentence: str) -> None:
    with pytest.raises(BmnasError, match=sentence):
        load_task(written(tmp_path, end), tmp_path if data else None)


def test_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(BmnasError, match=r"mine.py: cannot be read: no such file"):
        load_task(tmp_path / "mine.py")


def test_the_source_is_part_of_what_the_cache_knows(tmp_path: Path) -> None:
    def code(end: str) -> str:
        task = load_task(written(tmp_path, end))
        return fingerprint.of_code(type(task), *task.code)

    first = code("task = build('own')")
    assert code("task = build('own')") == first
    # As long, and written in the same second: byte code that was kept would look as new.
    assert code("task = build('owm')") != first
    assert load_task(tmp_path / "my_task.py").name == "owm"
    assert not list(tmp_path.rglob("*.pyc"))


def test_workers_read_samples_of_classes_in_the_file(tmp_path: Path) -> None:
    task = load_task(written(tmp_path, "task = build('own')"))
    source = task.split("train")
    batches = [loaded.batch for loaded in load(source, 5, workers=2)]
    assert [len(batch) for batch in batches if batch is not None] == [5, 5, 2]
    assert pickle.loads(pickle.dumps(source)).size == 12  # noqa: S301


def test_a_file_may_import_its_neighbours_and_hides_no_package(tmp_path: Path) -> None:
    (tmp_path / "my_neighbour_of_a_task.py").write_text("NAME = 'near'")
    path = written(tmp_path, "import my_neighbour_of_a_task as other\ntask = build(other.NAME)", "torch.py")
    assert load_task(path).name == "near"
    import torch as still

    assert still is torch
