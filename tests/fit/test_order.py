"""Batches of trainings that go side by side: each has its own, and all have as many."""

from __future__ import annotations

import torch
from hypothesis import given, settings, strategies as st

from bmnas.fit.order import epoch_order, stacked_order
from tests.profiles import examples


class Plain:
    """Samples of one view, whose rows begin somewhere."""

    def __init__(self, count: int, first: int = 0) -> None:
        self.count, self.first = count, first

    def __len__(self) -> int:
        return self.count

    def rows(self, generator: torch.Generator | None = None) -> torch.Tensor:
        return torch.arange(self.first, self.first + self.count)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(2, 16), st.integers(0, 3))
@settings(max_examples=examples(60))
def test_every_training_has_its_own_batches(counts, size, seed):
    data = [Plain(count, 100 * k) for k, count in enumerate(counts)]
    seeds = [seed + k for k in range(len(data))]
    found = stacked_order(data, size, seeds, "train", 1)
    longest = max(counts)
    for k, (own, own_seed) in enumerate(zip(data, seeds, strict=True)):
        rows = torch.cat([batch.view(len(data), -1)[k] for batch in found])
        assert set(rows.tolist()) <= set(own.rows().tolist())
        if len(own) == longest:
            assert torch.equal(rows, torch.cat(epoch_order(own, size, own_seed, "train", 1)))
        elif longest % size != 1:
            # Every sample, before any comes again.
            assert sorted(rows[: len(own)].tolist()) == own.rows().tolist()
            assert len(rows) == longest


def test_one_training_has_the_batches_that_it_has_by_itself():
    data = Plain(21)
    for found, own in zip(stacked_order([data], 4, [7], "train", 3), epoch_order(data, 4, 7, "train", 3), strict=True):
        assert torch.equal(found, own)
