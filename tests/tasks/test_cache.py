from __future__ import annotations

from pathlib import Path

import pytest

from bmnas.errors import BmnasError
from bmnas.tasks import cache_folder
from bmnas.tasks.cache import file_name, locked


def test_the_folder_is_the_given_one_then_the_variable_then_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BMNAS_CACHE", str(tmp_path / "named"))
    assert cache_folder(tmp_path) == tmp_path
    assert cache_folder() == tmp_path / "named"
    monkeypatch.setenv("BMNAS_CACHE", "")
    assert "bmnas" in str(cache_folder())


def test_any_name_gives_a_plain_and_distinct_file_name() -> None:
    names = ["Top_1", ".", "..", "a/b", "a\\b", "a b", "名", "x" * 200, "x" * 199, "~", "CON:"]
    spelt = [file_name(name) for name in names]
    assert len(set(spelt)) == len(names)
    assert spelt[0] == "Top_1"
    assert all(len(name) <= 80 and not set(name) & set("/\\:. ") for name in spelt)


def test_a_lock_creates_the_folder_above(tmp_path: Path) -> None:
    with locked(tmp_path / "a" / "b"):
        assert (tmp_path / "a").is_dir()


def test_a_user_without_a_home_is_told_to_name_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(*_: object, **__: object) -> str:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("BMNAS_CACHE", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", no_home)
    with pytest.raises(BmnasError, match="this user has no home; name one with --cache, or in the"):
        cache_folder()
    with pytest.raises(BmnasError, match=r"~nobody-at-all.*there is no such user"):
        cache_folder(Path("~nobody-at-all/cache"))
