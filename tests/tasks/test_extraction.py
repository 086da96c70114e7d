"""Extraction from data sets that are read one by one: views, bad samples, precision, and going on after a kill."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bmnas.compiler import pool
from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.tasks import SPLITS, Extraction, FeatureStore, Progress, Split, SplitName, Task, backbones, prepare
from tests.processes import Forked, execute
from tests.tasks.small_task import SmallTask, small_pool

SIZES: dict[SplitName, int] = {"train": 22, "validation": 9, "test": 5}


class Clips:
    """Samples that hold their own number; ``bad`` says which cannot be read, ``spoilt`` which give NaN."""

    def __init__(self, task: ClipTask, split: SplitName, view: int) -> None:
        self.task, self.split, self.view = task, split, view

    def __len__(self) -> int:
        return SIZES[self.split]

    def __getitem__(self, index: int) -> tuple[Mapping[str, Any], Any]:
        if (self.split, index) in self.task.bad:
            raise ValueError("is truncated")
        value = torch.full((3, 6), float(index))
        if (self.split, index) in self.task.spoilt:
            value[0, 0] = float("nan")
        if self.view:
            value += torch.rand(())
        return {"Clip": {"frames": value, "scale": torch.tensor(2.0)}}, self.task.label(index)

    def describe(self, index: int) -> str:
        return f"{self.split}/{index}.avi"


class Double(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.low = nn.Identity()
        self.high = nn.Flatten()

    def forward(self, frames: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.high(self.low(frames * scale[:, None, None]))
        return out


class ClipTask(Task):
    name = "clips"
    outputs = 3
    features = (
        Feature(name="Clip_1", modality="Clip", channels=3, reshape="sequence"),
        Feature(name="Clip_2", modality="Clip", channels=18, reshape="sequence"),
    )
    taps = {"Clip_1": "low", "Clip_2": "high"}  # noqa: RUF012
    extraction_batch = 4

    def __init__(self, bad: set[tuple[str, int]] | None = None, spoilt: set[tuple[str, int]] | None = None) -> None:
        self.bad, self.spoilt = bad or set(), spoilt or set()

    def label(self, index: int) -> int:
        return index % 3

    def split(self, name: SplitName) -> Clips:
        return Clips(self, name, 0)

    def view(self, name: SplitName, view: int) -> Clips:
        return Clips(self, name, view)

    def build_backbone(self, modality: str) -> nn.Module:
        return Double()

    def data_fingerprint(self, modalities: object = None) -> str:
        return "clips"


def prepared(cache: Path, task: Task | None = None, report: Any = None, **how: Any) -> FeatureStore:
    how = {"workers": 0, **how}
    return prepare(
        task or ClipTask(), length=6, pool=small_pool, extraction=Extraction(**how), cache=cache, report=report
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_that_are_read_one_by_one_become_features(tmp_path: Path, workers: int) -> None:
    store = prepared(tmp_path, workers=workers)
    for split in SPLITS:
        samples = store.split(split)
        numbers = torch.arange(SIZES[split])
        assert torch.equal(samples.labels, numbers % 3)
        assert torch.equal(samples.features["Clip_1"], (2.0 * numbers)[:, None, None].expand(-1, 3, 6))
        assert torch.equal(samples.features["Clip_2"], (2.0 * numbers)[:, None, None].expand(-1, 18, 1))


def test_views_hold_the_same_samples_each_augmented_in_its_own_way(tmp_path: Path) -> None:
    store = prepared(tmp_path, views=3)
    assert (store.views("train"), store.views("validation"), store.views("test")) == (3, 1, 1)
    data = store.data("train")
    plain = data.whole().features["Clip_1"]
    assert torch.equal(plain, store.split("train").features["Clip_1"])
    rows = [data.rows() + view * SIZES["train"] for view in (1, 2)]
    one, two = (next(data.batches([chosen])) for chosen in rows)
    assert torch.equal(one.labels, two.labels)
    for view in (one, two):
        shift = view.features["Clip_1"] - plain
        assert ((shift > 0) & (shift < 2)).all()
    assert not (one.features["Clip_1"] == two.features["Clip_1"]).any()
    again = prepared(tmp_path / "again", views=3, workers=2).data("train")
    assert torch.equal(next(again.batches([rows[1]])).features["Clip_1"], two.features["Clip_1"])


def test_a_task_that_reads_samples_one_by_one_says_what_its_data_are(tmp_path: Path) -> None:
    class Nameless(ClipTask):
        data_fingerprint = Task.data_fingerprint

    with pytest.raises(
        BmnasError, match="task clips reads its samples one by one, so Nameless needs its own data_finger"
    ):
        prepared(tmp_path, Nameless())


def test_a_task_without_augmentation_has_no_views(tmp_path: Path) -> None:
    class Plain(ClipTask):
        view = Task.view

    with pytest.raises(BmnasError, match="task clips has no augmented views; leave --views out"):
        prepared(tmp_path, Plain(), views=2)


BAD = {("train", 5), ("train", 6), ("validation", 8)}


def test_a_bad_sample_stops_the_extraction_and_is_named(tmp_path: Path) -> None:
    with pytest.raises(BmnasError) as caught:
        prepared(tmp_path, ClipTask(BAD))
    assert str(caught.value) == (
        "sample 5 of the train split of task clips: train/5.avi: cannot be read: ValueError: is truncated; "
        "--skip-bad leaves such samples out"
    )


def test_bad_samples_can_be_left_out_of_all_views_and_are_recorded(tmp_path: Path) -> None:
    store = prepared(tmp_path, ClipTask(BAD, {("train", 20)}), skip_bad=True, views=2)
    assert [(entry.split, entry.index, entry.why) for entry in store.skipped] == [
        ("train", 5, "train/5.avi: cannot be read: ValueError: is truncated"),
        ("train", 6, "train/6.avi: cannot be read: ValueError: is truncated"),
        ("train", 20, "train/20.avi: feature 'Clip_1' has a NaN"),
        ("validation", 8, "validation/8.avi: cannot be read: ValueError: is truncated"),
    ]
    data = store.data("train")
    kept = [index for index in range(22) if index not in (5, 6, 20)]
    for rows in (data.rows(), data.rows() + len(kept)):
        batch = next(data.batches([rows]))
        assert batch.labels.tolist() == [index % 3 for index in kept]
        assert (batch.features["Clip_1"][:, 0, 0] / 2).floor().tolist() == kept
    assert store.size("validation") == 8
    # What was left out once is left out for whoever uses the store.
    assert prepared(tmp_path, ClipTask(BAD), views=2).key == store.key


def test_a_feature_that_is_not_a_number_is_named(tmp_path: Path) -> None:
    with pytest.raises(BmnasError, match=r"sample 3 of the test split .*: test/3\.avi: feature 'Clip_1' has a NaN"):
        prepared(tmp_path, ClipTask(spoilt={("test", 3)}))


def test_a_number_too_large_for_the_precision_is_named(tmp_path: Path) -> None:
    class Huge(ClipTask):
        def build_backbone(self, modality: str) -> nn.Module:
            backbone = Double()
            backbone.low.register_forward_hook(lambda module, inputs, output: output * 1e4)
            return backbone

    with pytest.raises(BmnasError, match=r"train/4\.avi: feature 'Clip_1' has a number that float16 cannot hold"):
        prepared(tmp_path, Huge(), precision="float16")
    assert prepared(tmp_path, Huge(), precision="bfloat16").manifest.precision == "bfloat16"


def test_a_label_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    class Wrong(ClipTask):
        def label(self, index: int) -> int:
            return index % 4

    with pytest.raises(BmnasError, match=r"train/3\.avi: its label is 3, but the task has 3 classes, 0 to 2"):
        prepared(tmp_path, Wrong())
    assert prepared(tmp_path, Wrong(), skip_bad=True).size("train") == 17


def test_a_split_of_bad_samples_alone_is_refused(tmp_path: Path) -> None:
    every = {("test", index) for index in range(SIZES["test"])}
    with pytest.raises(BmnasError, match="no sample of the test split of task clips can be used"):
        prepared(tmp_path, ClipTask(every), skip_bad=True)


def files(store: FeatureStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.folder.glob("*.safetensors")}


def run(cache: Path) -> Forked:
    """An extraction into small shards that says how far it is, and then waits to be killed."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from bmnas.tasks.store import writer\n"
        "from tests.tasks.test_extraction import prepared\n"
        "def report(event):\n"
        "    if event.phase == 'features train, view 2' and event.done == 20:\n"
        "        print('far', flush=True)\n"
        "        time.sleep(600)\n"
        "writer.SHARD_BYTES = 1\n"  # a shard for each batch
        "prepared(Path(sys.argv[1]), report=report, views=2)\n"
    )
    return Forked(execute, code, str(cache))


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("damaged", [False, True])
def test_a_killed_extraction_goes_on_at_the_last_whole_shard(
    tmp_path: Path, damaged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run(tmp_path) as process:
        assert process.stdout.readline() == "far\n"
        process.send_signal(signal.SIGKILL)
    shards = sorted(tmp_path.rglob("train-v*.safetensors"))
    assert len(shards) > 8
    (shards[0].parent / ".half.1.tmp").write_bytes(b"half")
    if damaged:
        journal = json.loads((shards[0].parent / "partial.json").read_text())
        last = shards[0].with_name(journal["written"][-1]["shards"][-1]["file"])
        last.write_bytes(last.read_bytes()[:-1])
    monkeypatch.setattr("bmnas.tasks.store.writer.SHARD_BYTES", 1)
    events: list[Progress] = []
    store = prepared(tmp_path, report=events.append, views=2)
    first = {event.phase: (event.done, event.info) for event in reversed(events)}
    assert first["features train"] == (22, "done before")
    done, info = first["features train, view 2"]
    assert (done, info) == (0, "") if damaged else (done >= 8 and info == "continued")
    assert files(store) == files(prepared(tmp_path / "other", views=2))
    assert sorted(path.name for path in store.folder.iterdir() if "safetensors" not in path.name) == ["manifest.json"]


@pytest.mark.skipif(os.name != "posix", reason="as the other tests of kills")
@pytest.mark.parametrize("failing", range(1, 8))
def test_after_a_full_disk_nothing_is_missing(tmp_path: Path, failing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from bmnas.tasks.store import writer

    monkeypatch.setattr(writer, "SHARD_BYTES", 1)  # a shard for each batch
    write, count = writer.write_atomically, []

    def full(path: Path, content: str | bytes) -> None:
        if path.suffix == ".safetensors":
            count.append(path)
            if len(count) == failing:
                raise BmnasError(f"{path}: cannot be written: no space left on device")
        write(path, content)

    task = ClipTask({("train", 2), ("validation", 1)})
    with monkeypatch.context() as patch:
        patch.setattr(writer, "write_atomically", full)
        with pytest.raises(BmnasError, match="no space left on device"):
            prepared(tmp_path, task, skip_bad=True, views=2)
    store = prepared(tmp_path, task, skip_bad=True, views=2)
    other = prepared(tmp_path / "other", task, skip_bad=True, views=2)
    assert files(store) == files(other)
    assert store.skipped == other.skipped


def test_what_cannot_work_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Grid(ClipTask):
        features = (Feature(name="Clip_1", modality="Clip", channels=3, reshape="grid"),)

    with pytest.raises(BmnasError, match=r"feature 'Clip_1' is kept as a grid, which needs a square length .*, not 6"):
        prepared(tmp_path, Grid())
    monkeypatch.setenv("BMNAS_MEMORY", "lots")
    with pytest.raises(BmnasError, match="BMNAS_MEMORY is 'lots'; it is a number of GiB"):
        prepared(tmp_path)
    assert not list(tmp_path.iterdir())


def test_other_settings_do_not_go_on_with_what_is_left(tmp_path: Path) -> None:
    with pytest.raises(BmnasError):
        prepared(tmp_path, ClipTask({("test", 0)}))
    assert prepared(tmp_path, precision="float16").split("test").features["Clip_1"].shape == (5, 3, 6)
    assert len(list((tmp_path / "clips" / "features").glob("*/"))) == 2


def test_a_tapped_feature_is_pooled_over_the_lengths_that_its_split_gives(tmp_path: Path) -> None:
    class Padded(SmallTask):
        def split(self, name: SplitName) -> Split:
            whole = super().split(name)
            lengths = 1 + torch.arange(len(whole)) % 2
            return replace(whole, lengths={"not there" if self.wrong else self.features[0].name: lengths})

        wrong = False

    task = Padded()
    name = task.features[0].name
    found = prepare(task, length=4, pool=pool, cache=tmp_path).split("test").features[name]
    whole = task.split("test")
    live = backbones(task, cache=tmp_path)[task.features[0].modality].tapped(whole.inputs[task.features[0].modality])
    torch.testing.assert_close(found, pool(live[name], "sequence", 4, whole.lengths[name]))
    assert not torch.equal(found, pool(live[name], "sequence", 4, torch.full((len(whole),), live[name].shape[2])))
    task.wrong = True
    with pytest.raises(BmnasError, match="lengths are given of 'not there', which is no feature"):
        prepare(task, length=4, pool=pool, cache=tmp_path)
