"""What the released code's state dicts have in common, of found networks and of hypernets: names, and what misfits.

A state dict of the released code holds the backbones, then ``reshape_layers``, ``fusion_net`` and
``central_classifier``. The names here are without ``fusion_net.``; ours are those of a module of this package.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor

from bmnas.errors import BmnasError

# The released code's names of the backbones, of the three tasks.
BACKBONES = ("imagenet.", "textnet.", "rgbnet.", "skenet.", "rgb_net.", "depth_net.")
_COUNTER = ".num_batches_tracked"

# An entry's name in the state dict, and its value.
Entry = tuple[str, Tensor]


def by_plain_name(state_dict: Mapping[str, Tensor]) -> dict[str, Entry]:
    """Entries by their name without ``module.`` and ``fusion_net.``, each with the name that it had.

    Raises:
        BmnasError: it is no mapping, or two entries have the same plain name.
    """
    if not isinstance(state_dict, Mapping):
        raise BmnasError(f"the weights are a {type(state_dict).__name__}, but should be tensors by name")
    given: dict[str, Entry] = {}
    for name, value in state_dict.items():
        plain = str(name).removeprefix("module.").removeprefix("fusion_net.")
        if plain in given:
            raise BmnasError(f"the weights have the same parameter twice, as {given[plain][0]!r} and as {name!r}")
        given[plain] = (str(name), value)
    return given


def without_backbones(given: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries of the fusion network: neither those of a backbone nor counters of batches."""
    return {name: entry for name, entry in given.items() if not (name.startswith(BACKBONES) or name.endswith(_COUNTER))}


def refuse_misfits(
    what: str,
    given: Mapping[str, Entry],
    wanted: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...]],
    unused: Collection[str] = (),
) -> None:
    """Compare a state dict with a module, before anything is copied.

    Args:
        what: the module is for, in the message: ``the genotype 'ntu-1'``.
        given: entries by plain name.
        wanted: by plain name, the name that it has in the module.
        shapes: by name in the module, what it should have; a convolution as a matrix.
        unused: plain names that need no place.

    Raises:
        BmnasError: a parameter has another shape, is missing, or has no place.
    """
    misfits = [
        problem for name, ours in wanted.items() if name in given and (problem := _misfit(*given[name], shapes[ours]))
    ]
    missing = [f"{name!r} (here {ours})" for name, ours in wanted.items() if name not in given]
    additional = [repr(given[name][0]) for name in given if name not in wanted and name not in unused]
    clauses = [
        *([_list(misfits)] if misfits else []),
        *([f"missing: {_list(missing)}"] if missing else []),
        *([f"without a place in the network: {_list(additional)}"] if additional else []),
    ]
    if clauses:
        raise BmnasError(f"the weights do not fit {what}: {'; '.join(clauses)}")


def as_ours(value: Tensor) -> Tensor:
    """A 1x1 convolution (O, I, 1) as the matrix (O, I); anything else as it is."""
    return value.squeeze(-1) if value.dim() == 3 and value.shape[-1] == 1 else value


def _misfit(name: str, value: Tensor, shape: tuple[int, ...]) -> str | None:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        found = value.dtype if isinstance(value, Tensor) else type(value).__name__
        return f"{name!r} is {found}, but should be a tensor of floating-point numbers"
    if as_ours(value).shape == shape:
        return None
    is_convolution = name.endswith("conv.weight")
    should = (*shape, 1) if is_convolution else shape
    return f"{name!r} has shape {tuple(value.shape)}, but should have {should}"


def _list(items: list[str], most: int = 3) -> str:
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")
