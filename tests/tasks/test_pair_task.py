"""A task of pairs that is written in a few lines: what it has to say, and what it gets."""

from __future__ import annotations

import pytest
import torch

from bmnas.compiler import pool
from bmnas.tasks import prepare
from bmnas.tasks.heads import AnswerObjective, GroundObjective
from bmnas.tasks.pair_task import PairTask, ceilings_in_words
from bmnas.tasks.sequences import Vocabulary
from bmnas.tasks.sequences.pooled import region_features, text_features
from bmnas.tasks.task import SPLITS
from tests.tasks.pair_data import questions


class Own(PairTask):
    """Twelve questions about four images in each split."""

    name = "own"
    head = "answer"
    length = 6
    regions = 5
    channels = 3
    outputs = 3
    features = (*text_features(("bag",), 9), *region_features(("each", "mean"), 3, 5))
    fusion_words = 9

    def vocabulary(self):
        return Vocabulary(["a", "b", "c", "d", "e", "f"])

    def pairs(self, name):
        return questions(12, 4, seed=SPLITS.index(name))


def test_a_task_says_its_sizes_and_its_pairs():
    task = Own()
    assert task.modalities == ("Question", "Regions")
    assert task.tapped_modalities == ()
    assert len(task.words) == 9
    assert task.words is task.words
    assert task.pair_objective == AnswerObjective()
    task.head = "ground"
    assert task.pair_objective == GroundObjective()


def test_a_fusion_network_gets_pooled_features_and_the_answers():
    task = Own()
    task.check()
    split = task.split("validation")
    assert {name: set(features) for name, features in split.inputs.items()} == {
        "Question": {"Question_bag"},
        "Regions": {"Regions_each", "Regions_mean"},
    }
    assert torch.equal(split.labels, task.pairs("validation").labels["answers"][:, 0])
    assert split.lengths["Regions_each"].tolist() == [5, 4] * 6
    assert task.with_modalities(["question"]).split("test").inputs.keys() == {"Question"}


def test_pooled_features_are_kept_like_those_of_any_task(tmp_path):
    task = Own()
    store = prepare(task, length=4, pool=pool, cache=tmp_path)
    assert dict(store.shapes) == {"Question_bag": (9, 1), "Regions_each": (8, 4), "Regions_mean": (8, 1)}
    kept = store.split("test")[torch.arange(12)].features["Regions_each"]
    split = task.split("test")
    # Of an image with four regions none is padding, so the four positions are the regions.
    torch.testing.assert_close(kept[1], split.inputs["Regions"]["Regions_each"][1, :, :4])


def test_questions_about_one_image_are_a_group_and_splits_share_none():
    task = Own()
    assert [task.groups(name).tolist()[:5] for name in SPLITS] == [[0, 1, 2, 3, 0], [4, 5, 6, 7, 4], [8, 9, 10, 11, 8]]
    assert task.remarks() == []


def test_what_is_known_beforehand_is_one_sentence():
    task = Own()
    task.limits = lambda: {"chance": 0.25, "language alone": 0.5, "without positions": 0.75}
    (remark,) = task.remarks()
    assert remark == (
        "task own: chance is 25.0 %; no network gets beyond 50.0 % from language alone, "
        "75.0 % from both without positions"
    )
    assert ceilings_in_words({"chance": 0.5, "image alone": 0.5}) == (
        "chance is 50.0 %; no network gets beyond 50.0 % from image alone"
    )


def test_a_task_without_pairs_is_none():
    with pytest.raises(TypeError, match="abstract"):
        PairTask()
