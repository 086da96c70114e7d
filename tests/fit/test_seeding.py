from __future__ import annotations

import torch

from bmnas.fit.seeding import seeded, shuffled, stream


def test_numbers_depend_on_the_seed_alone_and_the_callers_go_on_as_before() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with seeded(1):
        first = torch.rand(2)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    with seeded(1):
        assert torch.equal(torch.rand(2), first)


def test_every_name_of_a_stream_counts_and_so_does_the_seed() -> None:
    streams = [
        stream(seed, *names) for seed in (0, 1) for names in ((), ("a",), ("b",), ("a", 1), ("a", 2), ("a", 1, 1))
    ]
    assert len(set(streams)) == len(streams)
    assert all(0 <= number < 2**63 for number in streams)
    orders = [tuple(shuffled(20, 0, "epoch", epoch).tolist()) for epoch in range(3)]
    assert len(set(orders)) == 3
    assert all(sorted(order) == [*range(20)] for order in orders)
