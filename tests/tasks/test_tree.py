from __future__ import annotations

import pytest
import torch
from torch import nn

from bmnas.tasks.tree import call, leaves, mapped

TREE = {"ids": torch.arange(3), "pair": (torch.zeros(3), [torch.ones(3)])}


def test_leaves_have_their_places() -> None:
    assert [place for place, _ in leaves(TREE)] == [".ids", ".pair.0", ".pair.1.0"]
    assert [place for place, _ in leaves(torch.zeros(1))] == [""]
    with pytest.raises(TypeError, match="a str is not a tensor"):
        list(leaves({"a": "text"}))


def test_mapped_keeps_the_shape_of_the_tree() -> None:
    doubled = mapped(lambda tensor: tensor * 2, TREE)
    assert doubled["ids"].tolist() == [0, 2, 4]
    assert isinstance(doubled["pair"], tuple)
    assert isinstance(doubled["pair"][1], list)


def test_a_module_gets_keyword_or_positional_arguments() -> None:
    class Difference(nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return a - b

    one, two = torch.tensor(5), torch.tensor(3)
    assert call(Difference(), {"b": two, "a": one}) == call(Difference(), (one, two)) == 2
    assert call(nn.Identity(), one) == 5
