from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bmnas.errors import BmnasError
from bmnas.tasks.av_digits.files import find_recordings, read_images, read_labels, read_recording
from tests.tasks.av_digits.small_files import IMAGES, LABELS, RECORDINGS, idx, write_bytes, write_wav


def refused(call: Callable[[], object]) -> str:
    """The sentence of the error."""
    with pytest.raises(BmnasError) as error:
        call()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_recordings_are_found_in_the_order_of_digit_speaker_and_index(data: Path) -> None:
    write_wav(data / RECORDINGS / "3_ann_9.wav")
    (data / RECORDINGS / "notes.txt").write_text("not a recording")
    found = find_recordings(data)
    assert [(r.digit, r.speaker, r.index) for r in found[:6]] == [
        (3, "ann", 0), (3, "ann", 5), (3, "ann", 9), (3, "ann", 10), (3, "ann", 11), (3, "bob", 0),
    ]  # fmt: skip
    assert len(found) == 17
    assert all(r.path.is_file() for r in found)


def test_recordings_may_lie_directly_in_the_data_folder(data: Path) -> None:
    (data / RECORDINGS).rename(data / "recordings")
    assert len(find_recordings(data)) == 16


def test_missing_recordings_are_said_with_how_to_get_them(tmp_path: Path) -> None:
    message = refused(lambda: find_recordings(tmp_path))
    assert message.startswith(f"{tmp_path / RECORDINGS}: the recordings are missing")
    assert "DIGIT_SPEAKER_INDEX.wav" in message
    assert "github.com/Jakobovski/free-spoken-digit-dataset" in message
    (tmp_path / RECORDINGS).mkdir(parents=True)
    assert "holds no .wav file" in refused(lambda: find_recordings(tmp_path))


@pytest.mark.parametrize("name", ["12_ann_0.wav", "three_ann_0.wav", "3_ann.wav", "3-ann-0.wav", "3_ann_00.wav"])
def test_a_name_of_another_layout_is_named(data: Path, name: str) -> None:
    write_wav(data / RECORDINGS / name)
    message = refused(lambda: find_recordings(data))
    assert name in message
    assert "7_jackson_32.wav" in message


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "3_ann_0.wav"
    write_wav(path, 1000)
    samples = read_recording(path)
    assert samples.dtype == np.int16
    assert samples.tobytes() == path.read_bytes()[44:]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rate": 16000}, "1 channel(s) of 16 bit at 16000 Hz"),
        ({"channels": 2}, "2 channel(s) of 16 bit at 8000 Hz"),
        ({"width": 1}, "1 channel(s) of 8 bit at 8000 Hz"),
        ({"samples": 0}, "is empty"),
        ({"samples": 480_001}, "larger than"),
    ],
)
def test_another_kind_of_sound_is_refused(tmp_path: Path, change: dict[str, int], expected: str) -> None:
    path = tmp_path / "3_ann_0.wav"
    write_wav(path, **change)
    message = refused(lambda: read_recording(path))
    assert message.startswith(f"{path}: ")
    assert expected in message


