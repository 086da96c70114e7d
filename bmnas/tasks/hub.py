"""Files of pretrained weights in torch's own cache, and fetching them there, which nothing does unasked."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import torch

from bmnas.errors import BmnasError
from bmnas.tasks.progress import Progress, Report, silent

# torchvision's names end with the beginning of the file's SHA-256: vgg19-dcbb9e9d.pth.
_HASH = re.compile(r"-([0-9a-f]{8,})\.")


def hub_file(address: str) -> Path:
    """Where torch keeps what it has downloaded from an address: ``$TORCH_HOME/hub/checkpoints/NAME``."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(address).path).name


def download(address: str, report: Report = silent) -> Path:
    """The file in torch's cache, downloaded if it is not there; it is whole or absent, and its checksum is looked at.

    Raises:
        BmnasError: it cannot be fetched or written, or is not what its name says.
    """
    path = hub_file(address)
    if path.is_file():
        return path
    phase, named = f"download of {path.name}", _HASH.search(path.name)
    report(Progress(phase, 0, 1, address, "files"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(address, str(path), named[1] if named else None, progress=False)
    except Exception as error:  # of the network, of the disk, or of a checksum, each of a type of its own
        raise BmnasError(f"{address}: cannot be downloaded to {path}: {str(error) or type(error).__name__}") from error
    report(Progress(phase, 1, 1, str(path), "files"))
    return path
