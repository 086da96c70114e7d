"""Who is told what: a function every event but ticks, a person at a terminal a bar, and nobody where nobody asks."""

from __future__ import annotations

import io
import sys

import pytest

import bmnas
from bmnas.errors import BmnasError
from bmnas.fit.events import TrainingEpochDone
from bmnas.searcher import EpochDone, Row
from bmnas.searcher.meter import Listener, reporting
from bmnas.searcher.meter.meter import Meter
from bmnas.searcher.outline import Outline
from bmnas.tasks import Progress, Remark, Tick
from tests.cli.calling import bmnas as command
from tests.searcher.small import CONFIG, TRAIN

ONE = CONFIG.model_copy(update={"epochs": 2})


class Everything(Listener):
    def __init__(self) -> None:
        self.events: list[object] = []

    def __call__(self, event: object) -> None:
        self.events.append(event)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def search(cache, folder, report):
    return bmnas.search("digits", ONE, train=TRAIN, folder=folder, device="cpu", cache=cache, report=report)


@pytest.fixture(scope="module")
def told(cache, tmp_path_factory) -> tuple[list[object], list[object], list[object]]:
    """What a listener is told of a search, what a function is told of another, and of that one where it is finished."""
    listener, events, again = Everything(), [], []
    folder = tmp_path_factory.mktemp("runs")
    search(cache, folder / "one", listener)
    search(cache, folder / "two", events.append)
    search(cache, folder / "two", again.append)
    return listener.events, events, again


def test_a_function_is_told_every_event_but_ticks(told):
    listened, called, _ = told
    kinds = [type(event) for event in listened]
    assert {Tick, Outline, EpochDone, TrainingEpochDone, Row} <= set(kinds)
    assert [type(event) for event in called] == [kind for kind in kinds if kind not in (Tick, Outline)]


def test_ticks_go_from_nothing_to_all_of_each_phase_that_the_outline_has(told):
    listened, _, _ = told
    ticks: dict[str, list[Tick]] = {}
    for event in listened:
        if type(event) is Tick and event.total:
            ticks.setdefault(event.phase, []).append(event)
    for own in ticks.values():
        done = [tick.done for tick in own]
        assert done == sorted(done)
        assert 0 < done[0] < done[-1] == own[-1].total
    outlines = [event for event in listened if isinstance(event, Outline) and not event.then]
    outlined = {stage.phase: stage.cost for outline in outlines for stage in outline.stages}
    assert ticks.keys() == {phase for phase, cost in outlined.items() if cost}
    assert len(ticks["search"]) > 2 * CONFIG.epochs


def test_backbones_and_features_are_outlined_before_the_search(tmp_path):
    """All that is reported of them is in the outline, in its order, so that the time left is of all that is to come."""
    told = Everything()
    small = bmnas.get_task("planted")
    bmnas.search(
        small, {"epochs": 1}, folder=tmp_path / "run", cache=tmp_path, evaluate=False, device="cpu", report=told
    )
    outline, *_, search = (event for event in told.events if isinstance(event, Outline))
    assert (outline.then, search.then) == ("the search", "")
    before = told.events[: told.events.index(search)]
    phases = list(dict.fromkeys(event.phase for event in before if isinstance(event, Progress)))
    assert [phase for phase in phases if phase.startswith(("backbone", "features"))] == [
        stage.phase for stage in outline.stages
    ]


def test_it_is_said_where_nothing_is_left_to_do(told):
    _, _, again = told
    sentences = [event.sentence for event in again if isinstance(event, Remark)]
    assert len(sentences) == 1 and sentences[0].startswith("already finished: ")


def test_it_is_said_where_a_search_and_a_training_go_on(cache, tmp_path):
    class Stop(Exception):
        pass

    def stop_at(kind):
        def report(event):
            if isinstance(event, kind):
                raise Stop

        return report

    said: list[str] = []
    note = lambda event: said.append(event.sentence) if isinstance(event, Remark) else None  # noqa: E731
    run = {"train": TRAIN, "device": "cpu", "cache": cache, "folder": tmp_path / "run", "checkpoint_every": 1}
    with pytest.raises(Stop):
        bmnas.search("digits", ONE, **run, report=stop_at(EpochDone))
    with pytest.raises(Stop):
        bmnas.search("digits", ONE, **run, report=lambda event: (note(event), stop_at(TrainingEpochDone)(event)))
    bmnas.search("digits", ONE, **run, report=note)
    assert said == ["continuing at epoch 1 of 2", "continuing the training of Top alone at epoch 2 of 2"]


def test_what_is_no_report_is_one_sentence():
    with pytest.raises(BmnasError, match=r"report is 'loud': it is \"auto\", None, or a function"), reporting("loud"):
        pass


@pytest.mark.parametrize("report", ["auto", None])
def test_nothing_is_shown_where_nobody_looks(cache, tmp_path, capfd, report):
    bmnas.extract("digits", 4, cache=cache, report=report)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_is_shown_a_bar_unless_it_is_switched_off(monkeypatch):
    for report, kind in (("auto", Meter), (None, type(lambda: None))):
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        with reporting(report) as told:
            assert isinstance(told, kind)
            told(Progress("features train", 3, 9, unit="samples"))
            if isinstance(told, Meter):
                told._display._live.refresh()
        assert ("features train" in stream.getvalue()) is (report == "auto")
    monkeypatch.setenv("TERM", "dumb")  # cannot move its cursor
    with reporting("auto") as told:
        assert not isinstance(told, Meter)


def test_a_command_has_lines_on_standard_error_alone(cache, tmp_path):
    settings = ["--epochs", 1, "--channels", 6, "--length", 4, "--anchor", "none", "--select-budget", 0, "--top-k", 1]
    run = ["search", *settings, "--train-epochs", 1, "--device", "cpu", "--out", tmp_path / "run"]
    out, err = command(*run, cache=cache)
    lines = err.splitlines()
    assert all(line.startswith("bmnas: ") for line in lines)
    for words in ("search: epoch 1 of 1, loss", "selection: validation", "training of found network: "):
        assert sum(words in line for line in lines) == 1
    assert "bmnas: " not in out
    again, err = command(*run, cache=cache)
    assert again == out
    assert err == f"bmnas: already finished: {tmp_path / 'run'} has all of this search, and nothing was left to do\n"
    command("validate", "--strict", *(tmp_path / "run").rglob("genotype*/*.json"), tmp_path / "run" / "genotype.json")
