"""The released BM-NAS code's own backbones from a checkout of it, with random weights, and inputs of their sizes."""

from __future__ import annotations

import contextlib
import importlib
import io
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torchvision
from released_code import import_released
from torch import Tensor, nn

from bmnas.genotype import Genotype


def backbones(genotype: Genotype, checkout: Path) -> list[tuple[nn.Module, tuple[int, ...]]]:
    """Each with the shape of one sample of its input, in the mode in which the released search runs it."""
    import_released(checkout)
    assert genotype.head is not None
    args = Namespace(num_outputs=genotype.head.outputs, drpt=genotype.dropout)
    with contextlib.redirect_stdout(io.StringIO()), without_pretrained_weights():
        return _MAKE[genotype.name.partition("-")[0]](args)


@contextlib.contextmanager
def without_pretrained_weights() -> Iterator[None]:
    """Their constructors download weights, which decide nothing about time."""
    inflated = importlib.import_module("models.auxiliary.inflated_resnet")
    load, vgg19 = inflated.load_pretrained_2D_weights, torchvision.models.vgg19
    inflated.load_pretrained_2D_weights = lambda *_, **__: None
    torchvision.models.vgg19 = lambda **_: vgg19(weights=None)
    try:
        yield
    finally:
        inflated.load_pretrained_2D_weights, torchvision.models.vgg19 = load, vgg19


def _mmimdb(args: Namespace) -> list[tuple[nn.Module, tuple[int, ...]]]:
    module = importlib.import_module("models.central.mmimdb")
    return [(module.GP_VGG(args), (3, 256, 160)), (module.MaxOut_MLP(args), (300,))]


def _ntu(args: Namespace) -> list[tuple[nn.Module, tuple[int, ...]]]:
    module = importlib.import_module("models.central.ntu")
    return [(module.Visual(args), (8, 256, 256, 3)), (module.Skeleton(args), (3, 32, 25, 2))]


def _ego(args: Namespace) -> list[tuple[nn.Module, tuple[int, ...]]]:
    module = importlib.import_module("models.central.ego")
    # The defaults of its script, and of the settings it reads besides.
    opt = Namespace(
        n_classes=args.num_outputs,
        resnet_shortcut="B",
        resnext_cardinality=32,
        sample_size=112,
        sample_duration=32,
        model="resnext",
    )
    made = [(module.get_rgb_model(opt), (3, 32, 112, 112)), (module.get_depth_model(opt), (1, 32, 112, 112))]
    for network, _ in made:
        network.eval()
    return made


_MAKE: dict[str, Callable[[Namespace], list[tuple[nn.Module, tuple[int, ...]]]]] = {
    "mmimdb": _mmimdb,
    "ntu": _ntu,
    "ego": _ego,
}


def forward(networks: list[tuple[nn.Module, tuple[int, ...]]], inputs: list[Tensor]) -> list[Tensor]:
    """All tensors that the networks give."""
    return [tensor for (network, _), x in zip(networks, inputs, strict=True) for tensor in _tensors(network(x))]


def forward_and_backward(networks: list[tuple[nn.Module, tuple[int, ...]]], inputs: list[Tensor]) -> None:
    """What a batch of the released search pays for: a gradient for every weight of the backbones.

    Their outputs stand for what the hypernet would do with them: each tapped map has a gradient.
    """
    for network, _ in networks:
        network.zero_grad()
    outputs = forward(networks, inputs)
    torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])


def _tensors(value: object) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    assert isinstance(value, (list, tuple))
    return [tensor for item in value for tensor in _tensors(item)]
