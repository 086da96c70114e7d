from __future__ import annotations

import torch

from bmnas.fit.seeding import seeded


def test_numbers_depend_on_the_seed_alone_and_the_callers_go_on_as_before() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with seeded(1):
        first = torch.rand(2)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    with seeded(1):
        assert torch.equal(torch.rand(2), first)
