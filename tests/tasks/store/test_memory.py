from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bmnas.fit.control_groups import Hierarchy
from bmnas.tasks.store import memory


def test_the_tightest_limit_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_free_memory", "_left_in_container", "_left_in_limits"):
        with monkeypatch.context() as patch:
            patch.setattr(memory, name, lambda: 1000.0)
            assert memory.budget() == 500
            patch.setattr(memory, name, lambda: -5.0)
            assert memory.budget() == 0


def test_a_control_group_and_those_above_it_limit(tmp_path: Path) -> None:
    inner = tmp_path / "user" / "job"
    inner.mkdir(parents=True)
    for folder, limit, used in ((inner, "max", 10), (inner.parent, "700", 300)):
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{used}\n")
    mine = Hierarchy(tmp_path, "/user/job", "memory.max", "memory.current")
    assert memory._left_in_groups(mine) == 400
    (inner.parent / "memory.stat").write_text("anon 100\ninactive_file 120\n")
    assert memory._left_in_groups(mine) == 520


@pytest.mark.skipif(sys.platform != "linux", reason="limits are read from /proc")
def test_the_process_s_own_limit_counts() -> None:
    code = (
        "import resource; from bmnas.tasks.store import memory\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**27, resource.RLIM_INFINITY))\n"
        "assert 0 < memory.budget() <= 2**26, memory.budget()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_explicit_limit_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMNAS_MEMORY", "0.001")
    assert memory.budget() == int(0.001 * 2**30)
