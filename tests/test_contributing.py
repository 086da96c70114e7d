"""CONTRIBUTING.md is followed in a copy: its files are written, its lines put in, the tests of its sections run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"<!-- (?P<mark>(?:file|lines of): .+?) -->\n```(?:python|diff)\n(?P<text>.*?)```\n", flags=re.DOTALL
)
RUN = re.compile(r"<!-- run -->\n```sh\nbmnas (.+) > (.+)\n```\n")
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))
# Tests of what is there for all members of a kind, which have to hold for the new one: quick ones.
LAWS = {
    "An operation": [
        *("tests/compiler/test_operations.py", "tests/test_docs.py", "tests/genotype/test_schema_file.py"),
        *("-k", "Gate or every_operation_is_in_the_table or the_formulas or the_published_schema"),
    ],
    "A task": ["tests/tasks/test_registry.py"],
    "A strategy": ["tests/searcher/strategies/test_all.py", "-k", "climbing"],
    "A selection": ["tests/searcher/test_config.py"],
    "A pass": [
        *("tests/compiler/test_passes.py", "tests/compiler/test_inference.py"),
        "tests/test_docs.py::test_files_commands_and_python_in_their_order[compiler.md-2]",
    ],
    "An export": ["tests/compiler/export/test_export.py", "-k", "torchscript"],
}


@pytest.fixture(scope="module")
def followed(tmp_path_factory) -> Path:
    """A copy of package and tests in which all sections were followed."""
    copy = tmp_path_factory.mktemp("copy")
    for folder in ("bmnas", "tests", "docs", "examples"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for mark, text in BLOCK.findall(PAGE):
        if mark.startswith("file: "):
            path = copy / mark.removeprefix("file: ")
            assert not path.exists(), f"{mark}: there is such a file"
            path.write_text(text, encoding="utf-8")
        else:
            put_in(copy / mark.removeprefix("lines of: "), text)
    for arguments, path in RUN.findall(PAGE):
        (copy / path).write_text(run_in(copy, "bmnas", *arguments.split()), encoding="utf-8")
    return copy


def put_in(path: Path, difference: str) -> None:
    """Lines after or instead of one, as far in as that; it is there once, and three dots may end it early."""
    (sign, anchor), *rest = ((line[0], line[1:]) for line in difference.splitlines())
    assert sign in " -" and all(each == "+" for each, _ in rest), difference
    lines = path.read_text(encoding="utf-8").splitlines()
    (number,) = (n for n, line in enumerate(lines) if is_meant(line.strip(), anchor))
    indentation = lines[number][: -len(lines[number].lstrip())]
    lines[number + (sign == " ") : number + 1] = [indentation + line for _, line in rest]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def is_meant(line: str, anchor: str) -> bool:
    return line.startswith(anchor[:-3]) if anchor.endswith("...") else line == anchor


def run_in(copy: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(copy), "BMNAS_CACHE": str(copy / "cache")}
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_tests_of_all_sections_pass(followed):
    tests = [mark.removeprefix("file: ") for mark, _ in BLOCK.findall(PAGE) if mark.startswith("file: tests/")]
    assert len(tests) == len(LAWS)
    assert run_in(followed, "pytest", "-p", "no:cacheprovider", *tests).count("failed") == 0


@pytest.mark.slow
@pytest.mark.parametrize("section", LAWS)
def test_the_laws_of_the_kind_hold(followed, section):
    assert "passed" in run_in(followed, "pytest", "-p", "no:cacheprovider", *LAWS[section])


def test_the_code_is_as_clean_as_ours(followed):
    changed = sorted({path for mark, _ in BLOCK.findall(PAGE) if (path := mark.split(": ")[1]).endswith(".py")})
    run_in(followed, "ruff", "check", *changed)
    run_in(followed, "ruff", "format", "--check", *changed)


def test_every_kind_of_addition_has_a_section():
    assert set(LAWS) <= set(SECTIONS)
    for name in LAWS:
        marks = [mark for mark, _ in BLOCK.findall(SECTIONS[name])]
        assert any(mark.startswith("file: bmnas/") for mark in marks), name
        assert any(mark.startswith("file: tests/") for mark in marks), name
        assert any(mark.startswith("lines of: ") for mark in marks), name


def paths_that_are_named() -> set[str]:
    """Files and folders of the repository that the page names, those that its sections add left out."""
    named = re.findall(r"`((?:tests|docs|benchmarks|examples|\.ci|bmnas)/[\w/.]+)`", PAGE)
    named += re.findall(r"\]\((?!https?://|#)([^)#]+)\)", PAGE)
    return {path.rstrip("/") for path in named if f"file: {path}" not in PAGE}


def test_paths_that_the_page_names_are_there():
    assert len(paths_that_are_named()) > 10
    for path in paths_that_are_named():
        assert (ROOT / path).exists(), path
