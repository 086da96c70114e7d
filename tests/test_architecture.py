"""Who may import whom (docs/parts.md), and what may not be imported early."""

from __future__ import annotations

import ast
import functools
import json
import pydoc
import re
from pathlib import Path

import networkx as nx
import pytest

import bmnas
from tests.genotype.test_schema import SHORT
from tests.processes import loaded_by

ROOT = Path(bmnas.__file__).parent
BELOW_ALL = ("errors", "files", "sentences", "settings", "table", "version")
PARTS = ("genotype", "fit", "taps", "compiler", "tasks", "evaluation", "searcher", "prediction", "report", "cli")
MAY_IMPORT = {
    "genotype": set(),
    "fit": set(),
    "taps": {"genotype", "fit"},
    "compiler": {"genotype", "fit", "taps"},
    "tasks": {"genotype", "fit", "taps"},
    "evaluation": {"fit", "tasks"},
    "searcher": {"genotype", "fit", "taps", "compiler", "tasks", "evaluation"},
    "joint": {"genotype", "fit", "taps", "compiler", "tasks", "searcher"},
    "pairs": {"genotype", "fit", "compiler", "tasks", "searcher", "joint"},
    "prediction": {"genotype", "fit", "taps", "compiler", "tasks", "searcher"},
    "study": {"genotype", "fit", "compiler", "tasks", "evaluation", "searcher", "joint"},
    "report": {"genotype", "compiler", "evaluation", "searcher"},
    "sweeping": {"genotype", "fit", "compiler", "tasks", "searcher", "report"},
    "cli": {
        *("genotype", "fit", "taps", "compiler", "tasks", "evaluation", "searcher"),
        *("joint", "pairs", "prediction", "study", "report", "sweeping"),
    },
}
# All files and folders of the searcher: each may import what stands before it.
LAYERS = (
    *("markup", "settings", "anchor", "problem", "events", "outline", "meter"),
    *("seed_batch", "losing", "network_fit", "beginning", "fit_training", "network_training", "stacked_training"),
    *("ensemble_training", "training", "calibration"),
    *("hypernet", "official", "derive", "collapse", "inherit", "candidate"),
    *("selections", "strategies", "config", "presets", "run", "trackers", "diagnosis", "api", "answering", "diagnose"),
)


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules() -> dict[str, Path]:
    """All modules of the package by name."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = ["bmnas", *path.relative_to(ROOT).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def imports() -> nx.DiGraph[str]:
    """Who imports whom, imports inside functions and under TYPE_CHECKING counted."""
    there, graph = modules(), nx.DiGraph()
    graph.add_nodes_from(there)
    for module, path in there.items():
        for name in imports_of(path):
            while name and name not in there:
                name = name.rpartition(".")[0]
            if name and name != module:
                graph.add_edge(module, name)
    return graph


def circles(graph: nx.DiGraph[str]) -> list[list[str]]:
    return [sorted(circle) for circle in nx.strongly_connected_components(graph) if len(circle) > 1]


def test_no_files_import_each_other_in_a_circle():
    assert circles(imports()) == []


@pytest.mark.parametrize("folder", sorted({name.rpartition(".")[0] for name in modules()} - {""}))
def test_what_is_in_a_folder_is_in_layers(folder):
    """Files and folders in it, each with all that is in it, import each other in one direction."""
    level, begin = nx.DiGraph(), f"{folder}."
    for one, other in imports().edges:
        if one.startswith(begin) and other.startswith(begin):
            pair = [begin + name.removeprefix(begin).split(".")[0] for name in (one, other)]
            if pair[0] != pair[1]:
                level.add_edge(*pair)
    assert circles(level) == []


def test_what_is_below_all_imports_nothing_above():
    for name in BELOW_ALL:
        assert set(imports().successors(f"bmnas.{name}")) <= {f"bmnas.{other}" for other in BELOW_ALL}


def test_the_searcher_is_in_layers():
    def layer(name: str) -> int:
        return LAYERS.index(name.removeprefix("bmnas.searcher.").split(".")[0])

    for one, other in imports().edges:
        if one.startswith("bmnas.searcher.") and other.startswith("bmnas.searcher."):
            assert layer(one) >= layer(other), (one, other)


def test_every_file_of_the_searcher_is_in_a_layer():
    there = {name.split(".")[2] for name in modules() if name.startswith("bmnas.searcher.")}
    assert sorted(LAYERS) == sorted(there)


def test_the_document_has_the_same_layers():
    text = (ROOT.parent / "docs" / "parts.md").read_text(encoding="utf-8")
    table = text.partition("## Inside the searcher")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.+?) \|", table, flags=re.MULTILINE)
    assert tuple(re.findall(r"`(\w+)(?:\.py|/)`", " ".join(cells))) == LAYERS


@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_only_what_it_may(part):
    files = list((ROOT / part).rglob("*.py"))
    assert files
    for path in files:
        parts = {name.split(".")[1] for name in imports_of(path) if name.startswith("bmnas.")} & set(PARTS)
        assert parts <= MAY_IMPORT[part] | {part}, path


def test_the_genotype_language_knows_no_torch():
    for path in (ROOT / "genotype").rglob("*.py"):
        assert not {name for name in imports_of(path) if name.split(".")[0] == "torch"}, path


@pytest.mark.parametrize(
    "code",
    [
        "import bmnas; bmnas.load, bmnas.save, bmnas.Genotype, bmnas.draw",
        "import bmnas.genotype",
        "from bmnas.cli.app import app",
        "import bmnas.cli, sys; sys.argv[1:] = ['--help']\ntry: bmnas.cli.main()\nexcept SystemExit: pass",
        "import bmnas.cli, sys; sys.argv[1:] = ['draw', '--help']\ntry: bmnas.cli.main()\nexcept SystemExit: pass",
    ],
)
def test_torch_is_not_imported_before_it_is_needed(code):
    assert not loaded_by(code) & {"torch", "sklearn", "numpy", "networkx", "rich.console"}


@pytest.mark.parametrize(
    "command", ["['validate', 'g.json']", "['draw', 'g.json', '-o', 'g.svg']", "['info', 'g.json']"]
)
def test_commands_on_genotypes_import_no_torch(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    Path("g.json").write_text(json.dumps(SHORT))
    code = f"import bmnas.cli, sys; sys.argv[1:] = {command}\ntry: bmnas.cli.main()\nexcept SystemExit as done:"
    loaded = loaded_by(f"{code}\n    assert not done.code")
    # networkx alone takes as long as all the rest.
    assert not loaded & {"torch", "sklearn", "networkx", "numpy"}


def test_looking_at_runs_imports_no_torch(digits_run, tmp_path):
    out = str(tmp_path / "report.html")
    for arguments in (["report", str(digits_run), "--out", out], ["runs", str(digits_run.parent)]):
        code = f"import bmnas.cli, sys; sys.argv[1:] = {arguments}\ntry: bmnas.cli.main()\nexcept SystemExit as done:"
        loaded = loaded_by(f"{code}\n    assert not done.code")
        assert not loaded & {"torch", "sklearn", "scipy.stats"}
        assert arguments[0] == "report" or not loaded & {"numpy", "networkx"}


def test_help_fits_a_screen_and_loads_no_torch():
    """Every public name is in it, each once."""
    text = pydoc.render_doc(bmnas, renderer=pydoc.plaintext)
    assert len(text.splitlines()) <= 50
    words = re.findall(r"\w+", text.partition("PACKAGE CONTENTS")[0].partition("genotypes ")[2])
    assert set(bmnas.__all__) - {"__version__"} <= set(words)
    assert "torch" not in loaded_by("import bmnas, pydoc; pydoc.render_doc(bmnas)")


def test_every_public_name_is_everywhere_where_names_are_told():
    assert sorted(bmnas.__all__) == list(dir(bmnas)) == sorted({*bmnas._HOME, "__version__"})


def test_every_public_name_loads():
    for name in bmnas.__all__:
        assert getattr(bmnas, name) is not None
    assert set(bmnas.__all__) <= set(dir(bmnas))
    with pytest.raises(AttributeError, match="has no attribute 'serch'"):
        bmnas.serch  # noqa: B018
