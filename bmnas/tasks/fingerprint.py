"""SHA-256 of what determines the numbers in a cache: tensors, JSON values, source code."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import marshal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from hashlib import _Hash

_BLOCK = 2**20


def add_tensor(digest: _Hash, tensor: Tensor) -> None:
    """Add type, shape and numbers of a tensor to a digest."""
    digest.update(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
    tensor = tensor.detach().cpu()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    tensor = tensor.resolve_conj().resolve_neg().reshape(-1).contiguous()
    digest.update(tensor.view(torch.uint8).numpy().data)


def add_lengths(digest: _Hash, lengths: Mapping[str, Tensor]) -> None:
    """Add how many positions of padded features there are, by feature, to a digest."""
    for name in sorted(lengths):
        digest.update(f"lengths {name!r}\n".encode())
        add_tensor(digest, lengths[name])


def of_json(value: Any) -> str:
    """SHA-256 of a JSON value; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def of_file(path: Path) -> str:
    """SHA-256 of a file, read block by block.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def of_code(*things: Any) -> str:
    """SHA-256 of the source files in which modules, functions, classes (with their bases) or instances are defined.

    Only those files: what they import from elsewhere is not followed.
    """
    sources = sorted({source for thing in things for source in _sources(thing)})
    return hashlib.sha256(b"".join(hashlib.sha256(source).digest() for source in sources)).hexdigest()


def _sources(thing: Any) -> list[bytes]:
    while isinstance(thing, functools.partial):
        thing = thing.func
    if inspect.ismodule(thing):
        return [_source_of_module(thing.__name__, thing)]
    if inspect.isfunction(thing) or inspect.ismethod(thing) or inspect.isbuiltin(thing):
        return [_source_of_module(thing.__module__, thing)]
    kind = thing if inspect.isclass(thing) else type(thing)
    ours = [
        base for base in kind.__mro__ if base.__module__.split(".")[0] not in ("builtins", "abc", "torch", "typing")
    ]
    return [_source_of_module(base.__module__, base) for base in ours]


def _source_of_module(name: str, thing: Any) -> bytes:
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is not None and Path(file).is_file():
        return Path(file).read_bytes()
    try:
        return inspect.getsource(thing).encode()
    except (OSError, TypeError):
        # Typed into an interpreter: there is no text, but there is its byte code.
        functions = vars(thing).values() if inspect.isclass(thing) else [thing]
        code = [marshal.dumps(function.__code__) for function in functions if hasattr(function, "__code__")]
        return b"".join(code) or repr(thing).encode()
