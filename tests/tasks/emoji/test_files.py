from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.errors import BmnasError
from bmnas.tasks.emoji.files import CLASSES, read_picture, read_samples
from tests.tasks.emoji.made_up import HEAD, LINES, png, write


def test_samples_are_the_lines_of_the_list(tmp_path: Path) -> None:
    samples = read_samples(write(tmp_path))
    assert len(samples) == 14
    first = samples[0]
    assert (first.path, first.text) == (tmp_path / "images/1f600.png", "red apple number 0;fruit;food")
    assert (CLASSES[first.label], first.split) == ("Food & Drink", "train")


def test_the_folder_may_be_beside_others(tmp_path: Path) -> None:
    write(tmp_path / "emojitwo")
    assert read_samples(tmp_path)[0].path == tmp_path / "emojitwo/images/1f600.png"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["images/1.png,a,b,Flags"], "line 2 should have 5 values: image, text, tags, label, split"),
        (["images/1.png,a,b,Flags,train,more"], "line 2 should have 5 values"),
        ([*LINES, "images/1.png,a,b,Flag,train"], "line 16: the label is 'Flag'; did you mean 'Flags'?"),
        (["images/1.png,a,b,zzz,train"], "line 2: the label is 'zzz'; known: 'Activities', "),
        (["images/1.png,a,b,Flags,training"], "line 2: the split is 'training'; did you mean 'train'?"),
        (["../1.png,a,b,Flags,train"], "line 2: the image is '../1.png', but should be such as images/1f600.png"),
        (["images/../1.png,a,b,Flags,train"], "line 2: the image is 'images/../1.png'"),
        ([LINES[0], LINES[1], LINES[0]], "samples 1 and 3 both have 1f600.png"),
        (['images/1.png,"a"b,c,Flags,train'], ": the line after 1 is no CSV: "),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(BmnasError, match=re.escape(message)):
        read_samples(write(tmp_path, lines))


def test_a_list_that_is_missing_or_another_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(BmnasError, match=r"samples\.csv: is missing; .*github\.com/EmojiTwo/emojitwo"):
        read_samples(tmp_path)
    (tmp_path / "samples.csv").write_text(HEAD.replace("tags", "words"))
    with pytest.raises(BmnasError, match="has no column 'tags'; expected are image, text, tags, label, split"):
        read_samples(tmp_path)


def test_a_picture_is_on_white_and_smaller(tmp_path: Path) -> None:
    path = tmp_path / "1.png"
    path.write_bytes(png((255, 102, 0, 255)))
    picture = read_picture(path)
    assert picture.shape == (3, 32, 32)
    assert (picture[:, :, :16] == 0).all()  # transparent, so white, which is 0
    torch.testing.assert_close(picture[:, 5, 20], torch.tensor([0.0, -0.6, -1.0]))
    path.write_bytes(png((0, 0, 0, 51), side=128))
    torch.testing.assert_close(read_picture(path)[:, 5, 20], torch.full((3,), -0.2))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no PNG picture"),
        (b"GIF89a" + bytes(60), "is no PNG picture"),
        (png((0, 0, 0, 255), side=100), "has 100 x 100 pixels, but pictures here are 96 x 96"),
        (png((0, 0, 0, 255), side=64, width=96), "has 96 x 64 pixels"),
        (png((0, 0, 0, 255))[:16] + bytes([0, 1, 0, 0] * 2) + png((0, 0, 0, 255))[24:], "has 65536 x 65536 pixels"),
        (png((0, 0, 0, 255))[:60], "is no whole PNG picture"),
        (bytes(2**20 + 1), "is larger than 1 MiB"),
    ],
)
def test_another_picture_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "1.png"
    path.write_bytes(content)
    with pytest.raises(BmnasError, match=message) as error:
        read_picture(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@given(content=st.binary(max_size=40), at=st.integers(0, 120))
def test_any_bytes_in_a_picture_are_pixels_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, at: int
) -> None:
    whole = png((9, 8, 7, 255), side=32)
    path = tmp_path_factory.getbasetemp() / "any.png"
    path.write_bytes(whole[:at] + content + whole[at + len(content) :])
    try:
        assert read_picture(path).shape == (3, 32, 32)
    except BmnasError as error:
        assert "\n" not in str(error)
