"""ImageNet weights of torchvision's networks, from a local file or from where torch keeps what it has downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.tasks.state_files import read_state

# The names of torchvision's files, of the V1 recipes; it used to call that of ResNet-50 by its second name.
FILES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "vgg19": ("vgg19-dcbb9e9d.pth",),
        "resnet50": ("resnet50-0676ba61.pth", "resnet50-19c8e357.pth"),
    }
)
ADDRESS = "https://download.pytorch.org/models/"


def torchvision_address(architecture: str) -> str:
    """Where torchvision's file of the weights is on the web, for `Task.pretrained`."""
    return f"{ADDRESS}{FILES[architecture][0]}"


def torchvision_state(architecture: str, file: Path | None = None) -> dict[str, Tensor]:
    """The state dict of torchvision's network with its weights of ImageNet. Nothing is downloaded.

    Args:
        architecture: ``"vgg19"`` or ``"resnet50"``.
        file: of the weights; torch's own cache (``$TORCH_HOME/hub/checkpoints``) is looked into if left out.

    Raises:
        BmnasError: there is no such file; the sentence says how to get it.
    """
    if file is not None:
        return read_state(file)
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    for name in FILES[architecture]:
        if (folder / name).is_file():
            return read_state(folder / name)
    path, address = folder / FILES[architecture][0], torchvision_address(architecture)
    raise BmnasError(
        f"{path}: the ImageNet weights of {architecture} are not there; bmnas backbones --download fetches "
        f"them from {address}; the task's option imagenet=FILE names a file elsewhere, and imagenet=none begins "
        "with random weights"
    )