@pytest.mark.parametrize("kept", [0, 3, 11, 12, 20, 36, 43, 44, 100, 443, 843])
def test_a_truncated_recording_is_refused_wherever_it_ends(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "3_ann_0.wav"
    write_wav(path, 400)
    path.write_bytes(path.read_bytes()[:kept])
    message = refused(lambda: read_recording(path))
    assert ("is truncated" if kept >= 44 else "is not a whole .wav file") in message


def test_a_header_that_promises_gigabytes_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "3_ann_0.wav"
    write_wav(path, 400)
    content = bytearray(path.read_bytes())
    content[40:44] = (0xFFFFFFFE).to_bytes(4, "little")
    path.write_bytes(bytes(content))
    assert "has 400 of the 2147483647 samples" in refused(lambda: read_recording(path))


def test_a_folder_named_as_a_recording_is_one_sentence(data: Path) -> None:
    (data / RECORDINGS / "3_ann_20.wav").mkdir()
    assert "cannot be read: is a directory" in refused(lambda: read_recording(data / RECORDINGS / "3_ann_20.wav"))


def test_images_and_labels_are_read_with_and_without_gzip(data: Path) -> None:
    labels, images = read_labels(data), read_images(data)
    assert labels.tolist() == [3, 7] * 10
    assert images.shape == (20, 28, 28)
    for name in (IMAGES, LABELS):
        (data / name).with_suffix("").write_bytes(gzip.decompress((data / name).read_bytes()))
        (data / name).unlink()
    np.testing.assert_array_equal(read_labels(data), labels)
    np.testing.assert_array_equal(read_images(data), images)


def test_torchvisions_folder_of_mnist_is_found(data: Path) -> None:
    labels = read_labels(data)
    shutil.move(data / "mnist", data / "MNIST/raw")
    np.testing.assert_array_equal(read_labels(data), labels)


def test_missing_files_of_mnist_are_said_with_how_to_get_them(data: Path) -> None:
    (data / IMAGES).unlink()
    message = refused(lambda: read_images(data))
    assert message.startswith(f"{data / IMAGES}: is missing")
    assert "ossci-datasets.s3.amazonaws.com/mnist" in message
    shutil.rmtree(data / "mnist")
    assert "MNIST's files are missing" in refused(lambda: read_labels(data))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "ends within the header"),
        (idx(2051, (2, 28), b""), "ends within the header"),
        (idx(2049, (2, 28, 28), bytes(1568)), "its magic number is 2049, not 2051"),
        (idx(2051, (2, 32, 32), bytes(2048)), "images of 32 x 32, not 28 x 28"),
        (idx(2051, (2, 28, 28), bytes(1567)), "says 2 items, 1568 bytes, but it has only 1567"),
        (idx(2051, (2, 28, 28), bytes(1569)), "says 2 items, 1568 bytes, but it has more"),
        (idx(2051, (2**32 - 1, 28, 28), bytes(9)), "says 4294967295 items"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_another_idx_file_is_refused(tmp_path: Path, content: bytes, expected: str, packed: bool) -> None:
    path = tmp_path / (IMAGES if packed else IMAGES.removesuffix(".gz"))
    write_bytes(path, content)
    message = refused(lambda: read_images(tmp_path))
    assert message.startswith(f"{path}: ")
    assert expected in message


@pytest.mark.parametrize("damage", [lambda c: c[:-9], lambda c: b"no gzip file", lambda c: c[:10] + b"\xff" * 20])
def test_a_damaged_gzip_file_is_refused(data: Path, damage: Callable[[bytes], bytes]) -> None:
    (data / LABELS).write_bytes(damage((data / LABELS).read_bytes()))
    assert f"{data / LABELS}: is not a whole gzip file" in refused(lambda: read_labels(data))


def test_a_gzip_bomb_is_not_unpacked(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes(data / LABELS, idx(2049, (2,), bytes(50_000_000)))
    taken = []
    read = gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda self, size=-1: taken.append(size) or read(self, size))
    assert "2 bytes, but it has more" in refused(lambda: read_labels(data))
    assert taken == [8, 2, 1]


def test_a_label_that_is_no_digit_is_named(data: Path) -> None:
    write_bytes(data / LABELS, idx(2049, (3,), bytes([4, 10, 2])))
    assert "label 1 is 10, but labels are the digits 0 to 9" in refused(lambda: read_labels(data))


@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_bytes_in_a_wav_file_are_sound_or_one_sentence(content: bytes, at: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "3_ann_0.wav"
        write_wav(path, 20)
        whole = path.read_bytes()
        path.write_bytes(whole[:at] + content + whole[at + len(content) :])
        try:
            assert len(read_recording(path)) > 0
        except BmnasError as error:
            assert str(error).startswith(f"{path}: ")
