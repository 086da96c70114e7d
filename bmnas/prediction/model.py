"""`Model`: backbones, pooling and a trained fusion network as one torch module, with the names of its outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

import torch
from torch import Tensor, nn

from bmnas.compiler import FusionNetwork, pool
from bmnas.compiler.plan.names import distinct
from bmnas.errors import BmnasError, did_you_mean
from bmnas.fit.ambient import running_on, single_precision
from bmnas.genotype import Genotype
from bmnas.prediction.predictions import Predictions
from bmnas.tasks import Backbone, extract_batch
from bmnas.tasks.loading import load
from bmnas.tasks.portable import RecordedTask, TaskRecord
from bmnas.tasks.sample_checks import with_finite_features
from bmnas.tasks.task import SampleSource, Split
from bmnas.tasks.tree import Tree, leaves, mapped

_NONE: Mapping[str, Tensor] = MappingProxyType({})


class Model(nn.Module):
    """A trained network with all that is between raw inputs and its outputs. `load_model` makes one.

    It is in eval mode and frozen. The inputs of a batch are given by modality, as the task gives them; or, in place of
    a modality, its features by name, live or as a feature store keeps them. What the network does not use may be left
    out. Features are kept in the precision in which the network was trained on them, so that the answers are those of
    the training's own test.

    Where samples lost modalities in the training (``modality_dropout``), a modality may be left out of the inputs: the
    average of the training split stands for its features then, as it did there.

    Attributes:
        genotype: of the network.
        class_names: what the outputs are called; their numbers as text, where they have no names.
        network: the fusion network.
        backbones: those that the network needs, by the modality's name (made a module's name).
        record: what is known of the task.
    """

    def __init__(
        self,
        network: FusionNetwork,
        task: RecordedTask,
        backbones: Mapping[str, Backbone],
        averages: Mapping[str, Tensor] = _NONE,
    ) -> None:
        super().__init__()
        self.genotype: Genotype = network.genotype
        self.network = network
        self.record: TaskRecord = task.record
        self.class_names: tuple[str, ...] = tuple(task.class_names) or tuple(map(str, range(task.outputs)))
        self._used = features_by_modality(network)
        self._task = task.with_modalities(list(self._used))
        self._tapped = dict(backbones)
        modules = [backbone.module for backbone in backbones.values()]
        self.backbones = nn.ModuleDict(dict(zip(distinct(backbones), modules, strict=True)))
        self._averages = dict(averages)
        self._dtype: torch.dtype = getattr(torch, task.record.precision)
        self.requires_grad_(False)
        self.eval()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """As every module; where the taps are in a backbone is looked up anew, because it may be on another device."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._tapped = {name: Backbone(each.module, each.taps) for name, each in self._tapped.items()}
        return self

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that the network uses."""
        return self._task.modalities

    def backbone(self, modality: str) -> Backbone:
        """The backbone of a modality, with its taps.

        Raises:
            BmnasError: the network needs none of that modality.
        """
        if modality not in self._tapped:
            raise BmnasError(f"the network has no backbone {modality!r}{did_you_mean(modality, self._tapped)}")
        return self._tapped[modality]

    def forward(self, inputs: Mapping[str, Any], lengths: Mapping[str, Tensor] = _NONE) -> Tensor:
        """The outputs of one batch.

        Args:
            inputs: by modality (B, ...), or by feature (B, C, ...).
            lengths: by feature (B,), how many positions of it are there, where some are padding.

        Returns:
            (B, outputs): logits, or numbers where the task is a regression.

        Raises:
            BmnasError: something is missing, unknown, or of another shape; the sentence names it.
        """
        features = self.features(inputs, lengths)
        out: Tensor = self.network({name: features[name] for name in self.network.features})
        return out

    def features(self, inputs: Mapping[str, Any], lengths: Mapping[str, Tensor] = _NONE) -> dict[str, Tensor]:
        """The pooled features (B, C, ...) of one batch, by name, as a feature store keeps them. As `forward`."""
        chosen = self._chosen(inputs)
        return self._extracted(chosen, lengths)

    def predict(
        self,
        inputs: Mapping[str, Any],
        *,
        lengths: Mapping[str, Tensor] = _NONE,
        ids: Sequence[str] = (),
    ) -> Predictions:
        """Answers for any number of samples, which are taken in batches.

        Args:
            inputs: as for `forward`; arrays of NumPy are as good as tensors.
            lengths: likewise.
            ids: what the samples are called; their numbers if left out.

        Raises:
            BmnasError: as `forward`; or a feature is not a finite number, with the sample.
        """
        chosen = self._chosen(inputs)
        sizes = {len(tensor) for tree in chosen.values() for _, tensor in leaves(tree)}
        if len(sizes) != 1:
            told = ", ".join(f"{place} {len(tensor)}" for place, tensor in _named(chosen))
            raise BmnasError(f"the inputs have different numbers of samples: {told}")
        size = sizes.pop()
        source = Split(chosen, torch.zeros(size, dtype=torch.int64), dict(lengths))
        return self.predict_source(source, ids=ids)

    def predict_source(self, source: Split | SampleSource, *, ids: Sequence[str] = ()) -> Predictions:
        """Answers for the samples of a split or of a data set, in their order; labels are not looked at.

        Args:
            source: inputs by modality, as the task gives them.
            ids: what the samples are called; their numbers if left out.

        Raises:
            BmnasError: a sample cannot be read or a feature of it is not a finite number; the sentence names it.
        """
        if len(source) == 0:
            raise BmnasError("there are no samples to predict")
        if ids and len(ids) != len(source):
            raise BmnasError(f"there are {len(source)} samples, but {len(ids)} ids")
        outputs = torch.cat(list(self._answers(source)))
        names = tuple(ids) or tuple(map(str, range(len(source))))
        return Predictions(outputs, names, self.class_names, self.record.objective, self.record.threshold)

    def _answers(self, source: Split | SampleSource) -> Iterator[Tensor]:
        for loaded in load(source, self.record.batch, workers=0):
            if loaded.bad:
                raise BmnasError(f"sample {loaded.bad[0].index}: {loaded.bad[0].why}")
            assert loaded.batch is not None, "there are samples, and none of them is bad"
            # A task may give modalities that the network was trained without.
            inputs = {name: tree for name, tree in loaded.batch.inputs.items() if name in self._known}
            features = self._extracted(self._chosen(inputs), loaded.batch.lengths)
            checked, _ = with_finite_features(source, loaded, features)
            if checked.bad:
                raise BmnasError(f"sample {checked.bad[0].index}: {checked.bad[0].why}")
            with torch.no_grad(), single_precision():
                yield self.network({name: features[name] for name in self.network.features}).float().cpu()

    def _extracted(self, chosen: Mapping[str, Any], lengths: Mapping[str, Tensor]) -> dict[str, Tensor]:
        task, device, size = self._given_by_name(chosen), self._device, _size(chosen)
        inputs = {name: mapped(lambda tensor: tensor.to(device), tree) for name, tree in chosen.items()}
        known = {feature.name for feature in task.features}
        told = {name: each.to(device) for name, each in lengths.items() if name in known}
        with running_on(device):
            features = extract_batch(task, self._tapped, inputs, self.record.length, pool, told)
        found = {name: feature.to(self._dtype).to(torch.float32) for name, feature in features.items()}
        missing = {name: each for name, each in self._averages.items() if name not in found}
        return found | {name: each.to(device).expand(size, *each.shape) for name, each in missing.items()}

    @property
    def _device(self) -> torch.device:
        return next((each.device for each in self.network.parameters()), torch.device("cpu"))

    def _given_by_name(self, chosen: Mapping[str, Any]) -> RecordedTask:
        """The task, the modalities of which features are given being ready, with the features that are used."""
        used = set(self.network.features)
        ready = {
            name for name, tree in chosen.items() if name not in self.record.backbones or _is_features(tree, self, name)
        }
        task = self._task.with_modalities(list(chosen))
        task.ready = frozenset(ready)
        task.features = tuple(each for each in task.features if each.name in used or each.modality not in ready)
        return task

    def _chosen(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """By modality that is used, its input; or its features by name."""
        if not isinstance(inputs, Mapping):
            raise BmnasError(f"the inputs are a {type(inputs).__name__}, but should be given by modality or by feature")
        for name in inputs:
            if name not in self._known:
                guess = did_you_mean(name, self._known)
                raise BmnasError(f"{name!r} is neither a modality nor a feature of the task{guess}")
        there = [modality for modality in self.modalities if self._is_there(modality, inputs)]
        if there and self._averages:
            return {modality: self._of(modality, inputs) for modality in there}
        return {modality: self._of(modality, inputs) for modality in self.modalities}

    @property
    def _known(self) -> list[str]:
        return [*self.record.modalities, *[feature.name for feature in self.record.features]]

    def _is_there(self, modality: str, inputs: Mapping[str, Any]) -> bool:
        """Whether anything of a modality is given."""
        return modality in inputs or any(name in inputs for name in self._used[modality])

    def _of(self, modality: str, inputs: Mapping[str, Any]) -> Any:
        used = self._used[modality]
        if modality in self.record.backbones:
            if modality in inputs:
                tree = _tensors(inputs[modality], modality)
                return self._checked(modality, tree)
            if not any(name in inputs for name in used):
                raise BmnasError(f"the input of modality {modality!r} is missing; the network needs {self._needs()}")
        elif modality in inputs and isinstance(inputs[modality], Mapping):  # as a task whose features are ready has it
            inputs = inputs[modality]
        for name in used:
            if name not in inputs:
                raise BmnasError(f"feature {name!r} is missing; the network needs {self._needs()}")
        return {name: self._feature(name, _tensors(inputs[name], name)) for name in used}

    def _checked(self, modality: str, tree: Tree) -> Tree:
        """The input of a modality; one tensor is compared with what the training had."""
        expected = self.record.inputs[modality].tensor
        if expected is not None and isinstance(tree, Tensor):
            if tree.dim() != len(expected.shape) + 1:
                raise BmnasError(
                    f"the input of modality {modality!r} has shape {tuple(tree.shape)}, but a batch of it is "
                    f"(samples, {', '.join(map(str, expected.shape))})"
                )
            wanted = getattr(torch, expected.dtype)
            return tree if tree.dtype == wanted else tree.to(wanted)
        return tree

    def _feature(self, name: str, value: Any) -> Tensor:
        if not isinstance(value, Tensor) or value.dim() < 2:
            shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise BmnasError(f"feature {name!r} is {shape}, but should be (samples, channels, ...)")
        channels = self.genotype.feature(name).channels
        if channels is not None and value.shape[1] != channels:
            raise BmnasError(
                f"feature {name!r} has {value.shape[1]} channels (shape {tuple(value.shape)}), but the network was "
                f"trained on {channels}"
            )
        return value.to(torch.float32)

    def _needs(self) -> str:
        wanted = ([modality] if modality in self.record.backbones else used for modality, used in self._used.items())
        return ", ".join(name for names in wanted for name in names)


def features_by_modality(network: FusionNetwork) -> dict[str, list[str]]:
    """The features that a network reads, by their modality."""
    found: dict[str, list[str]] = {}
    for name in network.features:
        found.setdefault(network.genotype.feature(name).modality, []).append(name)
    return found


def _size(chosen: Mapping[str, Any]) -> int:
    return len(next(tensor for tree in chosen.values() for _, tensor in leaves(tree)))


def _is_features(tree: Any, model: Model, modality: str) -> bool:
    """Whether it is features of the modality by name, not the input of its backbone."""
    return isinstance(tree, Mapping) and all(
        any(name == feature.name and feature.modality == modality for feature in model.record.features) for name in tree
    )


def _tensors(tree: Any, name: str) -> Any:
    """What is given, with arrays as tensors."""
    if isinstance(tree, Mapping):
        return {key: _tensors(item, f"{name}.{key}") for key, item in tree.items()}
    if isinstance(tree, tuple):
        return tuple(_tensors(item, f"{name}.{number}") for number, item in enumerate(tree))
    try:
        return torch.as_tensor(tree)
    except (TypeError, ValueError, RuntimeError) as error:
        raise BmnasError(f"{name!r} is a {type(tree).__name__}, but should be a tensor or an array: {error}") from None


def _named(chosen: Mapping[str, Any]) -> list[tuple[str, Tensor]]:
    return [(f"{name}{place}", tensor) for name, tree in chosen.items() for place, tensor in leaves(tree)]
