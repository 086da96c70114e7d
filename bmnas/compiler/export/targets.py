"""The targets that a network can be exported to, in one table. A new one is a file beside this one, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from bmnas.compiler.export import onnx, pt2, py
from bmnas.compiler.export.subject import Subject
from bmnas.errors import BmnasError
from bmnas.table import Table

# What a network in any form does: inputs by name to the output.
Run = Callable[[Mapping[str, Tensor]], Tensor]


@dataclass(frozen=True)
class Target:
    """A kind of file.

    Attributes:
        name: as ``--to`` takes it.
        suffix: of its files.
        write: writes a network to a path; raises whatever it likes.
        load: what a file computes, read anew.
        packages: the packages it needs beyond those of bmnas.
        extra: the extra of bmnas that installs them.
        beside: suffix of a second file that ``write`` makes, with the weights; none if empty.
    """

    name: str
    suffix: str
    write: Callable[[Subject, Path], None]
    load: Callable[[Path], Run]
    packages: tuple[str, ...] = ()
    extra: str = ""
    beside: str = ""

    def missing(self) -> str | None:
        """How to install what the target needs and is not there; ``None`` if all is."""
        missing = [package for package in self.packages if find_spec(package) is None]
        return f"needs {' and '.join(missing)}: pip install 'bmnas[{self.extra}]'" if missing else None


TARGETS = Table(
    "target",
    [
        Target("onnx", ".onnx", onnx.write, onnx.load, ("onnx", "onnxscript", "onnxruntime"), "onnx"),
        Target("pt2", ".pt2", pt2.write, pt2.load),
        Target("py", ".py", py.write, py.load, beside=py.WEIGHTS),
    ],
)


def find_target(name: str) -> Target:
    """The target of that name, ready to be used.

    Raises:
        BmnasError: there is none, or its packages are not installed.
    """
    target = TARGETS.find(name)
    if missing := target.missing():
        raise BmnasError(f"the target {name} {missing}")
    return target
