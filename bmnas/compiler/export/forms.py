"""Every form of a network, in one table, and how far each is from the network itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from bmnas.compiler.export.quiet import quiet
from bmnas.compiler.export.subject import Subject, evaluating
from bmnas.compiler.export.targets import TARGETS, Target
from bmnas.compiler.export.verify import check_runs, in_a_line, largest_difference
from bmnas.compiler.export.write import make_and_compare, subject_of
from bmnas.compiler.network import FusionNetwork
from bmnas.compiler.passes import FOR_TRAINING, stages
from bmnas.compiler.program import Program
from bmnas.errors import BmnasError


@dataclass(frozen=True)
class Form:
    """A form of a network.

    Attributes:
        name: for people.
        difference: makes the form, in a folder that it may use, and returns its largest difference from the network.
        missing: how to install what it needs; ``None`` if all is there.
    """

    name: str
    difference: Callable[[Subject, Path], float]
    missing: Callable[[], str | None] = lambda: None


@dataclass(frozen=True)
class Outcome:
    """What became of a form: its largest difference, or why there is none.

    Attributes:
        form: its name.
        difference: relative to the largest output, or to 1; ``None`` where the form could not be made.
        problem: why not, or how to install what is missing.
        skipped: whether it was not tried, because a package is not installed.
    """

    form: str
    difference: float | None
    problem: str = ""
    skipped: bool = False

    def fits(self, tolerance: float) -> bool:
        """Whether nothing is wrong with the form; one that was not tried is not wrong."""
        return self.skipped or (self.difference is not None and self.difference <= tolerance)


def _without_passes(subject: Subject, folder: Path) -> float:
    """Every step by itself: the plan before anything is shared. For what is no compiled network, itself."""
    network = subject.network
    if not isinstance(network, FusionNetwork):
        return largest_difference(subject, subject)
    plan = dict(stages(network.genotype, FOR_TRAINING))["infer_shapes"]
    program = Program(plan, {op.id: network.get_submodule(op.weights[0]) for op in plan if op.weights})

    def run(features: Mapping[str, Tensor]) -> Tensor:
        with torch.no_grad():
            return program([features[name] for name in network.features])

    return largest_difference(subject, run)


def _for_inference(subject: Subject, folder: Path) -> float:
    network = subject.network
    if not isinstance(network, FusionNetwork):
        raise BmnasError(f"a {type(network).__name__} has no such form")
    return largest_difference(subject, network.for_inference())


def _file(target: Target, subject: Subject, folder: Path) -> float:
    return make_and_compare(subject, target, folder / f"network{target.suffix}")


FORMS = (
    Form("eager", _without_passes),
    Form("for inference", _for_inference),
    *(Form(target.name, partial(_file, target), target.missing) for target in TARGETS.values()),
)


def compare_forms(network: nn.Module, *, shapes: Mapping[str, Sequence[int]] | None = None) -> list[Outcome]:
    """Make every form that can be made here, and compare it with the network on random input.

    Raises:
        BmnasError: the network itself does not run, or a shape does not fit.
    """
    subject = subject_of(network, shapes, None)
    with evaluating(network), quiet():
        check_runs(subject)
        return [_outcome(form, subject) for form in FORMS]


def _outcome(form: Form, subject: Subject) -> Outcome:
    if missing := form.missing():
        return Outcome(form.name, None, missing, skipped=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return Outcome(form.name, form.difference(subject, Path(folder)))
    except BmnasError as error:
        return Outcome(form.name, None, str(error))
    except Exception as error:
        return Outcome(form.name, None, in_a_line(error))
