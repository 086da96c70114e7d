"""The surrogate of MFAS: a small LSTM that reads the layers of a network one by one and says how good it will be.

As in the authors' code (https://github.com/juanmanpr/mfas), it is an embedding with a sigmoid, an LSTM, and a linear
layer with a sigmoid on its last state, trained by Adam on squared errors, networks of one length as one batch. There a
layer is given as the numbers of its choices; here each choice is one-hot, as the numbers of features have no scale.

Axes: N networks, S layers, W alternatives of all choices of a layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bmnas.fit.seeding import seeded
from bmnas.searcher.strategies.fusion_layers import Layers


class Surrogate:
    """Predicts the values of networks, numbers between 0 and 1.

    Args:
        sizes: how many alternatives each choice of a layer has.
        lr: step size of Adam.
        seed: of the weights that it begins with.
        width: numbers of an embedding, and of a state of the LSTM.

    Attributes:
        taught: how many networks' values it has been taught.
    """

    def __init__(self, sizes: Sequence[int], *, lr: float, seed: int, width: int = 100) -> None:
        self.taught = 0
        self._sizes = tuple(sizes)
        with seeded(seed):
            self._network = _Network(sum(sizes), width)
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=lr, fused=True)

    def teach(self, networks: Sequence[Layers], values: Sequence[float], epochs: int) -> None:
        """Go on learning, from the values of all networks that are known by now."""
        lengths = sorted({len(layers) for layers in networks})
        batches = [self._batch(networks, values, length) for length in lengths]
        for _ in range(epochs):
            for layers_SNW, values_N in batches:
                self._optimizer.zero_grad()
                F.mse_loss(self._network(layers_SNW), values_N).backward()
                self._optimizer.step()
        self.taught = len(networks)

    @torch.no_grad()
    def values(self, networks: Sequence[Layers]) -> list[float]:
        """What it expects of networks of any lengths."""
        found = [0.0] * len(networks)
        for length in {len(layers) for layers in networks}:
            numbers = [n for n, layers in enumerate(networks) if len(layers) == length]
            values_N = self._network(self._encoded([networks[n] for n in numbers]))
            for n, value in zip(numbers, values_N.tolist(), strict=True):
                found[n] = value
        return found

    def state(self) -> dict[str, Any]:
        """Tensors and plain values."""
        return {
            "taught": self.taught,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave."""
        self.taught = int(state["taught"])
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _batch(self, networks: Sequence[Layers], values: Sequence[float], length: int) -> tuple[Tensor, Tensor]:
        chosen = [pair for pair in zip(networks, values, strict=True) if len(pair[0]) == length]
        return self._encoded([layers for layers, _ in chosen]), torch.tensor([value for _, value in chosen])

    def _encoded(self, networks: Sequence[Layers]) -> Tensor:
        """Networks of one length, (S, N, W)."""
        choices_SNC = torch.tensor(networks).transpose(0, 1)
        one_hot = [F.one_hot(choices_SNC[..., c], size) for c, size in enumerate(self._sizes)]
        return torch.cat(one_hot, dim=-1).float()


class _Network(nn.Module):
    def __init__(self, alternatives: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Linear(alternatives, width)
        self.lstm = nn.LSTM(width, width)
        self.value = nn.Linear(width, 1)

    def forward(self, layers_SNW: Tensor) -> Tensor:
        """(S, N, W) -> (N,)."""
        states_SNH, _ = self.lstm(self.embedding(layers_SNW).sigmoid())
        value_N1: Tensor = self.value(states_SNH[-1]).sigmoid()
        return value_N1.squeeze(-1)
