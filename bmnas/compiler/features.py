"""The features that a network is given, against what its genotype says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from bmnas.errors import BmnasError, did_you_mean
from bmnas.genotype import Feature, Genotype


class FeatureError(BmnasError, ValueError):
    """The features given to a network are not those that its genotype names."""


class Expected:
    """What a network of a genotype takes.

    Args:
        genotype: declares the features.
        needed: names of those that the network reads.
    """

    def __init__(self, genotype: Genotype, needed: Sequence[str]) -> None:
        self.genotype, self.needed = genotype, tuple(needed)
        self.declared = {feature.name: feature for feature in genotype.features}

    def checked(self, features: Mapping[str, Tensor], weights: Iterable[Tensor] = ()) -> list[Tensor]:
        """The needed features, in their order.

        Args:
            features: by name.
            weights: those of the network; features have to be of their type, see `type_of`.

        Raises:
            FeatureError: a needed feature is missing, a name is not the genotype's, or a shape or type does not fit.
        """
        if not isinstance(features, Mapping):
            raise FeatureError(f"the features are a {type(features).__name__}, but should be tensors by name")
        for name in features:
            if name not in self.declared:
                near = did_you_mean(str(name), self.declared)
                raise FeatureError(f"{name!r} is not a feature of the genotype{near}")
        for name in self.needed:
            if name not in features:
                raise FeatureError(f"the feature {name!r} is missing; the network needs {', '.join(self.needed)}")
            _check_shape(features[name], self.declared[name], self.genotype)
        given = [features[name] for name in self.needed]
        if any(tensor.shape[0] != given[0].shape[0] for tensor in given):
            shown = ", ".join(f"{name} {tensor.shape[0]}" for name, tensor in zip(self.needed, given, strict=True))
            raise FeatureError(f"the features have different batch sizes: {shown}")
        self._check_types(given, type_of(weights))
        return given

    def _check_types(self, given: Sequence[Tensor], wanted: torch.dtype | None) -> None:
        for name, tensor in zip(self.needed, given, strict=True):
            # Autocast brings both to one type.
            if wanted is None or tensor.dtype == wanted or torch.is_autocast_enabled(tensor.device.type):
                continue
            ours, theirs = (str(dtype).removeprefix("torch.") for dtype in (wanted, tensor.dtype))
            raise FeatureError(
                f"the feature {name!r} is {theirs}, but the network's weights are {ours}: bring one to the type of the "
                f"other, with feature.to(torch.{ours}) or network.to(torch.{theirs})"
            )


def type_of(weights: Iterable[Tensor]) -> torch.dtype | None:
    """The type of a network's numbers: of its first floating-point weight, as counters and tables are integers."""
    return next((weight.dtype for weight in weights if weight.is_floating_point()), None)


def _check_shape(value: Tensor, feature: Feature, genotype: Genotype) -> None:
    size = genotype.representation
    if not isinstance(value, Tensor) or not value.is_floating_point():
        found = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise FeatureError(f"the feature {feature.name!r} is {found}, but should be a tensor of floating-point numbers")
    shape = value.shape
    if feature.reshape == "none":
        fits, wanted = shape[1:] == (size.channels, size.length), f"(batch, {size.channels}, {size.length})"
    else:
        most = 4 if feature.reshape == "grid" else 16
        fits = 2 <= len(shape) <= most and shape[1] == feature.channels
        wanted = f"(batch, {feature.channels}, ...), the channels as axis 1"
    if 0 in shape:
        raise FeatureError(f"the feature {feature.name!r} has shape {tuple(shape)}, in which there is nothing")
    if not fits:
        raise FeatureError(f"the feature {feature.name!r} has shape {tuple(shape)}, but the genotype says {wanted}")
