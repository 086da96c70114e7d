"""A folder that holds another search is refused in a sentence that says what differs."""

from __future__ import annotations

import copy
import json

import pytest

from bmnas.errors import BmnasError
from bmnas.searcher.run.folder import FORMAT, RunFolder

SETTINGS = {"task": "t", "search": {"lr": 0.1, "patience": None, "cells": 2}, "features": {"views": 1}}
OVER = "; name another folder with --out, or start over with --force$"


def changed(*path, to=...):
    """The settings with another value at a place, or without it."""
    settings = copy.deepcopy(SETTINGS)
    place = settings
    for name in path[:-1]:
        place = place[name]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return settings


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        (changed("search", "cells", to=3), "holds a search with search.cells 3, not 2"),
        (changed("search", "patience", to=4), "holds a search with search.patience 4, not None"),
        (changed("task", to="u"), "holds a search with task 'u', not 't'"),
        (changed("search", "patience"), "holds a search of another version of bmnas, without search.patience"),
        (changed("search", "speed", to=1), "holds a search of another version of bmnas, with search.speed"),
        (changed("task"), "holds a search of another version of bmnas, without task"),
        (changed("search", to=[]), "holds a search of another version of bmnas, with(out)? search"),
    ],
)
def test_other_settings(tmp_path, before, sentence):
    (tmp_path / "config.json").write_text(json.dumps({"format": FORMAT, **before}))
    with pytest.raises(BmnasError, match=sentence + r".*" + OVER), RunFolder.open(tmp_path, SETTINGS):
        pass
    with RunFolder.open(tmp_path, SETTINGS, force=True):
        pass
    with RunFolder.open(tmp_path, SETTINGS):
        pass


def test_what_differs_is_named_before_what_is_missing(tmp_path):
    before = changed("search", "cells")
    before["search"]["lr"] = 0.2
    (tmp_path / "config.json").write_text(json.dumps({"format": FORMAT, **before}))
    with pytest.raises(BmnasError, match=r"search\.lr 0\.2, not 0\.1"), RunFolder.open(tmp_path, SETTINGS):
        pass
