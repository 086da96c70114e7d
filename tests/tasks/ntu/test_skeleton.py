"""Skeletons as the released code prepares them, to the bit, and as they should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bmnas.tasks.ntu.skeleton import drawn_cut, filled, skeleton_input
from bmnas.tasks.ntu.skeleton_file import Bodies, read_bodies
from tests.paper_golden import preprocessing
from tests.tasks.ntu.made_up import SMALL, Frames, skeleton_text

FACTS, ARRAYS = preprocessing()
HERE, THERE = (1.0, 2.0, 3.0), (-1.0, 0.0, 4.0)
NAN = float("nan")


def bodies_of(path: Path, frames: Frames) -> Bodies:
    (path / "a.skeleton").write_text(skeleton_text(frames))
    return read_bodies(path / "a.skeleton")


@pytest.mark.parametrize("name", FACTS["ntu_skeleton"])
def test_released_is_what_the_released_loader_gives(name: str) -> None:
    bodies = read_bodies(SMALL / "nturgb+d_skeletons" / f"{name}.skeleton")
    np.testing.assert_array_equal(filled(bodies, "released"), ARRAYS[f"ntu_skeleton/{name}/parsed"])
    np.testing.assert_array_equal(skeleton_input(bodies, "released"), ARRAYS[f"ntu_skeleton/{name}/input"])
    for number, drawn in enumerate(FACTS["ntu_skeleton"][name]["augmented"]):
        np.random.seed(drawn["numpy_random_seed"])
        np.random.random_sample()  # of the video
        keep = 0.5 + 0.5 * np.random.random_sample()
        cut = drawn_cut(bodies.frames, keep)
        assert (keep, cut) == (drawn["keep"], (drawn["start"], drawn["length"]))
        wanted = ARRAYS[f"ntu_skeleton/{name}/augmented{number}"]
        np.testing.assert_array_equal(skeleton_input(bodies, "released", cut), wanted)


@pytest.mark.parametrize("name", FACTS["ntu_skeleton"])
def test_of_whole_bodies_both_ways_give_the_same_joints(name: str) -> None:
    bodies = read_bodies(SMALL / "nturgb+d_skeletons" / f"{name}.skeleton")
    corrected = skeleton_input(bodies, "corrected")
    assert corrected.isfinite().all()
    assert corrected.shape == (3, 32, 25, 2)
    if len(set(bodies.ids)) == 1:
        assert torch.equal(corrected[..., 0], skeleton_input(bodies, "released")[..., 0])


def test_a_body_keeps_its_slot_when_the_other_one_leaves(tmp_path: Path) -> None:
    bodies = bodies_of(tmp_path, [[(1, HERE), (2, THERE)]] * 20 + [[(2, THERE)]] * 12)
    slots = filled(bodies, "corrected")
    # The second body is seen longer, so it is the first one here.
    assert (slots[:, :, 1, 0].T == THERE).all()
    assert (slots[:, :20, 1, 1].T == HERE).all()
    assert np.isnan(slots[:, 20:, :, 1]).all()
    assert (filled(bodies, "released")[:, 20:, 1, 0].T == THERE).all()


def test_the_order_within_a_frame_makes_no_difference(tmp_path: Path) -> None:
    both = [(1, HERE), (2, THERE)]
    one = skeleton_input(bodies_of(tmp_path, [both] * 32), "corrected")
    other = skeleton_input(bodies_of(tmp_path, [both, both[::-1]] * 16), "corrected")
    assert torch.equal(one, other)


def test_a_body_that_comes_back_by_another_id_has_its_slot_again(tmp_path: Path) -> None:
    frames = [[(1, HERE), (9, THERE)]] * 20 + [[(9, THERE)]] * 4 + [[(2, HERE), (9, THERE)]] * 8
    slots = filled(bodies_of(tmp_path, frames), "corrected")
    assert (slots[:, :20, 1, 1].T == HERE).all()
    assert np.isnan(slots[:, 20:24, 1, 1]).all()
    assert (slots[:, 24:, 1, 1].T == HERE).all()


def test_a_third_body_that_is_seen_for_a_moment_is_left_out(tmp_path: Path) -> None:
    other = (5.0, 5.0, 5.0)
    frames = [[(3, other), (1, HERE), (2, THERE)]] * 2 + [[(1, HERE), (2, THERE)]] * 30
    slots = filled(bodies_of(tmp_path, frames), "corrected")
    assert (slots[:, :, 1, 0].T == HERE).all()
    assert (slots[:, :, 1, 1].T == THERE).all()
    assert (other == filled(bodies_of(tmp_path, frames), "released")[:, :2, 1, 0].T).all()


def test_absent_bodies_are_zero_and_released_ones_minus_the_origin(tmp_path: Path) -> None:
    bodies = bodies_of(tmp_path, [[(1, HERE)]] * 32)
    assert (skeleton_input(bodies, "corrected")[..., 1] == 0).all()
    assert (skeleton_input(bodies, "released")[:, 0, 5, 1] == -torch.tensor(HERE)).all()


def test_joints_that_are_no_numbers_are_zero(tmp_path: Path) -> None:
    frames = [[(1, HERE), (2, (NAN, 0.0, float("inf")))]] * 32
    found = skeleton_input(bodies_of(tmp_path, frames), "corrected")
    assert (found[[0, 2]][..., 1] == 0).all()
    assert (found[1, ..., 1] == -2).all()


def test_an_origin_that_was_not_seen_is_interpolated(tmp_path: Path) -> None:
    frames = [[(1, (float(number), 0.0, 0.0)), (2, (10.0, 0.0, 0.0))] for number in range(32)]
    frames[4] = [(1, (NAN, NAN, NAN)), frames[4][1]]
    frames[5] = frames[5][1:]
    second = skeleton_input(bodies_of(tmp_path, frames), "corrected")
    # The one that is seen in all frames comes first, and is the origin.
    assert (second[:, :, 1, 0] == 0).all()
    frames = [[(1, (float(number), 0.0, 0.0))] for number in range(32)]
    frames[4] = [(1, (NAN, NAN, NAN))]
    first = skeleton_input(bodies_of(tmp_path, frames), "corrected")
    assert (first[:, 4] == 0).all()
    assert (first[0, [3, 5], 0, 0] == 1).all()


def test_no_body_at_all_is_zero(tmp_path: Path) -> None:
    assert (skeleton_input(bodies_of(tmp_path, [[]] * 5), "corrected") == 0).all()
