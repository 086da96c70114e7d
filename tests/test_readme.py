"""Everything the README shows is run: its commands, its genotype, its Python, and the commands that set it up."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

import bmnas
from bmnas.genotype import loads
from bmnas.searcher.run.outcome import save_weights
from tests.cli.calling import call
from tests.processes import Forked, execute

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?:<!-- ([^>\n]+?) -->\n)?```(\w+)\n(.+?)```", README, flags=re.DOTALL)

# So that a search of the README takes seconds here; what it shows is otherwise run as it stands. What a search says
# before it begins takes as long as the rest of it, and docs/using.md is executed with it.
SMALL = {
    "search": [
        *("--epochs", "1", "--channels", "6", "--length", "4", "--train-epochs", "1", "--device", "cpu"),
        *("--select-budget", "0", "--no-outlook"),
    ],
    "train": ["--epochs", "1", "--device", "cpu"],
}


def blocks(language: str, label: str = "") -> list[str]:
    return [text for mark, kind, text in BLOCKS if kind == language and mark == label]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory, cache) -> tuple[Path, dict[str, str]]:
    """An empty folder, and an environment with the digits in the cache."""
    return tmp_path_factory.mktemp("readme"), {**os.environ, "BMNAS_CACHE": str(cache)}


def test_the_commands(workplace):
    folder, environment = workplace
    commands = []
    for mark, kind, text in BLOCKS:
        if mark.startswith("file: "):
            (folder / mark.removeprefix("file: ")).write_text(text)
        elif mark == "run: main job" or (kind == "sh" and not mark):
            commands += (lines := [text[text.rindex("bmnas search") :].strip()] if mark else text.splitlines())
            for line in lines:
                program, command, *rest = shlex.split(line)
                assert program == "bmnas"
                full = [command, *rest, *SMALL.get(command, [])]
                done = call(*full, cwd=folder, env=environment)
                assert done.returncode == (command == "diff"), (full, done.stderr)
    assert len(commands) >= 12
    for written in (
        "answers.csv",
        "found.pt2",
        "runs/mine/genotype.svg",
        "mine.pdf",
        "trained/genotype.safetensors",
        "mha.svg",
        "mha.safetensors",
    ):
        assert (folder / written).exists()


def test_the_python(workplace):
    folder, environment = workplace
    (code,) = blocks("python")
    (text,) = blocks("json", "file: mha.json")
    (folder / "mha.json").write_text(text)
    save_weights(bmnas.compile(loads(text)), folder / "mha.safetensors")
    process = Forked(execute, code, cwd=folder, env=environment)
    out, err = process.communicate()
    assert process.returncode == 0, err
    for comment in re.findall(r"print\(.*\)  # (.*)", code):
        assert f"{comment}\n" in out
    assert (folder / "mha.png").exists()


def test_the_genotype():
    (text,) = blocks("json", "file: mha.json")
    assert [step.op for step in loads(text).cells[0].steps] == ["MultiHeadAttention", "LinearGLU"]


def test_the_two_set_up_commands_are_one_line_each_and_need_only_python():
    for label in ("run: main job", "run: tests"):
        (text,) = blocks("sh", label)
        assert text.count("\n") == 1
        assert text.startswith("python3 -m venv .venv && .venv/bin/pip install ")
        assert "sudo" not in text


def test_the_pasted_output_has_the_rows_of_a_search():
    (text,) = blocks("text", "output: search")
    for row in ("A alone", "B alone", "score fusion", "late fusion", "found network"):
        assert re.search(rf"{row} +\d\d\.\d\d % +[\d,]+ +[\d.]+\n", text)


def test_the_pictures_are_there():
    for path in re.findall(r"!\[.*?\]\((.+?)\)", README):
        assert (Path(__file__).parents[1] / path).exists(), path
