"""A search that was stopped anywhere ends exactly like one that was not: the genotypes, the losses and the scores."""

from __future__ import annotations

import io
import json
import signal
import time
from functools import partial

import pytest
import torch

from bmnas.compiler import pool
from bmnas.errors import BmnasError
from bmnas.fit.clock import Clock
from bmnas.fit.events import Pause
from bmnas.fit.watch import Diverged
from bmnas.searcher import EpochDone, SearchConfig, search
from bmnas.searcher.problem import Problem
from bmnas.searcher.run.folder import RunFolder
from bmnas.searcher.strategies import strategy_of
from bmnas.tasks import get_task, prepare
from tests.cli.calling import start
from tests.processes import Forked, execute
from tests.searcher.small import CONFIG, checkpoint, timeless

# Six steps on the training split, two on validation, and a pause after the epoch.
SHORT = CONFIG.changed(epochs=2, cells=1, batch_size=200)
KINDS = {
    "standard": SHORT,
    "official": SHORT.changed(strategy="released", derive="official"),
    "two seeds": SHORT.changed(seeds=2),
    "selection": SHORT.changed(epochs=1, select="scored"),
    "sampling": SHORT.changed(strategy="gdas"),
    "candidates": SHORT.changed(strategy="random", budget_trainings=2, epochs=1, seeds=2),
}


class Killed(BaseException):
    """Stands for a SIGKILL: nothing in the package may catch it."""


@pytest.fixture(scope="module")
def run(cache):
    return partial(search, device="cpu", cache=cache, evaluate=False)


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    """By kind of search, what an uninterrupted one leaves."""
    folder, found = tmp_path_factory.mktemp("whole"), {}

    def of(kind):
        if kind not in found:
            run(config=KINDS[kind], folder=folder / kind)
            found[kind] = left_in(folder / kind)
        return found[kind]

    return of


def left_in(folder):
    """All that a folder says of a search, without the seconds."""
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    files = sorted(folder.rglob("*.json"))
    return {
        "events": timeless(events),
        "state": without_seconds(checkpoint(folder)["search"]),
        **{str(path.relative_to(folder)): timeless(json.loads(path.read_text())) for path in files},
    }


def without_seconds(state):
    """Nested values that can be compared, tensors as lists."""
    if isinstance(state, dict):
        return {key: without_seconds(item) for key, item in state.items() if key not in ("seconds", "spent")}
    if isinstance(state, list | tuple):
        return [without_seconds(item) for item in state]
    return state.tolist() if isinstance(state, torch.Tensor) else state


# In the weight steps, after the last of them, in the architecture steps, after an epoch, in the next one.
PLACES = [(kind, step) for kind in ("standard", "official", "two seeds") for step in (1, 6, 7, 9, 16)]
PLACES += [("selection", 4), ("selection", 12), ("selection", 40), ("sampling", 3), ("sampling", 7)]
PLACES += [("candidates", 3), ("candidates", 9), ("candidates", 16)]


@pytest.mark.parametrize(("kind", "step"), PLACES)
def test_a_search_that_was_killed_after_a_step_ends_like_one_that_was_not(
    run, whole, tmp_path, monkeypatch, kind, step
):
    save, saved = RunFolder.save_checkpoint, []

    def dying(self, state):
        save(self, state)
        saved.append(state)
        if len(saved) == step:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_checkpoint", dying)
        with pytest.raises(Killed):
            run(config=KINDS[kind], folder=tmp_path / "run", checkpoint_every=1)
    torch.rand(7)  # what happens in between does not matter
    run(config=KINDS[kind], folder=tmp_path / "run")
    assert left_in(tmp_path / "run") == whole(kind)


