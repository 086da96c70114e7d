"""Files of trained weights that others wrote: safetensors, or PyTorch checkpoints, read as data alone."""

from __future__ import annotations

import pickle
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from bmnas.errors import BmnasError, short
from bmnas.files import reason

# Under which a training script keeps the weights beside the rest of its state, in the order in which they are tried.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network")
# What data-parallel and compiled modules put before each name.
_PREFIXES = ("module.", "_orig_mod.")
_SHOWN = 4


def read_state(path: Path, wanted: Collection[str] = ()) -> dict[str, Tensor]:
    """The weights in a file by name.

    A file is in safetensors format (``.safetensors``) or what `torch.save` wrote, of today or before PyTorch 1.6; of
    the latter tensors and plain values alone are read, never code. A state dict that lies in a dictionary of other
    things, as training scripts keep it, is found there, and ``module.`` before each name is left out.

    Args:
        path: of the file.
        wanted: names that the weights may have; if one of them begins with ``module.``, it is not left out.

    Raises:
        BmnasError: the file cannot be read, or holds no weights; the sentence says what it holds.
    """
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise BmnasError(f"{path}: is empty")
        content = _safetensors(path) if path.suffix == ".safetensors" else _checkpoint(path)
    except OSError as error:
        raise BmnasError(f"{path}: the weights cannot be read: {reason(error)}") from error
    return _unprefixed(_unwrapped(content, path), wanted)


def misfit(wanted: Mapping[str, Any], given: Mapping[str, Tensor]) -> str:
    """What of some weights does not fit a module's `state_dict`, as a part of a sentence; empty where all fits.

    That a file of before PyTorch 0.4.1 has no ``num_batches_tracked`` is no fault.
    """
    missing = [name for name in wanted if name not in given and not name.endswith("num_batches_tracked")]
    other = [name for name in given if name not in wanted]
    shapes = [
        f"{name} is {tuple(given[name].shape)} instead of {tuple(value.shape)}"
        for name, value in wanted.items()
        if name in given and isinstance(value, Tensor) and given[name].shape != value.shape
    ]
    found = [
        f"{what} {_few(names)}"
        for what, names in (("it lacks", missing), ("it has besides", other), ("of other shape:", shapes))
        if names
    ]
    return "; ".join(found)


def _few(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _safetensors(path: Path) -> Mapping[str, Any]:
    try:
        return safetensors.torch.load_file(path)
    except SafetensorError as error:
        raise BmnasError(f"{path}: is no safetensors file: {error}") from error


def _checkpoint(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BmnasError(f"{path}: {_refused(str(error))}") from error
    except OSError:
        raise
    except Exception as error:  # of bytes that are no such file it raises whatever they lead it to
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise BmnasError(f"{path}: is damaged, or no file of torch.save: {said}") from error


def _refused(said: str) -> str:
    """Why a file is not read, of what torch says."""
    if found := re.search(r"GLOBAL ([\w.]+)", said):
        return (
            f"holds an object of {found[1]}, and files of others are read as data alone; load it where it was written, "
            "and save its state_dict"
        )
    return "is neither a safetensors file nor one of torch.save"


def _unwrapped(content: Any, path: Path) -> dict[str, Tensor]:
    if isinstance(content, Mapping):
        for key in _WRAPPERS:
            if isinstance(inner := content.get(key), Mapping) and _has_tensors(inner):
                content = inner
                break
    if not isinstance(content, Mapping):
        raise BmnasError(f"{path}: holds a {type(content).__name__}, but should hold a state_dict: weights by name")
    if not _has_tensors(content):
        raise BmnasError(f"{path}: holds no weights, but {short(sorted(map(str, content)))}")
    others = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if others:
        raise BmnasError(f"{path}: holds {_few(others)}, which are no tensors, beside weights; save its state_dict")
    return {str(name): value for name, value in content.items()}


def _has_tensors(content: Mapping[Any, Any]) -> bool:
    return any(isinstance(value, Tensor) for value in content.values())


def _unprefixed(state: dict[str, Tensor], wanted: Collection[str]) -> dict[str, Tensor]:
    own = [prefix for prefix in _PREFIXES if not any(name.startswith(prefix) for name in wanted)]
    while prefix := next((each for each in own if all(name.startswith(each) for name in state)), ""):
        state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state
