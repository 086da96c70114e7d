"""NLVR on a miniature that is made here: its layout is the corpus's, its sentences are not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks import get_task
from bmnas.tasks.nlvr import NlvrTask
from bmnas.tasks.nlvr.files import read_examples
from bmnas.tasks.sequences import is_padding

SENTENCES = ("There is a blue circle.", "Each box has two items", "no triangle is black", "a tower of three blocks")


def thing(number: int) -> dict[str, Any]:
    return {
        "type": ("square", "circle", "triangle")[number % 3],
        "color": ("Yellow", "Black", "#0099ff")[number // 3 % 3],
        "size": 10 + 10 * (number % 3),
        "x_loc": 5 * number % 70,
        "y_loc": 7 * number % 70,
    }


def example(number: int, **changes: Any) -> dict[str, Any]:
    """A picture with one, two and three objects; four pictures share a sentence."""
    boxes = [[thing(number + place + more) for more in range(place + 1)] for place in range(3)]
    return {
        "identifier": f"{number // 4}-{number % 4}",
        "sentence": SENTENCES[number // 4 % 4],
        "label": "true" if number % 4 < 2 else "false",
        "structured_rep": boxes,
        "directory": "1",
    } | changes


def write(folder: Path, **parts: range) -> Path:
    for name, numbers in parts.items():
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(example(number)) for number in numbers) + "\n")
    return folder


@pytest.fixture
def data(tmp_path) -> Path:
    return write(tmp_path, train=range(16), dev=range(16, 24), test=range(24, 32), hidden=range(32, 36))


def test_pairs(data):
    task = get_task("nlvr", data=data)
    assert isinstance(task, NlvrTask)
    train, validation = task.pairs("train"), task.pairs("validation")
    assert (len(train), len(validation), len(task.pairs("test"))) == (20 * 6, 8, 8)
    assert task.words.decode(validation.tokens[0].tolist()) == "there is a blue circle"
    assert validation.labels["answers"][:, 0].tolist() == [1, 1, 0, 0] * 2
    assert task.class_names == ("false", "true")
    assert len(get_task("nlvr:orders=false,hidden=false", data=data).pairs("train")) == 16


def test_an_object_is_a_region(data):
    taken = get_task("nlvr", data=data).pairs("test").regions.take(torch.tensor([0]))
    own = [(box, one) for box, things in enumerate(example(24)["structured_rep"]) for one in things]
    assert (~is_padding(taken.features)).sum() == len(own) == 6
    for row, region, (box, one) in zip(taken.features[0], taken.boxes[0], own, strict=False):
        shape = ("square", "circle", "triangle").index(one["type"])
        colour = 3 + ("Yellow", "Black", "#0099ff").index(one["color"])
        assert row[:9].nonzero()[:, 0].tolist() == [shape, colour, 6 + box]
        expected = [one["size"] / 30, one["x_loc"] / 100, one["y_loc"] / 100]
        torch.testing.assert_close(row[9:], torch.tensor(expected))
        left = 150 * box + one["x_loc"]
        assert region.tolist() == [left, one["y_loc"], left + one["size"], one["y_loc"] + one["size"]]
    assert taken.sizes.tolist() == [[400, 100]]


def test_six_orders_of_the_boxes(data):
    train = get_task("nlvr", data=data).pairs("train")
    regions = train.regions.take(torch.arange(6))
    there = ~is_padding(regions.features)
    assert (there.sum(dim=1) == 6).all()
    # The same objects in each; the box of each object takes all three places twice.
    shapes = (regions.features[..., :6] * there[..., None]).sum(dim=1)
    assert (shapes == shapes[0]).all()
    places = regions.features[:, :6, 6:9].argmax(dim=2)
    assert len({tuple(row) for row in places.tolist()}) == 6
    assert (regions.boxes[:, :6, 0] // 150 == places).all()
    assert torch.equal(train.tokens[0].expand(6, -1), train.tokens[:6])


def test_samples_of_a_presentation_are_a_group(data):
    task = get_task("nlvr", data=data)
    assert task.groups("test").tolist() == [6] * 4 + [7] * 4
    assert task.groups("train").tolist()[:7] == [0] * 7
    assert len(task.groups("train")) == len(task.split("train"))


def test_what_words_tell_is_said(data):
    task = get_task("nlvr", data=data)
    assert task.ceilings == {"chance": 0.5, "language alone": 0.5}
    task.check()
    assert "chance is 50.0 %" in " ".join(task.remarks())


def test_features_of_fusion_networks(data):
    split = get_task("nlvr:orders=false", data=data).split("test")
    shapes = {name: tuple(values.shape) for each in split.inputs.values() for name, values in each.items()}
    assert shapes == {
        "Question_bag": (8, 384),
        "Regions_each": (8, 17, 24),
        "Regions_max": (8, 17),
        "Regions_mean": (8, 17),
    }
    assert split.lengths["Regions_each"].tolist() == [6] * 8


def test_words_of_the_held_out_splits_are_unknown(data):
    lines = [example(number, sentence="something unheard") for number in range(4)]
    (data / "test.jsonl").write_text("\n".join(map(json.dumps, lines)))
    task = get_task("nlvr", data=data)
    assert (task.pairs("test").tokens[0, :2] == 1).all()


def test_the_names_of_the_corpus(tmp_path):
    write(tmp_path, train=range(4))
    (tmp_path / "train.jsonl").rename(tmp_path / "train.json")
    with pytest.raises(BmnasError, match=r"dev\.jsonl: is missing; the data folder holds train, dev and test"):
        get_task("nlvr", data=tmp_path).pairs("validation")
    assert len(NlvrTask(tmp_path).pairs("train")) == 24


def broken(**changes: Any) -> str:
    return json.dumps(example(0, **changes))


def with_thing(**changes: Any) -> str:
    return broken(structured_rep=[[thing(0) | changes], [], []])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 is not JSON"),
        ("[1]", "line 2: is [1], but should be an object with identifier, sentence"),
        ("{}", "line 2: has no 'identifier'"),
        (broken(identifier="x"), "line 2: the identifier is 'x', but should be such as 1572-0"),
        (broken(sentence=3), "line 2: the sentence is 3"),
        (broken(label="tru"), "line 2: the label is 'tru'; did you mean 'true'"),
        (broken(structured_rep=[[], []]), "line 2: structured_rep is [[], []], but should be three lists"),
        (broken(structured_rep=[[], [], []]), "line 2: its boxes have 0, 0, 0 objects"),
        (broken(structured_rep=[[3], [], []]), "line 2: an object is 3, but should have type, color"),
        (with_thing(type="sqare"), "line 2: the type of an object is 'sqare'; did you mean 'square'"),
        (with_thing(color=["Blue"]), "line 2: the color of an object is ['Blue']; known: Yellow"),
        (with_thing(x_loc=120), "line 2: the x_loc of an object is 120, but should be 0 to 100"),
        (with_thing(size="10"), "line 2: the size of an object is '10'"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path, line, message):
    path = tmp_path / "dev.jsonl"
    path.write_text(json.dumps(example(0)) + "\n" + line + "\n")
    with pytest.raises(BmnasError, match=f"^{re.escape(str(path))}: {re.escape(message)}"):
        read_examples(path)


def test_an_empty_file(tmp_path):
    (tmp_path / "dev.jsonl").write_text("\n")
    with pytest.raises(BmnasError, match="has no example"):
        read_examples(tmp_path / "dev.jsonl")


REAL = Path(__file__).parents[4] / "shared" / "reference" / "mmnas" / "nlvr"


@pytest.mark.skipif(not (REAL / "test.jsonl").is_file(), reason="the real sentences are not at ../shared/reference")
def test_the_limits_of_the_real_sentences():
    task = NlvrTask(REAL)
    assert task.ceilings == pytest.approx({"chance": 0.562, "language alone": 0.606}, abs=0.0005)
    assert len(task.pairs("test")) == 990