def test_a_long_selection_is_saved_on_its_way(run, tmp_path, monkeypatch):
    """Without --checkpoint-every, and as often as an epoch takes; here every look takes longer than that."""
    save, saved = RunFolder.save_checkpoint, []
    monkeypatch.setattr(
        RunFolder, "save_checkpoint", lambda self, state: (save(self, state), saved.append(state["search"]))
    )
    monkeypatch.setattr(Clock, "lap", lambda self: 0.0)
    run(config=KINDS["selection"], folder=tmp_path / "run")
    looks = [len(state["selecting"]["looks"][0]) for state in saved if state["selecting"]["looks"]]
    assert len(looks) > 20
    assert looks == sorted(looks)
    assert (saved[-1]["selecting"]["looks"], saved[-1]["selecting"]["done"]) == ([], True)


@pytest.mark.parametrize(("every", "count"), [(None, 2), (1, 18), (4, 6), (100, 2)])
def test_how_often_checkpoints_are_written(run, tmp_path, monkeypatch, every, count):
    """After eight steps an epoch and its end; what comes after an epoch counts anew."""
    save, saved = RunFolder.save_checkpoint, []
    monkeypatch.setattr(
        RunFolder,
        "save_checkpoint",
        lambda self, state: (save(self, state), saved.append(state["search"]["fit"]["epoch"])),
    )
    run(config=SHORT, folder=tmp_path / "run", checkpoint_every=every)
    assert (len(saved), saved[-1]) == (count, 2)
    assert "checkpoint_every" not in (tmp_path / "run" / "config.json").read_text()


def test_a_nonsensical_interval_is_refused(run, tmp_path):
    with pytest.raises(BmnasError, match="setting checkpoint_every is 0: it should be at least 1"):
        run(config=SHORT, folder=tmp_path / "run", checkpoint_every=0)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_names_the_step_and_leaves_the_last_good_checkpoint(run, whole, tmp_path, monkeypatch):
    """The fifth step of the second epoch's eight; one checkpoint in three steps."""
    task = get_task("digits")
    calls = []

    def loss(outputs, labels):
        calls.append(1)
        value = torch.nn.functional.cross_entropy(outputs, labels)
        return value * float("nan") if len(calls) == 13 else value

    monkeypatch.setattr(task, "loss", loss)
    monkeypatch.setattr(task, "fitted", lambda labels: task)
    with pytest.raises(
        Diverged,
        match="the search diverged: the loss is nan in epoch 2, at step 5 on the training split; try a smaller lr",
    ):
        run(task, config=SHORT, folder=tmp_path / "run", checkpoint_every=3)
    state = checkpoint(tmp_path / "run")["search"]["fit"]
    assert (state["epoch"], len(state["losses"]["weights"])) == (1, 3)
    assert all(tensor.isfinite().all() for tensor in state["network"].values())
    run(task, config=SHORT, folder=tmp_path / "run")
    assert left_in(tmp_path / "run") == whole("standard")


@pytest.mark.parametrize("force", [False, True])
def test_a_search_that_fails_before_its_first_checkpoint_leaves_room_for_a_corrected_one(
    run, tmp_path, monkeypatch, force
):
    task = get_task("digits")
    monkeypatch.setattr(task, "loss", lambda outputs, labels: outputs.sum() * float("nan"))
    monkeypatch.setattr(task, "fitted", lambda labels: task)
    with pytest.raises(Diverged, match="in epoch 1, at step 1 on the training split"):
        run(task, config=SHORT, folder=tmp_path / "run")
    assert not (tmp_path / "run" / "config.json").exists()
    run(config=SHORT, folder=tmp_path / "run", force=force)


@pytest.fixture
def strategy(cache):
    """A strategy on the digits, for settings."""
    task = get_task("digits")
    store = prepare(task, length=4, pool=pool, cache=cache)
    return lambda **given: strategy_of(Problem.of(task, store, SHORT.changed(**given), torch.device("cpu")))


def test_on_a_gpu_a_checkpoint_looks_at_the_losses_first(strategy, monkeypatch):
    """There they are looked at now and then, since a look waits for all that is under way."""
    search = strategy(seeds=2)
    for event in search.events():
        if isinstance(event, Pause) and search.fit.done("weights") == 3:
            break
    search.fit.watch._steps["weights"][1][1] = float("inf")
    with pytest.raises(Diverged, match="the search of seed 6 diverged: the loss is inf in epoch 1, at step 2 on the"):
        search.state()


