"""What is given to others: wheel and sdist have what belongs to them and run the main job; versions agree."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import bmnas
from tests.test_contributing import paths_that_are_named

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SEARCH = ["search", "--epochs", "1", "--channels", "6", "--length", "4", "--train-epochs", "1", "--device", "cpu"]


def run(*command: str | Path, **given: object) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= given.pop("environment", {})
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True, **given)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with an sdist, and the wheel that was made from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, environment={"PYTHONPATH": os.pathsep.join(sys.path)})
    return folder


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """A fresh environment with the wheel in it, that takes the dependencies from ours: they are gigabytes."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    run(python, "-m", "pip", "install", "--no-deps", wheel)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # Its own packages come first, and files of ours that extend the path, an editable bmnas among them, are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.mark.slow
def test_the_wheel_has_the_package_and_nothing_else(built):
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "bmnas").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    information = f"bmnas-{bmnas.__version__}.dist-info"
    assert {name for name in names if not name.startswith(f"{information}/")} == package
    assert {"bmnas/py.typed", "bmnas/genotype/published/ntu-1.json"} <= package
    assert {Path(name).suffix for name in package} == {".py", ".json", ".typed"}
    assert f"{information}/licenses/LICENSE" in names


@pytest.mark.slow
def test_the_sdist_can_be_tested_and_cited(built):
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    top = {name.partition("/")[0] for name in names}
    assert top == {
        *("bmnas", "tests", "benchmarks", "docs", "examples", "pyproject.toml", "PKG-INFO"),
        *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE"),
        *(".ci", ".github", ".pre-commit-config.yaml", ".gitignore"),
    }
    assert {"bmnas/py.typed", "tests/reference/golden.npz", "docs/images/planted.svg", "examples/mha.json"} <= names
    assert paths_that_are_named() <= names
    assert not [name for name in names if re.search(r"__pycache__|\.pyc$|^runs/|\.safetensors$", name)]


@pytest.mark.slow
def test_the_main_job_runs_from_an_installed_wheel(installed, tmp_path):
    where = run(installed / "python", "-c", "import bmnas; print(bmnas.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(installed.parent)
    assert run(installed / "bmnas", "validate", "ntu-1", cwd=tmp_path)
    shown = run(installed / "bmnas", *SEARCH, cwd=tmp_path, environment={"BMNAS_CACHE": str(tmp_path / "cache")})
    assert "found network" in shown
    for name in ("genotype.json", "genotype.svg", "genotype.safetensors", "results.json"):
        assert (tmp_path / "runs" / "digits-seed0" / name).stat().st_size > 0


def test_what_the_package_imports_is_declared():
    declared = {
        re.match(r"[\w-]+", requirement)[0].lower()
        for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
        for requirement in group
    }
    distributions = packages_distributions() | {"pydantic_core": ["pydantic"]}  # which brings it in the one that fits
    for path in (ROOT / "bmnas").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) else []
            for module in {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {"bmnas"}:
                assert declared & {name.lower() for name in distributions.get(module, [module])}, (path, module)


def test_the_version_is_the_same_everywhere():
    (cited,) = re.findall(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), flags=re.MULTILINE)
    changes = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert bmnas.__version__ == cited == changes[0]
