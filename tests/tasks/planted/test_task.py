"""The planted task: what the label depends on, that nothing else tells it, and that a network can learn it."""

from __future__ import annotations

from itertools import combinations, product

import pytest
import torch

from bmnas.compiler import pool
from bmnas.errors import BmnasError
from bmnas.genotype import Cell, Genotype, Head, Representation, Step
from bmnas.searcher import SearchConfig, TrainConfig
from bmnas.searcher.training import train_network
from bmnas.tasks import SPLITS, Task, get_task, prepare
from bmnas.tasks.planted import PlantedTask
from bmnas.tasks.planted.samples import CLASSES, planted_labels, planted_samples
from bmnas.tasks.planted.task import FEATURES


@pytest.fixture(scope="module")
def task() -> PlantedTask:
    return get_task("planted")


def whole(task: PlantedTask) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Features and labels of all three splits."""
    splits = [task.split(name) for name in SPLITS]
    parts = [split.part(0, len(split)) for split in splits]
    features = {name: torch.cat([part.inputs[name[0]][name] for part in parts]) for name in FEATURES}
    return features, torch.cat([part.labels for part in parts])


def test_two_modalities_of_four_features_in_three_splits(task):
    assert tuple(feature.name for feature in task.features) == FEATURES
    assert task.modalities == ("A", "B")
    assert {(feature.channels, feature.reshape) for feature in task.features} == {(16, "sequence")}
    assert [len(task.split(name)) for name in SPLITS] == [2000, 600, 600]
    assert (task.outputs, task.metric.name, task.invocation) == (4, "accuracy", "--task planted")
    task.check()


def test_the_default_pair_lies_neither_first_nor_last(task):
    assert task.planted_pair == ("A_2", "B_3")
    assert not {"A_1", "B_1", "A_4", "B_4"} & set(task.planted_pair)


def test_the_label_is_the_sum_of_the_planted_classes():
    classes, _ = planted_samples(500, 8, seed=3)
    for first, second in combinations(range(8), 2):
        labels = planted_labels(classes, [first, second])
        assert (labels == [(row[first] + row[second]) % CLASSES for row in classes]).all()


def test_fewer_than_both_planted_features_tell_nothing():
    """Exact: over all combinations of classes, the label is independent of any set without the whole pair."""
    table = torch.tensor(list(product(range(CLASSES), repeat=4))).numpy()
    labels = planted_labels(table, [1, 2])
    for read in ([1], [2], [0, 1], [2, 3], [0, 1, 3]):
        for seen in product(range(CLASSES), repeat=len(read)):
            chosen = labels[(table[:, read] == seen).all(axis=1)]
            assert len(set(torch.from_numpy(chosen).bincount(minlength=CLASSES).tolist())) == 1


def test_all_features_look_alike(task):
    features, labels = whole(task)
    assert labels.bincount(minlength=4) / len(labels) == pytest.approx([0.25] * 4, abs=0.03)
    for name, values in features.items():
        assert values.shape == (3200, 16, 4)
        assert values.dtype == torch.float32
        assert values.mean() == pytest.approx(0, abs=0.02), name
        assert values.std() == pytest.approx(1, abs=0.02), name
        # No class moves the mean of any number of a feature: 64 of them, standard error about 0.035.
        moved = torch.stack([values[labels == label].mean(0) for label in range(4)]) - values.mean(0)
        assert moved.abs().max() < 0.18, name


def test_the_pair_changes_the_labels_alone_and_the_seed_everything(task):
    features, labels = whole(task)
    moved_features, moved_labels = whole(PlantedTask(pair=("A_3", "A_1")))
    torch.testing.assert_close(moved_features, features, rtol=0, atol=0)
    assert 0.2 < (moved_labels == labels).float().mean() < 0.3
    reseeded, _ = whole(PlantedTask(seed=1))
    assert not torch.equal(reseeded["A_1"], features["A_1"])


def test_the_data_never_change(task):
    # Scores are comparable only while this holds: it may change with a new name of the task, and not otherwise.
    assert task.data_fingerprint() == DATA
    torch.manual_seed(3)
    assert get_task("planted").data_fingerprint() == DATA


DATA = "00e3af168c9e323f3a72fd343a2af4e50b0d720972565d12743498c81ebc1e97"


def test_other_data_have_another_fingerprint(task):
    tasks = [task, PlantedTask(seed=1), PlantedTask(pair=("A_1", "B_3"))]
    assert len({each.data_fingerprint() for each in tasks}) == 3
    assert dict(PlantedTask(("B_3", "A_2"), 5).options) == {"pair": ["A_2", "B_3"], "seed": 5}


@pytest.mark.parametrize(
    ("pair", "seed", "message"),
    [
        (("A_2", "C_3"), 0, "^the planted pair names 'C_3', which is no feature; did you mean '._3'"),
        (("A_2", "A_2"), 0, r"^the planted pair is \('A_2', 'A_2'\), but should be two different features of A_1, A_2"),
        (("A_2",), 0, r"^the planted pair is \('A_2',\), but should be two"),
        ("A_2", 0, "^the planted pair is 'A_2', but should be two different features"),
        (("A_2", 3), 0, "^the planted pair names 3, which is no feature"),
        (("A_2", "B_3"), -1, r"^the seed of task planted is -1, but should be a whole number below 2\*\*32$"),
        (("A_2", "B_3"), 0.5, "^the seed of task planted is 0.5, but"),
    ],
)
def test_a_pair_or_seed_that_cannot_be_is_said(pair, seed, message):
    with pytest.raises(BmnasError, match=message):
        PlantedTask(pair, seed)


@pytest.mark.parametrize(("pair", "low", "high"), [(("A_2", "B_3"), 0.93, 1), (("A_2", "B_2"), 0.19, 0.31)])
def test_the_right_pair_alone_can_be_learnt(task, tmp_path, pair, low, high):
    config = SearchConfig.for_task(task)
    store = prepare(task, length=config.length, pool=pool, cache=tmp_path)
    found = train_network(reading(pair, task, config), task, store, TrainConfig.ending(task, config, 12), device=CPU)
    assert low <= found.test <= high


CPU = torch.device("cpu")


def reading(pair: tuple[str, str], task: Task, config: SearchConfig) -> Genotype:
    """One cell that reads the pair in one step."""
    step = Step(name="Step_1", op="ConcatFC", inputs=("x", "y"))
    cell = Cell(name="Cell_1", inputs=pair, steps=(step,), output=("Step_1",))
    return Genotype(
        name="pair",
        representation=Representation(channels=config.channels, length=config.length),
        features=task.features,
        cells=(cell,),
        output=("Cell_1",),
        head=Head(outputs=task.outputs),
        dropout=config.dropout,
    )
