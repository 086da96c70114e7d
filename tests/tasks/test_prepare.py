from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.tasks import (
    SPLITS,
    Extraction,
    FeatureStore,
    Progress,
    Split,
    SplitName,
    Task,
    backbones,
    extract_batch,
    fingerprint,
    get_task,
    prepare,
)
from tests.processes import Forked, execute
from tests.tasks.small_task import SIZES, SmallTask, small_pool


def prepared(cache: Path, task: Task | None = None, length: int = 4) -> FeatureStore:
    return prepare(task or SmallTask(), length=length, pool=small_pool, cache=cache)


def content(store: FeatureStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.folder.glob("*.safetensors")}


def forbid_backbones(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a backbone was touched")

    for name in ("build_backbone", "train_backbone"):
        monkeypatch.setattr(type(task), name, fail)
    monkeypatch.setattr(nn.Module, "__call__", fail)


@pytest.fixture(params=["small", "digits"])
def task(request: pytest.FixtureRequest) -> Task:
    return SmallTask() if request.param == "small" else get_task("digits")


@pytest.fixture
def cache(task: Task, tmp_path: Path, digits_cache: Path, request: pytest.FixtureRequest) -> Path:
    if task.name == "small":
        return tmp_path
    request.getfixturevalue("digits_store")  # first, so that what is told of its making is whole in any order of tests
    return digits_cache


def test_cached_features_are_the_pooled_live_ones(task: Task, cache: Path) -> None:
    length = 4 if task.name == "small" else 8
    store = prepared(cache, task, length)
    live = backbones(task, cache=cache)
    for split in SPLITS:
        samples, whole = store.split(split), task.split(split)
        assert torch.equal(samples.labels, whole.labels)
        parts = [whole.part(start, start + task.extraction_batch) for start in range(0, len(whole), 128)]
        batches = [extract_batch(task, live, part.inputs, length, small_pool) for part in parts]
        at_once = extract_batch(task, live, whole.inputs, length, small_pool)
        assert list(samples.features) == [feature.name for feature in task.features]
        for name, cached in samples.features.items():
            assert torch.equal(cached, torch.cat([batch[name] for batch in batches]))
            torch.testing.assert_close(cached, at_once[name])
            assert tuple(cached.shape[1:]) == store.shapes[name]


def test_a_second_time_touches_no_backbone(task: Task, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    length = 4 if task.name == "small" else 8
    first = prepared(cache, task, length)
    forbid_backbones(task, monkeypatch)
    second = prepared(cache, type(task)(), length)
    assert (second.folder, second.key) == (first.folder, first.key)
    assert len(second.split("test")) == len(task.split("test"))


def test_reshapes_give_their_shapes(tmp_path: Path) -> None:
    assert list(prepared(tmp_path).shapes.values()) == [(4, 4), (5, 5), (6, 2, 2)]


def test_the_global_random_state_is_untouched(tmp_path: Path) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one = prepared(tmp_path / "a")
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert content(prepared(tmp_path / "b")) == content(one)


def truncate(folder: Path) -> None:
    path = folder / "train-v000-00000.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def flip(folder: Path) -> None:
    path = folder / "test-v000-00000.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def change(part: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["fingerprint"][part] = "other"
        (folder / "manifest.json").write_text(json.dumps(manifest))

    edit.__name__ = part
    return edit


PARTS = ("task", "options", "data", "features", "taps", "length", "backbones", "code", "views", "precision")
DAMAGES = [
    truncate,
    flip,
    lambda folder: (folder / "manifest.json").unlink(),
    lambda folder: (folder / "validation-v000-00000.safetensors").unlink(),
    *map(change, PARTS),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_store_that_is_not_whole_or_not_ours_is_rebuilt(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    store = prepared(tmp_path)
    assert set(store.fingerprint) == set(PARTS)
    before = content(store)
    damage(store.folder)
    events: list[Progress] = []
    rebuilt = prepare(SmallTask(), length=4, pool=small_pool, cache=tmp_path, report=events.append)
    assert rebuilt.folder == store.folder
    assert content(rebuilt) == before
    assert sum(event.done == event.total for event in events if event.phase.startswith("features")) == 3


def test_other_weights_are_noticed(tmp_path: Path) -> None:
    store = prepared(tmp_path)
    record_path = next((tmp_path / "small" / "backbones").rglob("*Ton*.json"))
    weights_path = record_path.with_suffix(".safetensors")
    state = safetensors.torch.load(weights_path.read_bytes())
    weights_path.write_bytes(safetensors.torch.save({name: 2 * tensor for name, tensor in state.items()}))
    record = json.loads(record_path.read_text())
    record["sha256"] = fingerprint.of_file(weights_path)
    record_path.write_text(json.dumps(record))
    before = store.split("test").features["labels"]
    after = prepared(tmp_path)
    assert after.folder == store.folder
    assert after.key != store.key
    assert not torch.equal(after.split("test").features["labels"], before)


def test_other_code_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = prepared(tmp_path)
    monkeypatch.setattr(fingerprint, "of_code", lambda *_: "other")
    assert prepared(tmp_path).key != store.key


def test_other_lengths_and_data_live_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [(SmallTask(), 4), (SmallTask(), 9), (SmallTask(data_seed=1), 4)]
    folders = {prepared(tmp_path, task, length).folder for task, length in tasks}
    assert len(folders) == 3
    forbid_backbones(SmallTask(), monkeypatch)
    assert {prepared(tmp_path, task, length).folder for task, length in tasks} == folders


def run(cache: Path, before: str = "") -> Forked:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from bmnas.tasks import prepare\n"
        "from bmnas.tasks.store import StoreWriter\n"
        "from tests.tasks.small_task import SmallTask, small_pool\n"
        f"{before}\n"
        "store = prepare(SmallTask(), length=4, pool=small_pool, cache=Path(sys.argv[1]))\n"
        "print(store.key, flush=True)\n"
    )
    return Forked(execute, code, str(cache))


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")
def test_a_killed_extraction_is_recognised_and_done_again(tmp_path: Path) -> None:
    stop = (
        "def stop(self, split, view):\n"
        "    print('stopped', flush=True)\n"
        "    time.sleep(600)\n"
        "begin = StoreWriter.begin\n"
        "StoreWriter.begin = lambda self, split, view: (begin if split == 'train' else stop)(self, split, view)"
    )
    with run(tmp_path, stop) as process:
        assert process.stdout.readline() == "stopped\n"
        process.send_signal(signal.SIGKILL)
    left = [path.name for path in (tmp_path / "small" / "features").rglob("*-0*.safetensors")]
    assert left == ["train-v000-00000.safetensors"]
    assert content(prepared(tmp_path / "other")) == content(prepared(tmp_path))


def test_two_processes_at_once_both_succeed(tmp_path: Path) -> None:
    # Both wait for the other to be ready, so that they do start together.
    meet = (
        "Path(sys.argv[1], str(__import__('os').getpid())).touch()\n"
        "while len([p for p in Path(sys.argv[1]).iterdir() if p.name.isdigit()]) < 2: time.sleep(0.01)\n"
    )
    processes = [run(tmp_path, meet) for _ in range(2)]
    keys = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert keys[0] == keys[1] == prepared(tmp_path).key + "\n"


def test_a_cache_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")
    with pytest.raises(BmnasError, match=r"cannot be used as a cache: .*BMNAS_CACHE$"):
        prepared(tmp_path / "cache")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind root")
def test_a_read_only_cache_can_be_read_and_not_written(tmp_path: Path) -> None:
    store = prepared(tmp_path)
    folders = [path for path in tmp_path.rglob("*") if path.is_dir()]
    try:
        for folder in folders:
            folder.chmod(0o500)
        assert prepared(tmp_path).key == store.key
        with pytest.raises(BmnasError, match="cannot be used as a cache"):
            prepared(tmp_path, length=9)
    finally:
        for folder in folders:
            folder.chmod(0o700)


def test_a_full_disk_is_one_sentence_and_leaves_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    backbones(SmallTask(), cache=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(BmnasError, match=r"v000-00000\.safetensors: cannot be written: no space left on device"):
            prepared(tmp_path)
    assert len(prepared(tmp_path).split("train")) == SIZES["train"]


def test_features_that_the_task_describes_wrongly_are_refused(tmp_path: Path) -> None:
    class OtherChannels(SmallTask):
        features = (Feature(name="labels", modality="..", channels=7),)
        taps = {"labels": "0"}  # noqa: RUF012

    class NoTap(SmallTask):
        taps = {"label": "0"}  # noqa: RUF012

    class Empty(SmallTask):
        def split(self, name: str):  # type: ignore[no-untyped-def]
            return super().split(name).part(0, 0)

    with pytest.raises(BmnasError, match=r"feature 'labels' has 6 channels .*, but the task says 7"):
        prepared(tmp_path, OtherChannels())
    with pytest.raises(BmnasError, match=r"does not say where feature 'labels' is tapped; did you mean 'label'\?"):
        prepared(tmp_path, NoTap())
    with pytest.raises(BmnasError, match=r"the train split of task small is empty"):
        prepared(tmp_path, Empty())


def test_a_label_that_cannot_be_one_is_told_before_the_work_or_left_out(tmp_path: Path) -> None:
    class Mislabelled(SmallTask):
        def split(self, name: SplitName) -> Split:
            whole = super().split(name)
            labels = whole.labels.clone()
            labels[3] = 7 if name == "train" else labels[3]
            return Split(whole.inputs, labels)

    sentence = (
        r"^the label of sample 3 of the train split of task small is 7, but .*; --skip-bad leaves such samples out$"
    )
    with pytest.raises(BmnasError, match=sentence):
        prepared(tmp_path, Mislabelled())
    assert not (tmp_path / "small").exists()
    how = Extraction(skip_bad=True)
    store = prepare(Mislabelled(), length=4, pool=small_pool, extraction=how, cache=tmp_path)
    assert store.size("train") == SIZES["train"] - 1
    assert [(entry.split, entry.index) for entry in store.skipped] == [("train", 3)]
