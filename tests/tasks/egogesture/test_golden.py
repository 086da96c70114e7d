"""Clips are what the released loaders make of the miniature, to the bit."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from bmnas.tasks.egogesture import EgoGestureTask
from bmnas.tasks.egogesture.frames import FRAMES, drawn_cut, drawn_frames, middle_frames
from tests import paper_golden

FOLDER = paper_golden.MINIATURE / "egogesture"
SPLITS = {"training": "train", "validation": "validation", "testing": "test"}
KEPT = [0, 10, 21, 31]
# Decoders of JPEG differ by a level or two; what the numbers were made with is exact.
LEVELS = 0 if Image.__version__.split(".")[0] == "13" else 2

FACTS, ARRAYS = paper_golden.preprocessing()
MIDDLE = [name for name in FACTS["ego"] if "random" not in name]
DRAWN = [name for name in FACTS["ego"] if "random" in name]


def released() -> EgoGestureTask:
    return EgoGestureTask(FOLDER, preprocessing="released")


def both(inputs: dict[str, Tensor]) -> Tensor:
    return torch.cat([inputs["RGB"], inputs["Depth"]])


def check(clip: Tensor, name: str, array: str) -> None:
    known = FACTS["ego"][name]["clip"]
    assert list(clip.shape) == known["shape"]
    assert clip.dtype == torch.float32
    mean = torch.tensor([114.7748, 107.7354, 99.475, 114.7748]).view(4, 1, 1, 1)
    pixels = (clip + mean).round()[:, KEPT].numpy().astype(np.int64)
    kept = ARRAYS[array].astype(np.int64)
    assert np.abs(pixels - kept).max() <= LEVELS
    if LEVELS == 0:
        flat = clip.double().numpy()
        assert (flat.min(), flat.max()) == (known["min"], known["max"])
        found = [flat.mean(), flat.std(), *paper_golden._projections(flat.reshape(-1), 2)]
        np.testing.assert_allclose(found, [known["mean"], known["std"], *known["projections"]], rtol=1e-12)


@pytest.mark.parametrize("name", MIDDLE)
def test_a_clip_for_validation_and_test_is_the_golden_one(name):
    split, index = name.split("/")
    source = released().split(SPLITS[split])
    inputs, label = source[int(index)]
    assert label == FACTS["ego"][name]["label"]
    check(both(inputs), name, f"ego/{name}/centre_uint8")
    sample = source.samples[int(index)]
    assert [sample.first + frame for frame in middle_frames(len(sample))] == FACTS["ego"][name]["frames"]


@pytest.mark.parametrize("name", DRAWN)
def test_a_clip_for_training_is_the_golden_one(name):
    split, index, _ = name.split("/")
    known = FACTS["ego"][name]
    source = released().view(SPLITS[split], 1)
    random.seed(known["random_seed"])
    frames, cut = drawn_frames(len(source.samples[int(index)]), released=True), drawn_cut()
    assert (frames[0], *cut) == (known["start"], known["scale"], known["x"], known["y"])
    random.seed(known["random_seed"])
    inputs, _ = source[int(index)]
    check(both(inputs), name, f"ego/{name}_uint8")


def test_the_frames_in_the_middle_are_the_golden_ones():
    for count, known in FACTS["ego_frames"].items():
        assert [1 + frame for frame in middle_frames(int(count))] == known


def test_the_last_start_is_drawn_unless_as_released():
    random.seed(0)
    count = FRAMES + 3
    drawn = {released: {drawn_frames(count, released=released)[0] for _ in range(200)} for released in (True, False)}
    assert drawn == {True: {0, 1, 2}, False: {0, 1, 2, 3}}
    assert drawn_frames(FRAMES, released=True) == drawn_frames(FRAMES, released=False) == list(range(FRAMES))


def test_corrected_clips_differ_in_the_mean_of_depth_alone():
    corrected, as_released = EgoGestureTask(FOLDER).split("test")[0][0], released().split("test")[0][0]
    torch.testing.assert_close(corrected["RGB"], as_released["RGB"], rtol=0, atol=0)
    torch.testing.assert_close(corrected["Depth"] + 127.5, as_released["Depth"] + 114.7748)
