"""Genotype -> torch network: `compile_genotype` and the module it returns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, overload

from torch import Tensor

from bmnas.compiler.features import Expected
from bmnas.compiler.inference import InferenceNetwork
from bmnas.compiler.passes import plan_for_training
from bmnas.compiler.plan.names import where
from bmnas.compiler.plan.primitives import Input
from bmnas.compiler.planned import PlannedModule
from bmnas.compiler.stacks import StackNetwork, compile_stacks
from bmnas.genotype import Genotype
from bmnas.genotype.opening import opened_any
from bmnas.genotype.stacks import StackGenotype


@overload
def compile_genotype(genotype: StackGenotype) -> StackNetwork: ...


@overload
def compile_genotype(genotype: Genotype | str | os.PathLike[str]) -> FusionNetwork: ...


def compile_genotype(genotype: Any) -> Any:
    """The network that a genotype describes, with fresh weights. Public as `bmnas.compile`.

    Of an encoder-decoder genotype it is a `bmnas.compiler.stacks.StackNetwork`.

    What reaches no output is not built. The weights come from torch's global random generator, as in any module; those
    that were trained, of a run folder for one, come with `bmnas.load_model`.

    Args:
        genotype: what is compiled; or the path of its file or of a run folder, as for `bmnas.load`.

    Raises:
        GenotypeError: a used feature's channels are not known; or as for `bmnas.load`.
        BmnasError: an operation from outside the package cannot be built; it names the step.
    """
    genotype = opened_any(genotype)
    if isinstance(genotype, StackGenotype):
        return compile_stacks(genotype)
    return FusionNetwork(genotype)


class FusionNetwork(PlannedModule):
    """A fusion network: reshape layers of the used features, cells, head.

    Its submodules hold the weights, by the names of the genotype (``cells.Cell_1.steps.Step_1.conv``); what is computed
    with them says the plan. Forward hooks on submodules that have weights see nodes as (B, L, C).

    Attributes:
        genotype: what it was built from.
        features: names of the features that ``forward`` needs, in the genotype's order.
        plan: what it computes.
    """

    def __init__(self, genotype: Genotype) -> None:
        super().__init__(plan_for_training(genotype), where=lambda op: where(genotype, op.place))
        self.genotype = genotype
        self.features = tuple(op.place[1] for op in self.plan if isinstance(op.primitive, Input))
        self._expected = Expected(genotype, self.features)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Fuse one batch.

        Args:
            features: by name, each used feature, live (B, channels, ...) or already pooled; declared features
                that the network does not use may be there too.

        Returns:
            (B, outputs), or the flattened fused representation (B, N·C·L) where the genotype has no head.

        Raises:
            FeatureError: a used feature is missing, a name is not the genotype's, or a shape does not fit.
        """
        return self.program()(self._expected.checked(features, self.parameters()))

    def for_inference(self) -> InferenceNetwork:
        """A faster network with the same result as this one in eval mode.

        Batch norm is folded into the convolutions, dropout is gone, convolutions of the same node are one matrix
        product. The weights are copies without gradients: later changes of this network do not reach it.
        """
        return InferenceNetwork(self, self.genotype)
