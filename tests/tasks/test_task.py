from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks import SPLITS, Task
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


class Sequences(SmallTask):
    """A task whose samples say how many positions the feature of their first modality has."""

    def split(self, name):
        whole = super().split(name)
        return replace(whole, lengths={self.features[0].name: 1 + torch.arange(len(whole)) % 3})


def test_lengths_stay_with_their_samples() -> None:
    whole = Sequences().split("train")
    (name,) = whole.lengths
    assert torch.equal(whole.part(3, 9).lengths[name], whole.lengths[name][3:9])
    chosen = torch.tensor([7, 1])
    assert torch.equal(whole[chosen].lengths[name], whole.lengths[name][chosen])
    assert torch.equal(whole[chosen].labels, whole.labels[chosen])


def test_lengths_are_data() -> None:
    assert Sequences().data_fingerprint() != SmallTask().data_fingerprint()


def test_a_task_without_a_backbone_says_what_it_needs() -> None:
    class Bare(SmallTask):
        build_backbone = Task.build_backbone

    with pytest.raises(BmnasError, match=r"Bare needs a method build_backbone, for modality 'Ton' of task small"):
        Bare().build_backbone("Ton")
