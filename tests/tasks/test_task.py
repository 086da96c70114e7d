from __future__ import annotations

import torch

from bmnas.tasks import SPLITS
from tests.tasks.small_task import SmallTask


def test_batches_are_the_split_in_order() -> None:
    task = SmallTask()
    for name in SPLITS:
        batches, whole = list(task.batches(name, 32)), task.split(name)
        assert sum(len(batch) for batch in batches) == len(whole) == task.size(name)
        assert torch.equal(torch.cat([batch.labels for batch in batches]), whole.labels)
        for modality in task.modalities:
            assert torch.equal(torch.cat([batch.inputs[modality] for batch in batches]), whole.inputs[modality])


def test_the_data_fingerprint_changes_with_data_and_modality() -> None:
    one, same, other = SmallTask(), SmallTask(), SmallTask(data_seed=1)
    assert one.data_fingerprint() == same.data_fingerprint() != other.data_fingerprint()
    alone = {one.data_fingerprint([modality]) for modality in one.modalities}
    assert len(alone | {one.data_fingerprint()}) == 3
