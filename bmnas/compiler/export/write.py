"""`export`: a network to a file, which is verified before it is put in place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from bmnas.compiler.export.failure import explained
from bmnas.compiler.export.quiet import quiet
from bmnas.compiler.export.subject import Subject, evaluating, example_features
from bmnas.compiler.export.targets import TARGETS, Target, find_target
from bmnas.compiler.export.verify import TOLERANCE, check_runs, in_a_line, largest_difference
from bmnas.compiler.network import FusionNetwork
from bmnas.errors import BmnasError
from bmnas.files import reason


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        file: where it is.
        target: what it is.
        size: in bytes.
        difference: the largest between what it and the network compute, relative to the largest output or to 1.
        tolerance: that was allowed.
        inputs: shape of each input, in the order that the file has them; the first axis is "batch".
    """

    file: Path
    target: str
    size: int
    difference: float
    tolerance: float
    inputs: dict[str, tuple[str | int, ...]]


def export(
    network: nn.Module,
    path: str | os.PathLike[str],
    to: str,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    example: Mapping[str, Tensor] | None = None,
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write a network, in eval mode and with the weights it has, as a file that runs without bmnas.

    The file is loaded anew and compared with the network at two batch sizes before it is put in place, where it
    replaces an existing one.

    Args:
        network: a compiled network, or any module that maps tensors by name to one tensor.
        path: of the file.
        to: a name of `TARGETS`: "onnx", "pt2" or "py"; the last writes the weights beside the source, as ``.pt``.
        shapes: of a compiled network's live features: the axes after batch and channels, by name; the other features
            have those of a feature store.
        example: what the inputs look like, by name, at least two samples each; for a module that is no
            `FusionNetwork`.
        tolerance: the largest difference allowed, relative to the largest output, or to 1 where that is smaller.

    Raises:
        BmnasError: the target is not known or not installed, a step of the network cannot be exported to it, the file
            differs by more than the tolerance or cannot be written. Nothing is left behind, and an existing file is
            as it was.
    """
    target, path = find_target(to), Path(path)
    _refuse_other_suffix(path, target)
    subject = subject_of(network, shapes, example)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".bmnas-", dir=path.parent) as folder, evaluating(network), quiet():
            made = Path(folder) / f"network{target.suffix}"
            difference = make_and_compare(subject, target, made)
            if not difference <= tolerance:
                raise BmnasError(
                    f"the {target.name} file differs from the network by {difference:.1e}, but at most "
                    f"{tolerance:.0e} of the largest output is allowed; nothing was written"
                )
            size = made.stat().st_size
            if target.beside:  # first, so that the file that needs it is never without it
                _put(made.with_suffix(target.beside), path.with_suffix(target.beside))
            _put(made, path)
    except OSError as error:
        raise BmnasError(f"{path}: cannot be written: {reason(error)}") from error
    inputs: dict[str, tuple[str | int, ...]] = {
        name: ("batch", *tensor.shape[1:]) for name, tensor in subject.example.items()
    }
    return Exported(path, target.name, size, difference, tolerance, inputs)


def subject_of(
    network: nn.Module, shapes: Mapping[str, Sequence[int]] | None, example: Mapping[str, Tensor] | None
) -> Subject:
    """The network with an example of its inputs: the one that is given, or features as a store keeps them.

    Raises:
        BmnasError: there is no example, or a shape does not fit.
    """
    if example is not None:
        if not example or any(tensor.dim() < 1 or tensor.shape[0] < 2 for tensor in example.values()):
            raise BmnasError("an example has a tensor of at least two samples for each input")
        return Subject(network, dict(example))
    if not isinstance(network, FusionNetwork):
        raise BmnasError(f"a {type(network).__name__} is exported with an example of its inputs, by name")
    return Subject(network, example_features(network, shapes))


def make_and_compare(subject: Subject, target: Target, path: Path) -> float:
    """Write the file, load it and return its largest difference.

    Raises:
        BmnasError: any of it fails; the message names the target, and the step where that is known.
    """
    check_runs(subject)
    try:
        target.write(subject, path)
    except (BmnasError, OSError):
        raise
    except Exception as error:
        raise explained(error, subject, target) from error
    try:
        return largest_difference(subject, target.load(path))
    except BmnasError:
        raise
    except Exception as error:
        raise BmnasError(f"the {target.name} file was made, but does not run: {in_a_line(error)}") from error


def _put(made: Path, path: Path) -> None:
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.replace(path)


def _refuse_other_suffix(path: Path, target: Target) -> None:
    if target.beside and path.suffix != target.suffix:
        raise BmnasError(f"{path}: a file of the target {target.name} is named with {target.suffix}")
    for other in TARGETS.values():
        if other is not target and path.suffix.lower() == other.suffix:
            raise BmnasError(f"{path}: is named as a file of the target {other.name}, but would be {target.name}")
