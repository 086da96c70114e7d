from __future__ import annotations

import torch

from bmnas.tasks import accuracy


def test_accuracy_is_the_share_of_greatest_outputs_at_the_label() -> None:
    outputs = torch.tensor([[0.1, 0.9], [2.0, -1.0], [0.0, 1.0], [3.0, 4.0]])
    assert accuracy.score(outputs, torch.tensor([1, 0, 0, 1])) == 0.75
    assert accuracy.name == "accuracy"
    assert accuracy.higher_is_better
