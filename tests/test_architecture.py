"""Who may import whom (design, "The parts"), and what may not be imported early."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import bmnas
from tests.genotype.test_schema import SHORT

ROOT = Path(bmnas.__file__).parent
PARTS = ("genotype", "fit", "taps", "compiler", "tasks", "searcher", "cli")
MAY_IMPORT = {
    "genotype": set(),
    "fit": set(),
    "taps": {"genotype", "fit"},
    "compiler": {"genotype", "taps"},
    "tasks": {"genotype", "fit", "taps"},
    "searcher": {"genotype", "fit", "taps", "compiler", "tasks"},
    "cli": {"genotype", "fit", "taps", "compiler", "tasks", "searcher"},
}


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


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh Python has loaded after running ``code``."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[-2].split())


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
    assert not loaded_by(code) & {"torch", "sklearn", "numpy"}


@pytest.mark.parametrize(
    "command", ["['validate', 'g.json']", "['draw', 'g.json', '-o', 'g.svg']", "['info', 'g.json']"]
)
def test_commands_on_genotypes_import_no_torch(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    Path("g.json").write_text(json.dumps(SHORT))
    code = f"import bmnas.cli, sys; sys.argv[1:] = {command}\ntry: bmnas.cli.main()\nexcept SystemExit as done:"
    assert not loaded_by(f"{code}\n    assert not done.code") & {"torch", "sklearn"}


def test_every_public_name_loads():
    for name in bmnas.__all__:
        assert getattr(bmnas, name) is not None
    assert set(bmnas.__all__) <= set(dir(bmnas))
    with pytest.raises(AttributeError, match="has no attribute 'serch'"):
        bmnas.serch  # noqa: B018
