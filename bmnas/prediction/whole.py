"""A trained model as one plain module from raw inputs to logits, to be exported."""

from __future__ import annotations

from torch import Tensor, nn

from bmnas.compiler.multimodal import assemble
from bmnas.errors import BmnasError
from bmnas.prediction.model import Model

_SAMPLES = 2


def whole_model(model: Model) -> tuple[nn.Module, dict[str, Tensor]]:
    """Backbones, each cut after the last feature that is used, and the fusion network; and an example of its inputs.

    Args:
        model: as `load_model` gives it.

    Raises:
        BmnasError: a modality has no backbone, because its features were given; or the input of one is no tensor.
    """
    record = model.record
    for modality in model.modalities:
        if modality not in record.backbones:
            raise BmnasError(
                f"modality {modality!r} has no backbone: its features were given; without --whole the network itself "
                "is exported"
            )
    example = {modality: record.inputs[modality].example(_SAMPLES) for modality in model.modalities}
    for modality, tree in example.items():
        if not isinstance(tree, Tensor):
            raise BmnasError(f"the backbone of modality {modality!r} takes several tensors, which cannot be exported")
    backbones = {modality: model.backbone(modality).module for modality in model.modalities}
    used = set(model.network.features)
    taps = {name: tap for name, tap in record.where_tapped.items() if name in used}
    examples = dict(example)
    return assemble(model.network, backbones, taps, examples=examples).eval(), example
