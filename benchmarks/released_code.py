"""The released BM-NAS network from a checkout of its code: reshape layers, fusion network, classifier; no backbones.

Nothing of it is copied here: its own modules are imported from the checkout, and put together as its ``Found_..._Net``
classes do, which build their backbones too.
"""

from __future__ import annotations

import importlib
import sys
import types
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from bmnas.genotype import Genotype, official


class ReleasedNetwork(nn.Module):
    """What the released code computes from the features on. Its parameters have the names of ``Found_..._Net``.

    Reshape layers of unused features, which are a ReLU there whose result nobody reads, are left out, so that they do
    not count as work of the released code.

    Args:
        checkout: the folder that has its ``models``.
        dropout: in place of the genotype's.
    """

    def __init__(self, genotype: Genotype, checkout: Path, dropout: float | None = None) -> None:
        super().__init__()
        reshape_class, fusion_class, names = import_released(checkout)
        size = genotype.representation
        assert genotype.head is not None
        args = Namespace(
            C=size.channels,
            L=size.length,
            drpt=genotype.dropout if dropout is None else dropout,
            node_steps=len(genotype.cells[0].steps),
            node_multiplier=len(genotype.cells[0].output),
        )
        self.names = [feature.name for feature in genotype.features]
        read = {name for cell in genotype.cells for name in cell.inputs}
        self.reshape_layers = nn.ModuleList(
            reshape_class[feature.reshape](feature.channels, size.channels, size.length, args)
            if feature.name in read
            else nn.Identity()
            for feature in genotype.features
        )
        self.fusion_net = fusion_class(
            steps=len(genotype.cells),
            multiplier=len(genotype.output),
            num_input_nodes=len(genotype.features),
            num_keep_edges=2,
            args=args,
            criterion=None,
            genotype=_in_its_own_types(genotype, names),
        )
        fused = size.channels * size.length * len(genotype.output)
        self.central_classifier = nn.Linear(fused, genotype.head.outputs)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """The used features by name -> (B, outputs)."""
        inputs = [
            layer(features[name]) if name in features else None
            for name, layer in zip(self.names, self.reshape_layers, strict=True)
        ]
        out: Tensor = self.central_classifier(self.fusion_net(inputs))
        return out


def import_released(checkout: Path) -> tuple[dict[str, Any], Any, Any]:
    """Its reshape layers by our name of their pooling, its fusion network, and its module of genotypes."""
    if not (checkout / "models" / "search" / "darts" / "model.py").is_file():
        raise SystemExit(f"{checkout} is not a checkout of the released code: it has no models/search/darts/model.py")
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    # It imports the debugger's `embed` in nearly every file, and calls it nowhere.
    if "IPython" not in sys.modules:
        sys.modules["IPython"] = types.ModuleType("IPython")
        sys.modules["IPython"].embed = None  # type: ignore[attr-defined]
    layers = importlib.import_module("models.auxiliary.aux_models")
    model = importlib.import_module("models.search.darts.model")
    names = importlib.import_module("models.search.darts.genotypes")
    reshape = {"sequence": layers.ReshapeInputLayer, "grid": layers.ReshapeInputLayer_MMIMDB}
    return reshape, model.Found_FusionNetwork, names


def _in_its_own_types(genotype: Genotype, names: Any) -> Any:
    found = official.from_genotype(genotype)
    return names.Genotype(
        edges=[("skip", node) for node in found.edges],
        steps=[
            names.StepGenotype(
                inner_edges=[("skip", node) for node in cell.inner_edges],
                inner_steps=list(cell.inner_steps),
                inner_concat=list(cell.inner_concat),
            )
            for cell in found.steps
        ],
        concat=list(found.concat),
    )
