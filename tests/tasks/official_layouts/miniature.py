"""Miniatures of the official folders, made on the spot: the layouts are theirs, the content is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

CHANNELS = 6
SIZE = (60, 40)


def regions(path: Path, count: int = 3, *, channels: int = CHANNELS, seed: int = 0, **changes: Any) -> Path:
    """An archive of regions of an image of 60 x 40 pixels; the boxes lie side by side."""
    random = np.random.RandomState(seed)
    left = np.arange(count) * 50.0 / count
    content = {
        "x": random.rand(channels, count).astype(np.float32) + 0.1,
        "bbox": np.stack([left, left * 0 + 5, left + 9, left * 0 + 30], axis=1).astype(np.float32),
        "image_h": np.array(SIZE[1]),
        "image_w": np.array(SIZE[0]),
    } | changes
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{key: value for key, value in content.items() if value is not None})
    return path


def dump(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def question(number: int, image: int) -> dict[str, Any]:
    text = ("Is there a cat?", "How many dogs are there?", "What is the man holding?")[number % 3]
    return {"question_id": number, "image_id": image, "question": text}


def annotation(number: int, image: int) -> dict[str, Any]:
    """Seven people say one thing, two another, one a third."""
    kind, answers = (
        ("yes/no", ("yes", "no", "maybe")),
        ("number", ("two", "3", "many")),
        ("other", ("a kite", "kites", "umbrella")),
    )[number % 3]
    given = [answers[0]] * 7 + [answers[1]] * 2 + [answers[2]]
    return {
        "question_id": number,
        "image_id": image,
        "question_type": "is there",
        "answer_type": kind,
        "multiple_choice_answer": answers[0],
        "answers": [
            {"answer": each, "answer_confidence": "yes", "answer_id": place} for place, each in enumerate(given, 1)
        ],
    }


def write_vqa(folder: Path) -> Path:
    """Twelve images of train2014, four of val2014, three questions each; numbers of images begin at 9 and 909."""
    for split, first, count in (("train2014", 9, 12), ("val2014", 909, 4)):
        pairs = [(3 * place + more, first + place) for place in range(count) for more in range(3)]
        dump(
            folder / f"v2_OpenEnded_mscoco_{split}_questions.json",
            {"data_subtype": split, "questions": [question(*pair) for pair in pairs]},
        )
        dump(
            folder / f"v2_mscoco_{split}_annotations.json",
            {"data_subtype": split, "annotations": [annotation(*pair) for pair in pairs]},
        )
        for image in range(first, first + count):
            regions(folder / split / f"COCO_{split}_{image:012}.jpg.npz", 2 + image % 3, seed=image)
    return folder


def description(number: int, split: str) -> dict[str, Any]:
    """Of the region number modulo 3 of the image number // 3."""
    return {
        "tokens": ["the", ("left", "middle", "right")[number % 3], "thing"],
        "file_name": f"COCO_train2014_{number // 3 + 1:012}.jpg",
        "image_id": number // 3 + 1,
        "split": split,
        "bbox": [number % 3 * 50 / 3, 5, 9, 25],
        "name": "thing",
        "width": SIZE[0],
        "height": SIZE[1],
    }


def write_refcoco(folder: Path) -> Path:
    """Six images for training, two each for validation and testA."""
    for split, numbers in (("train", range(18)), ("val", range(18, 24)), ("testA", range(24, 30))):
        dump(folder / f"{split}.json", [description(number, split) for number in numbers])
    for image in range(1, 11):
        regions(folder / "regions" / f"COCO_train2014_{image:012}.jpg.npz", seed=image)
    return folder


def write_flickr(folder: Path) -> Path:
    """Six images for training, three each for dev and test, five captions each; numbers begin at 0."""
    images = [
        {"filename": f"{1000 + number}.jpg", "imgid": number, "sentences": [], "split": "train"} for number in range(12)
    ]
    dump(folder / "dataset_flickr30k.json", {"images": images})
    for split, numbers in (("train", range(6)), ("dev", range(6, 9)), ("test", range(9, 12))):
        captions = [f"A dog number {number} runs, caption {more}" for number in numbers for more in range(5)]
        (folder / f"{split}_caps.txt").write_text("\n".join(captions) + "\n")
        (folder / f"{split}_ids.txt").write_text("\n".join(map(str, numbers)) + "\n")
    for number in range(12):
        regions(folder / "regions" / f"{1000 + number}.jpg.npz", seed=number)
    return folder
