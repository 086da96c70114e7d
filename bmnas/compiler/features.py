"""The features that a network is given, against what its genotype says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from bmnas.genotype import BmnasError, Feature, Genotype
from bmnas.genotype.errors import did_you_mean


class FeatureError(BmnasError, ValueError):
    """The features given to a network are not those that its genotype names."""


def check_features(features: Mapping[str, Tensor], genotype: Genotype, needed: Sequence[str]) -> None:
    """Refuse features that a network of the genotype cannot take.

    Raises:
        FeatureError: a needed feature is missing, a name is not the genotype's, or a shape does not fit.
    """
    declared = {feature.name: feature for feature in genotype.features}
    if not isinstance(features, Mapping):
        raise FeatureError(f"the features are a {type(features).__name__}, but should be tensors by name")
    for name in features:
        if name not in declared:
            raise FeatureError(f"{name!r} is not a feature of the genotype{did_you_mean(str(name), declared)}")
    for name in needed:
        if name not in features:
            raise FeatureError(f"the feature {name!r} is missing; the network needs {', '.join(needed)}")
        _check_shape(features[name], declared[name], genotype)
    batches = {name: features[name].shape[0] for name in needed}
    if len(set(batches.values())) > 1:
        shown = ", ".join(f"{name} {batch}" for name, batch in batches.items())
        raise FeatureError(f"the features have different batch sizes: {shown}")


def _check_shape(value: Tensor, feature: Feature, genotype: Genotype) -> None:
    size = genotype.representation
    if not isinstance(value, Tensor) or not value.is_floating_point():
        found = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise FeatureError(f"the feature {feature.name!r} is {found}, but should be a tensor of floating-point numbers")
    shape = tuple(value.shape)
    if 0 in shape:
        raise FeatureError(f"the feature {feature.name!r} has shape {shape}, in which there is nothing")
    if feature.reshape == "none":
        fits, wanted = shape[1:] == (size.channels, size.length), f"(batch, {size.channels}, {size.length})"
    else:
        most = 4 if feature.reshape == "grid" else 16
        fits = 2 <= len(shape) <= most and shape[1] == feature.channels
        wanted = f"(batch, {feature.channels}, ...), the channels as axis 1"
    if not fits:
        raise FeatureError(f"the feature {feature.name!r} has shape {shape}, but the genotype says {wanted}")
