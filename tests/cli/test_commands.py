"""Every command as a user gives it."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pytest

from bmnas.genotype import dumps, from_dict, load
from tests.cli.calling import bmnas, new_python, start
from tests.genotype.test_schema import SHORT, changed
from tests.searcher.small import outcome

SIZES = ["--channels", "6", "--length", "4", "--batch-size", "96", "--steps", "1"]
SMALL = [*SIZES, "--epochs", "4", "--lr", "1e-2", "--top-k", "1", "--train-epochs", "2", "--device", "cpu"]
# What a training leaves beside a genotype.
LEFT = ["backbones", "mine.json", "mine.model.json", "mine.safetensors", "mine.scores.json"]
SMALL += ["--anchor", "none", "--select-budget", "0"]


def unwrapped(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "short.json"
    path.write_text(json.dumps(SHORT))
    return path


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> tuple[Path, str, str]:
    """An uninterrupted search: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    return folder, *bmnas("search", *SMALL, "--seed", 2, "--out", folder, cache=cache)


def test_search_prints_one_table_and_where_things_are(whole_run):
    folder, out, err = whole_run
    for words in ("network", "test accuracy", "parameters", "seconds", "same training budget for every row"):
        assert words in out
    for row in ("Top alone", "Bottom alone", "late fusion", "found network"):
        assert re.search(rf"{row} +\d\d\.\d\d % +[\d,]+ +\d+\.\d", out), row
    assert re.search(
        r"Search: 4 epochs in [\d.]+ s; best validation accuracy \d\d\.\d\d % of the hypernet after epoch \d", out
    )
    assert re.search(
        r"Selection: \d+ looks in [\d.]+ s; validation accuracy \d\d\.\d\d % with inherited", unwrapped(out)
    )
    assert str(folder / "genotype.json") in out.replace("\n", "")
    assert err.count("search: epoch ") == 4, "a line an epoch where it is no terminal"
    assert all(line.startswith("bmnas: ") for line in err.splitlines())


def test_the_found_genotype_says_how_it_was_made(whole_run):
    provenance = load(whole_run[0] / "genotype.json").provenance
    assert provenance.command == (
        "bmnas search --task digits --anchor none --batch-size 96 --channels 6 --epochs 4 --length 4 --lr 0.01 "
        "--seed 2 --select-budget 0 --steps 1 --top-k 1"
    )
    assert provenance.trained_by == (
        "bmnas train genotype.json --task digits --batch-size 96 --epochs 2 --lr 0.01 --seed 2"
    )
    assert provenance.seed == 2
    assert provenance.data.startswith("digits@")
    assert provenance.scores.keys() == {"validation", "test"}
    assert provenance.versions.keys() == {"bmnas", "torch", "python"}


@pytest.mark.parametrize("kills", [1, 3])
def test_a_killed_search_goes_on_and_ends_the_same(whole_run, cache, tmp_path, kills):
    folder = tmp_path / "run"
    command = ("search", *SMALL, "--seed", 2, "--out", folder)
    for epochs in range(1, kills + 1):
        process = start(*command, cache=cache)
        while process.poll() is None and len(list(folder.glob("genotypes/*.json"))) < epochs:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "the search was over before the kill"
    bmnas(*command, cache=cache)
    assert outcome(folder) == outcome(whole_run[0])


def test_the_same_command_again_shows_the_same_result(whole_run, cache):
    folder, out, _ = whole_run
    done = new_python("search", *SMALL, "--seed", 2, "--out", folder, cache=cache)
    assert (done.returncode, done.stdout) == (0, out)
    assert f"bmnas: already finished: {folder} has all of this search" in done.stderr


def test_train_writes_beside_the_genotype(whole_run, cache, tmp_path):
    text = (whole_run[0] / "genotype.json").read_text()
    mine = tmp_path / "mine.json"
    mine.write_text(text)
    options = ("--epochs", 2, "--device", "cpu")
    out, err = bmnas("train", mine, *options, cache=cache)
    assert re.search(r"mine.json: test accuracy \d\d\.\d\d %, [\d,]+ parameters, trained in [\d.]+ s; weights in ", out)
    assert err.count(": epoch ") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == LEFT
    before, after = json.loads(text), json.loads(mine.read_text())
    scores = json.loads((tmp_path / "mine.scores.json").read_text())
    assert scores["metric"] == "accuracy"
    assert scores["scores"] == after["provenance"]["scores"]
    assert after["provenance"]["scores"]["validation"] == before["provenance"]["scores"]["validation"]
    assert {**before, "provenance": None} == {**after, "provenance": None}

    _, err = bmnas("train", mine, *options, cache=cache, code=2)
    assert err == f"bmnas: {tmp_path / 'mine.safetensors'}: exists; --force overwrites it\n"
    bmnas("train", mine, *options, "--force", cache=cache)


