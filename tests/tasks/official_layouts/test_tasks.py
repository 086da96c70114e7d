"""The tasks on miniatures of the official folders."""

from __future__ import annotations

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks import SPLITS, get_task
from bmnas.tasks.heads import overlap
from tests.tasks.official_layouts.miniature import CHANNELS, regions, write_flickr, write_refcoco, write_vqa

OPTIONS = f"regions=5,channels={CHANNELS}"


def test_vqa(tmp_path):
    # Of images 9 to 20, number 20 is for validation.
    task = get_task(f"vqa-v2:{OPTIONS},outputs=4", data=write_vqa(tmp_path))
    train, validation, test = (task.pairs(name) for name in SPLITS)
    assert [len(data) for data in (train, validation, test)] == [33, 3, 12]
    assert [len(data.regions) for data in (train, validation, test)] == [11, 1, 4]
    assert task.known_answers == ("yes", "2", "kite")
    assert task.words.decode(train.tokens[1].tolist()) == "how many dogs are there"
    inputs = train.inputs(torch.tensor([0, 1, 3]))
    assert {name: tuple(values.shape) for name, values in inputs.items()} == {
        "Question": (3, 14),
        "Regions": (3, 5, CHANNELS),
        "Regions.boxes": (3, 5, 4),
        "Regions.image": (3, 2),
    }
    assert torch.equal(inputs["Regions"][0], inputs["Regions"][1])
    torch.testing.assert_close(train.targets(torch.tensor([0])), torch.tensor([[1.0, 0, 0, 0]]))
    first = torch.nn.Linear(1, 4)
    first.forward = lambda inputs: torch.tensor([[1.0, 0, 0, 0]]).expand(len(inputs["Question"]), 4)
    assert task.pair_objective.scores(first, test) == pytest.approx(
        {"accuracy": 1 / 3, "accuracy, yes/no": 1, "accuracy, number": 0, "accuracy, other": 0}
    )


def test_an_image_without_regions_is_told(tmp_path):
    write_vqa(tmp_path)
    (tmp_path / "train2014" / "COCO_train2014_000000000011.jpg.npz").unlink()
    with pytest.raises(BmnasError, match=r"train2014: has no regions of image 11, which question 6 is about"):
        get_task(f"vqa-v2:{OPTIONS}", data=tmp_path).pairs("train")


def test_a_missing_file_says_what_is_needed(tmp_path):
    with pytest.raises(
        BmnasError, match=r"^task vqa-v2 needs its data, --data DIR: the data folder holds v2_OpenEnded"
    ):
        get_task("vqa-v2")
    with pytest.raises(BmnasError, match=r"v2_OpenEnded_mscoco_train2014_questions\.json: is missing: the data folder"):
        get_task("vqa-v2", data=tmp_path).pairs("train")


def test_refcoco(tmp_path):
    task = get_task(f"refcoco:{OPTIONS}", data=write_refcoco(tmp_path))
    train, test = task.pairs("train"), task.pairs("test")
    assert (len(train), len(train.regions), len(test)) == (18, 6, 6)
    boxes = test.regions.take(test.image).boxes[torch.arange(6), torch.arange(6) % 3]
    assert overlap(boxes, test.labels["truth"]).min() > 0.99
    assert task.words.decode(test.tokens[1].tolist()) == "the middle thing"
    with pytest.raises(BmnasError, match=r"testB\.json: is missing: the data folder holds train\.json"):
        get_task("refcoco:test=testB", data=tmp_path).pairs("test")
    with pytest.raises(
        BmnasError, match=r"^task refcoco asks for a region: only a network that reads sequences answers"
    ):
        task.split("train")


def test_flickr(tmp_path):
    task = get_task(f"flickr30k:{OPTIONS}", data=write_flickr(tmp_path))
    data = task.pairs("test")
    assert (len(data), len(data.regions), data.image.tolist()[4:7]) == (15, 3, [0, 1, 1])
    objective = task.pair_objective
    batch = objective.batch(data, torch.arange(4), torch.Generator().manual_seed(0))
    assert set(batch.others) == {"other text", "other image"}


@pytest.mark.parametrize(("name", "write", "samples"), [("vqa-v2", write_vqa, 33), ("flickr30k", write_flickr, 60)])
def test_samples_of_fusion_networks_are_read_one_by_one(tmp_path, name, write, samples):
    task = get_task(f"{name}:{OPTIONS}", data=write(tmp_path))
    task.check()
    source = task.split("train")
    assert len(source) == samples
    inputs, label = source[4]
    assert {feature: tuple(values.shape) for each in inputs.values() for feature, values in each.items()} == {
        "Question_bag": (2048,),
        "Regions_max": (CHANNELS + 5,),
        "Regions_mean": (CHANNELS + 5,),
    }
    assert 0 <= int(label) < task.outputs
    assert source.describe(4).endswith(".npz")
    assert len(task.groups("train")) == samples
    first = task.data_fingerprint()
    regions(next(iter(sorted(tmp_path.glob("*/*.npz")))), 4, seed=99)
    assert get_task(f"{name}:{OPTIONS}", data=tmp_path).data_fingerprint() != first


def test_regions_of_another_backbone_are_told(tmp_path):
    task = get_task("flickr30k:regions=5,channels=2048", data=write_flickr(tmp_path))
    with pytest.raises(BmnasError, match=rf"1009\.jpg\.npz: its regions have {CHANNELS} channels, but .* 2048"):
        task.pairs("test").inputs(torch.tensor([0]))
