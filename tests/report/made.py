"""Run folders that are made up, see `benchmarks/made_run.py`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from made_run import Made, make_run

__all__ = ["Made", "make_run"]
