"""Standard output and error that are full, closed, or read by nobody; memory that runs out."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bmnas.cli.failures import sentence_of
from bmnas.errors import BmnasError

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
BMNAS = f"'{sys.executable}' -m bmnas"
FULL = "bmnas: standard output cannot be written: no space left on device\n"


def shell(command: str, cwd: Path) -> tuple[int, str, str]:
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=cwd, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", ["info ntu-1", "validate ntu-1", "schema", "--help", "--version"])
def test_a_full_output_is_a_sentence(tmp_path, command):
    assert shell(f"{BMNAS} {command} > /dev/full", tmp_path) == (2, "", FULL)


def test_a_reader_that_has_gone_is_no_news(tmp_path):
    code, out, err = shell(f"({BMNAS} schema; echo $? > code) | true", tmp_path)
    assert (code, out, err) == (0, "", "")
    assert (tmp_path / "code").read_text() == "1\n"


@pytest.mark.parametrize("where", ["2>/dev/full", "2>&-", "2>&- <&-"])
def test_an_error_that_cannot_be_shown_is_an_exit_code(tmp_path, where):
    assert shell(f"{BMNAS} validate nothing.json {where}", tmp_path) == (2, "", "")


def test_closed_streams_do_not_get_into_files(tmp_path):
    code, _, err = shell(f"{BMNAS} convert ntu-1 -o g.json <&- >&- 2>&-", tmp_path)
    assert (err, code) == ("", 0)
    plain = shell(f"{BMNAS} convert ntu-1 -o h.json", tmp_path)
    assert plain[0] == 0
    assert (tmp_path / "g.json").read_bytes() == (tmp_path / "h.json").read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are those of Linux")
@pytest.mark.parametrize("limit", [800_000, 3_000_000])
def test_no_memory_for_pytorch_is_a_sentence(tmp_path, limit):
    code, out, err = shell(f"ulimit -v {limit}; {BMNAS} extract --task planted", tmp_path)
    assert (code, out) == (2, "")
    assert err == "bmnas: memory ran out; free some, or raise the limit that the process was given\n"


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("can't start new thread"),
        caused(RuntimeError("worker failed"), MemoryError()),
    ],
)
def test_memory_that_runs_out(error):
    assert "memory ran out" in sentence_of(error)


def test_what_a_user_can_help_is_shown_in_one_line():
    assert sentence_of(BmnasError("a\x1b[2J\udcffb: is wrong")) == "a\\x1b[2J\\udcffb: is wrong"
    assert (
        sentence_of(PermissionError(errno.EACCES, "Permission denied", "x")) == "x: cannot be read: permission denied"
    )
    assert sentence_of(ValueError("a defect")) is None
    assert sentence_of(RuntimeError("a defect")) is None
