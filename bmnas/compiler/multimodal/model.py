"""`MultimodalNetwork`: backbones, each cut after its last tap, and the fusion network on what they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

import torch
from torch import Tensor, nn

from bmnas.compiler.features import type_of
from bmnas.compiler.inference import InferenceNetwork
from bmnas.compiler.network import FusionNetwork
from bmnas.compiler.plan.names import distinct
from bmnas.errors import BmnasError, did_you_mean
from bmnas.genotype import Genotype
from bmnas.taps import hooks
from bmnas.taps.modes import set_mode
from bmnas.taps.tap import Tap, as_feature


class InputError(BmnasError, ValueError):
    """The inputs given to a multimodal network are not those of its modalities."""


@dataclass(frozen=True)
class Backbone:
    """A backbone that is ready to run.

    Attributes:
        module: what runs.
        taps: by feature name, where it is taken.
        cut: whether the module returns what comes out at the taps; if not, `hooks.run` gets it from the module.
    """

    module: nn.Module
    taps: Mapping[str, Tap]
    cut: bool


class MultimodalNetwork(nn.Module):
    """A whole model from raw inputs to logits; `assemble` makes one.

    Attributes:
        genotype: of the fusion network.
        fusion: the fusion network.
        backbones: by the modality's name (made a module's name), what is left of the backbone.
        modalities: names of the modalities whose inputs ``forward`` needs.
        taps: by feature name, where it is taken.
    """

    def __init__(self, fusion: nn.Module, genotype: Genotype, backbones: Mapping[str, Backbone]) -> None:
        super().__init__()
        self.genotype = genotype
        self.fusion = fusion
        self.modalities = tuple(backbones)
        self.taps = {feature: tap for backbone in backbones.values() for feature, tap in backbone.taps.items()}
        self._keys = dict(zip(backbones, distinct(backbones), strict=True))
        self._cut = frozenset(modality for modality, backbone in backbones.items() if backbone.cut)
        self.backbones = nn.ModuleDict({self._keys[name]: backbone.module for name, backbone in backbones.items()})

    def train(self, mode: bool = True) -> Self:
        """As every module; the module of an exported program, whose mode is a part of it, stays as it is."""
        self.training = mode
        for part in (self.fusion, *self.backbones.values()):
            set_mode(part, mode)
        self.backbones.training = mode
        return self

    def forward(self, inputs: Mapping[str, Any]) -> Tensor:
        """The logits of one batch.

        Args:
            inputs: by modality, what its backbone takes: a tensor, or a tuple of positional or a mapping of keyword
                arguments. Modalities of the genotype of which nothing is used may be there too.

        Returns:
            (B, outputs), or the flattened fused representation where the genotype has no head.

        Raises:
            InputError: a modality is missing or not the genotype's.
            TapError: a backbone gives another shape than the genotype says.
        """
        features = self.features(inputs)
        if torch.compiler.is_exporting() and isinstance(self.fusion, FusionNetwork | InferenceNetwork):
            # Not through its `forward`, whose checks compare batch sizes, which are symbols here.
            return self.fusion.program()([features[name] for name in self.fusion.features])
        out: Tensor = self.fusion(features)
        return out

    def features(self, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
        """The features (B, channels, ...) that the fusion network reads, by name. Arguments as those of ``forward``."""
        self._check(inputs)
        found: dict[str, Tensor] = {}
        for modality in self.modalities:
            found |= self.features_of(modality, inputs[modality])
        return found

    def features_of(self, modality: str, value: Any) -> dict[str, Tensor]:
        """The features (B, channels, ...) of one modality that the fusion network reads, by name.

        Args:
            modality: one of `modalities`.
            value: what its backbone takes.
        """
        found = features_of(self._backbone(modality), value, self.genotype)
        # A backbone of 16 or 64 bits may stand before a fusion network of 32, as cached features of it do.
        # A network for inference has its weights in buffers.
        dtype = type_of(chain(self.fusion.parameters(), self.fusion.buffers()))
        return found if dtype is None else {name: feature.to(dtype) for name, feature in found.items()}

    def _backbone(self, modality: str) -> Backbone:
        of_modality = {feature.name for feature in self.genotype.features if feature.modality == modality}
        taps = {name: tap for name, tap in self.taps.items() if name in of_modality}
        return Backbone(self.backbones[self._keys[modality]], taps, modality in self._cut)

    def _check(self, inputs: Mapping[str, Any]) -> None:
        needed = ", ".join(self.modalities)
        if not isinstance(inputs, Mapping):
            raise InputError(
                f"the inputs are a {type(inputs).__name__}, but should be given by modality; the model needs {needed}"
            )
        declared = {feature.modality for feature in self.genotype.features}
        for modality in inputs:
            if modality not in declared:
                raise InputError(
                    f"{modality!r} is not a modality of the genotype{did_you_mean(str(modality), sorted(declared))}"
                )
        for modality in self.modalities:
            if modality not in inputs:
                raise InputError(f"the input of modality {modality!r} is missing; the model needs {needed}")


def features_of(backbone: Backbone, value: Any, genotype: Genotype) -> dict[str, Tensor]:
    """One modality's features (B, channels, ...) by name.

    Raises:
        TapError: what comes out at a tap is not what the genotype says of its feature.
    """
    places = tuple(dict.fromkeys(backbone.taps.values()))
    values = hooks.call(backbone.module, value) if backbone.cut else hooks.run(backbone.module, places, value)
    at = dict(zip(places, values, strict=True))
    found = {}
    for name, tap in backbone.taps.items():
        feature = genotype.feature(name)
        channels = genotype.representation.channels if feature.reshape == "none" else feature.channels
        found[name] = as_feature(at[tap], tap, name, channels)
    return found
