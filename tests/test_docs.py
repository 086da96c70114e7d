"""The pages of docs/ are run: files are written, commands print what is shown, Python gives what is shown.

``UPDATE_DOCS=1 pytest tests/test_docs.py`` writes what the commands print into the pages; review the difference.
"""

from __future__ import annotations

import doctest
import math
import os
import re
import shlex
from pathlib import Path

import pytest

from bmnas.compiler import summarise
from bmnas.genotype import INPUT_NAMES, OPERATIONS, extension, from_dict, published
from bmnas.genotype.stacks import BLOCKS
from tests.cli.calling import call

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"(?:<!-- (?P<mark>.+?) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```\n", flags=re.DOTALL)
PAGE = DOCS / "genotype.md"
OF_FITS = {"diagnose", "evaluating"}  # pages whose figures come from numerical fits


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(extension, "_registered", {})
    monkeypatch.setattr(BLOCKS, "_members", dict(BLOCKS._members))
    monkeypatch.setenv("BMNAS_CACHE", str(tmp_path / "cache"))
    return tmp_path


def run(command: str, code: int) -> str:
    program, *rest = shlex.split(command)
    assert program == "bmnas"
    done = call(*rest)
    assert done.returncode == code, (command, done.stdout, done.stderr)
    # What is said of progress has times in it, and stands beside the output, as on a terminal.
    return done.stdout + (done.stderr if code else "")


def without_rounding(printed: str) -> str:
    """Without how far an export is off, which is rounding: another processor has other last bits.

    Nor with the size of a pt2 file, in which every version of torch writes something else.
    """
    printed = re.sub(r"(pt2, )[\d,]+ bytes", r"\1... bytes", printed)
    return re.sub(r"(differs by at most )(0\.0e\+00|\d\.\de-0[78])", r"\1...", printed)


NUMBER = re.compile(r"\d+\.\d+")


def alike(new: str, old: str) -> bool:
    """Whether both say the same of figures that come from a fit: another processor ends a fit a little elsewhere."""
    words = [re.sub(r"\s+", " ", NUMBER.sub("#", text)) for text in (new, old)]
    pairs = zip(map(float, NUMBER.findall(new)), map(float, NUMBER.findall(old)), strict=False)
    return words[0] == words[1] and all(
        math.isclose(a, b, rel_tol=0.05, abs_tol=0.005 + 1.5 * (a > 2)) for a, b in pairs
    )


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("genotype.md", 6),
        ("compiler.md", 2),
        ("own-features.md", 1),
        ("using.md", 2),
        ("diagnose.md", 1),
        ("evaluating.md", 3),
        ("report.md", 1),
        ("tasks.md", 0),
        ("search.md", 0),
        ("command-line.md", 2),
        ("encoder-decoder.md", 2),
        ("scale.md", 0),
    ],
)
def test_files_commands_and_python_in_their_order(workplace, monkeypatch, request, page, shown):
    monkeypatch.syspath_prepend(workplace)
    page = DOCS / page
    text = page.read_text(encoding="utf-8")
    if re.search(r"^bmnas .*--task digits|^>>> .*bmnas\.search\(\"digits\"", text, flags=re.MULTILINE):
        monkeypatch.setenv("BMNAS_CACHE", str(request.getfixturevalue("cache")))
    blocks = list(BLOCK.finditer(text))
    printed, changes, globals_ = "", [], {}
    for block in blocks:
        mark, kind, content = block["mark"] or "", block["kind"], block["text"]
        if mark.startswith("file: "):
            Path(mark.removeprefix("file: ")).write_text(content)
        elif kind == "sh":
            *lines, last = content.splitlines()
            printed = "".join(run(line, 0) for line in lines) + run(last, int(mark.removeprefix("exit code ") or 0))
        elif kind == "text" and printed:
            changes.append((block.span("text"), content, printed))
            printed = ""
        elif kind == "python":
            example = doctest.DocTestParser().get_doctest(content, globals_, page.name, page.name, 0)
            failures: list[str] = []
            doctest.DocTestRunner().run(example, out=failures.append, clear_globs=False)
            globals_.update(example.globs)
            assert not failures, "".join(failures)
            printed = ""  # what a command prints stands before the next Python
    if os.environ.get("UPDATE_DOCS"):
        for (start, end), _, new in reversed(changes):
            text = text[:start] + new + text[end:]
        page.write_text(text, encoding="utf-8")
    else:
        for _, old, new in changes:
            assert without_rounding(new) == without_rounding(old) or (page.stem in OF_FITS and alike(new, old))
    assert len(changes) >= shown


