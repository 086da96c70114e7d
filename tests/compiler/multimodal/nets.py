"""Small backbones with what makes backbones hard, and a genotype for any taps."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bmnas.genotype import Genotype, from_dict


def fusing(*features: tuple[str, str, int | None], used: int | None = None) -> Genotype:
    """A genotype that fuses the first ``used`` of the features (name, modality, channels)."""
    names = [name for name, _, _ in features[:used]]
    return from_dict(
        {
            "representation": {"channels": 4, "length": 4},
            "features": [{"name": name, "modality": of, "channels": count} for name, of, count in features],
            "cells": [{"inputs": [names[0], names[-1]], "steps": [{"op": "LinearGLU", "inputs": ["x", "y"]}]}],
            "output": ["Cell_1", *names],
            "head": {"outputs": 3},
        },
        "test",
    )


class Counted(nn.Module):
    """Passes its input on, and counts how often."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x


class Raising(nn.Module):
    """Must not run."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def forward(self, x: Tensor) -> Tensor:
        raise AssertionError("this module runs after the last tap")


class Words(nn.Module):
    """A text network (B, T) -> (B, 5) that torch.fx cannot trace: its way depends on lengths and on values."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 6)
        self.rnn = nn.LSTM(6, 8, batch_first=True)
        self.blocks = nn.ModuleList(nn.Linear(8, 8) for _ in range(4))
        self.extra = nn.Linear(8, 8)
        self.drop = nn.Dropout(0.5)
        self.counted = Counted()
        self.later = nn.GRU(8, 8)
        self.last = Raising()

    def forward(self, words: Tensor) -> Tensor:
        states, _ = self.rnn(self.embed(words))
        for number, block in enumerate(self.blocks):
            states = block(states)
            if number < len(self.blocks) - 1:
                states = states.relu_()
            if words.shape[1] > 9 and bool((words == 0).any()):
                states = self.extra(states)
        return self.last(self.later(self.counted(self.drop(states)))[0].mean(1))


class Steps(nn.Module):
    """A text network (B, T) -> (B, 6) that torch.fx cannot trace, but torch.export can: a loop over its positions."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 6)
        self.cell = nn.GRUCell(6, 6)
        self.mix = nn.Linear(6, 6)
        self.last = Raising()

    def forward(self, words: Tensor) -> Tensor:
        embedded = self.embed(words)
        state = embedded.new_zeros(words.shape[0], 6)
        for position in range(words.shape[1]):
            state = self.cell(embedded[:, position], state)
        return self.last(self.mix(state))


class Maps(nn.Module):
    """An image network that torch.fx can trace: a module that runs twice, in-place work, dropout, a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True))
        self.pair = Pair()
        self.drop = nn.Dropout(0.5)
        self.counted = Counted()
        self.last = Raising()

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv_1(x))
        self.relu(x)
        x = self.relu(self.block(x) - 0.1)
        x = self.block(x)
        left, right = self.pair(x)
        x = self.drop(torch.nn.functional.dropout(left + right, 0.5, self.training))
        return self.last(self.counted(x))


class Pair(nn.Module):
    """Two halves of what it gets."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x * 2, x - 1
