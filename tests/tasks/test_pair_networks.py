"""Compiled encoder-decoder networks take what tasks of pairs give, and their objectives take what they give."""

from __future__ import annotations

import pytest
import torch

import bmnas
from bmnas.genotype.stacks import presets
from bmnas.tasks import get_task


@pytest.mark.parametrize("name", ["scenes-answer", "scenes-match", "scenes-ground"])
def test_a_step_and_the_scores_of_a_network(name):
    task = get_task(f"{name}:scenes=40")
    outputs = task.outputs if task.head == "answer" else None
    genotype = presets.mcan_rsa(
        task.sequence_inputs(16), task=task.head, outputs=outputs, width=32, head_width=16, relation_width=8, layers=1
    )
    torch.manual_seed(0)
    network, data, objective = bmnas.compile(genotype), task.pairs("train"), task.pair_objective
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    losses = []
    batch = objective.batch(data, torch.arange(64), generator, objective.prepared(network, data, generator))
    for _ in range(6):
        optimizer.zero_grad()
        loss = objective.loss(network, batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    part = data[torch.arange(40)]
    scores = objective.scores(network, part)
    assert 0 <= scores[objective.main] <= 1
    assert network.training
