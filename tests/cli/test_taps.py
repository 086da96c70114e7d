"""``bmnas taps`` on a file of one's own and on a task of the package."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from bmnas.cli.app import app
from bmnas.errors import BmnasError

FILE = """
import torch
from torch import nn
from bmnas.taps import Tap
from bmnas.tasks import Split
from bmnas.tasks.module_task import ModuleTask

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Conv1d(3, 3, 1), nn.ReLU())
    def forward(self, x):
        return x + self.inner(x)

def split(size):
    return Split({"Rows": torch.zeros(size, 3, 5), "Words": torch.zeros(size, 7, dtype=torch.long)}, torch.zeros(size))

task = ModuleTask("own", train=split(4), validation=split(3), test=split(2), outputs=2,
    backbones={"Rows": nn.Sequential(nn.Sequential(Block(), nn.ReLU()), nn.Flatten()),
               "Words": nn.Sequential(nn.Embedding(9, 4), nn.GRU(4, 6, batch_first=True))},
    taps={"Rows": ["0", ROWS], "Words": Tap("1", item=0, axis=-1)})
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "my_task.py"
    path.write_text(FILE.replace("ROWS", "'0.0.add'"))
    return path


def run(*arguments: str) -> str:
    """What the command prints; its error is raised, not printed."""
    result = CliRunner().invoke(app, ["taps", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        result.exception.printed = result.output
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def rows(text: str) -> dict[str, list[str]]:
    """The cells of a printed table by the first of them."""
    cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]
    return {line[0]: line[1:] for line in cells if len(line) > 3}


def test_a_table_with_shapes_and_marks(file):
    shown = rows(run("my_task.py"))
    assert shown["0"] == ["Sequential", "(B, 3, 5)", "axis 1", "12", "Rows_1"]
    assert shown["0.0"] == ["Block", "(B, 3, 5)", "axis 1", "12"]
    assert shown["0.0.add"] == ["add", "(B, 3, 5)", "?", "Rows_2"]
    assert shown["Tap('0', axis=-1)"] == ["Embedding", "(B, 7, 4)", "axis -1", "36"]
    assert shown["Tap('1', item=0, axis=-1)"][-1] == "Words_1"
    assert "0.0.inner" not in shown  # deep inside
    assert not any("item=1" in tap for tap in shown)  # the GRU's state has the batch as axis 1


def test_all_of_one_modality(file):
    shown = rows(run("my_task.py", "--modality", "Rows", "--all"))
    assert shown["0.0.inner.0"] == ["Conv1d", "(B, 3, 5)", "axis 1", "12"]
    assert not any("Embedding" in cells for cells in shown.values())
    assert rows(run("my_task.py", "--modality", "Words", "--all"))["Tap('1', item=1)"][1:3] == ["(1, 2, 6)", "no batch"]


def test_json(file):
    found = json.loads(run("my_task.py", "--json"))
    assert list(found) == ["Rows", "Words"]
    assert {
        "tap": {"node": "1", "item": 0, "axis": -1},
        "kind": "GRU",
        "shape": ["B", 7, 6],
        "channels_axis": -1,
        "parameters": 252,
        "features": ["Words_1"],
    } in found["Words"]


@pytest.mark.parametrize(
    ("taps", "sentence"),
    [("'1.0'", r"feature 'Rows_2' taps '1.0', which the backbone lacks"), ("'2_2'", "lacks"), ("'0_1'", "a 2. time")],
)
def test_a_wrong_tap_is_told_after_the_list_that_shows_the_right_ones(file, taps, sentence):
    file.write_text(FILE.replace("ROWS", taps))
    with pytest.raises(BmnasError, match=sentence) as raised:
        run("my_task.py")
    assert rows(raised.value.printed)["0"][0] == "Sequential"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["my_task.py", "--modality", "Row"], "task own has no modality 'Row'; did you mean 'Rows'?"),
        (["my_tsk.py"], "my_tsk.py: cannot be read: no such file"),
        (["digitz"], "unknown task 'digitz'; did you mean 'digits'?"),
    ],
)
def test_what_is_not_there(file, arguments, sentence):
    with pytest.raises(BmnasError) as raised:
        run(*arguments)
    assert str(raised.value).startswith(sentence)


def test_a_task_of_the_package(file):
    from bmnas.tasks import get_task

    text = run("digits")
    assert all(feature.name in text for feature in get_task("digits").features)


def test_a_task_whose_features_are_ready_lists_them_and_what_is_known_of_it(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    result = CliRunner().invoke(app, ["taps", "scenes-ground:scenes=40"])
    assert result.exit_code == 0
    assert re.search(r"Regions +Regions_slots +168", result.stdout)
    assert "chance is" in result.output
    assert "50.0 % from image alone" in result.output
    listed = json.loads(CliRunner().invoke(app, ["taps", "planted", "--json"]).stdout)
    assert listed["A"][0] == {"feature": "A_1", "channels": 16, "reshape": "sequence"}
    assert list(listed) == ["A", "B"]


def test_a_file_that_taps_nothing_yet_is_where_one_begins(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "begun.py"
    path.write_text(FILE.replace('{"Rows": ["0", ROWS], "Words": Tap("1", item=0, axis=-1)}', "{}"))
    result = CliRunner().invoke(app, ["taps", str(path)])
    assert result.exit_code == 0, result.output
    assert "Embedding" in result.output
    assert "Nothing is taken yet: write the first column" in result.output


def test_the_options_of_a_task_are_listed_without_its_data(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = run("utd-transfer", "--options")
    assert re.search(r"^ left_out +8 +1 to 8 +The subject for test\.", text, re.MULTILINE)
    assert "--task utd-transfer:half=0" in text
    told = json.loads(run("av-sum:fold=3", "--options", "--json"))
    assert (told["fold"]["default"], told["fold"]["type"]) == (0, "integer")
    assert run("digits", "--options") == "digits: no options.\n"
