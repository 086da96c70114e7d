from __future__ import annotations

import torch

from bmnas.tasks import SPLITS
from tests.tasks.small_task import SmallTask


def test_parts_are_the_split_in_order() -> None:
    task = SmallTask()
    for name in SPLITS:
        whole = task.split(name)
        parts = [whole.part(start, start + 32) for start in range(0, len(whole), 32)]
        assert torch.equal(torch.cat([part.labels for part in parts]), whole.labels)
        for modality in task.modalities:
            assert torch.equal(torch.cat([part.inputs[modality] for part in parts]), whole.inputs[modality])


def test_the_data_fingerprint_changes_with_data_and_modality() -> None:
    one, same, other = SmallTask(), SmallTask(), SmallTask(data_seed=1)
    assert one.data_fingerprint() == same.data_fingerprint() != other.data_fingerprint()
    alone = {one.data_fingerprint([modality]) for modality in one.modalities}
    assert len(alone | {one.data_fingerprint()}) == 3
