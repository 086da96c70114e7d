"""Losses and box targets are those of the released code."""

from __future__ import annotations

import pytest
import torch

from bmnas.tasks.heads import answer_loss, changed, changes, clipped, ground_loss, ground_targets, match_loss, overlap
from bmnas.tasks.heads.ground import GroundTargets
from tests.mmnas_golden import case_of, draw, stored

CLOSE = {"rtol": 1e-9, "atol": 1e-11}
BOX = "prep/box-target"


def test_answers():
    logits = draw("loss/vqa/logits", 3, 11).requires_grad_()
    loss = answer_loss(logits, stored("loss/vqa/t_scores"))
    loss.backward()
    torch.testing.assert_close(loss, stored("loss/vqa/loss"), **CLOSE)
    torch.testing.assert_close(logits.grad, stored("loss/vqa/d"), **CLOSE)


@pytest.mark.parametrize("name", ["loss/itm-0", "loss/itm-1", "loss/itm-2"])
def test_matches(name):
    case = case_of("losses", name)
    logits = [draw(f"{name}/{part}", 4).requires_grad_() for part in ("pos", "other_text", "other_image")]
    loss = match_loss(*logits, criterion=case["kind"].split()[0], reduction=case["reduction"])
    loss.backward()
    torch.testing.assert_close(loss, stored(f"{name}/loss"), **CLOSE)
    # The released gradients are of the scores: divided by the slope of the sigmoid.
    slopes = torch.stack([(each.sigmoid() * (1 - each.sigmoid())).detach() for each in logits])
    found = torch.stack([each.grad for each in logits])
    torch.testing.assert_close(found, stored(f"{name}/d") * slopes, **CLOSE)


@pytest.mark.parametrize("criterion", ["kld", "bce"])
def test_boxes(criterion):
    name = f"loss/vgd-{criterion}"
    scores, deltas = draw(f"{name}/scores", 3, 7).requires_grad_(), draw(f"{name}/deltas", 3, 7, 4).requires_grad_()
    targets = GroundTargets(
        stored(f"{name}/t_scores"),
        stored(f"{name}/t_scores_mask")[:, 0] > 0,
        stored(f"{name}/t_box"),
        stored(f"{name}/t_box_mask")[..., 0] > 0,
    )
    of_scores, of_boxes = ground_loss(scores, deltas, targets, criterion=criterion)
    total = of_scores + 0.5 * of_boxes
    total.backward()
    torch.testing.assert_close(torch.stack([total, of_scores, of_boxes]), stored(f"{name}/loss"), **CLOSE)
    torch.testing.assert_close(scores.grad, stored(f"{name}/d_scores"), **CLOSE)
    torch.testing.assert_close(deltas.grad, stored(f"{name}/d_deltas"), **CLOSE)


@pytest.mark.parametrize("criterion", ["kld", "bce"])
def test_targets_of_boxes(criterion):
    boxes, truth = stored(f"{BOX}/boxes"), stored(f"{BOX}/truth")
    found = ground_targets(boxes[None], truth, criterion=criterion)
    # The released scores are 32-bit floats.
    torch.testing.assert_close(found.scores[0].float(), stored(f"{BOX}/{criterion}_scores"), rtol=2e-7, atol=0)
    assert found.has_scores.float().tolist() == stored(f"{BOX}/{criterion}_scores_mask").tolist()
    assert found.has_changes[0].float().tolist() == stored(f"{BOX}/{criterion}_box_mask").tolist()
    torch.testing.assert_close(found.changes[0], stored(f"{BOX}/{criterion}_box"), **CLOSE)


def test_boxes_there_and_back():
    boxes, truth = stored(f"{BOX}/boxes"), stored(f"{BOX}/truth")
    torch.testing.assert_close(overlap(boxes, truth), stored(f"{BOX}/iou"), **CLOSE)
    torch.testing.assert_close(changes(boxes, truth), stored(f"{BOX}/delta_normed"), **CLOSE)
    scale = torch.tensor([0.1, 0.1, 0.2, 0.2], dtype=torch.float64)
    moved = changed(boxes, stored(f"{BOX}/applied_delta") / scale)
    torch.testing.assert_close(moved, stored(f"{BOX}/applied_out"), **CLOSE)
    size = torch.tensor([70.0, 60.0], dtype=torch.float64)
    torch.testing.assert_close(clipped(moved, size.expand(len(moved), 2)), stored(f"{BOX}/clipped"), **CLOSE)
