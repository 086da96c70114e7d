"""Run a network once and collect what some of its submodules return, with forward hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from bmnas.genotype.errors import BmnasError, did_you_mean


def run_taps(module: nn.Module, taps: Mapping[str, str], inputs: Tensor) -> dict[str, Tensor]:
    """The features of one forward pass of ``module`` on ``inputs`` (B, ...).

    Args:
        module: any network.
        taps: by feature name, the name of a submodule as `nn.Module.named_modules` gives it.
        inputs: what the network takes.
    Returns: by feature name, the submodule's output (B, C, ...), in the order of ``taps``.
    Raises:
        BmnasError: a submodule does not exist, does not run, runs more than once, or does not return a tensor.
    """
    with recorded(module, taps) as outputs:
        module(inputs)
    return {feature: _single(feature, name, outputs[feature]) for feature, name in taps.items()}


@contextmanager
def recorded(module: nn.Module, taps: Mapping[str, str]) -> Iterator[dict[str, list[Any]]]:
    """Record, inside the block, what the tapped submodules return; the hooks are gone after it, also after an error.

    Yields: by feature name, the outputs in the order of the calls.
    Raises:
        BmnasError: a submodule does not exist.
    """
    submodules = dict(module.named_modules())
    for feature, name in taps.items():
        # The empty name is the whole network, as in named_modules: its output can be tapped too.
        if name not in submodules:
            named = [other for other in submodules if other]
            raise BmnasError(f"feature {feature!r} taps {name!r}, which the backbone lacks{did_you_mean(name, named)}")
    outputs: dict[str, list[Any]] = {feature: [] for feature in taps}
    hooks = []
    try:
        for feature, name in taps.items():
            hooks.append(submodules[name].register_forward_hook(_recorder(outputs[feature])))
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def _recorder(outputs: list[Any]) -> Callable[[nn.Module, Any, Any], None]:
    def record(_module: nn.Module, _inputs: Any, output: Any) -> None:
        # A copy, because the next layer may work in place (ReLU(inplace=True) after a batch norm is common).
        outputs.append(output.clone() if isinstance(output, Tensor) else output)

    return record


def _single(feature: str, name: str, outputs: list[Any]) -> Tensor:
    where = f"feature {feature!r} taps {name!r}, which"
    if not outputs:
        raise BmnasError(f"{where} does not run in the backbone's forward pass")
    if len(outputs) > 1:
        raise BmnasError(
            f"{where} runs {len(outputs)} times in one forward pass, so it is not clear which output is meant"
        )
    output = outputs[0]
    if not isinstance(output, Tensor):
        raise BmnasError(f"{where} returns a {type(output).__name__}, not a tensor; tap a submodule that returns one")
    if output.dim() < 2:
        raise BmnasError(f"{where} returns shape {tuple(output.shape)}; a feature needs (batch, channels, ...)")
    return output