def test_every_operation_is_in_the_table():
    text = PAGE.read_text(encoding="utf-8")
    for name, operation in OPERATIONS.items():
        (row,) = re.findall(rf"^\| `{name}` .*$", text, flags=re.MULTILINE)
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        least, most = operation.arity
        assert cells[1] == (
            f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
        )
        assert [option.strip("`") for option in cells[2].split(", ") if option] == list(operation.options.model_fields)


def test_the_formulas_for_parameters_give_what_is_built():
    """The last two columns of the table, calculated for some sizes."""
    text = PAGE.read_text(encoding="utf-8")
    for name, operation in OPERATIONS.items():
        (row,) = re.findall(rf"^\| `{name}` .*$", text, flags=re.MULTILINE)
        formulas = dict(
            zip(("paper", "official"), [cell.strip() for cell in row.strip("|").split("|")][-2:], strict=True)
        )
        for inputs in range(operation.arity[0], (operation.arity[1] or 4) + 1):
            for dialect, formula in formulas.items():
                choices = [part.strip() for part in formula.split(";")]
                chosen = choices[0] if inputs == 2 or len(choices) == 1 else choices[1]
                terms = {"C²": 8 * 8, "CL": 8 * 3, "C": 8}
                built = parameters_of_a_step(name, inputs, dialect)
                assert polynomial(chosen.split(":")[-1], terms, inputs) == built, (name, dialect, inputs)


def parameters_of_a_step(op: str, inputs: int, dialect: str) -> int:
    """Of one with that operation on so many features, in a network of 8 channels and length 3."""
    names = [f"F{number}" for number in range(inputs)]
    genotype = from_dict(
        {
            "dialect": dialect,
            "representation": {"channels": 8, "length": 3},
            "features": [{"name": name, "modality": name, "channels": 2} for name in names],
            "cells": [{"inputs": names, "steps": [{"op": op, "inputs": list(INPUT_NAMES[:inputs])}]}],
        }
    )
    return next(node.parameters for node in summarise(genotype).nodes if node.name == "Cell_1 / Step_1")


def polynomial(formula: str, terms: dict[str, int], inputs: int) -> int:
    """The value of ``2 n C² + 3 C``."""
    total = 0
    for term in formula.split("+"):
        product = 1
        for factor in term.split():
            product *= {**terms, "n": inputs, "n²": inputs**2}.get(factor) or int(factor)
        total += product if term.strip() != "0" else 0
    return total


def test_the_sizes_are_what_the_networks_have():
    text = (DOCS / "paper.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| here \| (.*) \|$", text.partition("<!-- output: sizes -->")[2], flags=re.MULTILINE)
    sizes = [f"{summarise(published.load(name)).parameters / 1e6:.3f}" for name in published.names()]
    assert row.split(" | ") == sizes


def test_links_lead_somewhere():
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (DOCS / target).exists(), (page.name, target)


def test_what_the_guides_import_is_in_the_reference():
    reference = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md"))
    described = set(re.findall(r"auto\w+:: (bmnas[\w.]*)", reference)) | {"bmnas.fit"}
    for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md", *(DOCS.parent / "examples").glob("*.py")]:
        text = page.read_text(encoding="utf-8")
        for module, names in re.findall(r"^(?:>>> )?from (bmnas[\w.]*) import (.+)$", text, flags=re.MULTILINE):
            for name in names.split(", "):
                assert {module, f"{module}.{name}"} & described, (page.name, module, name)
