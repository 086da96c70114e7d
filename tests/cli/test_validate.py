"""`bmnas validate`: all findings of all files, for people and for programs; the worst files from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bmnas.genotype import presets, published
from tests.cli.calling import bmnas
from tests.genotype.test_schema import SHORT, changed

TWICE = changed(cells__1__inputs=["Cell_1", "Cell_1"])
WARNING = (
    "warning: cells[1].inputs[1] (Cell_2 / y) is Cell_1, as x is, but cells are meant to have different inputs "
    "(footnote 1); name another feature or cell"
)


def write(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data))
    return path


def test_every_problem_and_warning_of_every_file_is_told_at_once(tmp_path):
    good, twice = write(tmp_path / "good.json", SHORT), write(tmp_path / "twice.json", TWICE)
    broken = write(tmp_path / "broken.json", changed(output=["Cell_3"], dropout=2, cells__0__inputs__1="Skeletn_4"))
    out, err = bmnas("validate", good, broken, twice, tmp_path / "none.json", code=2)
    assert out.splitlines() == [
        f"{good}: valid; 2 features, 2 cells, 3 steps",
        f"{twice}: valid; 2 features, 2 cells, 3 steps",
        f"{twice}: {WARNING}",
    ]
    assert sorted(err.splitlines()) == [
        f"bmnas: {broken}: cells[0].inputs[1] reads 'Skeletn_4', which is not a feature or an earlier cell; did you "
        "mean 'Skeleton_4'?",
        f"bmnas: {broken}: dropout is 2: it should be less than 1",
        f"bmnas: {broken}: output[0] names 'Cell_3', which is not a cell or a feature; did you mean 'Cell_2'?",
        f"bmnas: {tmp_path / 'none.json'}: cannot be read: no such file or directory",
    ]


def test_warnings_fail_only_where_asked(tmp_path):
    good, twice = write(tmp_path / "good.json", SHORT), write(tmp_path / "twice.json", TWICE)
    bmnas("validate", twice)
    out, err = bmnas("validate", "--strict", twice, good, code=2)
    assert out == f"{good}: valid; 2 features, 2 cells, 3 steps\n"
    assert err == f"bmnas: {twice}: {WARNING}\n"
    bmnas("validate", "--strict", good)


def test_what_ships_passes_where_warnings_fail(tmp_path):
    examples = Path(__file__).parents[2] / "examples"
    own = "own-operation.json"  # of an operation that has to be imported
    files = [path for path in sorted(examples.glob("*.json")) if path.name != own]
    assert len(files) > 10
    bmnas("validate", "--strict", *published.names(), *files)
    bmnas("--import", examples / "own_operation.py", "validate", "--strict", examples / own)
    features = ["--features", "A_1:5,A_2:5,B_1:6,B_2:6", "--outputs", 3]
    for preset in set(presets.PRESETS) - {"random"}:  # which repeats what chance lets it repeat
        bmnas("new", preset, *features, "-o", tmp_path / f"{preset}.json")
    bmnas("new", "concat-fc", "--like", "ego-3", "-o", tmp_path / "row.json")
    bmnas("validate", "--strict", *tmp_path.glob("*.json"))


def test_findings_in_a_row_that_say_the_same_are_one_line_and_a_published_name_is_a_file():
    out, err = bmnas("validate", "ntu-1")
    assert out.splitlines() == [
        "ntu-1: valid; 8 features, 2 cells, 4 steps",
        "ntu-1: note: features[0], features[1], features[4], features[5], features[6] (Video_1, Video_2, "
        "Skeleton_1, Skeleton_2, Skeleton_3): each is declared, but neither a cell nor the output names it; "
        "it costs nothing; name it somewhere if it should be used",
    ]
    assert err == ""


def test_json_for_programs(tmp_path):
    steps = [{"op": "Sum", "inputs": ["x", "y"]}, *({"op": "Sum", "inputs": [f"Step_{i}"] * 2} for i in range(1, 200))]
    many = write(tmp_path / "many.json", changed(cells=[{**SHORT["cells"][0], "steps": steps, "output": ["Step_200"]}]))
    broken = write(tmp_path / "broken.json", changed(dropout=2))
    twice = write(tmp_path / "twice.json", TWICE)
    out, err = bmnas("validate", "--json", twice, broken, many, code=2)
    first, second, third = json.loads(out)
    assert err == ""
    assert first == {
        "file": str(twice),
        "valid": True,
        "findings": [
            {
                "level": "warning",
                "code": "same-input",
                "place": "cells[1].inputs[1]",
                "name": "Cell_2 / y",
                "problem": "is Cell_1, as x is, but cells are meant to have different inputs (footnote 1)",
                "advice": "name another feature or cell",
            }
        ],
        "name": "genotype",
        "features": 2,
        "cells": 2,
        "steps": 3,
        "used": {"features": ["Video_3", "Skeleton_4"], "cells": ["Cell_1", "Cell_2"]},
        "depth": 5,
        "paths": {"Video_3": 16, "Skeleton_4": 8},
    }
    assert (second["valid"], second["findings"][0]["level"], second["findings"][0]["place"]) == (
        False,
        "error",
        "dropout",
    )
    assert third["paths"] == {"Video_3": "about 10^60", "Skeleton_4": "about 10^60"}
    assert json.loads(bmnas("validate", "--json", "--strict", twice, code=2)[0]) == [first]


WORST = {
    "nested": ("[" * 2**20, "is nested too deeply"),
    "binary": (b"\xff\xfe\x00", "is not UTF-8 text: byte 0 is 0xff"),
    "a key twice": ('{"a": 1, "a": 2}', "has the key 'a' twice in one object"),
    "cells": (json.dumps(changed(cells=[{}] * 10_000)), "cells has 10000 items, but may have at most 256"),
}


def test_the_worst_files_are_refused_in_one_sentence_each(tmp_path):
    expected = []
    for number, (content, sentence) in enumerate(WORST.values()):
        path = tmp_path / f"{number}.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        expected.append(f"bmnas: {path}: {sentence}")
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(100 * 2**20)
    expected.append(f"bmnas: {huge}: is larger than 1 MiB, too large for what it should be")
    out, err = bmnas("validate", *sorted(tmp_path.iterdir()), code=2)
    assert out == ""
    assert err.splitlines() == expected


@pytest.mark.parametrize("command", ["draw", "compile"])
def test_other_commands_tell_the_first_problem_and_how_many_there_are(tmp_path, command):
    path = write(tmp_path / "g.json", changed(cells=[None] * 200))
    _, err = bmnas(command, path, code=2)
    assert err.startswith(f"bmnas: {path}: cells[0] is null: it should be an object")
    assert err.endswith(" (and 49 more problems)\n")
    assert err.count("\n") == 1


def test_very_many_problems_are_cut(tmp_path):
    path = write(tmp_path / "g.json", changed(cells=[None] * 200))
    _, err = bmnas("validate", path, code=2)
    assert len(err.splitlines()) == 51
    assert err.endswith(f"bmnas: {path}: these are the first 50 problems\n")
