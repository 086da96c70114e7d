"""A store that somebody changed: an error that says so, or the features that were written; nothing else."""

from __future__ import annotations

import copy
import json
import random
import zlib
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from bmnas.errors import BmnasError
from bmnas.tasks import SPLITS, FeatureStore, StoreError, prepare
from bmnas.tasks.store import Manifest, StoreWriter
from tests.tasks.small_task import SmallTask, small_pool
from tests.tasks.store.test_store import FINGERPRINT, features, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "store")
    return tmp_path / "store"


def content(folder: Path) -> dict[str, Any]:
    store = FeatureStore.open(folder)
    found = {}
    for split in SPLITS:
        samples = store.split(split)
        tensors = {**{f"feature {name}": tensor for name, tensor in samples.features.items()}, "labels": samples.labels}
        found[split] = {name: tensor.tolist() for name, tensor in tensors.items()}
    return found


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a JSON value with every key in it."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in [(value, key), *places(value[key])]]


def mutated(manifest: dict[str, Any], seed: int) -> dict[str, Any]:
    chosen, manifest = random.Random(seed), copy.deepcopy(manifest)
    container, key = chosen.choice(places(manifest))
    match chosen.randrange(4):
        case 0:
            del container[key]
        case 1 if isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        case 2 if isinstance(container, list):
            container.reverse()
        case 2:
            items = list(reversed(container.items()))
            container.clear()
            container.update(items)
        case _:
            others = [0, 1, -1, 7, None, "test", "train-v000-00000.safetensors", [], {}, [2, 3], "float16", "x" * 5000]
            container[key] = chosen.choice(others)
    return manifest


@pytest.mark.parametrize("seed", range(120))
def test_no_change_of_the_manifest_gives_other_content(folder: Path, seed: int) -> None:
    path = folder / "manifest.json"
    before, manifest = content(folder), json.loads(path.read_text())
    path.write_text(json.dumps(mutated(manifest, seed)))
    try:
        after = content(folder)
    except BmnasError as error:
        assert str(error).isprintable()
        assert len(str(error).replace(str(folder), "")) < 600
        return
    assert list(after["train"]) == list(before["train"])
    assert after == before


def reseal(folder: Path, change: Any) -> None:
    """Change the manifest as somebody does who knows its checksum."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(Manifest.model_validate(manifest).sealed())


def swap_shards(manifest: dict[str, Any]) -> None:
    manifest["written"][0]["shards"].reverse()


def a_shard_twice(manifest: dict[str, Any]) -> None:
    manifest["written"][0]["shards"][1] = manifest["written"][0]["shards"][0]


def training_as_test(manifest: dict[str, Any]) -> None:
    manifest["written"][2]["shards"] = manifest["written"][0]["shards"]


def fewer_samples(manifest: dict[str, Any]) -> None:
    manifest["written"][0]["shards"].pop()


@pytest.mark.parametrize("change", [swap_shards, a_shard_twice, training_as_test, fewer_samples])
def test_parts_that_do_not_fit_together_are_refused_though_the_checksum_is_right(folder: Path, change: Any) -> None:
    reseal(folder, change)
    with pytest.raises(StoreError, match=r"manifest\.json (lists shards of|does not list all samples of) the"):
        FeatureStore.open(folder)


LABELS = {
    "another shape": torch.zeros(5, 2, dtype=torch.int64),
    "another type": torch.zeros(5),
    "fewer": torch.zeros(4, dtype=torch.int64),
    "one number": torch.tensor(3),
    "complex": torch.zeros(5, dtype=torch.complex64),
}


def forge(folder: Path, name: str, arrays: dict[str, torch.Tensor]) -> None:
    """Put other arrays into a shard, with all checksums right."""
    data = safetensors.torch.save({**safetensors.torch.load((folder / name).read_bytes()), **arrays})
    (folder / name).write_bytes(data)

    def change(manifest: dict[str, Any]) -> None:
        for part in manifest["written"]:
            for shard in part["shards"]:
                if shard["file"] == name:
                    shard.update(bytes=len(data), crc32=zlib.crc32(data))

    reseal(folder, change)


@pytest.mark.parametrize("labels", LABELS)
def test_labels_of_another_kind_are_refused_though_the_checksums_are_right(folder: Path, labels: str) -> None:
    forge(folder, "train-v000-00001.safetensors", {"labels": LABELS[labels]})
    with pytest.raises(StoreError, match="does not hold the arrays that the manifest lists"):
        FeatureStore.open(folder).split("train")


def test_labels_that_no_class_has_are_made_anew(tmp_path: Path) -> None:
    store = prepare(SmallTask(), length=4, pool=small_pool, cache=tmp_path)
    before = store.split("train")
    forge(store.folder, "train-v000-00000.safetensors", {"labels": torch.full_like(before.labels, 99)})
    events: list[Any] = []
    again = prepare(SmallTask(), length=4, pool=small_pool, cache=tmp_path, report=events.append)
    assert torch.equal(again.split("train").labels, before.labels)
    assert any("has a label in the train split that is 99" in getattr(event, "info", "") for event in events)


def test_a_writer_refuses_labels_of_another_kind(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path, FINGERPRINT)
    writer.begin("train")
    writer.add(features(2), torch.zeros(2), 2)
    with pytest.raises(BmnasError, match=r"float32 of shape \(3,\) in train, but float32 of shape \(\) before"):
        writer.add(features(2), torch.zeros(2, 3), 4)


def test_a_journal_that_was_changed_is_not_continued(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, FINGERPRINT, shard_samples=2) as writer:
        writer.begin("train")
        writer.add(features(2), torch.arange(2), 2)
        writer.add(features(2, 2), torch.arange(2), 4)
        writer._drain()
    assert StoreWriter(tmp_path, FINGERPRINT, shard_samples=2).begin("train") == 4
    path = tmp_path / "partial.json"
    path.write_text(path.read_text().replace('"consumed": 4', '"consumed": 6'))
    assert StoreWriter(tmp_path, FINGERPRINT, shard_samples=2).begin("train") == 0


def test_a_feature_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(BmnasError, match="has no feature 'label'; did you mean 'labels'"):
        FeatureStore.open(folder).data("train", names=["label"])
