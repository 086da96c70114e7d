"""Random batches, from memory and from the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings, strategies as st

from bmnas.tasks.store import Data, FeatureStore, StoreError, StoreWriter
from tests.profiles import examples

SIZES = {"train": 23, "validation": 9, "test": 4}
SHAPES = {"one": (3, 2), "two": (4,), "three": (2, 2, 2)}


def feature(name: str, split: str, view: int, rows: torch.Tensor) -> torch.Tensor:
    """A number that tells all about where it belongs."""
    base = list(SHAPES).index(name) * 1000 + list(SIZES).index(split) * 100 + view * 50
    return (base + rows.float()).reshape(-1, *[1] * len(SHAPES[name])).expand(-1, *SHAPES[name])


def write(folder: Path, views: int = 1, precision: str = "float32") -> FeatureStore:
    with StoreWriter(folder, {"data": "d"}, precision=precision, batch=4, shard_samples=8) as writer:
        for split, size in SIZES.items():
            for view in range(views if split == "train" else 1):
                writer.begin(split, view)
                for start in range(0, size, 4):
                    rows = torch.arange(start, min(size, start + 4))
                    writer.add({name: feature(name, split, view, rows) for name in SHAPES}, rows, int(rows[-1]) + 1)
                writer.end()
        writer.finish({}, {})
    return FeatureStore.open(folder, {"data": "d"})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    return write(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def viewed(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    return write(tmp_path_factory.mktemp("store"), views=3)


def both(store: FeatureStore, *splits: str, names: tuple[str, ...] | None = None) -> tuple[Data, Data]:
    memory = store.data(*splits, names=names, memory=2**40)
    disk = store.data(*splits, names=names, memory=0)
    assert type(memory).__name__ == "MemoryData"
    assert type(disk).__name__ == "DiskData"
    return memory, disk


@settings(max_examples=examples(30), deadline=None)
@given(st.data())
def test_any_batches_come_in_their_order_from_memory_and_from_the_disk(
    store: FeatureStore, data: st.DataObject
) -> None:
    names = data.draw(st.permutations(list(SHAPES)))[: data.draw(st.integers(1, 3))]
    orders = data.draw(st.lists(st.lists(st.integers(0, 22), min_size=1, max_size=30), max_size=12))
    for reader in both(store, "train", names=tuple(names)):
        batches = list(reader.batches([torch.tensor(order) for order in orders]))
        assert len(batches) == len(orders)
        for batch, order in zip(batches, orders, strict=True):
            assert batch.labels.tolist() == order
            assert list(batch.features) == names
            for name in names:
                assert torch.equal(batch.features[name], feature(name, "train", 0, torch.tensor(order)))


def test_several_splits_follow_each_other(store: FeatureStore) -> None:
    for data in both(store, "train", "validation"):
        whole = data.whole()
        assert len(data) == len(whole) == 32
        assert torch.equal(data.labels, torch.cat([torch.arange(23), torch.arange(9)]))
        expected = [feature("two", split, 0, torch.arange(SIZES[split])) for split in ("train", "validation")]
        assert torch.equal(whole.features["two"], torch.cat(expected))


def test_every_sample_comes_in_a_view_of_its_own_split(viewed: FeatureStore) -> None:
    generator = torch.Generator().manual_seed(1)
    for data in both(viewed, "train", "validation"):
        assert len(data) == 32
        seen = set()
        for _ in range(20):
            batch = next(data.batches([data.rows(generator)]))
            assert torch.equal(batch.labels, data.labels)
            numbers = batch.features["two"][:, 0]
            assert torch.equal(numbers[23:], feature("two", "validation", 0, torch.arange(9))[:, 0])
            views = (numbers[:23] - feature("two", "train", 0, torch.arange(23))[:, 0]) / 50
            seen |= set(views.tolist())
        assert seen == {0, 1, 2}
        assert torch.equal(data.whole().features["two"][:23], feature("two", "train", 0, torch.arange(23)))


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_16_bit_features_are_widened(tmp_path: Path, precision: str) -> None:
    store = write(tmp_path, precision=precision)
    for data in both(store, "test"):
        batch = data.whole()
        assert batch.features["one"].dtype == torch.float32
        expected = feature("one", "test", 0, torch.arange(4)).to(getattr(torch, precision)).float()
        assert torch.equal(batch.features["one"], expected)
    assert store.bytes < write(tmp_path / "wide").bytes


@pytest.mark.parametrize("whole", [True, False])
def test_a_sample_that_was_damaged_since_is_named(tmp_path: Path, whole: bool) -> None:
    data = write(tmp_path).data("train", memory=0)
    path = tmp_path / "train-v000-00001.safetensors"
    content = bytearray(path.read_bytes())
    place = content.index(feature("one", "train", 0, torch.tensor([10])).contiguous().numpy().tobytes())
    content[place] ^= 4
    path.write_bytes(content)
    assert next(data.batches([torch.tensor([0, 9, 11])])).labels.tolist() == [0, 9, 11]
    rows = data.rows() if whole else torch.tensor([10])
    with pytest.raises(StoreError, match=r"train-v000-00001\.safetensors has a damaged sample, number 2 in the file"):
        list(data.batches([rows]))


def test_leaving_off_early_leaves_nothing_running(store: FeatureStore) -> None:
    import threading

    batches = store.data("train", memory=0).batches(torch.tensor([[n] for n in range(20)]))
    next(iter(batches))
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("bmnas-read")]


def test_what_fits_is_kept_in_memory_and_what_does_not_stays(store: FeatureStore) -> None:
    need = 23 * (6 + 4 + 8) * 4
    assert type(store.data("train", memory=need)).__name__ == "MemoryData"
    assert type(store.data("train", memory=need - 1)).__name__ == "DiskData"
    assert type(store.data("train", names=("two",), memory=23 * 4 * 4)).__name__ == "MemoryData"
