"""Why a network cannot be exported, and which of its steps is to blame."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bmnas.compiler.export.subject import TRACED, Subject, evaluating
from bmnas.compiler.export.verify import in_a_line
from bmnas.compiler.modules import build
from bmnas.compiler.plan.names import where
from bmnas.compiler.size import Size
from bmnas.errors import BmnasError
from bmnas.genotype import Genotype, Step
from bmnas.genotype.graph import used_nodes

if TYPE_CHECKING:
    from bmnas.compiler.export.targets import Target


def explained(error: Exception, subject: Subject, target: Target) -> BmnasError:
    """The error of an exporter as one sentence that names the step, where one can be found that fails by itself."""
    genotype = getattr(subject.network, "genotype", None)
    if isinstance(genotype, Genotype):
        for place, step in _steps(genotype):
            failure = _alone(step, genotype, target)
            if failure is not None:
                why = in_a_line(_innermost(failure), notes=False)
                return BmnasError(f"{place} cannot be exported to {target.name}: {why}")
    return BmnasError(f"the network cannot be exported to {target.name}: {in_a_line(_innermost(error))}")


def _steps(genotype: Genotype) -> list[tuple[str, Step]]:
    """The first used step of each operation and its options, with its place."""
    used = used_nodes(genotype)
    found: dict[tuple[object, ...], tuple[str, Step]] = {}
    for cell in genotype.cells:
        for step in cell.steps:
            if (node := ("step", cell.name, step.name)) in used:
                kind = (step.op, len(step.inputs), str(step.options))
                found.setdefault(kind, (where(genotype, node), step))
    return list(found.values())


def _alone(step: Step, genotype: Genotype, target: Target) -> Exception | None:
    """What the exporter says to a network of this step alone; ``None`` if it can be exported."""
    size = genotype.representation
    try:
        operation = build(
            step.op,
            Size(size.channels, size.length, len(step.inputs), genotype.dropout, dialect=genotype.dialect),
            **step.options,
        )
        example = {f"input_{i}": torch.randn(TRACED, size.length, size.channels) for i in range(len(step.inputs))}
        alone = Subject(_Alone(operation), example)
        with tempfile.TemporaryDirectory() as folder, evaluating(alone.network):
            target.write(alone, Path(folder) / f"step{target.suffix}")
    except Exception as error:
        return error
    return None


class _Alone(nn.Module):
    def __init__(self, operation: nn.Module) -> None:
        super().__init__()
        self.operation = operation

    def forward(self, features: dict[str, Tensor]) -> Tensor:
        out: Tensor = self.operation(*features.values())
        return out


def _innermost(error: BaseException) -> BaseException:
    """What an exporter wraps says more than the wrapping, which is advice for its own authors."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
