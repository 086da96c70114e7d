"""What is seen of a search: lines in a log, a bar in a terminal, the same bar in a notebook."""

from __future__ import annotations

import io
import sys
import types

import pytest
from rich.console import Console

from bmnas.fit.events import MicroBatch, TrainingEpochDone
from bmnas.genotype.published import load
from bmnas.searcher import CandidateDone, EpochDone, Row, SelectionDone
from bmnas.searcher.events import ChoiceDone
from bmnas.searcher.meter import Meter
from bmnas.searcher.meter.bars import Notebook, Terminal
from bmnas.searcher.meter.lines import Lines
from bmnas.searcher.meter.remaining import Remaining
from bmnas.searcher.outline import Outline, Stage
from bmnas.tasks import Progress, Remark, Tick
from tests.searcher.meter.test_remaining import Clock

COMMON = {"trainings": 1, "candidates": 1, "seconds": 1.0, "genotype": load("ntu-1"), "best": True, "score": 0.5}
EPOCH = {"loss": 0.25, "arch_loss": None, "lr": 0.1, "parameter_free": 0.0, **COMMON}
CHOICE = {"chosen": "late fusion", "losses": {}, "rival": "late fusion", "difference": 1.0, "error": 0.5, "folds": 3}
OUTLINE = Outline(
    stages=(
        Stage(phase="search", kind="hypernet", cost=2),
        Stage(phase="selection", kind="look", cost=1),
        Stage(phase="training of found network", kind="network", cost=1),
    )
)


def lines(*events: object, every: float = 2.0) -> list[str]:
    """What a log has after some events, between two of which some seconds pass."""
    clock, stream = Clock(), io.StringIO()
    remaining = Remaining(clock)
    with Meter(Lines(remaining, stream, clock), remaining, clock=clock) as meter:
        for event in events:
            meter(event)
            clock.time += every
    return [line.removeprefix("bmnas: ") for line in stream.getvalue().splitlines()]


def test_a_log_has_a_line_an_epoch_and_one_for_each_phase():
    assert lines(
        Outline(stages=()),
        Progress("backbone Top", 0, 2, unit="epochs"),
        Progress("backbone Top", 1, 2, "loss 0.500", "epochs"),
        Progress("backbone Top", 2, 2, "loss 0.400", "epochs"),
        Progress("backbone Top", 1, 1, "validation accuracy 0.900"),
        Progress("features train", 0, 9, unit="samples"),
        Progress("features train", 9, 9, unit="samples"),
        Progress("diagnosis", 0, 2),
        Progress("diagnosis", 2, 2),
        OUTLINE,
        Tick("search", 0.5, 2, unit="epochs"),
        EpochDone(seed=3, round=1, rounds=2, **EPOCH),
        EpochDone(seed=3, round=2, rounds=2, **{**EPOCH, "best": False, "score": 0.4}),
        Tick("selection", 1, 4, unit="looks"),
        Tick("selection", 4, 4, unit="looks"),
        SelectionDone(seed=3, round=1, rounds=1, **COMMON),
        Tick("final choice", 4, 4, unit="trainings"),
        ChoiceDone(seed=3, round=1, rounds=1, **COMMON, **CHOICE),
        Row(name="score fusion", test=0.75, parameters=10, seconds=0.25),
        Tick("training of found network", 1, 3, unit="epochs"),
        TrainingEpochDone(name="found network", epoch=2, epochs=3, loss=0.1),
        Row(name="found network", test=0.875, parameters=1000, seconds=75),
    ) == [
        "backbone Top: 2 epochs in 8.0 s, validation accuracy 0.900",
        "features train: 9 samples in 2.0 s",
        "diagnosis: done in 2.0 s",
        "search: epoch 1 of 2, loss 0.250, validation 0.5000, the best so far; about 10 s left",
        "search: epoch 2 of 2, loss 0.250, validation 0.4000; about 5 s left",
        "search: 2 epochs in 6.0 s, best validation 0.5000; about 5 s left",
        "selection: validation 0.5000, 4 looks in 4.0 s; about 5 s left",
        "final choice: late fusion, 4 trainings in 2.0 s",
        "training of score fusion: 0.2 s, 10 parameters, test 0.7500",
        "training of found network: 1 min 15 s, 1,000 parameters, test 0.8750",
    ]


def test_a_phase_that_is_long_has_a_line_now_and_then():
    found = lines(*(Tick("backbone Video", n / 10, 20, "loss 0.500", "epochs") for n in range(30)), every=1.0)
    assert found == [
        "backbone Video: 1 of 20 epochs, loss 0.500; about 3 min left",
        "backbone Video: 2 of 20 epochs, loss 0.500; about 3 min left",
        "backbone Video: 2 of 20 epochs in 30 s, loss 0.500",
    ]


