"""Write small made-up files in the formats of FSDD and MNIST."""

from __future__ import annotations

import gzip
import struct
import wave
from pathlib import Path

import numpy as np

RECORDINGS = "free-spoken-digit-dataset/recordings"
IMAGES = "mnist/t10k-images-idx3-ubyte.gz"
LABELS = "mnist/t10k-labels-idx1-ubyte.gz"


def write_wav(
    path: Path, samples: int = 400, *, rate: int = 8000, channels: int = 1, width: int = 2, tone: int = 1000
) -> None:
    """A sound of 16 bit is a tone of so many Hz at 8 kHz; of another width, whatever its bytes mean."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.arange(samples * channels * width // 2)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes((10_000 * np.sin(2 * np.pi * tone / 8000 * values)).astype("<i2").tobytes())


def idx(magic: int, sizes: tuple[int, ...], content: bytes) -> bytes:
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + content


def write_bytes(path: Path, content: bytes) -> None:
    """Packed where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_mnist(data: Path, labels: list[int]) -> None:
    """Images with a white bar of eight rows, the lower the greater the digit."""
    images = np.zeros((len(labels), 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 8] = 255
    write_bytes(data / IMAGES, idx(2051, images.shape, images.tobytes()))
    write_bytes(data / LABELS, idx(2049, (len(labels),), bytes(labels)))


def write_data(data: Path, digits: tuple[int, ...] = (3, 7)) -> Path:
    """Recordings 0, 5, 10 and 11 of each digit by two speakers, and ten images of each digit."""
    for digit in digits:
        for speaker in ("ann", "bob"):
            for index in (0, 5, 10, 11):
                write_wav(data / RECORDINGS / f"{digit}_{speaker}_{index}.wav", 3000 + 100 * index, tone=300 * digit)
    write_mnist(data, [*digits] * 10)
    return data
