"""Wrong input: one sentence on standard error, exit code 2, no traceback, nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calling import bmnas
from tests.genotype.test_schema import SHORT, changed

LATER = changed(cells__0__inputs__1="Cell_2")
GENOTYPES = {
    "not JSON": ("cells: none", "is not JSON: expecting value at line 1, column 1"),
    "unknown operation": (
        json.dumps(changed(cells__0__steps__0__op="Atention")),
        "cells[0].steps[0].op is 'Atention', which is not an operation; did you mean 'Attention'?",
    ),
    "misspelt feature": (
        json.dumps(changed(cells__1__inputs__1="Video3")),
        "cells[1].inputs[1] reads 'Video3', which is not a feature or an earlier cell; did you mean 'Video_3'?",
    ),
    "later cell": (
        json.dumps(LATER),
        "cells[0].inputs[1] reads 'Cell_2', which does not come before it; a cell reads only what comes before it",
    ),
}


@pytest.mark.parametrize("command", ["validate", "compile", "draw", "train"])
@pytest.mark.parametrize("what", GENOTYPES)
def test_a_genotype_that_is_not_one(tmp_path, command, what):
    text, sentence = GENOTYPES[what]
    path = tmp_path / "g.json"
    path.write_text(text)
    out, err = bmnas(command, path, code=2)
    assert (out, err) == ("", f"bmnas: {path}: {sentence}\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["g.json"]


def test_a_file_that_does_not_exist(tmp_path):
    path = tmp_path / "none.json"
    assert bmnas("draw", path, code=2)[1] == f"bmnas: {path}: cannot be read: no such file or directory\n"


@pytest.mark.parametrize("command", ["search", "train", "compile"])
def test_an_unknown_task(tmp_path, command):
    path = tmp_path / "g.json"
    path.write_text(json.dumps(SHORT))
    given = [] if command == "search" else [path]
    _, err = bmnas(command, *given, "--task", "digitz", code=2, cwd=tmp_path)
    assert err == "bmnas: unknown task 'digitz'; did you mean 'digits'?\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["g.json"]


def test_output_that_cannot_be_written(tmp_path):
    """A file where a folder should be: unlike permissions, that stops the superuser too."""
    wall = tmp_path / "wall"
    wall.write_text("")
    path = tmp_path / "g.json"
    path.write_text(json.dumps(SHORT))
    assert bmnas("search", "--out", wall, code=2)[1] == f"bmnas: {wall}: cannot be created: file exists\n"
    assert bmnas("search", "--out", wall / "run", code=2)[1] == (
        f"bmnas: {wall / 'run'}: cannot be created: not a directory\n"
    )
    for command, file in (("draw", "g.svg"), ("train", None)):
        out = wall if file is None else wall / file
        target = wall / "g.safetensors" if file is None else out
        _, err = bmnas(command, path, "--out", out, code=2)
        assert err == f"bmnas: {target}: cannot be written: {wall} is not a folder\n"
    assert wall.read_text() == ""


def test_settings_that_make_no_sense(tmp_path):
    _, err = bmnas("search", "--epochs", 0, code=2, cwd=tmp_path)
    assert err == "bmnas: --epochs is 0: it should be greater than or equal to 1\n"
    _, err = bmnas("search", "--operations", "Sum,Concat", code=2, cwd=tmp_path)
    assert err.startswith("bmnas: --operations has 'Concat', which is not an operation; did you mean 'ConcatFC'?")
    _, err = bmnas("search", "--cells", 6, "--derive", "official", code=2, cwd=tmp_path)
    assert err.startswith("bmnas: the official derivation gives every cell a feature that no earlier cell reads")
    assert not list(tmp_path.iterdir())


def test_an_unknown_suffix_names_the_known_ones(tmp_path):
    path = tmp_path / "g.json"
    path.write_text(json.dumps(SHORT))
    _, err = bmnas("draw", path, "-o", tmp_path / "g.gif", code=2)
    assert err.count("\n") == 1
    assert all(suffix in err for suffix in (".svg", ".pdf", ".png", ".dot"))


def test_a_folder_of_other_settings(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text('{"format": "bmnas-run/2", "task": "digits", "search": {"seed": 1}}')
    _, err = bmnas("search", "--out", folder, code=2)
    assert err.startswith(f"bmnas: {folder}: holds a search with search.")
    (folder / "config.json").write_text("]")
    _, err = bmnas("search", "--out", folder, code=2)
    assert err.startswith(f"bmnas: {folder / 'config.json'}: is not JSON: expecting value")


def test_a_usage_error_has_exit_code_2():
    _, err = bmnas("serch", code=2)
    assert "serch" in err
    assert "Traceback" not in err


def test_a_file_that_is_a_folder(tmp_path: Path):
    path = tmp_path / "g.json"
    path.write_text(json.dumps(SHORT))
    assert bmnas("draw", path, "-o", tmp_path, code=2)[1] == f"bmnas: {tmp_path}: is a folder; name a file\n"


def test_a_genotype_is_never_overwritten_by_its_own_output(tmp_path):
    for name, command in (("g.safetensors", "train"), ("g.svg", "draw")):
        path = tmp_path / name
        path.write_text(json.dumps(SHORT))
        assert (
            bmnas(command, path, "--force", code=2)[1] == f"bmnas: {path}: is the genotype itself; name another file\n"
        )
        assert json.loads(path.read_text()) == SHORT


def test_a_path_that_is_too_long(tmp_path):
    path = tmp_path / "g.json"
    path.write_text(json.dumps(SHORT))
    target = tmp_path / ("x" * 300 + ".svg")
    assert bmnas("draw", path, "-o", target, code=2)[1] == f"bmnas: {target}: cannot be written: file name too long\n"


def test_a_genotype_that_is_not_the_tasks(tmp_path):
    path = tmp_path / "g.json"
    path.write_text(json.dumps(SHORT))
    _, err = bmnas("train", path, "--task", "digits", code=2)
    assert err.startswith(
        f"bmnas: {path}: features[0].name is 'Video_3', which task digits does not have; known: 'Top_1'"
    )
