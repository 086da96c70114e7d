"""``bmnas search --settings``: another search's settings, as if they had been typed."""

from __future__ import annotations

import json
from pathlib import Path
from unittest import mock

import pytest

from bmnas.cli.recorded import Recorded
from bmnas.errors import BmnasError
from bmnas.searcher import SearchConfig
from bmnas.tasks import Extraction
from tests.searcher.problems import task_and_store

TASK = task_and_store()[0]


SUGGESTING = mock.Mock(wraps=TASK, settings={"patience": 2})


def recorded(tmp_path, **content) -> Recorded:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(content))
    return Recorded.read(path)


def test_the_settings_of_another_search(tmp_path):
    config = SearchConfig.checked(strategy="evolution", population=3, cells=1, budget_trainings=9)
    found = recorded(tmp_path, format="bmnas-run/2", search=config.model_dump(mode="json"))
    assert found.config(TASK, {}) == config
    assert found.config(TASK, {"population": 4}) == config.changed(population=4)
    # Of another strategy, population is no setting.
    assert found.config(TASK, {"strategy": "gdas"}) == SearchConfig.checked(strategy="gdas", cells=1)
    # What a search has is all there is: nothing that would suit the task takes the place of what it left out.
    assert config.patience is None
    assert found.config(SUGGESTING, {}) == config


def test_a_file_of_settings_alone(tmp_path):
    """What it leaves out suits the task, or is usual."""
    found = recorded(tmp_path, cells=1, top_k=2)
    assert found.config(TASK, {"seed": 4}) == SearchConfig.for_task(TASK, cells=1, top_k=2, seed=4)
    assert found.config(SUGGESTING, {}) == SearchConfig.checked(cells=1, top_k=2, patience=2)
    nested = recorded(tmp_path, strategy={"kind": "bilevel", "select": {"kind": "scored", "top_k": 2}}, epochs=3)
    assert nested.config(SUGGESTING, {}) == SearchConfig.checked(top_k=2, epochs=3, patience=2)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"cels": 1}, "config.json: there is no setting 'cels'; did you mean 'cells'"),
        ({"population": 4}, "config.json: setting population is of the strategy evolution"),
        ({"search": 3}, "config.json: search is no object with settings"),
    ],
)
def test_a_file_with_something_else(tmp_path, content, sentence):
    with pytest.raises(BmnasError, match=sentence):
        recorded(tmp_path, **content).config(TASK, {})


def test_the_task_is_the_one_that_was_searched_on(tmp_path):
    found = recorded(tmp_path, invocation="--task utd-mhad --data 'a b' --modalities x,y --backbone x=f.safetensors")
    assert found.task == ("utd-mhad", Path("a b"), None, "x,y", ["x=f.safetensors"])
    assert recorded(tmp_path).task == (None, None, None, None, None)
    # One option does not drop the others, but another task does.
    given = (None, Path("c"), None, None, None)
    assert found.task_with(given) == ("utd-mhad", Path("c"), None, "x,y", ["x=f.safetensors"])
    assert found.task_with(("digits", None, None, None, None)) == ("digits", None, None, None, None)
    with pytest.raises(BmnasError, match="invocation names no task"):
        _ = recorded(tmp_path, invocation="--shell rm").task


def test_how_features_are_extracted(tmp_path):
    found = recorded(tmp_path, features={"views": 3, "precision": "float16"})
    assert found.extraction(Extraction(workers=1)) == Extraction(views=3, precision="float16", workers=1)
    assert found.extraction(Extraction(views=2), ["views"]) == Extraction(views=2, precision="float16")
    assert found.extraction(Extraction(), ["views", "precision"]) == Extraction()
    with pytest.raises(BmnasError, match="features has values that make no sense"):
        recorded(tmp_path, features={"views": "x"}).extraction(Extraction())
    with pytest.raises(BmnasError, match="features has other settings than"):
        recorded(tmp_path, features={"speed": 1}).extraction(Extraction())
