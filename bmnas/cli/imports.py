"""Python code of the user that is imported before a command runs, because it registers operations."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path


def import_code(given: str) -> None:
    """Import a Python file or a module that the user names on the command line.

    Raises:
        BmnasError: there is none, or it fails.
    """
    from bmnas.errors import BmnasError
    from bmnas.genotype.extension import imported

    if not given.endswith(".py") and not all(part.isidentifier() for part in given.split(".")):
        raise BmnasError(f"{given!r} cannot be imported: it is neither a file.py nor the name of a module")
    try:
        if given.endswith(".py"):
            _import_file(Path(given))
        else:
            sys.path.insert(0, "")  # modules of the current folder, as python -m finds them
            importlib.import_module(given)
    except FileNotFoundError as error:
        raise BmnasError(f"{given}: cannot be imported: no such file") from error
    except (Exception, SystemExit) as error:
        raise BmnasError(f"{given}: cannot be imported: {type(error).__name__}: {error}") from error
    imported.append(given)


def _import_file(path: Path) -> None:
    # Under a name of its own: a file called torch.py must not hide a package.
    name = f"bmnas_imported_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None, "the suffix is .py"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
