"""A task of one's own: copy this file, put your data and backbones in, and then

bmnas taps my_task.py             shows what can be tapped
bmnas search --task my_task.py    searches, trains and compares
"""

import torch
from torch import nn
from torch.utils.data import Dataset

from bmnas import ModuleTask, Tap

CLASSES = 4


class Scenes(Dataset):
    """Images (3, 24, 24) and token ids (12,), each of which tells half of the class. Yours would read files."""

    def __init__(self, samples: int, seed: int) -> None:
        random = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(CLASSES, (samples,), generator=random)
        self.images = torch.randn(samples, 3, 24, 24, generator=random)
        self.images[:, 0] += 0.5 * (self.labels % 2)[:, None, None]
        self.words = torch.randint(50, (samples, 12), generator=random)
        self.words[:, 3] = 50 + self.labels // 2

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        return {"Image": self.images[index], "Text": self.words[index]}, self.labels[index]


def image_backbone() -> nn.Module:
    """Its weights are random here; yours would be loaded: ``backbone.load_state_dict(...)``."""
    stages = [nn.Sequential(nn.Conv2d(a, b, 3, stride=2), nn.ReLU()) for a, b in ((3, 16), (16, 32), (32, 64))]
    return nn.Sequential(*stages)


def text_backbone() -> nn.Module:
    """A recurrent network; each of its two layers gives a sequence (B, 12, 24), the second one in a tuple."""
    return nn.Sequential(nn.Embedding(60, 24), nn.GRU(24, 24, batch_first=True))


torch.manual_seed(0)
task = ModuleTask(
    "my-task",
    train=Scenes(400, seed=1),
    validation=Scenes(100, seed=2),
    test=Scenes(100, seed=3),
    backbones={"Image": image_backbone(), "Text": text_backbone()},
    taps={"Image": ["0", "1", "2"], "Text": [Tap("0", axis=-1), Tap("1", item=0, axis=-1)]},
    outputs=CLASSES,
    settings={"channels": 16, "length": 4, "batch_size": 32, "epochs": 5, "train_epochs": 10},
)
