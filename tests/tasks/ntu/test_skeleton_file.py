"""Skeleton files in all the forms they come in, and what is no whole one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bmnas.errors import BmnasError
from bmnas.tasks.ntu.skeleton_file import read_bodies
from tests.tasks.ntu.made_up import SMALL, skeleton_text

HERE, THERE = (1.0, 2.0, 3.0), (-1.0, 0.0, 4.0)
# Two that are one number in double precision.
FIRST, SECOND = 72057594037931101, 72057594037931102


@pytest.mark.parametrize("end", ["\n", "\r\n", " "])
@pytest.mark.parametrize("last", ["", "\n\n"])
def test_blanks_and_line_ends_make_no_difference(tmp_path: Path, end: str, last: str) -> None:
    path = tmp_path / "a.skeleton"
    path.write_bytes(
        (skeleton_text([[(FIRST, HERE)], [], [(FIRST, HERE), (SECOND, THERE)]], end).strip() + last).encode()
    )
    bodies = read_bodies(path)
    assert (bodies.frames, bodies.frame.tolist(), bodies.order.tolist()) == (3, [0, 2, 2], [0, 0, 1])
    assert bodies.ids == (FIRST, FIRST, SECOND)
    assert bodies.joints.shape == (3, 25, 3)
    np.testing.assert_array_equal(bodies.joints[2, 1], THERE)
    np.testing.assert_array_equal(bodies.joints[2, 0], (0.0, 0.0, 4.0))


def test_a_file_without_bodies_has_its_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.skeleton"
    path.write_text(skeleton_text([[], [], []]))
    assert (read_bodies(path).frames, read_bodies(path).joints.shape) == (3, (0, 25, 3))


def test_six_bodies_and_numbers_that_are_none_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.skeleton"
    path.write_text(skeleton_text([[(number, (float("nan"), 0.0, 0.0)) for number in range(6)]]))
    bodies = read_bodies(path)
    assert bodies.ids == tuple(range(6))
    assert np.isnan(bodies.joints[:, :, 0]).all()


def changed(text: str, number: int, word: str) -> str:
    words = text.split()
    words[number] = word
    return " ".join(words)


WHOLE = skeleton_text([[(1, HERE)], [(1, HERE)]])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("0\n", "has no frames"),
        ("-2\n", "the number of frames is -2"),
        (WHOLE[: len(WHOLE) // 4], "is cut off: it says that it has 2 frames, but ends in frame 0"),
        (WHOLE[: 3 * len(WHOLE) // 4], "is cut off: it says that it has 2 frames, but ends in frame 1"),
        (changed(WHOLE, 0, "3"), "is cut off: it says that it has 3 frames, but ends in frame 2"),
        (changed(WHOLE, 0, "1"), "it has 1 frames, but 312 numbers come after these"),
        (changed(WHOLE, 0, "999999999999"), "is cut off"),
        (changed(WHOLE, 1, "7"), "the number of bodies of frame 0 is 7; it should be 0 to 6"),
        (changed(WHOLE, 12, "24"), "has 24 joints of a body in frame 0, not 25"),
        (changed(WHOLE, 13, "x,y"), "has 'x,y' where the place of a joint should be"),
        (changed(WHOLE, 2, "1.5"), "has '1.5' where the id of a body should be"),
        ("<html>\n", "has '<html>' where the number of frames should be"),
    ],
)
def test_what_is_wrong_is_said_with_the_files_name(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "a.skeleton"
    path.write_text(text)
    with pytest.raises(BmnasError, match=f"{re.escape(str(path))}: .*{re.escape(says)}"):
        read_bodies(path)


def test_any_half_of_a_real_file_is_refused(tmp_path: Path) -> None:
    words = (SMALL / "nturgb+d_skeletons" / "S002C001P008R001A003.skeleton").read_text().split()
    path = tmp_path / "a.skeleton"
    for length in range(1, len(words) - 1, 997):
        path.write_text(" ".join(words[:length]))
        with pytest.raises(BmnasError, match="is cut off"):
            read_bodies(path)
