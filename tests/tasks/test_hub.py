from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks.hub import download, hub_file
from bmnas.tasks.models.torchvision_weights import torchvision_address


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / "hub"


def served(folder: Path, content: bytes, name: str) -> str:
    """The address of a file that needs no network."""
    (folder / name).write_bytes(content)
    return (folder / name).as_uri()


def test_a_file_is_where_torch_keeps_it(hub: Path) -> None:
    assert hub_file(torchvision_address("vgg19")) == hub / "checkpoints" / "vgg19-dcbb9e9d.pth"


def test_a_file_is_fetched_once_and_checked(tmp_path: Path, hub: Path) -> None:
    digest = hashlib.sha256(b"weights").hexdigest()[:8]
    address = served(tmp_path, b"weights", f"net-{digest}.pth")
    assert download(address) == hub / "checkpoints" / f"net-{digest}.pth"
    assert hub_file(address).read_bytes() == b"weights"
    (tmp_path / f"net-{digest}.pth").unlink()
    assert download(address) == hub_file(address)


def test_what_is_not_what_its_name_says_is_not_kept(tmp_path: Path) -> None:
    address = served(tmp_path, b"other", "net-0123abcd.pth")
    with pytest.raises(BmnasError, match=r"net-0123abcd.pth: cannot be downloaded to .*: invalid hash value"):
        download(address)
    assert not hub_file(address).exists()
    with pytest.raises(BmnasError, match=r"^file:///nowhere/net.pth: cannot be downloaded to "):
        download("file:///nowhere/net.pth")
