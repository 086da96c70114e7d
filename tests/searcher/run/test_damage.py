"""What a finished run reads back tells whether it was changed: no change gives another result without a word."""

from __future__ import annotations

import json
import shutil

import pytest

import bmnas
from bmnas.errors import BmnasError
from bmnas.genotype import load
from bmnas.searcher.events import meaning_of
from tests.searcher.problems import task_and_store
from tests.searcher.small import CONFIG, TRAIN

SHORT = CONFIG.changed(epochs=2, cells=1, batch_size=12)
SHORT_TRAIN = TRAIN.model_copy(update={"epochs": 1, "batch_size": 12})


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return lambda folder: bmnas.search(
        task_and_store()[0], SHORT, train=SHORT_TRAIN, folder=folder, cache=cache, device="cpu"
    )


@pytest.fixture(scope="module")
def finished(search, tmp_path_factory):
    return search(tmp_path_factory.mktemp("damage") / "run")


@pytest.fixture
def folder(finished, tmp_path):
    return shutil.copytree(finished.folder, tmp_path / "run")


def best_round(finished):
    return [entry["round"] for entry in finished.history if entry["best"]][-1]


def test_nothing_changed_gives_the_same(search, finished, folder):
    assert search(folder).summary == finished.summary


def test_a_changed_genotype_of_a_round(search, finished, folder):
    path = folder / "genotypes" / f"epoch-{best_round(finished):03d}.json"
    genotype = json.loads(path.read_text())
    step = genotype["cells"][0]["steps"][0]
    step["op"] = "Sum" if step["op"] != "Sum" else "ConcatFC"
    path.write_text(json.dumps(genotype))
    with pytest.raises(BmnasError, match=r"epoch-00\d.json: was changed since the search wrote it"):
        search(folder)


def test_an_edited_best_genotype_is_neither_used_nor_overwritten(search, finished, folder):
    path = folder / "genotype.json"
    genotype = json.loads(path.read_text())
    genotype["cells"][0]["output"] = ["y"]
    path.write_text(json.dumps(genotype))
    with pytest.raises(BmnasError, match=r"genotype.json: was changed since the search wrote it; move it away"):
        search(folder)
    assert json.loads(path.read_text()) == genotype
    path.rename(folder.parent / "mine.json")
    assert search(folder).genotype.cells == finished.genotype.cells


def test_an_earlier_genotype_that_was_trained_there_is_replaced(search, finished, folder):
    best = best_round(finished)
    other = next(path for path in sorted((folder / "genotypes").glob("epoch-*.json")) if str(best) not in path.stem)
    genotype = load(other)
    if meaning_of(genotype) == meaning_of(load(folder / "genotype.json")):
        pytest.skip("both epochs found the same")
    shutil.copy(other, folder / "genotype.json")
    assert search(folder).genotype.cells == finished.genotype.cells


def test_changed_results(search, folder):
    path = folder / "results.json"
    results = json.loads(path.read_text())
    results["rows"][0]["test"] = 1.5
    path.write_text(json.dumps(results))
    with pytest.raises(BmnasError, match=r"results.json: was changed: .*; delete it to have the results made anew"):
        search(folder)


@pytest.mark.parametrize("place", [0.001, 0.2, 0.5, 0.8, 0.999])
def test_a_changed_bit_of_a_checkpoint(search, folder, place):
    path = folder / "checkpoints" / "last.pt"
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 4
    path.write_bytes(content)
    with pytest.raises(BmnasError, match=r"last.pt: .*checksum"):
        search(folder)


def test_a_folder_of_an_earlier_version(search, folder):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": "bmnas-run/1"}))
    with pytest.raises(
        BmnasError, match=r"holds a search of an earlier version of bmnas, [\d.]+ \(bmnas-run/1\); name another"
    ):
        search(folder)
