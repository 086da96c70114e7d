"""A run folder opened for reading: whole, unfinished, damaged, of an older version."""

from __future__ import annotations

import json
import shutil

import pytest

import bmnas
from bmnas.errors import BmnasError
from bmnas.searcher.events import meaning_of
from bmnas.searcher.run.folder import RunFolder
from tests.searcher.problems import task_and_store
from tests.searcher.small import CONFIG, TRAIN

SHORT = CONFIG.changed(epochs=2, cells=1, batch_size=12)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A search of two seeds, with its comparison, and what it gave."""
    task, _ = task_and_store()
    base = tmp_path_factory.mktemp("reading")
    train = TRAIN.model_copy(update={"epochs": 1, "batch_size": 12})
    config = SHORT.changed(seeds=2)
    return bmnas.search(task, config, train=train, folder=base / "run", cache=base / "cache", device="cpu")


@pytest.fixture
def folder(finished, tmp_path):
    return shutil.copytree(finished.folder, tmp_path / "run")


def test_it_says_what_the_search_gave(finished):
    run = bmnas.open_run(finished.folder)
    assert run.config == SHORT.changed(seeds=2)
    assert run.task == "random"
    assert run.seeds == (5, 6)
    for found in finished.seeds:
        assert run.genotype(found.seed) == found.genotype.model_copy(
            update={"provenance": run.genotype(found.seed).provenance}
        )
        assert run.rows(found.seed) == found.rows
    assert run.history == finished.history
    assert run.summary() == finished.summary


def test_it_can_be_read_while_a_search_is_at_work(finished, folder):
    record = json.loads((folder / "config.json").read_text())
    settings = {key: value for key, value in record.items() if key not in ("format", "bmnas", "invocation")}
    with RunFolder.open(folder, settings, seeds=(5, 6)):
        assert bmnas.open_run(folder).summary() == finished.summary


def test_a_line_that_is_being_written_is_left_out(finished, folder):
    with (folder / "events.jsonl").open("a") as file:
        file.write('{"event": "Epo')
    assert bmnas.open_run(folder).history == finished.history


def test_a_search_that_has_just_begun(folder):
    for path in folder.iterdir():
        if path.name != "config.json":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    run = bmnas.open_run(folder)
    assert run.history == []
    assert run.rows() == []
    with pytest.raises(BmnasError, match="has no genotype yet"):
        run.genotype()
    with pytest.raises(BmnasError, match="has no genotype yet"):
        run.summary()


def test_settings_of_the_first_format_are_read(folder):
    record = json.loads((folder / "config.json").read_text())
    flat = SHORT.changed(strategy="released").flat()
    del flat["strategy"], flat["restart_epochs"]
    old = {**flat, "strategy": "bilevel", "protocol": "official", "top_k": 3, "samples": 100, "population": 8}
    (folder / "config.json").write_text(json.dumps({**record, "format": "bmnas-run/1", "search": old}))
    run = bmnas.open_run(folder)
    assert run.config == SHORT.changed(strategy="released")
    # The rest was written without checksums.
    for look in (run.genotype, run.rows, run.summary, lambda: run.history):
        with pytest.raises(BmnasError, match=r"was written by an earlier version of bmnas, [\d.]+ \(bmnas-run/1\)"):
            look()


def test_a_genotype_that_is_ahead_of_the_events(finished, folder):
    """A search writes its genotype before the line that tells of it."""
    lines = (folder / "events.jsonl").read_text().splitlines(keepends=True)
    rounds = [json.loads(line) for line in lines]
    of_seed = [entry for entry in rounds if entry.get("seed") == 5 and "best" in entry]
    last = of_seed[-1]
    kept = [line for line, entry in zip(lines, rounds, strict=True) if entry is not last]
    (folder / "events.jsonl").write_text("".join(kept))
    before = [entry for entry in of_seed[:-1] if entry["best"]][-1]
    assert meaning_of(bmnas.open_run(folder).genotype(5)) == before["sha256"]


@pytest.mark.parametrize(
    ("name", "change", "look", "sentence"),
    [
        ("config.json", lambda text: "[]", lambda run: run, "is not the configuration of a search"),
        (
            "config.json",
            lambda text: text.replace('"cells": 1', '"cells": 2'),
            lambda run: run.config,
            "config.json: was changed: its checksum",
        ),
        (
            "seed5/genotype.json",
            lambda text: text.replace('"y"', '"x"', 1),
            lambda run: run.genotype(5),
            "seed5/genotype.json: was changed since the search wrote it",
        ),
        (
            "seed6/results.json",
            lambda text: text.replace('"test": 0', '"test": 1', 1),
            lambda run: run.rows(6),
            "seed6/results.json: was changed",
        ),
        ("events.jsonl", lambda text: "{]\n" + text, lambda run: run.history, "line 1 is not JSON"),
        ("events.jsonl", lambda text: '{"a": 1}\n' + text, lambda run: run.history, "line 1 has no checksum"),
        (
            "events.jsonl",
            lambda text: text.replace('"score": 0.', '"score": 0.9', 1),
            lambda run: run.summary(),
            r"events.jsonl: line \d+ was changed",
        ),
    ],
)
def test_what_was_changed_is_told(folder, name, change, look, sentence):
    text = (folder / name).read_text()
    assert change(text) != text
    (folder / name).write_text(change(text))
    with pytest.raises(BmnasError, match=sentence):
        look(bmnas.open_run(folder))


def test_it_is_no_run_folder(tmp_path):
    with pytest.raises(BmnasError, match=r"is not a run folder: it has no config\.json"):
        bmnas.open_run(tmp_path)


def test_a_seed_that_was_not_searched(finished):
    with pytest.raises(BmnasError, match="has no seed 7; its seeds are 5, 6"):
        bmnas.open_run(finished.folder).genotype(7)
