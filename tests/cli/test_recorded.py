"""``bmnas search --settings``: another search's settings, as if they had been typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bmnas.cli.recorded import Recorded
from bmnas.errors import BmnasError
from bmnas.searcher import SearchConfig
from bmnas.tasks import Extraction


def recorded(tmp_path, **content) -> Recorded:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(content))
    return Recorded.read(path)


def test_the_settings_of_another_search(tmp_path):
    config = SearchConfig.checked(strategy="evolution", population=3, cells=1, budget_trainings=9)
    found = recorded(tmp_path, format="bmnas-run/2", search=config.model_dump(mode="json"))
    assert SearchConfig.checked(**found.settings({})) == config
    assert SearchConfig.checked(**found.settings({"population": 4})) == config.changed(population=4)
    # Of another strategy, population is no setting.
    assert SearchConfig.checked(**found.settings({"strategy": "gdas"})) == SearchConfig.checked(
        strategy="gdas", cells=1
    )


def test_a_file_of_settings_alone(tmp_path):
    found = recorded(tmp_path, cells=1, top_k=2)
    assert SearchConfig.checked(**found.settings({"seed": 4})) == SearchConfig.checked(cells=1, top_k=2, seed=4)


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
        recorded(tmp_path, **content).settings({})


def test_the_task_is_the_one_that_was_searched_on(tmp_path):
    found = recorded(tmp_path, invocation="--task utd-mhad --data 'a b' --modalities x,y --backbone x=f.safetensors")
    assert found.task == ("utd-mhad", Path("a b"), None, "x,y", ["x=f.safetensors"])
    assert recorded(tmp_path).task == (None, None, None, None, None)
    with pytest.raises(BmnasError, match="invocation names no task"):
        _ = recorded(tmp_path, invocation="--shell rm").task


def test_how_features_are_extracted(tmp_path):
    found = recorded(tmp_path, features={"views": 3, "precision": "float16"})
    assert found.extraction(Extraction(workers=1)) == Extraction(views=3, precision="float16", workers=1)
    assert found.extraction(Extraction(views=2)) == Extraction(views=2, precision="float16")
    with pytest.raises(BmnasError, match="features has other settings than"):
        recorded(tmp_path, features={"speed": 1}).extraction(Extraction())
