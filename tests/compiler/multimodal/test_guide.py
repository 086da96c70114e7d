"""docs/whole-models.md is run."""

from __future__ import annotations

import doctest
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_the_guide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "whole-models.md").read_text(encoding="utf-8").replace("```", "")
    example = doctest.DocTestParser().get_doctest(text, {}, "whole-models.md", "whole-models.md", 0)
    failures: list[str] = []
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    doctest.DocTestRunner(optionflags=flags).run(example, out=failures.append)
    assert len(example.examples) > 12
    assert not failures, "".join(failures)
    assert (tmp_path / "model.pt2").exists()
