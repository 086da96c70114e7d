"""The notebook is run, cell by cell, in a folder of its own; its own assertions are those of the test.

``UPDATE_DOCS=1 pytest tests/test_tour.py`` writes what its cells print into it; review the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

TOUR = Path(__file__).parents[1] / "examples" / "tour.ipynb"


def test_the_tour_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("BMNAS_CACHE", str(tmp_path / "cache"))
    notebook = nbformat.read(TOUR, as_version=4)
    printed = ["".join(output.get("text", "") for output in cell.get("outputs", ())) for cell in notebook.cells]
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert (tmp_path / "runs" / "tour.svg").exists()
    if os.environ.get("UPDATE_DOCS"):
        for cell in notebook.cells:  # without times and numbers that each run has others of
            cell.metadata.pop("execution", None)
        nbformat.write(notebook, TOUR)
    else:
        assert any("same" in text for text in printed), "it is kept with what its cells print"
