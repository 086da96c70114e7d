from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from bmnas.errors import BmnasError
from bmnas.tasks.utd_mhad.files import find_clips, read, read_all, stamp
from bmnas.tasks.utd_mhad.layout import ADDRESS, Clip
from bmnas.tasks.utd_mhad.reduced_depth import reduce_depth, reduced_depth
from tests.tasks.utd_mhad.made_up import (
    CLIPS,
    REAL,
    depth,
    inertial,
    needs_real_data,
    path_of,
    skeleton,
    write,
    write_one,
    write_reduced,
)

FIRST = CLIPS[0]


def refused(message: str) -> pytest.RaisesExc[BmnasError]:
    """One sentence, which has ``message`` in it."""
    return pytest.raises(BmnasError, match=rf"\A[^\n]*{re.escape(message)}[^\n]*\Z")


def test_official_files_are_found_and_read(tmp_path: Path) -> None:
    write(tmp_path, modalities=("Skeleton", "Inertial", "Depth"))
    (tmp_path / "Skeleton" / "readme.txt").write_text("not a clip")
    (tmp_path / "Skeleton" / "._a1_s1_t1_skeleton.mat").write_text("what macOS leaves")
    assert find_clips(tmp_path, ["Skeleton", "Inertial", "Depth"]) == tuple(sorted(CLIPS))
    np.testing.assert_allclose(read(tmp_path, "Skeleton", FIRST), skeleton(FIRST), rtol=1e-6)
    np.testing.assert_allclose(read(tmp_path, "Inertial", FIRST), inertial(FIRST), rtol=1e-6)
    np.testing.assert_array_equal(read(tmp_path, "Depth", FIRST), reduce_depth(depth(FIRST)))


def test_depth_is_reduced_to_every_fourth_pixel_sixteen_frames_and_bytes() -> None:
    clip = np.zeros((240, 320, 31))
    clip[4, 8] = 16 * np.arange(31)
    clip[8, 4] = 60_000
    small = reduce_depth(clip)
    assert (small.shape, small.dtype) == ((16, 60, 80), np.uint8)
    assert small[:, 1, 2].tolist() == list(range(0, 31, 2))
    assert small[:, 2, 1].tolist() == [255] * 16
    assert np.count_nonzero(small) == 15 + 16


def test_the_reduced_file_takes_the_place_of_the_depth_folder(tmp_path: Path) -> None:
    write(tmp_path, modalities=("Skeleton",))
    write_reduced(tmp_path)
    assert find_clips(tmp_path, ["Skeleton", "Depth"]) == tuple(sorted(CLIPS))
    assert {clip: int(array[0, 0, 0]) for clip, array in read_all(tmp_path, "Depth", CLIPS)} == {
        clip: 170 + clip.action for clip in CLIPS
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": None}, "has no array 'key'"),
        ({"depth": None}, "has no array 'depth'"),
        ({"key": np.array(CLIPS)[:3]}, "key names 3 clips, but depth has 8"),
        ({"key": np.array(CLIPS)[:, :2]}, "key is int64 of shape (8, 2), not integers of shape (N, 3)"),
        ({"key": np.array(CLIPS) * 0.5}, "key is float64"),
        ({"key": np.ones((8, 3), dtype=int)}, "names a clip twice"),
        ({"key": np.array(CLIPS) * [50, 1, 1]}, "names action 50, but the data set has actions 1 to 27"),
        ({"depth": np.zeros((8, 16, 60, 81), dtype=np.uint8)}, "not bytes (uint8) of shape (N, 16, 60, 80)"),
        ({"depth": np.zeros((8, 16, 60, 80), dtype=np.uint16)}, "depth is uint16"),
        ({"key": np.array([None, 1])}, "is damaged, or no .npz file of plain arrays"),
    ],
)
def test_a_wrong_reduced_file_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    path = write_reduced(tmp_path, **changes)
    with refused(message) as caught:
        reduced_depth(tmp_path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kept", [0, 10, 500])
def test_a_truncated_reduced_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = write_reduced(tmp_path)
    os.truncate(path, kept)
    with refused(f"{path}: is damaged"):
        reduced_depth(tmp_path)


def test_a_missing_folder_says_what_is_expected_and_where_it_is(tmp_path: Path) -> None:
    with refused("Inertial/aA_sS_tT_inertial.mat") as caught:
        find_clips(tmp_path / "nowhere", ["Skeleton", "Inertial"])
    assert "nowhere: there is no such folder" in str(caught.value)
    assert ADDRESS in str(caught.value)


@pytest.mark.parametrize("modality", ["Skeleton", "Inertial", "Depth"])
def test_a_missing_or_empty_modality_is_named(tmp_path: Path, modality: str) -> None:
    others = [other for other in ("Skeleton", "Inertial", "Depth") if other != modality]
    write(tmp_path, CLIPS[:1], tuple(others))
    with refused(f"{tmp_path / modality}: there is no such folder; expected is a folder with {modality}/aA_sS_tT_"):
        find_clips(tmp_path, ["Skeleton", "Inertial", "Depth"])
    assert find_clips(tmp_path, others) == CLIPS[:1]
    (tmp_path / modality).mkdir()
    with refused(f"{tmp_path / modality}: has no .mat files"):
        find_clips(tmp_path, [modality])


@pytest.mark.parametrize("name", ["S1A1T1.mat", "a1_s1_t1_inertial.mat", "a1_s1_t1.mat", "a01_s1_t1_skeleton.mat"])
def test_file_names_of_another_layout_are_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    path_of(tmp_path, "Skeleton", FIRST).rename(tmp_path / "Skeleton" / name)
    with refused(f"{name}: is not named as UTD-MHAD names its files, aA_sS_tT_skeleton.mat"):
        find_clips(tmp_path, ["Skeleton"])


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (Clip(28, 1, 1), "a28_s1_t1_skeleton.mat: names action 28, but the data set has actions 1 to 27"),
        (Clip(0, 1, 1), "names action 0"),
        (Clip(1, 9, 1), "names subject 9, but the data set has subjects 1 to 8"),
    ],
)
def test_actions_and_subjects_out_of_range_are_refused(tmp_path: Path, clip: Clip, message: str) -> None:
    write(tmp_path, (*CLIPS, clip), ("Skeleton",))
    with refused(message):
        find_clips(tmp_path, ["Skeleton"])


