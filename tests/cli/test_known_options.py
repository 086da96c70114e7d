"""Options of settings are found out once, and again where what says them has changed."""

from __future__ import annotations

import json

import pytest

from bmnas.cli import known_options as module
from bmnas.cli.known_options import known_options
from bmnas.cli.settings_options import options_of
from bmnas.joint import JointConfig
from bmnas.searcher import SearchConfig, TrainConfig
from tests.test_architecture import loaded_by


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BMNAS_CACHE", str(tmp_path))
    return tmp_path / "options" / "search.json"


def unwanted():
    raise AssertionError("they are known")


def test_they_are_found_out_once(cache):
    found = known_options("search", lambda: SearchConfig)
    assert found == options_of(SearchConfig)
    assert known_options("search", unwanted) == found
    assert known_options("train", lambda: TrainConfig) == options_of(TrainConfig)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"key": 3, "options": []}', "null"])
def test_a_file_that_is_no_good_is_as_good_as_none(cache, content):
    cache.parent.mkdir()
    cache.write_text(content)
    assert known_options("search", lambda: SearchConfig) == options_of(SearchConfig)
    assert known_options("search", unwanted)


def test_they_are_found_out_again_where_a_file_has_changed(cache, monkeypatch):
    known_options("search", lambda: SearchConfig)
    kept = json.loads(cache.read_text())
    monkeypatch.setattr(module, "__version__", "another")
    assert module._found_in() != kept["key"]
    known_options("search", lambda: SearchConfig)
    assert json.loads(cache.read_text())["key"] == module._found_in()


def test_a_folder_that_cannot_be_written_costs_time_alone(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BMNAS_CACHE", str(tmp_path / "file"))
    assert known_options("search", lambda: SearchConfig) == options_of(SearchConfig)


def test_help_loads_no_torch_once_they_are_known(cache):
    known_options("search", lambda: SearchConfig)
    known_options("joint", lambda: JointConfig)
    code = "import bmnas.cli, sys; sys.argv[1:] = ['search', '--help']\ntry: bmnas.cli.main()\nexcept SystemExit: pass"
    assert "torch" not in loaded_by(code)