def test_train_a_hand_written_genotype_into_another_folder(cache, tmp_path):
    mine = tmp_path / "late.json"
    mine.write_text(
        """{"representation": {"channels": 6, "length": 4}, "head": {"outputs": 10},
            "features": [{"name": "Top_3", "modality": "Top"}, {"name": "Bottom_2", "modality": "Bottom"}],
            "cells": [{"inputs": ["Top_3", "Bottom_2"], "steps": [{"op": "Attention", "inputs": ["x", "y"]}]}]}"""
    )
    text = mine.read_text()
    bmnas("train", mine, "--out", tmp_path / "trained", "--epochs", 1, "--seed", 3, "--device", "cpu", cache=cache)
    assert mine.read_text() == text
    trained = load(tmp_path / "trained" / "late.json")
    assert trained.feature("Bottom_2").channels == 32
    assert trained.provenance.trained_by == "bmnas train late.json --task digits --epochs 1 --seed 3"
    assert trained.provenance.command is None
    assert (tmp_path / "trained" / "late.safetensors").exists()


def test_compile_shows_the_network(short):
    out, _ = bmnas("compile", short)
    assert re.search(r"Video_3 +feature \(sequence\) +32,816", out)
    assert re.search(r"Cell_1 / Step_2 +Sum of Step_1, x +0", out)
    assert bmnas("info", short)[0] == out
    assert re.search(r"[\d,]+ parameters; output \(batch, 128\)", out)
    summary = json.loads(bmnas("compile", short, "--json")[0])
    assert summary["parameters"] == sum(node["parameters"] for node in summary["nodes"])


def test_info_of_a_published_genotype():
    found = json.loads(bmnas("info", "ego-2", "--json")[0])
    assert round(found["parameters"] / 1e6, 3) == 0.445  # Table 8 of the paper
    assert found["multiply_adds"] == sum(node["multiply_adds"] for node in found["nodes"]) > 0
    assert [node["name"] for node in found["nodes"]][-1] == "output"


def test_compile_takes_channels_from_a_task(tmp_path):
    path = tmp_path / "g.json"
    path.write_text(json.dumps(changed(cells=[], features=[{"name": "Top_3", "modality": "T"}], output=["Top_3"])))
    _, err = bmnas("compile", path, code=2)
    assert err.startswith(f"bmnas: {path}: the channels of feature 'Top_3' are not known; ")
    assert "output (batch, 64)" in bmnas("compile", path, "--task", "digits")[0]


@pytest.mark.parametrize(
    ("suffix", "magic"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG"), ("dot", b"digraph")]
)
def test_draw(short, suffix, magic):
    target = short.with_name(f"picture.{suffix}")
    assert bmnas("draw", short, "-o", target) == (f"{target}\n", "")
    assert magic in target.read_bytes()[:200]
    before = target.read_bytes()
    _, err = bmnas("draw", short, "-o", target, code=2)
    assert err == f"bmnas: {target}: exists; --force overwrites it\n"
    bmnas("draw", short, "-o", target, "--force")
    assert target.read_bytes()[:20] == before[:20]


def test_draw_beside_the_genotype(short):
    bmnas("draw", short)
    assert short.with_suffix(".svg").exists()


def test_validate(short, tmp_path):
    assert bmnas("validate", short)[0] == f"{short}: valid; 2 features, 2 cells, 3 steps\n"
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    out, err = bmnas("validate", broken, short, code=2)
    assert out == f"{short}: valid; 2 features, 2 cells, 3 steps\n"
    assert err.startswith(f"bmnas: {broken}: representation is missing")


def test_version_and_no_arguments():
    import bmnas as package

    assert bmnas("--version")[0] == f"bmnas {package.__version__}\n"
    assert "Usage" in "".join(bmnas(code=2))


def test_written_and_read_by_commands(tmp_path):
    """A complete file and the short one that a person wrote are drawn and compiled alike."""
    (tmp_path / "a.json").write_text(json.dumps(SHORT))
    (tmp_path / "b.json").write_text(dumps(from_dict(SHORT)))
    assert bmnas("compile", tmp_path / "a.json", "--json") == bmnas("compile", tmp_path / "b.json", "--json")


def test_control_c_says_how_to_go_on(cache, tmp_path):
    folder = tmp_path / "run"
    process = start("search", *SMALL, "--out", folder, "--epochs", 500, cache=cache)
    while process.poll() is None and not list(folder.glob("genotypes/*.json")):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    *before, last = err.splitlines()
    assert all(line.startswith("bmnas: search: epoch ") for line in before)
    assert last.startswith("bmnas: stopped by Ctrl-C ")
    assert last.endswith("; a checkpoint is written, and the same command goes on from there")


def test_a_terminal_without_the_letters_of_a_name(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    path = tmp_path / "g.json"
    path.write_text(json.dumps(changed(name="Grüße :bomb: [/x]")))
    out = new_python("compile", path).stdout
    assert "Gr\\xfc\\xdfe :bomb: [/x]" in out
