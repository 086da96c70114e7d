"""Clips as the released code samples them, to the bit, and as they should be; and files that are no whole clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bmnas.errors import BmnasError
from bmnas.tasks.ntu.video import sampled, slot_frames, taken_slots, video_input
from bmnas.tasks.ntu.video_file import read_clip, written_clip
from tests.paper_golden import preprocessing
from tests.tasks.ntu.made_up import SMALL, skeleton_text, video

FACTS, ARRAYS = preprocessing()


@pytest.mark.parametrize("name", FACTS["ntu_video"])
def test_released_is_what_the_released_loader_gives(name: str) -> None:
    clip, facts = read_clip(SMALL / name, side=None), FACTS["ntu_video"][name]
    np.testing.assert_array_equal(sampled(clip, "released"), ARRAYS[f"ntu_video/{name}/bgr_uint8"])
    for ratio, wanted in [(1.0, facts["input"]), *((drawn["ratio"], drawn) for drawn in facts["augmented"])]:
        numbers = video_input(clip, "released", ratio).double()
        assert list(numbers.shape) == wanted["shape"]
        found = (numbers.mean(), numbers.std(correction=0), numbers.min(), numbers.max())
        assert [float(own) for own in found] == pytest.approx(
            [wanted[key] for key in ("mean", "std", "min", "max")], rel=1e-12
        )


@pytest.mark.parametrize("frames", FACTS["ntu_video_frames"])
def test_released_slots_are_those_of_the_table(frames: str) -> None:
    slots = slot_frames(int(frames), int(frames), "released")
    wanted = FACTS["ntu_video_frames"][frames]
    assert [-1 if frame is None else frame for frame in slots] == wanted["clip24"]
    assert [wanted["clip24"][slot] for slot in taken_slots(1)] == wanted["input8"]


def test_slots_that_are_taken_in_training_are_the_golden_ones() -> None:
    for facts in FACTS["ntu_video"].values():
        for drawn in facts["augmented"]:
            np.random.seed(drawn["numpy_random_seed"])
            ratio = 1 - 0.5 * np.random.random_sample()
            assert (ratio, taken_slots(ratio)) == (drawn["ratio"], drawn["of_24"])


def test_a_header_that_says_more_frames_counts_as_released_alone() -> None:
    assert slot_frames(103, 105, "released")[-2:] == [100, None]
    assert slot_frames(103, 105, "corrected")[-2:] == [97, 102]


def test_corrected_slots_reach_from_the_first_to_the_last_frame_and_none_is_black() -> None:
    for frames in (1, 5, 24, 25, 103):
        slots = slot_frames(frames, 0, "corrected")
        assert (slots[0], slots[-1], len(slots)) == (0, frames - 1, 24)


def test_corrected_colours_are_red_green_blue() -> None:
    clip = read_clip(SMALL / "lossless" / "S001C001P001R001A001_rgb.avi", side=None)
    np.testing.assert_array_equal(sampled(clip, "corrected")[0], sampled(clip, "released")[0, ..., ::-1])


def test_clips_of_another_size_are_scaled(tmp_path: Path) -> None:
    (tmp_path / "a.avi").write_bytes(video(30, 320, 180))
    found = video_input(read_clip(tmp_path / "a.avi"), "corrected")
    assert found.shape == (8, 256, 256, 3)
    assert (found.mean((1, 2, 3)).diff() > 0).all(), "frames become brighter"


def test_a_written_clip_has_the_same_frames(tmp_path: Path) -> None:
    clip = read_clip(SMALL / "nturgb+d_rgb_256x256_30" / "S002C003P017R002A011_rgb.avi")
    (tmp_path / "a.avi").write_bytes(written_clip(clip))
    again = read_clip(tmp_path / "a.avi")
    assert (len(again), again.announced) == (140, 140)
    before, after = (sampled(each, "corrected").astype(float) for each in (clip, again))
    assert np.sqrt(((before - after) ** 2).mean()) < 6
    assert written_clip(clip) == written_clip(clip)


WHOLE = video(40)
REAL = (SMALL / "nturgb+d_rgb_256x256_30" / "S001C001P001R001A001_rgb.avi").read_bytes()


def without_frames() -> bytes:
    """The beginning of an AVI file, up to where its frames would be."""
    start = WHOLE.index(b"movi")
    cut = bytearray(WHOLE[: start + 4])
    cut[start - 4 : start] = (4).to_bytes(4, "little")
    cut[4:8] = (len(cut) - 8).to_bytes(4, "little")
    return bytes(cut)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is damaged, or no AVI video"),
        (b"#EXTM3U\nhttp://example.org/a.avi\n", "is damaged, or no AVI video"),
        (skeleton_text([[]]).encode(), "is damaged, or no AVI video"),
        (without_frames(), "has no frame that can be decoded"),
        (REAL[: len(REAL) // 2], "is cut off after 12 frames: 8,881 bytes are missing"),
        (REAL[:100], "is damaged, or no AVI video"),
    ],
)
def test_what_is_no_whole_clip_is_said_with_the_files_name(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(content)
    with pytest.raises(BmnasError, match=rf"a\.avi: {says}"):
        read_clip(path)


def test_a_header_that_says_too_much_is_no_fault(tmp_path: Path) -> None:
    place = WHOLE.index(b"strh") + 8 + 32  # of dwLength
    main = WHOLE.index(b"avih") + 8 + 16  # of dwTotalFrames
    lying = bytearray(WHOLE)
    for at in (place, main):
        lying[at : at + 4] = (45).to_bytes(4, "little")
    path = tmp_path / "a.avi"
    path.write_bytes(bytes(lying))
    clip = read_clip(path)
    assert (len(clip), clip.announced) == (40, 45)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(BmnasError, match=r"none\.avi: cannot be read: no such file"):
        read_clip(tmp_path / "none.avi")
    with pytest.raises(BmnasError, match="cannot be read: is a directory"):
        read_clip(tmp_path)
