"""VGG-19 for posters, the image backbone of `mmimdb` (Simonyan and Zisserman, ICLR 2015).

Its entries are called as in the released code of BM-NAS: torchvision's ``features.N`` is ``vgg.N`` here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class VGG19(nn.Module):
    """Images (B, 3, H, W), of at least 32 pixels a side, to logits (B, classes).

    ``vgg`` is torchvision's ``vgg19().features``, with its initial weights; ``bn4`` and ``classifier`` read the mean
    over the positions of the last map. For posters of 256 x 160 the maps that are tapped have these sizes: ``vgg.20``
    and ``vgg.26`` (B, 512, 32, 20), ``vgg.33`` (B, 512, 16, 10), each behind a ReLU, and ``vgg.36`` (B, 512, 8, 5),
    behind the last pool.

    Args:
        classes: outputs of the classifier.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.vgg = _features()
        self.bn4 = nn.BatchNorm1d(512)
        self.classifier = nn.Linear(512, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, classes)."""
        maps: Tensor = self.vgg(image)
        logits: Tensor = self.classifier(self.bn4(maps.mean(dim=(2, 3))))
        return logits


def _features() -> nn.Module:
    # torchvision is slow to import, so only where the network is wanted.
    from torchvision.models import vgg19

    # Without memory: of the 144 million weights, 124 million are those of a classifier that nobody needs.
    with torch.device("meta"):
        features: nn.Module = vgg19(weights=None, init_weights=False).features
    features.to_empty(device="cpu")
    for layer in features.modules():
        if isinstance(layer, nn.Conv2d):  # as torchvision does
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    return features
