"""Ctrl-C and SIGTERM: when they stop the work, what they leave of the caller's own handlers, what a search says."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from functools import partial

import pytest
import torch

import bmnas
from bmnas.searcher import EpochDone, Interrupted, Row, search, train
from bmnas.searcher.run.folder import RunFolder
from bmnas.searcher.run.interrupt import stoppable
from bmnas.searcher.strategies.on_hypernet import OnHypernet
from bmnas.tasks import Progress
from tests.searcher.small import CONFIG, TRAIN

SHORT = CONFIG.changed(epochs=2, cells=1, batch_size=200)
GO_ON = "the same command goes on"


@pytest.fixture(autouse=True)
def usual_handlers():
    """Those of a program that does nothing about signals; a test run in the background ignores Ctrl-C."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "name", "code"), [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)])
def test_a_signal_stops_at_once_with_one_sentence(number, name, code):
    with pytest.raises(Interrupted, match=f"^stopped by {name} in the middle$") as caught, stoppable("in the middle"):
        send(number)
    assert caught.value.exit_code == code
    assert isinstance(caught.value, KeyboardInterrupt)
    assert not isinstance(caught.value, Exception)


def test_what_waits_is_stopped_by_a_second_ctrl_c_alone():
    with stoppable("") as stop:
        with stop.waiting():
            assert not stop.asked
            send(signal.SIGTERM)
            send(signal.SIGTERM)
            assert stop.asked
            stop.says = "at once"
            with pytest.raises(Interrupted, match=r"^stopped by SIGTERM at once$"):
                send(signal.SIGINT)
        assert str(stop.interrupted("later")) == "stopped by SIGTERM later"
        with pytest.raises(Interrupted):
            send(signal.SIGTERM)


def test_handlers_are_put_back():
    for error in (None, ValueError):
        with contextlib.suppress(ValueError), stoppable(""):
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
            if error:
                raise error
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_somebody_else_wants_of_a_signal_stays():
    heard = []
    signal.signal(signal.SIGTERM, lambda *_: heard.append("mine"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as under nohup
    with stoppable("") as stop:
        send(signal.SIGTERM)
        send(signal.SIGINT)
    assert heard == ["mine"]
    assert not stop.asked


def test_a_block_in_a_block_leaves_the_signal_to_the_outer_one():
    with stoppable("outer") as outer, outer.waiting():
        with stoppable("inner") as inner:
            send(signal.SIGTERM)
        assert (outer.asked, inner.asked) == (True, False)


def test_a_thread_installs_nothing():
    def work():
        with stoppable(""):
            seen.append(signal.getsignal(signal.SIGTERM))

    seen = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_worker_ends_by_the_signal_as_any_other():
    with stoppable("") as stop, stop.waiting():
        child = os.fork()
        if not child:
            send(signal.SIGTERM)
            os._exit(0)  # not reached
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGTERM
        assert not stop.asked


@pytest.fixture
def run(cache, tmp_path):
    return partial(search, "digits", SHORT, train=TRAIN, folder=tmp_path / "run", device="cpu", cache=cache)


def interrupting(where, number=signal.SIGINT):
    """A report that sends a signal when an event is ``where``."""

    def report(event):
        if where(event):
            send(number)

    return report


def test_a_search_finishes_its_step_and_writes_a_checkpoint(run, tmp_path, monkeypatch):
    """The signal comes in the middle of the third step: it counts as done."""
    loss, calls = OnHypernet._loss, []

    def slow(self, *batch):
        calls.append(1)
        if len(calls) == 3:
            send(signal.SIGTERM)
        return loss(self, *batch)

    monkeypatch.setattr(OnHypernet, "_loss", slow)
    sentence = (
        "^stopped by SIGTERM in epoch 1, after 3 steps on the training split; a checkpoint is written, and "
        f"{GO_ON} from there$"
    )
    with pytest.raises(Interrupted, match=sentence):
        run(evaluate=False)
    assert len(calls) == 3
    calls += [1] * 10
    done = len(calls)
    run(evaluate=False)
    assert len(calls) - done == 2 * 8 - 3
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_second_ctrl_c_does_not_wait_for_the_checkpoint(run, tmp_path, monkeypatch):
    """The first one comes when an epoch is done, the second one while its checkpoint is written."""
    save = RunFolder.save_checkpoint

    def slow(self, state):
        save(self, state)
        send(signal.SIGINT)
        raise AssertionError("the second signal stops at once")

    monkeypatch.setattr(RunFolder, "save_checkpoint", slow)
    report = interrupting(lambda event: isinstance(event, EpochDone))
    with pytest.raises(Interrupted, match=f"^stopped by Ctrl-C at once; {GO_ON} after the last checkpoint$"):
        run(report=report)
    monkeypatch.undo()
    run(evaluate=False)


def test_features_that_are_being_prepared(run, tmp_path):
    report = interrupting(lambda event: isinstance(event, Progress) and event.phase.startswith("backbone"))
    with pytest.raises(
        Interrupted, match=f"^stopped by Ctrl-C while the features were prepared; what is finished is kept, and {GO_ON}"
    ):
        run(report=report, cache=tmp_path / "cache")


def test_a_comparison_keeps_the_rows_that_are_done(run, monkeypatch):
    report = interrupting(lambda event: isinstance(event, Row) and event.name == "late fusion", signal.SIGTERM)
    with pytest.raises(
        Interrupted,
        match=f"^stopped by SIGTERM in the comparison; the rows that are done are kept, and {GO_ON} with the next one$",
    ):
        run(report=report)
    rows = []
    run(report=lambda event: rows.append(event.name) if isinstance(event, Row) else None)
    assert rows == ["found network"]


@pytest.mark.parametrize("evaluated", ["search", "train"])
def test_a_training_finishes_its_step_and_writes_a_checkpoint(run, cache, tmp_path, monkeypatch, evaluated):
    """The signal comes in the middle of a step of the second epoch: it counts as done."""
    step, steps = torch.optim.Adam.step, []
    config = TRAIN.model_copy(update={"batch_size": 600})
    result = run()
    genotype = bmnas.load(result.folder / "genotype.json")
    checkpoint = tmp_path / "mine.ckpt"

    def start():
        if evaluated == "search":
            return run(train=config).rows[-1].test
        return train(genotype, "digits", config, device="cpu", cache=cache, checkpoint=checkpoint).test

    def counted(self, *given):
        steps.append(1)
        if len(steps) == 5:
            send(signal.SIGTERM)
        return step(self, *given)

    monkeypatch.setattr(torch.optim.Adam, "step", counted)
    name = "Top alone" if evaluated == "search" else genotype.name
    sentence = (
        f"^stopped by SIGTERM in the training of {name}, in epoch 2 of 2, after 2 steps; a checkpoint is written, and "
        f"{GO_ON} from there$"
    )
    with pytest.raises(Interrupted, match=sentence):
        start()
    assert len(steps) == 5
    score = start()
    rows = 4 if evaluated == "search" else 1
    assert len(steps) == 6 * rows
    checkpoint.unlink(missing_ok=True)
    assert score == train(genotype, "digits", config, device="cpu", cache=cache).test


def test_what_was_forced_once_is_not_forced_again(run):
    report = interrupting(lambda event: isinstance(event, EpochDone))
    with pytest.raises(Interrupted, match="the same command without --force goes on from there"):
        run(report=report, force=True)
