"""A whole search on the digits, in small: what it writes, how it goes on, what it refuses."""

from __future__ import annotations

import functools
import json
import shutil

import pytest
import safetensors.torch
import torch
from filelock import FileLock
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import bmnas
from bmnas import files
from bmnas.errors import BmnasError
from bmnas.fit.checkpoint import Keeper
from bmnas.genotype import load
from bmnas.searcher import EpochDone, Row, SearchConfig, TrainConfig, TrainingEpochDone, search
from bmnas.tasks import FeatureStore, get_task, prepare
from tests.searcher.small import CONFIG, TRAIN, bare, checkpoint, outcome, put_checkpoint


@pytest.fixture(scope="module")
def finished(tmp_path_factory, cache):
    """A finished search: its result."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    return search("digits", CONFIG, train=TRAIN, folder=folder, device="cpu", cache=cache)


def test_the_run_folder(finished):
    folder = finished.folder
    assert json.loads((folder / "config.json").read_text())["search"]["seed"] == 5
    assert [path.name for path in sorted((folder / "genotypes").iterdir())] == [f"epoch-00{n}.json" for n in (1, 2, 3)]
    assert (folder / "genotype.svg").read_text().count("Cell_1") >= 1
    state = checkpoint(folder)
    assert {"alpha_KEI", "beta_KNEI", "gamma_KNMP"} <= state["search"]["fit"]["network"].keys()
    scalars = EventAccumulator(str(folder / "tensorboard")).Reload()
    assert [point.step for point in scalars.Scalars("score/validation")] == [1, 2, 3]


def test_tensorboard_shows_weights_drawings_trainings_and_settings(finished):
    shown = EventAccumulator(str(finished.folder / "tensorboard"), size_guidance={"tensors": 0}).Reload()
    tags = shown.Tags()
    gamma = [tag for tag in tags["scalars"] if tag.startswith("gamma/Cell_2 Step_1/")]
    assert len(gamma) == len(CONFIG.operations)
    for epoch in range(3):
        assert sum(shown.Scalars(tag)[epoch].value for tag in gamma) == pytest.approx(1, abs=1e-3)
    assert {tag.split("/")[0] for tag in tags["scalars"]} >= {"alpha", "beta", "gamma", "training"}
    assert {"alpha", "beta", "gamma"} <= set(tags["histograms"])
    assert tags["images"] == ["genotype/result"]
    assert shown.Images("genotype/result")[0].width > 300
    assert len(shown.Scalars("training/found network")) == TRAIN.epochs
    assert shown.Scalars("test/late fusion")[0].value == pytest.approx(finished.rows[-2].test)
    assert "genotype/best so far/text_summary" in tags["tensors"]


def test_the_best_epoch_is_kept(finished):
    scores = [event["score"] for event in finished.history]
    best = scores.index(max(scores)) + 1
    assert [event["best"] for event in finished.history].count(True) >= 1
    assert bare(finished.folder / "genotype.json") == bare(finished.folder / "genotypes" / f"epoch-00{best}.json")
    assert finished.genotype.provenance.scores["validation"] == max(scores)


def test_the_search_learns(finished):
    assert finished.history[-1]["loss"] < finished.history[0]["loss"]
    assert finished.history[-1]["score"] > 0.5


def test_the_comparison(finished):
    names = [row.name for row in finished.rows]
    assert names == ["Top alone", "Bottom alone", "late fusion", "found network"]
    assert all(0.1 < row.test <= 1 for row in finished.rows)
    assert finished.genotype.provenance.scores["test"] == finished.rows[-1].test
    assert finished.genotype.provenance.parameters == finished.rows[-1].parameters


def test_the_weights_are_those_that_were_tested(finished, cache):
    network = bmnas.compile(load(finished.folder / "genotype.json"))
    network.load_state_dict(safetensors.torch.load_file(finished.folder / "genotype.safetensors"))
    task = get_task("digits")
    test = prepare(task, length=4, pool=bmnas.compiler.pool, cache=cache).split("test")
    outputs = network.eval()({name: test.features[name] for name in network.features})
    assert task.metric.score(outputs, test.labels) == finished.rows[-1].test


def test_a_finished_search_is_not_run_again(finished, cache, monkeypatch):
    monkeypatch.setattr("bmnas.searcher.run.comparison.train_network", None)
    monkeypatch.setattr("bmnas.fit.fit.Fit.steps_of", None)
    before = outcome(finished.folder)
    again = search("digits", CONFIG, train=TRAIN, folder=finished.folder, device="cpu", cache=cache)
    assert again == finished
    assert outcome(finished.folder) == before


@pytest.mark.parametrize("after", ["epoch 1", "epoch 2", "epoch 3", "late fusion", "found network"])
def test_an_interrupted_search_ends_like_an_uninterrupted_one(finished, cache, tmp_path, after):
    class Stop(Exception):
        pass

    def stop(event):
        if after in (f"epoch {event.round}" if isinstance(event, EpochDone) else getattr(event, "name", ""),):
            raise Stop

    with pytest.raises(Stop):
        search("digits", CONFIG, train=TRAIN, folder=tmp_path / "run", device="cpu", cache=cache, report=stop)
    torch.rand(7)  # what happened in between does not matter
    resumed = search("digits", CONFIG, train=TRAIN, folder=tmp_path / "run", device="cpu", cache=cache)
    assert outcome(resumed.folder) == outcome(finished.folder)


@pytest.mark.parametrize("writes", [2, 5, 9, 17, 28])
def test_a_search_that_is_killed_in_its_trainings_goes_on_there(cache, tmp_path, monkeypatch, writes):
    """Each of four rows has two epochs of three steps, so seven or eight checkpoints with those at the epochs' ends."""
    config, train = CONFIG.model_copy(update={"epochs": 1}), TRAIN.model_copy(update={"batch_size": 600})
    run = functools.partial(search, "digits", config, train=train, device="cpu", cache=cache)
    whole = outcome(run(folder=tmp_path / "whole").folder)
    save, saved, steps, step = Keeper.save, [], [], torch.optim.Adam.step

    def dying(self, training):
        save(self, training)
        saved.append(training)
        if len(saved) == writes:
            raise Killed

    def counted(self, *given):
        steps.append(1)
        return step(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "save", dying)
        with pytest.raises(Killed):
            run(folder=tmp_path / "run", checkpoint_every=1)
    assert (tmp_path / "run" / "checkpoints" / "training.ckpt").exists()
    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", counted)
        run(folder=tmp_path / "run")
    rows, left = divmod(writes, 8)
    assert len(steps) == 4 * 6 - 6 * rows - (left - left // 4)
    assert outcome(tmp_path / "run") == whole
    assert not (tmp_path / "run" / "checkpoints" / "training.ckpt").exists()


def test_what_a_kill_left_of_an_epoch_is_dropped(finished, cache, tmp_path):
    """The logs may be ahead of the checkpoint, and their last line may be cut short."""

    def stop(event):
        if isinstance(event, EpochDone) and event.round == 2:
            raise KeyboardInterrupt

    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        search("digits", CONFIG, train=TRAIN, folder=folder, device="cpu", cache=cache, report=stop)
    with (folder / "events.jsonl").open("a") as file:
        file.write('{"event": "EpochDone", "round": 3}\n5\n{"event": "Epo')
    search("digits", CONFIG, train=TRAIN, folder=folder, device="cpu", cache=cache)
    assert outcome(folder) == outcome(finished.folder)


def test_another_seed_is_another_search(finished, cache, tmp_path):
    config = CONFIG.model_copy(update={"seed": 6})
    other = search("digits", config, folder=tmp_path / "run", device="cpu", cache=cache, evaluate=False)
    assert other.rows == []
    assert [event["loss"] for event in other.history] != [event["loss"] for event in finished.history]


def test_the_callers_random_state_and_threads_are_left_alone(cache, tmp_path, two_threads):
    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    search("digits", CONFIG, train=TRAIN, folder=tmp_path / "run", device="cpu", cache=cache)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_the_test_split_is_read_once_for_each_row_and_never_by_the_search(cache, tmp_path, monkeypatch):
    log = []
    data = FeatureStore.data
    monkeypatch.setattr(
        FeatureStore, "data", lambda self, *names, **rest: (log.extend(names), data(self, *names, **rest))[1]
    )
    report = lambda event: log.append(event.name) if isinstance(event, Row) else None  # noqa: E731
    result = search("digits", CONFIG, train=TRAIN, folder=tmp_path / "run", device="cpu", cache=cache, report=report)
    assert log[:2] == ["train", "validation"]
    rest = [entry for row in result.rows for entry in ("train", "validation", "test", row.name)]
    assert log[2:] == rest


def test_patience_stops_early(cache, tmp_path, monkeypatch):
    monkeypatch.setattr("bmnas.searcher.strategies.bilevel.Bilevel._scores", lambda self: [0.5])
    config = SearchConfig(**{**CONFIG.model_dump(), "epochs": 30, "patience": 2})
    result = search("digits", config, folder=tmp_path / "run", device="cpu", cache=cache, evaluate=False)
    assert [event["best"] for event in result.history] == [True, False, False]


def test_other_settings_are_refused_by_name(finished, cache):
    other = CONFIG.model_copy(update={"cells": 1})
    with pytest.raises(BmnasError, match=r"holds a search with search\.cells 2, not 1; name another folder"):
        search("digits", other, train=TRAIN, folder=finished.folder, device="cpu", cache=cache)


def test_other_features_are_refused(finished, cache, tmp_path):
    folder = shutil.copytree(finished.folder, tmp_path / "copy")
    changed_state(data="0" * 16)(folder / "checkpoints" / "last.pt")
    with pytest.raises(BmnasError, match="holds a search on other features than task digits has now"):
        search("digits", CONFIG, train=TRAIN, folder=folder, device="cpu", cache=cache)


def changed_state(**changes):
    def change(path):
        put_checkpoint(path, {**checkpoint(path.parent.parent), **changes})

    return change


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BROKEN_FILES = {
    "half a checkpoint": ("checkpoints/last.pt", cut, "is damaged: its checksum is that of another content"),
    "a list": ("checkpoints/last.pt", lambda path: put_checkpoint(path, [1]), "is not a checkpoint of this search"),
    "no search": ("checkpoints/last.pt", changed_state(search={}), r"is not a checkpoint of this search \(KeyError\)"),
    "no history": (
        "checkpoints/last.pt",
        changed_state(history=None),
        r"is not a checkpoint of this search \(TypeError\)",
    ),
    "other history": ("checkpoints/last.pt", changed_state(history=[]), r"is not a checkpoint of this search \(Value"),
    "odd results": (
        "results.json",
        lambda path: path.write_text('{"rows": [5]}'),
        "has no checksum; delete it",
    ),
    "deep results": ("results.json", lambda path: path.write_text("[" * 10**5), "is nested too deeply"),
    "odd config": ("config.json", lambda path: path.write_text("7"), "is not the configuration of a search"),
    "long number": ("config.json", lambda path: path.write_text("9" * 10**4), "has a number that is too long"),
}


@pytest.mark.parametrize("what", BROKEN_FILES)
def test_broken_files_are_one_sentence(finished, cache, tmp_path, what):
    name, damage, sentence = BROKEN_FILES[what]
    folder = shutil.copytree(finished.folder, tmp_path / "copy")
    damage(folder / name)
    with pytest.raises(BmnasError, match=f"{name}: {sentence}"):
        search("digits", CONFIG, train=TRAIN, folder=folder, device="cpu", cache=cache)


@pytest.mark.parametrize("name", ["genotype.json", "events.jsonl", "genotype.svg"])
def test_what_can_be_made_again_is(finished, cache, tmp_path, name):
    folder = shutil.copytree(finished.folder, tmp_path / "copy")
    (folder / name).unlink()
    search("digits", CONFIG, train=TRAIN, folder=folder, device="cpu", cache=cache)
    assert (folder / name).exists()
    before, after = outcome(finished.folder), outcome(folder)
    if name == "genotype.json":  # trained again, so its row is logged again
        assert after["events"][-1] == before["events"][-1]
        before.pop("events"), after.pop("events")
    assert after == before


def test_a_folder_of_something_else_is_left_alone(cache, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for force in (False, True):
        with pytest.raises(BmnasError, match=r"is not empty and not a run folder: it has 'thesis.tex'"):
            search("digits", CONFIG, train=TRAIN, folder=tmp_path, device="cpu", cache=cache, force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_kill_before_the_first_file_leaves_a_folder_that_can_be_used(cache, tmp_path):
    (tmp_path / ".config.json.77.tmp").write_text("{")
    search("digits", CONFIG, folder=tmp_path, device="cpu", cache=cache, evaluate=False)
    assert not list(tmp_path.glob(".*.tmp"))


class Killed(BaseException):
    """Stands for a SIGKILL: nothing in the package may catch it."""


def test_a_kill_before_or_after_any_write_leaves_something_that_resumes(cache, tmp_path, monkeypatch):
    """Every file but the logs is written by one function: stop before, and after, each of its calls in turn."""
    config, train = CONFIG.model_copy(update={"epochs": 2}), TRAIN.model_copy(update={"epochs": 1})
    run = functools.partial(search, "digits", config, train=train, device="cpu", cache=cache)
    whole = outcome(run(folder=tmp_path / "whole").folder)
    write, run_files = files.write_atomically, [f"searcher.run.{name}" for name in ("folder", "seed_folder", "outcome")]
    left = 0

    def dying(path, content):
        nonlocal left
        if left == 0:
            raise Killed
        write(path, content)
        left -= 1
        if left == 0:
            raise Killed

    for writer in ("genotype.writing", "genotype.drawing", *run_files):
        monkeypatch.setattr(f"bmnas.{writer}.write_atomically", dying)
    for count in range(100):
        left, folder = count, tmp_path / f"killed-{count}"
        try:
            run(folder=folder)
        except Killed:
            left = -1
            run(folder=folder)
            assert outcome(folder) == whole, f"killed at write {count}"
        else:
            break
    assert count > 15


def test_force_starts_over(cache, tmp_path):
    folder = tmp_path / "run"
    search("digits", CONFIG, folder=folder, device="cpu", cache=cache, evaluate=False)
    shorter = CONFIG.model_copy(update={"epochs": 1})
    result = search("digits", shorter, folder=folder, device="cpu", cache=cache, evaluate=False, force=True)
    assert len(result.history) == 1
    assert len(list((folder / "genotypes").iterdir())) == 1


def test_one_search_at_a_time(cache, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with FileLock(folder / ".lock"), pytest.raises(BmnasError, match="another search is at work in this folder"):
        search("digits", CONFIG, folder=folder, device="cpu", cache=cache)


def test_a_space_of_nothing_is_refused_before_anything_is_written(tmp_path):
    config = SearchConfig(cells=6, derive="official")
    with pytest.raises(BmnasError, match="6 features are enough for 5 cells, not for 6; use fewer cells"):
        search("digits", config, folder=tmp_path / "run", cache=tmp_path / "cache")
    assert not list(tmp_path.iterdir())


def test_a_search_that_diverges_stops_and_keeps_the_last_epoch(cache, tmp_path, monkeypatch):
    task = get_task("digits")
    calls = iter(range(10**6))

    def loss(outputs, labels):
        value = torch.nn.functional.cross_entropy(outputs, labels)
        return value * float("nan") if next(calls) > 30 else value

    monkeypatch.setattr(task, "loss", loss)
    with pytest.raises(
        BmnasError, match=r"diverged in epoch 2 \(a loss or score became nan\); try a smaller arch_lr|lr"
    ):
        search(task, CONFIG, folder=tmp_path / "run", device="cpu", cache=cache)
    state = checkpoint(tmp_path / "run")
    assert state["search"]["fit"]["epoch"] == 1
    assert all(torch.isfinite(tensor).all() for tensor in state["search"]["fit"]["network"].values())


def test_every_row_has_the_same_budget(cache, tmp_path):
    steps = {}
    report = lambda event: steps.update({event.name: event.epochs}) if isinstance(event, TrainingEpochDone) else None  # noqa: E731
    search("digits", CONFIG, train=TRAIN, folder=tmp_path / "run", device="cpu", cache=cache, report=report)
    assert steps == dict.fromkeys(("Top alone", "Bottom alone", "late fusion", "found network"), TRAIN.epochs)


def test_other_settings_of_the_training_repeat_the_comparison_alone(cache, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    first = search("digits", CONFIG, train=TRAIN, folder=folder, device="cpu", cache=cache)
    monkeypatch.setattr("bmnas.searcher.strategies.bilevel.Bilevel.events", lambda self: (event for event in ()))
    longer = TRAIN.model_copy(update={"epochs": 3})
    second = search("digits", CONFIG, train=longer, folder=folder, device="cpu", cache=cache)
    assert second.history == first.history
    assert [row.name for row in second.rows] == [row.name for row in first.rows]
    assert [row.seconds for row in second.rows] != [row.seconds for row in first.rows]
    assert "--epochs 3" in second.genotype.provenance.trained_by


def test_train_gives_the_found_network_the_score_of_the_comparison(finished, cache):
    again = bmnas.train(finished.genotype, "digits", TRAIN, device="cpu", cache=cache)
    assert again.test == finished.rows[-1].test


def test_the_trainings_after_a_search_are_those_of_train():
    task = get_task("digits")
    assert TrainConfig.ending(task, SearchConfig.for_task(task)) == TrainConfig.for_task(task)


@pytest.mark.parametrize("device", ["gpu", "meta"])
def test_a_device_that_cannot_be_used(device):
    with pytest.raises(BmnasError, match="cannot be used here"):
        search("digits", CONFIG, device=device)


def test_a_search_that_is_refused_before_its_first_epoch_leaves_room_for_a_corrected_one(cache, tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise BmnasError("the data are not there")

    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("bmnas.searcher.api.prepare", refuse)
        with pytest.raises(BmnasError, match="the data are not there"):
            search("digits", CONFIG, folder=folder, device="cpu", cache=cache)
    assert not (folder / "config.json").exists()
    other = CONFIG.model_copy(update={"seed": 8, "epochs": 1})
    search("digits", other, folder=folder, device="cpu", cache=cache, evaluate=False)
    # What has begun is kept, whatever refuses it later.
    with monkeypatch.context() as patch:
        patch.setattr("bmnas.searcher.api.prepare", refuse)
        with pytest.raises(BmnasError, match="the data are not there"):
            search("digits", other, folder=folder, device="cpu", cache=cache)
    assert (folder / "config.json").exists()
