"""What a terminal shows while a search is under way."""

from __future__ import annotations

import io
import sys

import pytest

from bmnas.cli.meter import Meter
from bmnas.genotype.published import load
from bmnas.searcher import CandidateDone, EpochDone, SelectionDone

COMMON = {"trainings": 1, "candidates": 1, "seconds": 1.0, "genotype": load("ntu-1"), "best": True, "score": 0.5}
EPOCH = {"loss": 0.25, "arch_loss": None, "lr": 0.1, "parameter_free": 0.0, **COMMON}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch):
    """The last picture after some events."""

    def show(*events, terminal=True):
        stream = Terminal() if terminal else io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
        with Meter() as meter:
            for event in events:
                meter.update(event)
        return stream.getvalue()

    return show


def test_epochs_of_seeds_have_bars_of_their_own(shown):
    text = shown(
        EpochDone(seed=3, round=1, rounds=9, **EPOCH),
        EpochDone(seed=4, round=1, rounds=9, **EPOCH),
        SelectionDone(seed=3, round=1, rounds=1, **COMMON),
    )
    for words in ("search ", "search, seed 4", "1/9", "loss 0.250, validation 0.5000 best", "selection"):
        assert words in text
    assert "seed 3" not in text


def test_candidates_whose_number_nobody_knows(shown):
    text = shown(CandidateDone(seed=0, round=7, rounds=None, loss=0.25, **COMMON))
    assert "candidates" in text
    assert "7/?" in text


def test_nothing_is_shown_but_on_a_terminal(shown):
    assert shown(EpochDone(seed=0, round=1, rounds=9, **EPOCH), terminal=False) == ""
