"""What determines the numbers of a module, added to a digest: its weights, its attributes, and what it prints.

Two modules that are made in the same way, in whichever process, add the same; where an attribute differs that is data
(which layer is put out, say), they add something else. Of what is no data only the kind is added, never an address.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import re
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from types import CodeType, FunctionType, MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from bmnas.tasks.fingerprint import add_tensor

if TYPE_CHECKING:
    from hashlib import _Hash

_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device, torch.layout)
_OPEN = (SimpleNamespace, Namespace)  # the standard library's classes that hold nothing but attributes
# What every module has. Its weights and parts are added by name, and its mode does not matter.
_OF_EVERY_MODULE = frozenset(vars(nn.Module())) | {"_is_hf_initialized", "_initializing", "_c"}
_GET = re.compile(r'prim::GetAttr\[name="(\w+)"\]')
_MANGLED = re.compile(r"___torch_mangle_\d+\.")  # counts what the process has compiled before
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_DEEPEST = 8


def add_module(digest: _Hash, module: nn.Module) -> None:
    """Add the weights of a module, the attributes of it and of its parts, and what it prints, to a digest."""
    # Functions print where they lie in memory, which is another place each time.
    digest.update(_ADDRESS.sub("", repr(module)).encode())
    for key, value in module.state_dict().items():
        digest.update(f"{key}\n".encode())
        if isinstance(value, Tensor):
            add_tensor(digest, value)
    for name, part in module.named_modules():
        digest.update(f"attributes of {name}\n".encode())
        _add(digest, _attributes(part), ())
        for key, buffer in part.named_buffers(recurse=False):
            if key in part._non_persistent_buffers_set:
                digest.update(f"{key}\n".encode())
                add_tensor(digest, buffer)
        if not isinstance(part, torch.jit.ScriptModule):
            _add(digest, [*part._forward_pre_hooks.values(), *part._forward_hooks.values()], ())
    for name, part in _scripted(module):
        digest.update(f"script of {name}\n".encode())
        _add_script(digest, part)


def _attributes(part: nn.Module) -> dict[str, Any]:
    found = {name: value for name, value in vars(part).items() if name not in _OF_EVERY_MODULE}
    if isinstance(part, fx.GraphModule):
        # Its forward is no source file's. Beside it there are records of how the graph was made.
        found = {name: value for name, value in found.items() if not name.startswith("_") and name != "meta"}
        found["code"] = part.code
    return found


def _add(digest: _Hash, value: Any, inside: tuple[int, ...]) -> None:
    """Add what is data in a value.

    Args:
        digest: grows.
        value: anything.
        inside: identities of what the value is in, so that no circle is followed.
    """
    digest.update(f"{type(value).__name__}:".encode())
    if isinstance(value, _PLAIN):
        digest.update(f"{value!r}\n".encode("utf-8", "surrogatepass"))
    elif isinstance(value, Tensor):
        add_tensor(digest, value)
    elif isinstance(value, np.ndarray | np.generic):
        _add_array(digest, np.asarray(value), inside)
    elif id(value) in inside or len(inside) > _DEEPEST:
        digest.update(b"again\n")
    else:
        _add_parts(digest, value, (*inside, id(value)))


def _add_parts(digest: _Hash, value: Any, inside: tuple[int, ...]) -> None:
    if isinstance(value, Mapping):
        _add_each(digest, [part for pair in value.items() for part in pair], inside)
    elif isinstance(value, set | frozenset):
        # Their order changes with the process.
        _add_each(digest, sorted(_ADDRESS.sub("", repr(part)) for part in value), inside)
    elif isinstance(value, list | tuple | range):
        _add_each(digest, value, inside)
    elif isinstance(value, enum.Enum):
        _add(digest, [value.name, value.value], inside)
    elif isinstance(value, PurePath):
        _add(digest, str(value), inside)
    elif isinstance(value, type):
        _add(digest, value.__qualname__, inside)
    elif isinstance(value, functools.partial):
        _add_each(digest, [value.func, value.args, value.keywords], inside)
    elif isinstance(value, MethodType):
        _add(digest, value.__func__, inside)
    elif isinstance(value, FunctionType):
        _add_each(digest, _function(value), inside)
    elif isinstance(value, nn.Module):
        add_module(digest, value)  # one in a list, say, which the module that has it does not know
    else:
        _add_each(digest, _fields(value), inside)
    digest.update(b".\n")


def _add_each(digest: _Hash, values: Iterable[Any], inside: tuple[int, ...]) -> None:
    for value in values:
        _add(digest, value, inside)


def _add_array(digest: _Hash, array: np.ndarray[Any, Any], inside: tuple[int, ...]) -> None:
    digest.update(f"{array.dtype.str} {array.shape}\n".encode())
    if array.dtype.hasobject:
        _add(digest, array.tolist(), inside)
    else:
        digest.update(np.ascontiguousarray(array).tobytes())


def _function(function: FunctionType) -> Iterator[Any]:
    """What a function does, as far as it is in it and not in its module."""
    yield function.__qualname__
    yield from _code(function.__code__)
    yield [function.__defaults__, function.__kwdefaults__]
    for cell in function.__closure__ or ():
        try:
            held = cell.cell_contents
        except ValueError:  # it is empty
            continue
        if not isinstance(held, nn.Module):  # most often the module that has the function
            yield held


def _code(code: CodeType) -> Iterator[Any]:
    yield code.co_code
    yield list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant)
        else:
            yield constant


def _fields(value: Any) -> list[Any]:
    """The attributes of an object that holds data; classes of the standard library, torch and NumPy seldom do."""
    root = type(value).__module__.partition(".")[0]
    if dataclasses.is_dataclass(value) and root not in ("torch", "numpy"):
        return [part for field in dataclasses.fields(value) for part in (field.name, getattr(value, field.name, None))]
    if root in sys.stdlib_module_names | {"torch", "numpy"} and not isinstance(value, _OPEN):
        return []
    return [part for pair in getattr(value, "__dict__", {}).items() for part in pair]


def _scripted(module: nn.Module) -> Iterator[tuple[str, torch.jit.ScriptModule]]:
    """The scripted modules that are in no other one."""
    outer: list[str] = []
    for name, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule) and not any(name.startswith(prefix) for prefix in outer):
            outer.append(f"{name}." if name else "")
            yield name, part


def _add_script(digest: _Hash, scripted: Any) -> None:
    """Add the code of a scripted module, with the constants and attributes that it reads."""
    if not hasattr(scripted, "forward"):
        return
    graph = scripted.inlined_graph.str(False)
    digest.update(_MANGLED.sub("", graph).encode())
    for name, part in scripted.named_modules():
        for key in sorted(set(_GET.findall(graph))):
            if part._c.hasattr(key) and isinstance(value := part._c.getattr(key), (*_PLAIN, list, tuple, dict)):
                _add(digest, [name, key, value], ())
    _add(digest, dict(scripted.code_with_constants[1].const_mapping), ())
