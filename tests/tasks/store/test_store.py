from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks import SPLITS, FeatureStore, StoreError
from bmnas.tasks.store import Manifest, StoreWriter
from bmnas.tasks.store.manifest import JOURNAL, MANIFEST

FINGERPRINT = {"task": "toy", "data": "d", "length": 4}
NAMES = ("labels", "__metadata__", 'a "b"\\ ../c 名')


def features(count: int, start: int = 0) -> dict[str, torch.Tensor]:
    numbers = torch.arange(start, start + count, dtype=torch.float32)
    return {name: numbers[:, None, None] + torch.full((2, 3), float(i)) for i, name in enumerate(NAMES)}


def write(folder: Path, batches: tuple[int, ...] = (1,) * 11) -> None:
    with StoreWriter(folder, FINGERPRINT, shard_samples=5) as writer:
        for split in SPLITS:
            writer.begin(split)
            start = 0
            for count in batches:
                writer.add(features(count, start), torch.arange(start, start + count), start + count)
                start += count
            assert writer.end() == 11
        writer.finish({"Top": 0.5, "Bottom": None}, {"torch": "2"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "store")
    return tmp_path / "store"


def problem(folder: Path, fingerprint: dict[str, object] | None = None) -> tuple[str, str]:
    with pytest.raises(StoreError) as caught:
        FeatureStore.open(folder, fingerprint or FINGERPRINT)
    return caught.value.problem, str(caught.value)


@pytest.mark.parametrize(("batches", "shards"), [((5, 5, 1), [5, 5, 1]), ((1,) * 11, [5, 5, 1]), ((11,), [11])])
def test_what_was_written_is_read_in_order_in_whole_shards(
    tmp_path: Path, batches: tuple[int, ...], shards: list[int]
) -> None:
    write(tmp_path, batches)
    store = FeatureStore.open(tmp_path, FINGERPRINT)
    for split in SPLITS:
        samples = store.split(split)
        assert len(samples) == store.size(split) == 11
        assert list(samples.features) == list(NAMES)
        assert torch.equal(samples.labels, torch.arange(11))
        for name, tensor in features(11).items():
            assert torch.equal(samples.features[name], tensor)
    assert [shard.samples for shard in store.manifest.of("train")[0].shards] == shards
    assert store.fingerprint == FINGERPRINT
    assert store.shapes == dict.fromkeys(NAMES, (2, 3))
    assert store.scores == {"Top": 0.5, "Bottom": None}
    assert len(store.key) == 16


def test_samples_can_be_chosen(folder: Path) -> None:
    samples = FeatureStore.open(folder).split("train")
    assert torch.equal(samples[2:4].labels, torch.tensor([2, 3]))
    assert torch.equal(samples[torch.tensor([7, 1])].features["labels"][:, 0, 0], torch.tensor([7.0, 1.0]))


def test_a_folder_without_a_manifest_is_missing(folder: Path, tmp_path: Path) -> None:
    (folder / "manifest.json").unlink()
    assert problem(folder)[0] == "missing"
    assert problem(tmp_path / "nothing")[0] == "missing"


@pytest.mark.parametrize("part", list(FINGERPRINT))
def test_another_fingerprint_is_stale_and_the_message_names_the_part(folder: Path, part: str) -> None:
    kind, sentence = problem(folder, {**FINGERPRINT, part: "other"})
    assert kind == "stale"
    assert sentence.endswith(f"was made from other {part}")


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["train-v000-00001.safetensors", "test-v000-00000.safetensors"])
def test_a_damaged_shard_is_named(folder: Path, file: str) -> None:
    path = folder / file
    whole = path.read_bytes()
    flip_a_byte(path)
    assert problem(folder) == ("damaged", f"{folder}: {file} does not have the checksum in manifest.json")
    path.write_bytes(whole[:-9])
    assert problem(folder) == ("damaged", f"{folder}: {file} has {len(whole) - 9} bytes, not {len(whole)}")
    path.unlink()
    assert problem(folder) == ("damaged", f"{folder}: {file} cannot be read: no such file or directory")
    path.write_bytes(whole)
    FeatureStore.open(folder, FINGERPRINT)


def test_a_shard_that_changes_after_opening_is_not_used(folder: Path) -> None:
    store = FeatureStore.open(folder)
    flip_a_byte(folder / "train-v000-00001.safetensors")
    with pytest.raises(StoreError, match=r"train-v000-00001\.safetensors has a damaged sample"):
        store.split("train")
    assert len(store.split("test")) == 11


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("format",), "bmnas-features/1"),
        (("written", 0, "shards", 0, "file"), "../train-v000-00000.safetensors"),
        (("written", 0, "shards"), []),
        (("written", 0, "view"), 1),
        (("written", 0, "shards", 0, "samples"), -1),
        (("unknown",), 1),
    ],
)
def test_a_manifest_that_was_tampered_with_is_damaged(
    folder: Path, place: tuple[str | int, ...], value: object
) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    inner = manifest
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert problem(folder)[0] == "damaged"


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00\x01", '{"format": "bmnas-features/2"}'])
def test_a_manifest_that_is_no_manifest_is_damaged(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content)
    assert problem(folder)[0] == "damaged"


def test_a_shard_with_other_arrays_than_the_manifest_says_is_not_used(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["shapes"]["labels"] = [3, 3]
    path.write_text(Manifest.model_validate(manifest).sealed())
    with pytest.raises(StoreError, match="does not hold the arrays"):
        FeatureStore.open(folder).split("train")


def test_a_new_writer_removes_what_is_left_of_an_old_one_and_nothing_else(folder: Path) -> None:
    (folder / ".train-v000-00007.safetensors.123.tmp").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    StoreWriter(folder, {**FINGERPRINT, "data": "other"})
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_journal_that_cannot_be_removed_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = Path.unlink

    def refusing(path: Path, missing_ok: bool = False) -> None:
        if path.name == JOURNAL and (path.parent / MANIFEST).exists():
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refusing)
        write(tmp_path)
    assert (tmp_path / JOURNAL).exists()
    assert FeatureStore.open(tmp_path, FINGERPRINT).scores == {"Top": 0.5, "Bottom": None}


def test_samples_of_different_shapes_are_refused(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path, FINGERPRINT)
    writer.begin("train")
    writer.add({"a": torch.zeros(2, 3, 4)}, torch.zeros(2), 2)
    with pytest.raises(BmnasError, match=r"feature 'a' has shape \(3, 5\) in train, but \(3, 4\) before"):
        writer.add({"a": torch.zeros(2, 3, 5)}, torch.zeros(2), 4)