def test_a_weight_that_is_no_number_writes_no_checkpoint(strategy):
    """The gradient of a loss can be none where the loss still is one."""
    search = strategy()
    for event in search.events():
        if isinstance(event, Pause) and search.fit.done("architecture"):
            break
    search.state()
    with torch.no_grad():
        search.hypernet.gamma_KNMP[0, 0, 0, 0] = float("nan")
    with pytest.raises(Diverged, match="a weight is no finite number in epoch 1, at step 1 on the validation split"):
        search.state()


def test_the_state_of_a_search_on_another_device_is_taken_to_this_one(strategy, monkeypatch):
    """Losses come back where the next ones will be computed: they are put together at the end of an epoch."""
    one, two = strategy(), strategy()
    events = one.events()
    for _ in range(3):
        next(events)
    buffer = io.BytesIO()
    torch.save(one.state(), buffer)
    buffer.seek(0)
    two.fit.device = torch.device("meta")
    two.load_state(torch.load(buffer, weights_only=True))
    assert {loss.device.type for loss in two.fit.watch._steps["weights"]} == {"meta"}


OWN = SearchConfig.for_task(get_task("digits"), **SHORT.model_dump())
SIZES = "--cells 1 --steps 1 --channels 6 --length 4 --batch-size 200 --lr 0.01 --seed 5"
COMMAND = ["search", *SIZES.split(), "--anchor", "none", "--select-budget", 0, "--select", "alpha", "--no-evaluate"]
DYING = """
import os, signal
from bmnas.cli import main
from bmnas.searcher.run.folder import RunFolder
save, saved = RunFolder.save_checkpoint, []
def dying(self, state):
    save(self, state)
    saved.append(state)
    if len(saved) == 11:
        os.kill(os.getpid(), signal.SIGKILL)
RunFolder.save_checkpoint = dying
main()
"""


def test_a_command_that_is_killed_loses_only_what_no_checkpoint_has(run, cache, tmp_path):
    arguments = [*COMMAND, "--epochs", 2, "--out", tmp_path / "killed", "--checkpoint-every", 1, "--cache", cache]
    process = Forked(execute, DYING, *map(str, arguments))
    _, err = process.communicate()
    assert process.returncode == -signal.SIGKILL, err
    state = checkpoint(tmp_path / "killed")["search"]["fit"]
    assert (state["epoch"], len(state["losses"]["weights"])) == (1, 2)
    run(config=OWN, folder=tmp_path / "killed")
    run(config=OWN, folder=tmp_path / "whole")
    assert left_in(tmp_path / "killed") == left_in(tmp_path / "whole")


def test_a_command_that_is_told_to_stop_says_where_it_is(cache, tmp_path):
    # More epochs than it will live to see.
    process = start(*COMMAND, "--epochs", 5000, "--out", tmp_path / "run", cache=cache)
    while process.poll() is None and not (tmp_path / "run" / "genotype.json").exists():
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert (process.returncode, out) == (143, "")
    state = checkpoint(tmp_path / "run")["search"]["fit"]
    weights, architecture = (len(state["losses"].get(phase, ())) for phase in ("weights", "architecture"))
    also = f" and {architecture} on validation" if architecture else ""
    where = f"in epoch {state['epoch'] + 1}, after {weights} steps on the training split{also}"
    if not weights:
        where = f"after epoch {state['epoch']}"
    said = f"bmnas: stopped by SIGTERM {where}; a checkpoint is written, and the same command goes on from there"
    assert err.splitlines()[-1] == said


def test_events_of_every_epoch_are_reported_once(run, tmp_path):
    epochs = []
    report = lambda event: epochs.append(event.round) if isinstance(event, EpochDone) else None  # noqa: E731
    run(config=SHORT, folder=tmp_path / "run", report=report)
    run(config=SHORT, folder=tmp_path / "run", report=report)
    assert epochs == [1, 2]
