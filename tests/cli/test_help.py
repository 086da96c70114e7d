"""The help: groups, units and defaults, lines that fit, and examples that do what they say."""

from __future__ import annotations

import json
import re
import shlex

import pytest
import typer

from bmnas.cli.app import app
from bmnas.cli.help import examples_of
from tests.cli.calling import bmnas, call, with_cache
from tests.genotype.test_schema import SHORT

GROUP = typer.main.get_command(app)
ROOT = typer.Context(GROUP, info_name="bmnas")


def command_of(name):
    """The command with all its options."""
    return GROUP.resolve_command(ROOT, [name])[1]


COMMANDS = GROUP.list_commands(ROOT)
EXAMPLES = {example: name for name in COMMANDS for example in examples_of(command_of(name))}
# What takes seconds or needs data is parsed to the end, not run.
LONG = (
    "search",
    "sweep",
    "prepare",
    "backbones",
    "extract",
    "diagnose",
    "train",
    "taps",
    "predict",
    "evaluate",
    "compare",
    "ablate",
    "report",
)


def test_all_commands_are_listed_with_what_they_do():
    listed = bmnas("--help")[0].partition("\nCommands:\n")[2]
    assert re.findall(r"^  (\w+)  ", listed, flags=re.MULTILINE) == COMMANDS
    assert "..." not in listed


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("columns", [80, 100])
def test_lines_fit_and_words_are_whole(monkeypatch, name, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = bmnas(name, "--help")[0].splitlines()
    assert all(len(line) <= columns for line in lines), max(lines, key=len)
    assert not [line for line in lines if re.search(r"[^- ]-$", line)]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_is_shown_with_its_unit_and_default(name):
    command, out = command_of(name), bmnas(name, "--help")[0]
    ctx = typer.Context(command, info_name=name, parent=ROOT)
    rows = re.split(r"\n(?=  \S|\S|\n)", out)
    for parameter in command.get_params(ctx):
        if parameter.param_type_name != "option" or parameter.name == "help":
            continue
        (row,) = [
            each for each in rows if re.match(rf"\s+(-\w, )?{re.escape(max(parameter.opts, key=len))}[ \n]", each)
        ]
        told = " ".join(row.split())
        assert not re.search(r"<|\[(?!default|:)|\b(TEXT|INTEGER|PATH|None)\b", told), told
        if not getattr(parameter, "is_flag", False):
            assert re.search(r"^(-\w, )?--[\w-]+ [A-Z(\[a-z][^ ]+|^--seed N|X", told), told
            assert "[default: " in told or "left out" in told or "not given" in told or "--task" in told, told
        assert len(told.split()) > 3, "it is said what it is"


def test_settings_are_grouped_and_have_units():
    out = bmnas("search", "--help")[0]
    headings = re.findall(r"^(\w[\w ]+):$", out, flags=re.MULTILINE)
    assert headings == [
        "Examples",
        "Data",
        "Search",
        "Search space",
        "Final choice",
        "Single strategies",
        "Single selections",
        "Training of weights",
        "Joint training",
        "Features",
        "Output",
    ]
    for shown in ("--budget-seconds SECONDS", "--batch-size SAMPLES", "--epochs EPOCHS", "--length POSITIONS"):
        assert shown in out
    assert re.search(r"--relaxation.*?\[default: split;\s+released: shared\]", out, flags=re.DOTALL)


def test_the_help_itself_is_the_only_thing_that_says_how_to_use_it():
    for name in COMMANDS:
        assert bmnas(name, "-h") == bmnas(name, "--help")


def test_every_command_has_an_example():
    assert set(EXAMPLES.values()) == set(COMMANDS)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_shown_whole_on_a_line(monkeypatch, example):
    monkeypatch.setenv("COLUMNS", "40")
    assert f"\n  {example}\n" in bmnas(EXAMPLES[example], "--help")[0]


@pytest.mark.parametrize("example", [each for each in EXAMPLES if EXAMPLES[each] not in LONG])
def test_examples_run(tmp_path, cache, example):
    (tmp_path / "runs" / "digits-seed0").mkdir(parents=True)
    (tmp_path / "runs" / "digits-seed0" / "genotype.json").write_text(json.dumps(SHORT))
    official = "Genotype(edges=[('skip', 2), ('skip', 7)], steps=[StepGenotype(inner_edges=[('skip', 1), "
    official += "('skip', 0)], inner_steps=['Sum'], inner_concat=[2])], concat=[8])"
    (tmp_path / "best_genotype.pkl").write_text(official)
    words = shlex.split(example.partition(" > ")[0])
    if "genotype.json" not in words or words[words.index("genotype.json") - 1] != "-o":
        (tmp_path / "genotype.json").write_text(json.dumps(SHORT))
    done = call(*words[1:], cwd=tmp_path, env=with_cache(cache))
    assert done.returncode == (1 if words[1] == "diff" else 0), (example, done.stderr)


@pytest.mark.parametrize("example", [each for each in EXAMPLES if EXAMPLES[each] in LONG])
def test_examples_that_take_long_are_read_to_the_end(example):
    _, name, *words = shlex.split(example)
    context = command_of(name).make_context(name, words, parent=ROOT)
    typed = {parameter.name for parameter in context.command.params if is_typed(context, parameter)}
    assert len(typed) >= sum(word.startswith("-") for word in words), "each option that is shown was taken for one"
    assert not context.args


def is_typed(context, parameter):
    return context.get_parameter_source(parameter.name).name == "COMMANDLINE"
