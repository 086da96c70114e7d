"""Small networks with everything that a tap can meet."""

from __future__ import annotations

from torch import Tensor, nn


class Net(nn.Module):
    """Rows (B, 3): in-place layers, one that runs twice, one that never does, a tuple, a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.twice = nn.ReLU(inplace=True)
        self.unused = nn.Linear(2, 2)
        self.pair = Pair()
        self.flat = Flat()

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.twice(self.first(x))
        self.flat(hidden)
        return self.twice(self.pair(hidden)[0] - 1)


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, 2 * x


class Flat(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(dim=1)


class Residual(nn.Module):
    """Images (B, 3, H, W): a sum between two modules, then an in-place layer and a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.relu = nn.ReLU(inplace=True)
        self.classify = Never()

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.relu(self.norm(self.conv(x)) + x))


class Never(nn.Module):
    """What must not run."""

    def forward(self, x: Tensor) -> Tensor:
        raise AssertionError("it came after the last tap")


class Words(nn.Module):
    """Takes ``input_ids`` and ``attention_mask`` (B, T), as Hugging Face models do; loops, so it cannot be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 6)
        self.rnn = nn.GRU(6, 5, batch_first=True)
        self.head = nn.Linear(5, 2)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> dict[str, Tensor]:
        hidden = self.embed(input_ids)
        if attention_mask is not None and attention_mask.any():
            hidden = hidden * attention_mask[..., None]
        states, last = self.rnn(hidden)
        return {"states": states, "logits": self.head(last[0])}
