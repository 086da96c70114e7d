"""Features as one word."""

from __future__ import annotations

import pytest

from bmnas.errors import GenotypeError
from bmnas.genotype import Feature
from bmnas.genotype.feature_list import parse_features


def test_name_channels_and_reshape():
    assert parse_features("Video_3:2048, Skeleton_4:512:grid,Text_view:7:none,Audio") == (
        Feature(name="Video_3", modality="Video", channels=2048),
        Feature(name="Skeleton_4", modality="Skeleton", channels=512, reshape="grid"),
        Feature(name="Text_view", modality="Text_view", channels=7, reshape="none"),
        Feature(name="Audio", modality="Audio"),
    )


def test_channels_may_be_left_empty():
    assert parse_features("a::grid") == (Feature(name="a", modality="a", reshape="grid"),)


def test_a_name_that_is_only_a_number_is_its_own_modality():
    assert parse_features("_3")[0].modality == "_3"
    assert parse_features("RGB_1_2")[0].modality == "RGB_1"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "feature 1 is '', but it should be NAME"),
        ("a,,b", "feature 2 is '', but it should be NAME"),
        (":64", "feature 1 is ':64', but it should be NAME"),
        ("a:1:grid:2", "feature 1 is 'a:1:grid:2', but it should be NAME"),
        ("a,b:many", "feature 2 ('b') has 'many' channels, but it should be a number such as 512"),
        ("a:0", "feature 1 ('a') has '0' channels"),
        ("a:-1", "feature 1 ('a') has '-1' channels"),
        ("a:²", "feature 1 ('a') has '²' channels"),
        ("a:" + "9" * 5000, "feature 1 ('a') has '999"),
        ("a:2000000", "feature 1 ('a') cannot be one: its channels is 2000000: it should be less than"),
        ("a:1:gird", "feature 1 ('a') has the reshape 'gird', which does not exist; did you mean 'grid'?"),
        ("a,b,a:3", "feature 3 is 'a', which an earlier feature has as its name"),
        ("a\x07", "feature 1 ('a\\x07') cannot be one: "),
        ("a" * 300, "feature 1 ('aaa"),
        ("a," * 5000, "the features are 5001, but a genotype has at most 4096"),
    ],
)
def test_bad_lists_are_refused_in_one_sentence(text, sentence):
    with pytest.raises(GenotypeError) as caught:
        parse_features(text)
    message = str(caught.value)
    assert message.startswith(sentence)
    assert len(message) < 300
    assert message.isprintable()
