"""``bmnas ablate`` and ``bmnas compare`` as commands: what they print, write, and say of mistakes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.calling import bmnas

QUICK = ("--seeds", 1, "--train-epochs", 1, "--device", "cpu")


@pytest.fixture(scope="module")
def place(arrays_run: Path, arrays: Path, tmp_path_factory) -> Path:
    """A folder with arrays, and a run on them."""
    folder = tmp_path_factory.mktemp("studies")
    shutil.copytree(arrays_run, folder / "run")
    return folder


def test_a_run_is_ablated_on_its_own_task(place):
    out, err = bmnas("ablate", "run", *QUICK, "--out", "study", cwd=place, cache=place / "cache")
    assert "told: Which features are read (Table 6 of BM-NAS)" in out
    assert "told: How they are fused (Table 7 of BM-NAS)" in out
    assert "searched − row [95 %]" in out
    assert "20 test samples, one seed" in out
    assert "Traceback" not in err
    files = {path.name for path in (place / "study").iterdir()}
    assert {"study.md", "study.json", "study.tex", "features.svg", "fusion.svg", "rows"} <= files
    study = json.loads((place / "study" / "study.json").read_text())
    assert study["command"].startswith("bmnas ")
    rows = {row["name"]: row for row in study["tables"][1]["rows"]}
    assert set(rows) == {"sum", "concat-fc", "mha", "aoa", "searched"}
    again, _ = bmnas("ablate", "run", *QUICK, "--out", "study", "--json", cwd=place, cache=place / "cache")
    told = json.loads(again)
    assert told["tables"] == study["tables"]


def test_what_is_wrong_is_one_sentence(place):
    for arguments, sentence in (
        (("ablate", "nowhere.json"), "bmnas: nowhere.json: cannot be read"),
        (("ablate", "run", "--task", "digis"), "did you mean 'digits'?"),
        (("ablate", "run", "--with", "none.json"), "bmnas: none.json: cannot be read"),
        (("compare", "--task", "digits", "--systems", "gnu"), "bmnas: there is no system 'gnu'; there are search"),
        (("compare", "--features", "nowhere"), "nowhere"),
    ):
        out, err = bmnas(*arguments, cwd=place, cache=place / "cache", code=2)
        assert sentence in err
        assert len(err.strip().splitlines()) == 1
        assert not out