def test_a_training_by_itself_has_a_line_an_epoch():
    stages = (Stage(phase="training of mine", kind="network", cost=1),)
    found = lines(
        Outline(stages=stages),
        Tick("training of mine", 0, 2, unit="epochs"),
        TrainingEpochDone(name="mine", epoch=1, epochs=2, loss=0.5),
        Tick("training of mine", 1, 2, unit="epochs"),
        TrainingEpochDone(name="mine", epoch=2, epochs=2, loss=0.25),
        Tick("training of mine", 2, 2, unit="epochs"),
    )
    assert found == [
        "training of mine: epoch 1 of 2, loss 0.500; estimating the time left",
        "training of mine: epoch 2 of 2, loss 0.250; about 5 s left",
        "training of mine: 2 epochs in 10 s",
    ]


def test_where_work_goes_on_it_is_said():
    assert lines(Progress("backbone A", 3, 9, "continued", "epochs"))[0] == "backbone A: continuing at epoch 4 of 9"
    assert lines(Remark("continuing at epoch 4 of 20")) == ["continuing at epoch 4 of 20"]


def test_epochs_of_several_seeds_are_told_apart():
    one, two = (EpochDone(seed=seed, round=1, rounds=9, **EPOCH) for seed in (3, 4))
    found = lines(one, two, SelectionDone(seed=4, round=1, rounds=1, **COMMON))
    assert [line.partition(":")[0] for line in found] == ["search", "search, seed 4", "search", "selection, seed 4"]


def test_candidates_whose_number_nobody_knows():
    assert lines(CandidateDone(seed=0, round=7, rounds=None, loss=0.25, **COMMON))[0].startswith(
        "candidates: candidate 7, loss 0.250, validation 0.5000, the best so far"
    )


def test_what_a_person_should_know_is_a_line():
    (line,) = lines(MicroBatch(samples=8, batch=32))
    assert line.startswith("memory ran out with 32 samples at once; from now on 8 at a time")


def screen(*events: object, quiet: bool) -> str:
    clock, stream = Clock(), io.StringIO()
    remaining = Remaining(clock)
    console = Console(file=stream, force_terminal=True, color_system=None, width=80, legacy_windows=False)
    with Meter(Terminal(remaining, quiet=quiet, console=console), remaining, clock=clock) as meter:
        for event in events:
            meter(event)
            clock.time += 2
        meter._display._live.refresh()
    return stream.getvalue()


EVENTS = (
    OUTLINE,
    Progress("features [red]train[/red]", 9, 9, unit="samples"),
    Tick("search", 0.5, 2, unit="epochs"),
    EpochDone(seed=3, round=1, rounds=2, **EPOCH),
    Remark("memory is short"),
)


@pytest.mark.parametrize("quiet", [True, False])
def test_a_terminal_has_a_bar_and_the_time_left(quiet):
    text = screen(*EVENTS, quiet=quiet)
    for words in ("search", "1/2", "loss 0.250, validation 0.5000", "about 10 s left", "bmnas: memory is short"):
        assert words in text
    # What stays besides: a line for each phase, but not in Python; names are no markup.
    assert ("bmnas: features [red]train[/red]: 9 samples" in text) is not quiet


def test_a_phase_of_unknown_length_has_no_total_of_an_earlier_one():
    text = screen(Tick("selection", 3, 145, unit="looks"), Tick("training of heads", 0, 0), quiet=True)
    last = text[text.rindex("training of heads") :]
    assert "145" not in last


class Handle:
    def __init__(self, shown: list[str]) -> None:
        self.shown = shown

    def update(self, html: str) -> None:
        self.shown.append(html)


@pytest.fixture
def notebook(monkeypatch):
    """What a notebook shows, one picture after the other."""
    shown: list[str] = []

    def display(html: str, display_id: bool) -> Handle:
        assert display_id
        shown.append(html)
        return Handle(shown)

    module = types.ModuleType("IPython.display")
    module.HTML, module.display = str, display  # type: ignore[attr-defined]
    # By this rich knows that it is in a notebook.
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setattr("builtins.get_ipython", lambda: shell, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return shown


def test_a_notebook_has_the_same_bar_in_one_place(notebook):
    clock = Clock()
    remaining = Remaining(clock)
    with Meter(Notebook(remaining, clock), remaining, clock=clock) as meter:
        for event in EVENTS:
            meter(event)
            clock.time += 2
    assert "1/2" in notebook[-2] and "about" in notebook[-2]
    # In the end only what a person should know is left.
    assert "memory is short" in notebook[-1] and "1/2" not in notebook[-1]
    assert not any("[red]" in html and "<red>" in html for html in notebook)


def test_a_notebook_is_drawn_a_few_times_a_second(notebook):
    clock = Clock()
    remaining = Remaining(clock)
    with Meter(Notebook(remaining, clock), remaining, clock=clock) as meter:
        for n in range(1000):
            meter(Tick("search", n, 1000))
            clock.time += 0.001
    assert len(notebook) == 5
