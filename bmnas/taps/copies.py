"""Copies of a backbone that are whole: hooks and methods in them act on the copy, not on what was copied."""

from __future__ import annotations

import copy
from types import CellType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn


def copied(module: nn.Module, memo: dict[int, Any] | None = None) -> nn.Module:
    """A deep copy.

    Functions among the hooks and the attributes of a module (``lambda _, inputs, output: self.found.append(output)``)
    hold on to what they were made with. In the copy they hold the copies of that; `copy.deepcopy` does not see to it.

    Args:
        module: any network.
        memo: as that of `copy.deepcopy`: what has been copied already, such as a part that two backbones share.

    Raises:
        Exception: whatever a module raises that cannot be copied.
    """
    memo = {} if memo is None else memo
    for part in module.modules():
        for value in vars(part).values():
            if isinstance(value, Tensor) and not value.is_leaf:  # a result, which deepcopy refuses
                memo[id(value)] = value.detach().clone()
    with torch.no_grad():  # or the parameters of scripted modules are results in the copy
        whole = copy.deepcopy(module, memo)
    for parameter, new in zip(module.parameters(), whole.parameters(), strict=True):
        if parameter.requires_grad and not new.requires_grad:
            new.requires_grad_()
    for part in whole.modules():
        if not isinstance(part, torch.jit.ScriptModule):
            places: list[dict[Any, Any]] = [part._forward_hooks, part._forward_pre_hooks, vars(part)]
            for functions in places:
                for name, value in list(functions.items()):
                    if isinstance(value, FunctionType) and value.__closure__:
                        functions[name] = _bound_anew(value, memo)
    return whole


def twin(module: nn.Module) -> nn.Module:
    """A copy that shares the parameters, so that it costs little: to be run where running should leave no trace.

    Raises:
        Exception: as `copied`.
    """
    return copied(module, {id(parameter): parameter for parameter in module.parameters()})


def _bound_anew(function: FunctionType, memo: dict[int, Any]) -> FunctionType:
    cells = tuple(_cell(cell, memo) for cell in function.__closure__ or ())
    bound = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, cells)
    bound.__kwdefaults__, bound.__qualname__ = function.__kwdefaults__, function.__qualname__
    bound.__dict__.update(vars(function))
    return bound


def _cell(cell: CellType, memo: dict[int, Any]) -> CellType:
    try:
        value = cell.cell_contents
    except ValueError:  # it is empty
        return cell
    return CellType(memo[id(value)]) if id(value) in memo else cell
