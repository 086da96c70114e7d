"""What does not fit into memory is refused before it is allocated."""

from __future__ import annotations

import json

import pytest

import bmnas
from bmnas.errors import BmnasError
from bmnas.fit import room
from bmnas.fit.control_groups import Hierarchy
from bmnas.fit.room import machine_memory, refuse_unmakeable, refuse_untrainable, training_bytes
from tests.cli.calling import bmnas as run

HUGE = {
    "representation": {"channels": 65_536, "length": 65_536},
    "head": {"outputs": 10},
    "features": [{"name": "Top_3", "modality": "Top"}, {"name": "Bottom_2", "modality": "Bottom"}],
    "cells": [{"inputs": ["Top_3", "Bottom_2"], "steps": [{"op": "LinearGLU", "inputs": ["x", "y"]}]}],
}


def test_a_training_takes_weights_gradients_moments_and_activations():
    assert training_bytes(10, 0, 96) == 160
    assert training_bytes(0, 10, 96) == 3840


def test_there_is_memory():
    there = machine_memory()
    assert there is None or 2**28 < there < 2**50


def test_the_group_of_the_process_and_those_above_it_limit(monkeypatch, tmp_path):
    (tmp_path / "user" / "job").mkdir(parents=True)
    (tmp_path / "user" / "job" / "memory.max").write_text("max\n")
    (tmp_path / "user" / "memory.max").write_text("1000\n")
    mine = Hierarchy(tmp_path, "/user/job", "memory.max", "memory.current")
    monkeypatch.setattr(room, "hierarchies", lambda: [mine])
    assert machine_memory() == 1000


def test_what_just_fits_is_not_refused():
    refuse_untrainable("it", 10, 10, 4, training_bytes(10, 10, 4))
    refuse_unmakeable("it", 10, 40)
    refuse_untrainable("it", 10**15, 10**15, 4, None)
    with pytest.raises(BmnasError, match=r"it has 10 parameters, whose training takes about 0.0 GiB"):
        refuse_untrainable("it", 10, 10, 4, training_bytes(10, 10, 4) - 1)
    with pytest.raises(BmnasError, match="it has 10 parameters, which take"):
        refuse_unmakeable("it", 10, 39)


@pytest.mark.parametrize(
    ("command", "count"),
    [
        (("train", "huge.json"), "the network has 77,316,489,226 parameters, whose training takes about "),
        (("compile", "huge.json", "--task", "digits", "--to", "onnx"), "the network has 77,316,489,226 parameters, "),
        (("search", "--channels", 65_536, "--length", 65_536), "the hypernet has "),
    ],
)
def test_commands_refuse_it_with_the_number(tmp_path, cache, command, count):
    (tmp_path / "huge.json").write_text(json.dumps(HUGE))
    options = () if command[0] == "compile" else ("--device", "cpu")
    out, err = run(*command, *options, cache=cache, code=2, cwd=tmp_path)
    assert count in err
    assert " GiB; use fewer channels" in err
    assert (out, err.count("\n")) == ("", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["huge.json"]


def test_a_file_is_validated_with_a_warning(tmp_path):
    path = tmp_path / "huge.json"
    path.write_text(json.dumps(HUGE))
    out, err = run("validate", path)
    assert "warning: representation makes a network of 77,3" in out
    assert " parameters, which take 288.0 GiB of memory; use fewer channels" in out
    assert err == ""
    run("validate", path, "--strict", code=2)
    bmnas.save(bmnas.load("ntu-4"), tmp_path / "small.json")
    assert "makes a network" not in run("validate", tmp_path / "small.json")[0]
