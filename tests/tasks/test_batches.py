"""A sample's features are its own: alone as in a batch."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bmnas.taps import Tap, TapError
from bmnas.tasks import Split, prepare
from bmnas.tasks.module_task import ModuleTask
from tests.tasks.small_task import small_pool


class Giving(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def extracted(net: nn.Module, tap: str | Tap, cache: Path) -> Any:
    def split(seed: int) -> Split:
        return Split({"S": torch.randn(6, 7, 5, generator=torch.Generator().manual_seed(seed))}, torch.arange(6) % 2)

    data = {name: split(seed) for seed, name in enumerate(("train", "validation", "test"))}
    task = ModuleTask("t", **data, outputs=2, backbones={"S": net}, taps={"S": {"F": tap}})  # type: ignore[arg-type]
    return prepare(task, length=4, pool=small_pool, cache=cache)


@pytest.mark.parametrize(
    ("net", "tap", "sentence"),
    [
        (nn.LSTM(5, 6), Tap("", item=0, axis=-1), r"feature 'F' taps '', where a sample has other numbers in a batch"),
        (Giving(lambda x: x - x.mean(0, keepdim=True)), "", r"the samples of a batch influence each other"),
        (nn.TransformerEncoderLayer(5, 1), Tap("", axis=-1), r"influence each other"),
        (
            nn.Sequential(nn.GRU(5, 6, batch_first=True, bidirectional=True)),
            Tap("0", item=1, axis=-1),
            r"feature 'F' taps '0', which returns shape \(2, 1, 6\) for one sample: its first axis is not the batch",
        ),
        (Giving(lambda x: x.transpose(0, 1)), "", r"returns shape \(7, 1, 5\) for one sample"),
        (Giving(lambda x: x.reshape(-1, 5)), "", r"returns shape \(7, 5\) for one sample"),
        (Giving(lambda x: x[:1]), "", r"returns shape \(1, 7, 5\) for 2 samples"),
        (Giving(lambda x: x[:, : 3 + len(x)]), "", r"shape \(4, 5\) alone, but \(5, 5\) in a batch with another"),
    ],
)
def test_a_tap_that_is_not_of_one_sample_each_is_refused(
    net: nn.Module, tap: str | Tap, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(TapError, match=sentence):
        extracted(net, tap, tmp_path)


@pytest.mark.parametrize(
    ("net", "tap"),
    [
        (nn.Sequential(nn.BatchNorm1d(7), nn.Conv1d(7, 4, 1), nn.Dropout(0.5)), "2"),
        (nn.LSTM(5, 6, batch_first=True), Tap("", item=0, axis=-1)),
        (nn.TransformerEncoderLayer(5, 1, batch_first=True), Tap("", axis=-1)),
        (Giving(lambda x: x * 0 + 3), ""),
    ],
)
def test_other_backbones_pass_without_a_word(net: nn.Module, tap: str | Tap, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        extracted(net, tap, tmp_path)


def test_a_little_influence_and_chance_are_warned_of(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"feature 'F' taps '', where a sample has other numbers in a batch"):
        extracted(Giving(lambda x: x - 0.01 * x.mean(0, keepdim=True)), "", tmp_path / "a")
    with pytest.warns(UserWarning, match=r"feature 'F' taps '', where the backbone gives other numbers each time"):
        extracted(Giving(nn.functional.dropout), "", tmp_path / "b")
