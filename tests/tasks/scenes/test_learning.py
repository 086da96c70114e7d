"""A network written by hand learns to find things in scenes, from the interface that tasks have for it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bmnas.tasks import get_task
from bmnas.tasks.sequences import BOXES, IMAGE, QUESTION, REGIONS, is_padding


class Relating(nn.Module):
    """Each region, with the text and with what lies in which direction of it, to a score and four numbers.

    Args:
        words: numbers of the vocabulary.
        length: tokens of a text.
        channels: of a region.
        relating: whether boxes are looked at.
    """

    def __init__(self, words: int, length: int, channels: int, *, relating: bool, width: int = 48) -> None:
        super().__init__()
        self.relating = relating
        self.embedding = nn.Embedding(words, 8, padding_idx=0)
        text = 8 * length
        self.pair = nn.Sequential(
            nn.Linear(text + 2 * channels + 4, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        self.end = nn.Sequential(nn.Linear(text + channels + 2 * width, width), nn.ReLU(), nn.Linear(width, 5))

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        regions, boxes = inputs[REGIONS], inputs[BOXES] / inputs[IMAGE][:, None].repeat(1, 1, 2)
        count = regions.shape[1]
        text = self.embedding(inputs[QUESTION]).flatten(1)[:, None].expand(-1, count, -1)
        centre, size = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]).clamp(min=1e-3).log()
        offset = (centre[:, :, None] - centre[:, None]).norm(dim=-1, keepdim=True)
        relation = torch.cat([offset, (offset + 0.01).log(), size[:, :, None] - size[:, None]], dim=-1)
        pairs = torch.cat(
            [
                text[:, :, None].expand(-1, -1, count, -1),
                regions[:, :, None].expand(-1, -1, count, -1),
                regions[:, None].expand(-1, count, -1, -1),
                relation * self.relating,
            ],
            dim=-1,
        )
        there = ~is_padding(regions)[:, None, :, None]
        others = self.pair(pairs).masked_fill(~there, 0)
        return self.end(torch.cat([text, regions, others.amax(dim=2), others.mean(dim=2)], dim=-1))


def trained(scenes: int, epochs: int, *, relating: bool) -> dict[str, float]:
    """The scores on the test split after some epochs on so many scenes."""
    task = get_task(f"scenes-ground:scenes={scenes}")
    data, objective = task.pairs("train"), task.pair_objective
    torch.manual_seed(0)
    network = Relating(len(task.words), task.length, task.channels, relating=relating)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(network.parameters(), lr=4e-3)
    for _ in range(epochs):
        prepared = objective.prepared(network, data, generator)
        for rows in torch.randperm(len(data), generator=generator).split(128):
            optimizer.zero_grad()
            objective.loss(network, objective.batch(data, rows, generator, prepared)).backward()
            optimizer.step()
    return objective.scores(network, task.pairs("test"))


def test_a_network_gets_beyond_what_is_to_be_had_without_boxes():
    found = trained(500, 4, relating=True)
    assert found["overlap>=0.5"] > 0.58, found
    assert set(found) == {"overlap>=0.5", "overlap>=0.5, size", "overlap>=0.5, place"}


def test_without_boxes_it_does_not():
    assert trained(400, 3, relating=False)["overlap>=0.5"] < 0.55
