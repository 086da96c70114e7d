"""Texts and regions as ordinary features: padding counts nowhere."""

from __future__ import annotations

import torch

from bmnas.tasks.sequences import RegionBatch
from bmnas.tasks.sequences.pooled import (
    kinds_of,
    placed,
    pooled_regions,
    pooled_texts,
    region_features,
    text_features,
    whole_regions,
)
from tests.tasks.pair_data import questions

TOKENS = torch.tensor([[3, 4, 3, 9], [5, 0, 0, 0]])


def test_the_features_are_those_that_are_said():
    kinds = ("words", "end", "bag")
    found, _ = pooled_texts(TOKENS, kinds, 6)
    assert {feature.name: feature.channels for feature in text_features(kinds, 6)} == {
        name: values.shape[1] for name, values in found.items()
    }
    kinds = ("each", "slots", "max", "mean")
    data = questions()
    found, _ = pooled_regions(data.regions.take(data.image), kinds)
    features = region_features(kinds, 3, 5)
    assert {feature.name: feature.channels for feature in features} == {
        name: values.shape[1] for name, values in found.items()
    }
    assert kinds_of(features, "Regions") == kinds
    assert kinds_of(features, "Question") == ()


def test_texts():
    found, lengths = pooled_texts(TOKENS, ("words", "end", "bag"), 6)
    # The word 9 is beyond the places, so it counts as unknown, which is 1.
    assert found["Question_bag"].tolist() == [[0, 1, 0, 2, 1, 0], [0, 0, 0, 0, 0, 1]]
    assert found["Question_words"][0].argmax(dim=0).tolist() == [3, 4, 3, 1]
    assert found["Question_words"][1].sum(dim=0).tolist() == [1, 0, 0, 0]
    assert lengths["Question_words"].tolist() == [4, 1]
    ends = found["Question_end"].reshape(2, 3, 6)
    assert ends[0].argmax(dim=1).tolist() == [4, 3, 1]
    assert ends[1].sum(dim=1).tolist() == [0, 0, 1]


def test_regions():
    data = questions()
    regions = data.regions.take(torch.tensor([0, 1]))
    found, lengths = pooled_regions(regions, ("each", "slots", "max", "mean"))
    whole = torch.cat([regions.features, placed(regions)], dim=2)
    assert lengths["Regions_each"].tolist() == [5, 4]
    torch.testing.assert_close(found["Regions_mean"][1], whole[1, :4].mean(dim=0))
    torch.testing.assert_close(found["Regions_max"][1], whole[1, :4].amax(dim=0))
    torch.testing.assert_close(found["Regions_each"][0], whole[0].T)
    torch.testing.assert_close(found["Regions_slots"][1].reshape(5, -1)[:4], whole[1, :4])
    assert (found["Regions_slots"][1].reshape(5, -1)[4] == 0).all()


def test_where_a_region_is():
    regions = RegionBatch(torch.ones(1, 1, 2), torch.tensor([[[10.0, 20, 60, 60]]]), torch.tensor([[100.0, 80]]))
    torch.testing.assert_close(placed(regions)[0, 0], torch.tensor([0.1, 0.25, 0.6, 0.75, 0.25]))


def test_more_padding_changes_nothing():
    data = questions()
    regions = data.regions.take(torch.tensor([1]))
    longer = RegionBatch(
        torch.nn.functional.pad(regions.features, (0, 0, 0, 3)),
        torch.nn.functional.pad(regions.boxes, (0, 0, 0, 3)),
        regions.sizes,
    )
    for kind in ("max", "mean"):
        torch.testing.assert_close(pooled_regions(longer, (kind,)), pooled_regions(regions, (kind,)))


def test_an_image_of_several_texts_is_taken_once():
    data = questions(12, 4)
    torch.testing.assert_close(whole_regions(data, data.image).features, data.regions.take(data.image).features)
