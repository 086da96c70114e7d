from __future__ import annotations

from typing import Any

import pytest

from bmnas.errors import BmnasError
from bmnas.searcher.config import SearchConfig, TrainConfig
from bmnas.tasks.settings_check import KNOWN, refuse_unknown


def test_the_known_names_are_those_that_a_search_and_a_training_take() -> None:
    taken = {*SearchConfig.model_fields, *TrainConfig.model_fields} - {"seed", "seeds"}
    assert sorted(KNOWN) == sorted(taken | {"train_epochs"})


def test_every_known_name_passes() -> None:
    refuse_unknown(dict.fromkeys(KNOWN))
    refuse_unknown({})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"chanels": 3}, r"settings has 'chanels', which is no setting of a task; did you mean 'channels'\?"),
        ({"epochs": 2, "Train_epoch": 3}, r"settings has 'Train_epoch', .*; did you mean 'train_epochs'\?"),
        ({"seed": 1}, r"settings has 'seed', which is no setting of a task"),
        ({7: 1}, r"settings has 7, which is no setting of a task; known: 'channels', "),
        (["channels"], r"settings is a list, but should give values by the names of settings"),
    ],
)
def test_what_is_no_setting_is_refused(settings: Any, sentence: str) -> None:
    with pytest.raises(BmnasError, match=sentence):
        refuse_unknown(settings)
