"""The released BM-NAS hypernet from a checkout of its code, with its optimisers; and our hypernet with its weights.

Nothing of it is copied here: its own modules are imported from the checkout, and put together as its ``Searchable_..._
Net`` classes do, which build their backbones too.
"""

from __future__ import annotations

import importlib
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

import torch
from released_code import import_released
from torch import Tensor, nn

from bmnas.genotype import Genotype
from bmnas.searcher.hypernet import Hypernet, HypernetSize, Relaxation

POOL = ("Sum", "Attention", "LinearGLU", "ConcatFC")
"""The operations in the order of the released code's gamma."""


class ReleasedHypernet(nn.Module):
    """What the released search computes from the features on: reshape layers, relaxed cells, classifier.

    Args:
        genotype: gives the features and the sizes.
        checkout: the folder that has the released code's ``models``.
        dropout: the rate.
    """

    def __init__(self, genotype: Genotype, checkout: Path, dropout: float) -> None:
        super().__init__()
        reshape_class = import_released(checkout)[0]
        search = importlib.import_module("models.search.darts.model_search")
        # The module of the lower level imports names of this one, and is imported by it.
        node_search = importlib.import_module("models.search.darts.node_search")
        search.FusionNode = node_search.FusionNode
        args = arguments_of(genotype, dropout)
        self.names = [feature.name for feature in genotype.features]
        self.reshape_layers = nn.ModuleList(
            reshape_class[feature.reshape](feature.channels, args.C, args.L, args) for feature in genotype.features
        )
        self.fusion_net = search.FusionNetwork(
            args.steps, args.multiplier, args.num_input_nodes, args.num_keep_edges, args
        )
        assert genotype.head is not None
        self.central_classifier = nn.Linear(args.C * args.L * args.multiplier, genotype.head.outputs)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Every feature by name -> (B, outputs)."""
        inputs = [layer(features[name]) for name, layer in zip(self.names, self.reshape_layers, strict=True)]
        out: Tensor = self.central_classifier(self.fusion_net(inputs))
        return out

    def architecture(self) -> list[Tensor]:
        """alphas, then betas and gammas of each cell. They are no parameters there."""
        return list(self.fusion_net.arch_parameters())


def arguments_of(genotype: Genotype, dropout: float) -> Namespace:
    """What the released modules read of their command line."""
    return Namespace(
        C=genotype.representation.channels,
        L=genotype.representation.length,
        drpt=dropout,
        num_input_nodes=len(genotype.features),
        num_keep_edges=2,
        steps=len(genotype.cells),
        multiplier=len(genotype.cells),
        node_steps=len(genotype.cells[0].steps),
        node_multiplier=len(genotype.cells[0].output),
    )


def our_hypernet(genotype: Genotype, dropout: float, relaxation: Relaxation, seeds: int = 1) -> Hypernet:
    """Ours of the same sizes, with fresh weights."""
    assert genotype.head is not None
    size = HypernetSize(
        features=genotype.features,
        operations=POOL,
        cells=len(genotype.cells),
        steps=len(genotype.cells[0].steps),
        cell_outputs=len(genotype.cells[0].output),
        channels=genotype.representation.channels,
        length=genotype.representation.length,
        dropout=dropout,
        outputs=genotype.head.outputs,
        relaxation=relaxation,
    )
    return Hypernet(size, seeds)


@torch.no_grad()
def load_released(ours: Hypernet, theirs: ReleasedHypernet) -> None:
    """Give our hypernet the weights, statistics and logits of the released one."""
    alphas, *lower = theirs.architecture()
    ours.alpha_KEI.copy_(alphas)
    ours.beta_KNEI.copy_(torch.stack(lower[0::2]))
    ours.gamma_KNMP.copy_(torch.stack(lower[1::2]))
    state = theirs.state_dict()
    for name, tensor in ours.state_dict().items():
        if name not in ("alpha_KEI", "beta_KNEI", "gamma_KNMP"):
            tensor.copy_(state[released_name(name)].reshape(tensor.shape[1:]))


def released_name(name: str) -> str:
    """What the released code calls a tensor of our hypernet."""
    part, number, *rest = name.split(".")
    match part:
        case "reshapes":
            return ".".join(["reshape_layers", number, *rest])
        case "output":
            return f"central_classifier.{rest[0]}" if number == "head" else f"fusion_net.cell.{number}.{rest[0]}"
    cell = f"fusion_net.cell._step_nodes.{number}.node_cell"
    if rest[0] == "steps":
        return f"{cell}.node_ops.{rest[1]}._ops.{'.'.join(rest[2:])}"
    return ".".join([cell, *rest[1:]]).replace(".conv.", ".out_conv.")
