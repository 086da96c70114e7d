"""Genotype and backbones -> one module from raw inputs to logits."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from bmnas.compiler.inference import InferenceNetwork
from bmnas.compiler.multimodal.model import Backbone, MultimodalNetwork, features_of
from bmnas.compiler.multimodal.preparation import prepare, running_example
from bmnas.compiler.network import FusionNetwork, compile_genotype
from bmnas.errors import BmnasError, GenotypeError, did_you_mean
from bmnas.genotype import Genotype
from bmnas.genotype.graph import used_nodes
from bmnas.taps.copies import copied
from bmnas.taps.listing import batch_size
from bmnas.taps.modes import set_mode
from bmnas.taps.tap import Tap, TapError, not_the_batch
from bmnas.taps.tapped import uncompiled
from bmnas.taps.unchanged import unchanged


def assemble(
    fusion: FusionNetwork | InferenceNetwork | Genotype,
    backbones: Mapping[str, nn.Module],
    taps: Mapping[str, str | Tap] | None = None,
    *,
    examples: Mapping[str, Any] | None = None,
) -> MultimodalNetwork:
    """Put a fusion network on its backbones: one module from raw inputs to logits.

    Each backbone is cut after the last feature that the fusion network uses: what comes later is neither computed nor
    among the model's weights. Everything is copied, so the given modules stay as they are, and what is later done to
    them does not reach the model.

    Args:
        fusion: a genotype, which is compiled with fresh weights, or a compiled (and trained) network, also one
            ``for_inference()``.
        backbones: by modality; one of which nothing is used may be left out.
        taps: by feature, where in its modality's backbone it is taken; a feature that has the name of a place may be
            left out. See `Tap`.
        examples: by modality, an input of its backbone, or a list of some. One is needed for a backbone that torch.fx
            cannot trace (what its taps need is then found by running it; give one for every way through its code), and
            where the genotype does not say a feature's channels. Where there is one, shapes and traces are checked.

    Raises:
        BmnasError: something is missing, misspelled, or does not fit; the sentence names it.
    """
    network = fusion if isinstance(fusion, nn.Module) else None
    genotype = fusion.genotype if isinstance(fusion, nn.Module) else fusion
    if not isinstance(genotype, Genotype):
        raise TypeError(f"a Genotype or a compiled network is assembled, not a {type(fusion).__name__}")
    taps, examples = taps or {}, {name: _listed(value) for name, value in (examples or {}).items()}
    _check_names(genotype, backbones, taps, examples)
    chosen = _chosen(genotype, taps)
    for modality in chosen:
        if modality not in backbones:
            used = ", ".join(chosen[modality])
            raise BmnasError(f"modality {modality!r} has no backbone, but the network uses its features {used}")
    with torch.inference_mode(False):  # or the copies could never be trained
        copies = _copied({modality: backbones[modality] for modality in chosen})
        ready = prepare(copies, chosen, examples)
        genotype = _with_found_channels(genotype, ready, examples)
        network = compile_genotype(genotype) if network is None else copy.deepcopy(network)
        return MultimodalNetwork(network, genotype, ready)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check_names(
    genotype: Genotype, backbones: Mapping[str, nn.Module], taps: Mapping[str, Any], examples: Mapping[str, Any]
) -> None:
    modalities = list(dict.fromkeys(feature.modality for feature in genotype.features))
    for given, what in ((backbones, "a backbone"), (examples, "an example")):
        for name in given:
            if name not in modalities:
                raise BmnasError(
                    f"{what} is given for {name!r}, which is not a modality of the genotype"
                    + did_you_mean(str(name), modalities)
                )
    for name, backbone in backbones.items():
        if not isinstance(backbone, nn.Module):
            raise BmnasError(f"the backbone of modality {name!r} is a {type(backbone).__name__}, not a torch module")
    names = [feature.name for feature in genotype.features]
    for name, tap in taps.items():
        if name not in names:
            raise BmnasError(
                f"a tap is given for {name!r}, which is not a feature of the genotype{did_you_mean(str(name), names)}"
            )
        if not isinstance(tap, str | Tap):
            raise BmnasError(f"the tap of feature {name!r} is a {type(tap).__name__}, but should be a name or a Tap")


def _chosen(genotype: Genotype, taps: Mapping[str, str | Tap]) -> dict[str, dict[str, Tap]]:
    """By modality, the taps of the features that the network uses."""
    used = used_nodes(genotype)
    chosen: dict[str, dict[str, Tap]] = {}
    for feature in genotype.features:
        if ("feature", feature.name) in used:
            tap = taps.get(feature.name, feature.name)
            chosen.setdefault(feature.modality, {})[feature.name] = Tap.of(tap)
    return chosen


def _copied(backbones: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """Copies; what two backbones share, their copies share."""
    memo: dict[int, Any] = {}
    copies = {}
    for modality, backbone in backbones.items():
        try:
            copies[modality] = copied(uncompiled(backbone), memo)
        except Exception as error:
            raise BmnasError(f"the backbone of modality {modality!r} cannot be copied: {error}") from error
    return copies


def _with_found_channels(
    genotype: Genotype, backbones: Mapping[str, Backbone], examples: Mapping[str, Sequence[Any]]
) -> Genotype:
    """The genotype with the channels that the examples show, after the backbones' shapes on them are checked."""
    found: dict[str, int] = {}
    for modality, backbone in backbones.items():
        with unchanged(backbone.module):
            set_mode(backbone.module, training=False)
            for example in examples.get(modality, []):
                with running_example(modality):
                    features = features_of(backbone, example, genotype)
                size = batch_size(example)
                for name, value in features.items():
                    if size not in (None, len(value)):
                        raise TapError(not_the_batch(name, backbone.taps[name], value, size))
                    if found.setdefault(name, value.shape[1]) != value.shape[1]:
                        raise TapError(f"feature {name!r} has {found[name]} channels on one example, others on another")
        for name in backbone.taps:
            feature = genotype.feature(name)
            if feature.channels is None and feature.reshape != "none" and name not in found:
                raise GenotypeError(
                    f"the channels of feature {name!r} are not known; give them in the genotype, or an example input "
                    f"of modality {modality!r}"
                )
    return genotype.with_channels(found)
