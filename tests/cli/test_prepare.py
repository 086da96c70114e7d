"""``bmnas prepare`` on a folder of videos."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.calling import bmnas
from tests.tasks.ntu.made_up import SMALL, video


def folder_of(path: Path) -> Path:
    (path / "nturgb+d_rgb").mkdir()
    for name in ("S001C001P001R001A001", "S001C001P002R001A001"):
        (path / "nturgb+d_rgb" / f"{name}_rgb.avi").write_bytes(video(30, 320, 180))
    (path / "nturgb+d_rgb" / "S001C001P003R001A001_rgb.avi").write_bytes(b"no video")
    return path


def test_clips_are_made_once_and_what_is_unreadable_is_said_at_the_end(tmp_path: Path) -> None:
    from bmnas.tasks.ntu.video_file import read_clip

    data = folder_of(tmp_path)
    out, err = bmnas("prepare", "--task", "ntu", "--data", data, "--workers", 2)
    made = data / "nturgb+d_rgb_256x256_30"
    assert "2 clips made, 0 were there" in out
    assert f"Folder: {made}" in out
    assert "S001C001P003R001A001_rgb.avi: is damaged, or no AVI video" in err
    assert "1 files are unreadable" in err
    clip = read_clip(made / "S001C001P002R001A001_rgb.avi", side=None)
    assert (len(clip), clip.frames[0].width, clip.frames[0].height) == (30, 256, 256)
    assert len(json.loads((made / "unreadable.json").read_text())["files"]) == 1
    told = json.loads(bmnas("prepare", "--task", "ntu", "--data", data, "--json")[0])
    assert (told["made"], told["kept"], len(told["unreadable"])) == (0, 2, 1)


def test_another_folder_is_written_to(tmp_path: Path) -> None:
    data = folder_of(tmp_path)
    bmnas("prepare", "--task", "ntu", "--data", data, "--to", tmp_path / "other")
    assert len(list((tmp_path / "other" / "nturgb+d_rgb_256x256_30").glob("*.avi"))) == 2
    assert not (data / "nturgb+d_rgb_256x256_30").exists()


def test_what_cannot_be_prepared_is_one_sentence(tmp_path: Path) -> None:
    for words, says in (
        (["--task", "digits"], "there is nothing to prepare"),
        (["--task", "ntu"], "needs its data, --data DIR"),
        (["--task", "ntu", "--data", SMALL], "has no folder nturgb+d_rgb, but nturgb+d_rgb_256x256_30"),
        (["--json"], "name the task with --task"),
    ):
        out, err = bmnas("prepare", *words, code=2)
        assert (out, err.count("\n")) == ("", 1)
        assert says in err
