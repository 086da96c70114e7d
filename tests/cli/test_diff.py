"""``bmnas diff`` as a user gives it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from bmnas.cli.app import app
from tests.cli.calling import bmnas
from tests.genotype.test_schema import SHORT, changed
from tests.test_architecture import loaded_by


@pytest.fixture
def files(tmp_path, monkeypatch):
    """a.json; same.json, the same function in another order; other.json, another function."""
    monkeypatch.chdir(tmp_path)
    same = changed(cells__0__steps__1__inputs=["x", "Step_1"])
    for name, data in (("a", SHORT), ("same", same), ("other", changed(cells__1__steps__0__op="Sum"))):
        (tmp_path / f"{name}.json").write_text(json.dumps(data))


def run(*arguments: str, code: int) -> str:
    result = CliRunner().invoke(app, ["diff", *arguments])
    assert result.exit_code == code, result.output
    return result.stdout


def test_another_function_is_exit_code_1(files):
    assert run("a.json", "other.json", code=1) == (
        "a.json and other.json compute different functions:\n"
        "  cells[1].steps[0] (Cell_2 / Step_1): op is LinearGLU in a.json, Sum in other.json\n"
    )


def test_the_same_function_is_exit_code_0(files):
    out = run("a.json", "same.json", code=0)
    assert out.startswith("a.json and same.json compute the same function; they differ in this:\n  cells[0].steps[1] ")
    assert run("a.json", "a.json", code=0) == "the first and the second are equal.\n"


def test_json(files):
    found = json.loads(run("a.json", "other.json", "--json", code=1))
    assert found["same_function"] is False
    assert len(set(found["canonical_hashes"])) == 2
    assert [sorted(difference) for difference in found["differences"]] == [["kind", "place", "words"]]
    assert json.loads(run("a.json", "same.json", "--json", code=0))["same_function"] is True


def test_a_picture_of_both(files, tmp_path):
    assert run("a.json", "other.json", "-o", "both.dot", code=1).endswith("\nboth.dot\n")
    assert (tmp_path / "both.dot").read_text().startswith("digraph")


def test_a_picture_never_replaces_a_file_unasked(files, tmp_path):
    _, err = bmnas("diff", "a.json", "other.json", "-o", "same.json", code=2, cwd=tmp_path)
    assert err == "bmnas: same.json: exists; --force overwrites it\n"


def test_a_broken_file_is_exit_code_2(files, tmp_path):
    _, err = bmnas("diff", "a.json", "missing.json", code=2, cwd=tmp_path)
    assert err.startswith("bmnas: missing.json: ")


def test_it_loads_neither_torch_nor_what_draws(files):
    code = "import bmnas.cli, sys; sys.argv[1:] = ['diff', 'a.json', 'same.json']\ntry: bmnas.cli.main()"
    loaded = loaded_by(f"{code}\nexcept SystemExit as done:\n    assert not done.code")
    assert not loaded & {"torch", "numpy", "networkx", "graphviz"}
