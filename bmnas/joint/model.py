"""`JointModel`: the whole model of a task that is trained: backbones up to their last taps, and the fusion network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn

from bmnas.compiler import FusionNetwork, pool
from bmnas.compiler.multimodal import MultimodalNetwork, assemble
from bmnas.errors import BmnasError, did_you_mean
from bmnas.genotype.graph import used_features
from bmnas.joint.lockstep import Meeting, in_turns
from bmnas.joint.settings import JointConfig
from bmnas.joint.transfer import Stages
from bmnas.taps.modes import set_mode
from bmnas.tasks import Backbone, Split, Task
from bmnas.tasks.running import on
from bmnas.tasks.tree import mapped

FUSION = "fusion"


@dataclass(frozen=True)
class Group:
    """Weights with a step size of their own.

    Attributes:
        name: ``fusion``, a modality, or ``MODALITY.LAYER``.
        rate: the greatest step size.
        weights: each by a name, of no further use.
    """

    name: str
    rate: float
    weights: Mapping[str, nn.Parameter]


class JointModel(nn.Module):
    """A fusion network on its backbones, trained as one. `assemble` makes it: backbones are cut behind their taps.

    What is frozen has no gradients, and stays in eval mode while the model is in train mode.

    Args:
        network: the fusion network; it is copied.
        task: whose features it reads.
        backbones: by modality, trained; they are copied.
        example: some samples of the task.
        config: says what is frozen, and the step sizes.
        transfer: whether there are transfer modules between the backbones (`bmnas.joint.transfer`).

    Attributes:
        whole: the assembled model.
        modalities: those that the network reads.

    Raises:
        BmnasError: a modality has no backbone, or the settings name what is not there.
    """

    def __init__(
        self,
        network: FusionNetwork,
        task: Task,
        backbones: Mapping[str, Backbone],
        example: Split,
        config: JointConfig,
        *,
        transfer: bool = False,
    ) -> None:
        super().__init__()
        genotype = network.genotype
        used = [genotype.feature(name) for name in used_features(genotype)]
        self.modalities = tuple(dict.fromkeys(feature.modality for feature in used))
        for modality in self.modalities:
            if modality not in backbones:
                raise BmnasError(
                    f"the features of modality {modality!r} of task {task.name} are ready: there is no backbone that "
                    "could be trained jointly with the network"
                )
        self._features, self._length = {f.name: f for f in used}, genotype.representation.length
        modules = {modality: backbones[modality].module for modality in self.modalities}
        taps = {feature.name: task.taps[feature.name] for feature in used}
        inputs = {modality: on(modules[modality], example.inputs[modality]) for modality in self.modalities}
        self.whole: MultimodalNetwork = assemble(network, modules, taps, examples=inputs)
        self.whole.requires_grad_(True)
        self._parts = dict(zip(self.whole.modalities, self.whole.backbones.values(), strict=True))
        self._stages = Stages(task, self._parts) if transfer else None
        self.transfer = self._untrained(self._stages, inputs) if self._stages else nn.ModuleList()
        self._rates = self._chosen_rates(config)
        self._frozen: list[nn.Module] = []
        self._freeze(config)
        self._held: list[nn.Parameter] = []
        self._holding = False
        self.train(self.training)

    @property
    def fusion(self) -> FusionNetwork:
        """The fusion network."""
        assert isinstance(self.whole.fusion, FusionNetwork)
        return self.whole.fusion

    def train(self, mode: bool = True) -> Self:
        """As every module; what is frozen stays in eval mode."""
        self.training = mode
        self.whole.train(mode)
        self.transfer.train(mode)
        for part in (*self._frozen, *(self._parts.values() if self._holding else ())):
            set_mode(part, training=False)
        return self

    def hold(self, holding: bool) -> None:
        """Whether the backbones stay as they are for now: no gradients, and eval mode."""
        if holding == self._holding:
            return
        if holding:
            self._held = [p for part in self._parts.values() for p in part.parameters() if p.requires_grad]
        for parameter in self._held:
            parameter.requires_grad_(not holding)
        self._holding = holding
        self.train(self.training)

    def forward(self, batch: Split) -> Tensor:
        """The outputs (B, outputs) for raw samples on the model's device."""
        features = self._seen({modality: batch.inputs[modality] for modality in self.modalities})
        for name, lengths in batch.lengths.items():
            if name in features:
                features[name] = pool(features[name], self._features[name].reshape, self._length, lengths)
        out: Tensor = self.whole.fusion({name: features[name] for name in self.fusion.features})
        return out

    def groups(self, config: JointConfig) -> list[Group]:
        """The weights that are trained, by step size: the fusion network first, then the backbones."""
        new = {"whole.fusion": self.whole.fusion, "transfer": self.transfer}
        fusion = {
            f"{part}.{name}": p for part, of in new.items() for name, p in of.named_parameters() if p.requires_grad
        }
        groups = [Group(FUSION, config.lr, fusion)]
        for modality, part in self._parts.items():
            own: dict[str, dict[str, nn.Parameter]] = {}
            for name, parameter in part.named_parameters():
                if parameter.requires_grad:
                    own.setdefault(self._group_of(modality, name), {})[f"{modality}:{name}"] = parameter
            groups += [Group(name, self._rates.get(name, config.backbone_lr), weights) for name, weights in own.items()]
        return [group for group in groups if group.weights]

    def backbone_states(self) -> Iterator[tuple[str, dict[str, Tensor]]]:
        """By modality, the weights and buffers of what is left of a backbone, by the backbone's own names."""
        for modality, part in self._parts.items():
            yield modality, dict(part.state_dict())

    def _seen(self, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
        if self._stages is None:
            return self.whole.features(inputs)

        def meet(stage: int, tensors: dict[str, Any]) -> dict[str, Any]:
            return dict(zip(tensors, self.transfer[stage](list(tensors.values())), strict=True))

        return self._in_turns(self._stages, inputs, meet)

    def _in_turns(self, stages: Stages, inputs: Mapping[str, Any], meet: Meeting) -> dict[str, Tensor]:
        runs = {modality: partial(self.whole.features_of, modality, inputs[modality]) for modality in self.modalities}
        found = in_turns(runs, stages.places, meet)
        return {name: feature for modality in self.modalities for name, feature in found[modality].items()}

    def _untrained(self, stages: Stages, inputs: Mapping[str, Any]) -> nn.ModuleList:
        """Transfer modules of the sizes that the backbones' places have."""
        seen: dict[str, list[Tensor]] = {modality: [] for modality in self.modalities}

        def meet(_stage: int, tensors: dict[str, Any]) -> dict[str, Any]:
            for modality, tensor in tensors.items():
                seen[modality].append(tensor)
            return tensors

        self.whole.eval()
        with torch.no_grad():
            self._in_turns(stages, inputs, meet)
        return stages.modules(seen)

    def _group_of(self, modality: str, name: str) -> str:
        """The longest of the named places that a weight is in; its modality where there is none."""
        place = f"{modality}.{name}"
        inside = [each for each in self._rates if place == each or place.startswith(f"{each}.")]
        return max(inside, key=len, default=modality)

    def _chosen_rates(self, config: JointConfig) -> dict[str, float]:
        rates = {}
        for text in config.rates:
            place, equals, number = text.rpartition("=")
            try:
                rate = float(number) if equals else -1.0
            except ValueError:
                rate = -1.0
            if not 0 <= rate <= 10:
                raise BmnasError(f"setting rates has {text!r}; it should be MODALITY=RATE or MODALITY.LAYER=RATE")
            self._place(place, "rates")
            rates[place] = rate
        return rates

    def _freeze(self, config: JointConfig) -> None:
        still = [modality for modality in self._parts if not config.backbone_lr and modality not in self._rates]
        zero = [place for place, rate in self._rates.items() if rate == 0]
        inner = {place: rate for place, rate in self._rates.items() if rate > 0}
        for place in [*still, *zero, *config.freeze]:
            module = self._place(place, "freeze")
            trained_inside = [each for each in inner if each.startswith(f"{place}.")]
            module.requires_grad_(False)
            self._frozen.append(module)
            for each in trained_inside:
                self._place(each, "rates").requires_grad_(True)

    def _place(self, place: str, setting: str) -> nn.Module:
        """The backbone, or a module in it."""
        modality = max((each for each in self._parts if f"{place}.".startswith(f"{each}.")), key=len, default=None)
        if modality is None:
            near = did_you_mean(place.split(".")[0], self._parts)
            raise BmnasError(f"setting {setting} names {place!r}, which is no modality that the network reads{near}")
        layer = place[len(modality) + 1 :]
        names = dict(self._parts[modality].named_modules())
        if layer not in names:
            near = did_you_mean(layer, [name for name in names if name])
            raise BmnasError(
                f"setting {setting} names {place!r}: the backbone has no such layer before its last tap{near}"
            )
        return names[layer]


def on_device(batch: Split, task: Task, device: torch.device) -> Split:
    """A batch where the model is, with labels as the loss takes them."""

    def moved(tensor: Tensor) -> Tensor:
        return tensor.to(device, non_blocking=True)

    inputs: dict[str, Any] = {modality: mapped(moved, tree) for modality, tree in batch.inputs.items()}
    lengths = {name: moved(tensor) for name, tensor in batch.lengths.items()}
    return Split(inputs, moved(task.objective.cast(batch.labels)), lengths)
