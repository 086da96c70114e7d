"""The options of settings and the names of tasks and presets, remembered.

Finding them out loads every strategy and every task, and torch with them, which takes seconds.

What was found is kept in the user's cache folder, beside what it was found in: files of the searcher, and where
packages are installed that may offer more. Where anything of that has changed, or the file is no good, they are found
out anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from bmnas.cli.settings_options import Option, options_of
from bmnas.version import __version__

if TYPE_CHECKING:
    from bmnas.settings import Settings

_PACKAGE = Path(__file__).parents[1]
_KINDS: dict[str, type] = {kind.__name__: kind for kind in (int, float, bool, str)}


def known_options(command: str, settings: Callable[[], type[Settings]]) -> list[Option]:
    """The options of a command's settings.

    Args:
        command: its name, under which they are kept.
        settings: loads the settings, where they are not known yet.
    """
    key, path = _found_in(), _folder() / "options" / f"{command}.json"
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["key"] == key:
            return [_read(option) for option in kept["options"]]
    options = options_of(settings())
    _keep(path, {"key": key, "options": [_written(option) for option in options]})
    return options


def known_names() -> dict[str, list[str]]:
    """The names of the tasks and of the presets of searches: ``{"task": [...], "preset": [...]}``."""
    key, path = _found_in(), _folder() / "options" / "names.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["key"] == key:
            return {kind: [str(name) for name in kept["names"][kind]] for kind in ("task", "preset")}
    from bmnas.searcher.presets import PRESETS
    from bmnas.tasks import TASKS

    names = {"task": TASKS.names(), "preset": PRESETS.names()}
    _keep(path, {"key": key, "names": names})
    return names


def _keep(path: Path, content: dict[str, Any]) -> None:
    from bmnas.errors import BmnasError
    from bmnas.files import write_atomically

    with suppress(BmnasError):  # where nothing can be kept, it takes its time again
        write_atomically(path, json.dumps(content))


def _folder() -> Path:
    import platformdirs

    given = os.environ.get("BMNAS_CACHE")
    with suppress(RuntimeError):  # a user without a home
        return Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("bmnas"))
    return Path(os.devnull)


def _found_in() -> str:
    """What the options depend on: the files that say them, and the folders in which other packages may be."""
    files = [*_PACKAGE.glob("*.py"), _PACKAGE / "cli" / "settings_options.py"]
    files += [path for part in ("searcher", "joint", "fit", "tasks") for path in (_PACKAGE / part).rglob("*.py")]
    folders = [Path(folder) for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))]
    facts: list[object] = [__version__, str(_PACKAGE)]
    for path in [*sorted(files), *folders]:
        with suppress(OSError):
            stat = path.stat()
            facts.append((str(path), stat.st_size, stat.st_mtime_ns))
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _written(option: Option) -> dict[str, Any]:
    values = list(get_args(option.kind)) if get_origin(option.kind) is Literal else None
    return {**vars(option), "kind": values or option.kind.__name__}


def _read(content: dict[str, Any]) -> Option:
    kind = content["kind"]
    members = content["members"]
    return Option(
        **{
            **content,
            "kind": Literal[tuple(kind)] if isinstance(kind, list) else _KINDS[kind],
            "members": None if members is None else (members[0], members[1]),
        }
    )
