"""A preparation makes what is missing, goes on where it was, and records what it cannot read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bmnas.errors import BmnasError
from bmnas.tasks import Progress, Remark, get_task
from bmnas.tasks.preparation import RECORD, Preparation, carry_out


def halves(folder: Path) -> Preparation:
    """Of each text its first half; none of one that begins with a minus."""

    def half(path: Path) -> bytes:
        text = path.read_bytes()
        if text.startswith(b"-"):
            raise BmnasError(f"{path}: begins with a minus")
        return text[: len(text) // 2]

    sources = sorted((folder / "texts").iterdir())
    return Preparation("halves", folder / "halves", [(path, folder / "halves" / path.name) for path in sources], half)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "texts").mkdir()
    for name, text in (("a", "aaaa"), ("b", "-"), ("c", "cc")):
        (tmp_path / "texts" / name).write_text(text)
    return tmp_path


def test_what_is_there_is_kept_and_what_is_unreadable_recorded(folder: Path) -> None:
    first = carry_out(halves(folder))
    bad = folder / "texts" / "b"
    assert (first.made, first.kept, first.unreadable) == (2, 0, {bad: f"{bad}: begins with a minus"})
    assert (folder / "halves" / "a").read_text() == "aa"
    record = folder / "halves" / RECORD
    assert json.loads(record.read_text())["files"] == {str(bad): f"{bad}: begins with a minus"}
    bad.write_text("bb")
    again = carry_out(halves(folder))
    assert (again.made, again.kept, again.unreadable) == (1, 2, {})
    assert not record.exists()


def test_what_is_older_than_its_source_is_made_again(folder: Path) -> None:
    carry_out(halves(folder))
    path = folder / "texts" / "a"
    path.write_text("xxxx")
    later = (folder / "halves" / "a").stat().st_mtime + 10
    os.utime(path, (later, later))
    assert carry_out(halves(folder)).made == 1
    assert (folder / "halves" / "a").read_text() == "xx"


def test_a_folder_that_cannot_be_written_ends_it(folder: Path) -> None:
    (folder / "halves").write_text("")
    with pytest.raises(BmnasError, match=r"halves.*: cannot be written"):
        carry_out(halves(folder))


def test_it_tells_how_far_it_is(folder: Path) -> None:
    told: list[Progress | Remark] = []
    carry_out(halves(folder), workers=1, report=told.append)
    assert all(isinstance(event, Progress) for event in told)
    assert [event.done for event in told if isinstance(event, Progress)] == [0, 1, 2, 3]


def test_other_tasks_have_nothing_to_prepare() -> None:
    with pytest.raises(BmnasError, match="task digits reads its data as they are"):
        get_task("digits").preparation()