def test_a_clip_that_lacks_a_modality_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    missing = path_of(tmp_path, "Inertial", FIRST)
    missing.unlink()
    with refused(f"{missing}: is missing, but Skeleton has the clip a1_s1_t1"):
        find_clips(tmp_path, ["Skeleton", "Inertial"])
    path_of(tmp_path, "Skeleton", FIRST).unlink()
    assert find_clips(tmp_path, ["Skeleton", "Inertial"]) == tuple(sorted(CLIPS))[1:]  # then nobody has it
    reduced = write_reduced(tmp_path)
    with refused(f"a1_s1_t1_skeleton.mat: is missing, but Depth has the clip {FIRST}"):
        find_clips(tmp_path, ["Skeleton", "Depth"])
    write_reduced(tmp_path, key=np.array(CLIPS[2:]), depth=np.zeros((6, 16, 60, 80), dtype=np.uint8))
    with refused(f"{reduced}: {CLIPS[1]} is missing, but Skeleton has the clip"):
        find_clips(tmp_path, ["Skeleton", "Depth"])


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_named(tmp_path: Path, share: float) -> None:
    path = write_one(tmp_path, "Skeleton", FIRST, skeleton(FIRST))
    os.truncate(path, int(share * path.stat().st_size))
    with refused(f"{path}: is truncated, or no MATLAB file that can be read; the data set"):
        read(tmp_path, "Skeleton", FIRST)


def test_a_file_that_is_no_matlab_file_is_named(tmp_path: Path) -> None:
    path = write_one(tmp_path, "Skeleton", FIRST, skeleton(FIRST))
    path.write_bytes(b"<html>404 Not Found</html>" * 20)
    with refused(f"{path}: is truncated, or no MATLAB file that can be read; the data set"):
        read(tmp_path, "Skeleton", FIRST)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((20, 3)), "d_skel is float64 of shape (20, 3), not numbers of shape (20, 3, T) with T at least 2"),
        (np.zeros((25, 3, 9)), "shape (25, 3, 9)"),
        (np.zeros((20, 3, 1)), "T at least 2"),
        (np.zeros((20, 3, 9), dtype=complex), "d_skel is complex128"),
        ("text", "d_skel is <U4"),
        (np.array([["cells"], [1]], dtype=object), "d_skel is object"),
        (np.full((20, 3, 9), np.nan), "d_skel has a value that is no finite number"),
        (np.full((20, 3, 9), np.inf), "no finite number"),
        (np.full((20, 3, 9), -1e39), "no finite number of 32 bits"),
    ],
)
def test_what_is_not_a_skeleton_is_refused(tmp_path: Path, array: object, message: str) -> None:
    path = write_one(tmp_path, "Skeleton", FIRST, array)
    with refused(message) as caught:
        read(tmp_path, "Skeleton", FIRST)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_without_the_variable_is_refused(tmp_path: Path) -> None:
    path = write_one(tmp_path, "Inertial", FIRST, inertial(FIRST), variable="d_skel")
    with refused(f"{path}: has no variable d_iner of shape (T, 6)"):
        read(tmp_path, "Inertial", FIRST)


def test_the_stamp_tells_that_a_file_was_changed(tmp_path: Path) -> None:
    write(tmp_path)
    before = stamp(tmp_path, "Skeleton")
    assert stamp(tmp_path, "Skeleton") == before
    write_one(tmp_path, "Skeleton", FIRST, skeleton(FIRST, frames=4))
    assert stamp(tmp_path, "Skeleton") != before
    assert stamp(tmp_path, "Depth") != stamp(write_reduced(tmp_path).parent, "Depth")


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    path = path_of(tmp_path, "Skeleton", FIRST)
    path.unlink()
    path.symlink_to(tmp_path / "moved away")
    with refused(f"{path}: cannot be read: no such file or directory"):
        stamp(tmp_path, "Skeleton")


@needs_real_data
def test_the_real_data_set_has_861_clips() -> None:
    found = find_clips(REAL, ["Skeleton", "Inertial", "Depth"])
    assert len(found) == 27 * 8 * 4 - 3
    assert not {Clip(8, 1, 4), Clip(23, 6, 4), Clip(27, 8, 4)} & set(found)
    assert read(REAL, "Skeleton", FIRST).shape[:2] == (20, 3)
    assert read(REAL, "Inertial", FIRST).shape[1:] == (6,)
