from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from bmnas.errors import BmnasError
from bmnas.tasks.utd_mhad import mat_process
from bmnas.tasks.utd_mhad.files import read, read_all
from tests.tasks.utd_mhad.made_up import CLIPS, inertial, skeleton, write, write_one, write_reduced


def loaded(path: Path, name: str = "x"):
    return next(iter(list(mat_process.load([path], name))))


@pytest.mark.parametrize("dtype", ["f8", "f4", "i2", "u1", ">f8"])
@pytest.mark.parametrize("shape", [(2, 3), (4, 5, 6), (1, 1), (0, 3)])
def test_arrays_come_as_they_were_saved(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    array = (100 * np.random.default_rng(0).random(shape)).astype(dtype)
    savemat(tmp_path / "a.mat", {"x": array})
    found = loaded(tmp_path / "a.mat")
    np.testing.assert_array_equal(found, array)
    assert found.flags.writeable
    assert loaded(tmp_path / "a.mat", "y") is None


def test_a_reader_that_is_ended_by_a_file_ends_nothing_else(tmp_path: Path) -> None:
    write(tmp_path)
    read(tmp_path, "Skeleton", CLIPS[0])
    worker = mat_process._idle[-1]
    os.kill(worker._process.pid, signal.SIGSEGV)
    with pytest.raises(mat_process.Unreadable):
        list(worker.load([tmp_path / "Skeleton" / f"{CLIPS[0]}_skeleton.mat"], "d_skel"))
    assert not worker.lives
    np.testing.assert_allclose(read(tmp_path, "Skeleton", CLIPS[0]), skeleton(CLIPS[0]), rtol=1e-6)


def test_the_same_process_reads_all_files_and_again(tmp_path: Path) -> None:
    write(tmp_path)
    assert [clip for clip, _ in read_all(tmp_path, "Skeleton", CLIPS)] == list(CLIPS)
    number = mat_process._idle[-1]._process.pid
    assert len(list(read_all(tmp_path, "Inertial", CLIPS))) == len(CLIPS)
    assert mat_process._idle[-1]._process.pid == number


def test_files_are_told_apart_after_one_that_is_wrong(tmp_path: Path) -> None:
    write(tmp_path)
    path = write_one(tmp_path, "Inertial", CLIPS[1], np.zeros((3, 5)))
    with pytest.raises(BmnasError, match=rf"{path.name}: d_iner is float64 of shape \(3, 5\)"):
        list(read_all(tmp_path, "Inertial", CLIPS))
    np.testing.assert_allclose(read(tmp_path, "Inertial", CLIPS[2]), inertial(CLIPS[2]), rtol=1e-6)


def test_damaged_bytes_are_a_sentence_or_numbers(tmp_path: Path) -> None:
    path = write_one(tmp_path, "Skeleton", CLIPS[0], skeleton(CLIPS[0]))
    whole, chosen = path.read_bytes(), random.Random(0)
    for _ in range(40):
        damaged = bytearray(whole)
        for _ in range(chosen.randint(1, 8)):
            damaged[chosen.randrange(len(damaged))] = chosen.randrange(256)
        path.write_bytes(bytes(damaged))
        try:
            assert read(tmp_path, "Skeleton", CLIPS[0]).shape[:2] == (20, 3)
        except BmnasError as error:
            assert str(path) in str(error)
            assert str(error).isprintable()


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a SciPy whose every file holds 7, and no process that reads."""
    package = tmp_path / "libraries" / "scipy"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "io.py").write_text(
        "import numpy\ndef loadmat(path, variable_names): return {'x': numpy.full((1, 2), 7.0)}"
    )
    savemat(tmp_path / "a.mat", {"x": np.zeros((1, 2))})
    monkeypatch.setattr(mat_process, "_idle", [])
    yield package.parent
    for worker in mat_process._idle:
        worker.close()


def test_scipy_is_looked_for_where_this_process_does(
    tmp_path: Path, libraries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the user's own folder of packages, or one of PYTHONPATH."""
    monkeypatch.setattr(sys, "path", [str(libraries), *sys.path])
    assert loaded(tmp_path / "a.mat").tolist() == [[7, 7]]


def test_nothing_of_the_current_folder_is_imported(
    tmp_path: Path, libraries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(libraries)
    monkeypatch.chdir(libraries)
    current = ["", ".", "../libraries", str(libraries), str(tmp_path / "link")]
    monkeypatch.setattr(sys, "path", [*current, *sys.path])
    assert loaded(tmp_path / "a.mat").tolist() == [[0, 0]]


def test_a_scipy_that_cannot_be_imported_is_not_a_damaged_file(
    tmp_path: Path, libraries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    (libraries / "scipy" / "io.py").write_text("raise ImportError('\\nlibblas.so:\\n no such file')")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "path", [str(libraries), *sys.path])
        with pytest.raises(BmnasError) as caught:
            read(tmp_path, "Skeleton", CLIPS[0])
    why = "libblas.so: no such file"
    assert str(caught.value) == f"SciPy cannot be imported by the process that reads .mat files: {why}"
    assert read(tmp_path, "Skeleton", CLIPS[0]).shape[:2] == (20, 3)


def test_a_clip_of_zeros_is_told(tmp_path: Path) -> None:
    path = write_one(tmp_path, "Inertial", CLIPS[0], np.zeros((9, 6)))
    with pytest.raises(BmnasError, match=f"{path.name}: d_iner is zero everywhere, so nothing was recorded"):
        read(tmp_path, "Inertial", CLIPS[0])
    write_reduced(tmp_path, depth=np.zeros((8, 16, 60, 80), dtype=np.uint8))
    with pytest.raises(BmnasError, match=f"{CLIPS[0]} is zero everywhere"):
        list(read_all(tmp_path, "Depth", CLIPS))


def test_a_path_that_is_no_unicode(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xff"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system allows no such names")
    write(folder)
    np.testing.assert_allclose(read(folder, "Skeleton", CLIPS[0]), skeleton(CLIPS[0]), rtol=1e-6)
