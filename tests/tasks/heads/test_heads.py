"""Objectives on small data: what a perfect, a blind and a constant network get, and what batches are made of."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
import torch
from hypothesis import given, strategies as st
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.tasks.heads import HEADS, AnswerObjective, GroundObjective, MatchObjective, changes, overlap, recall
from bmnas.tasks.heads.match import OTHER_IMAGE, OTHER_TEXT, all_logits, pair_logits
from bmnas.tasks.heads.partners import Partners
from bmnas.tasks.sequences import BOXES, QUESTION, REGIONS, PairData, is_padding
from tests.tasks.pair_data import descriptions, questions, texts


class Fixed(nn.Module):
    """A network that gives what a function says of its inputs."""

    def __init__(self, function):
        super().__init__()
        self.function, self.modes = function, []

    def forward(self, inputs):
        self.modes.append(self.training)
        return self.function(inputs)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_heads_by_name():
    assert list(HEADS) == ["answer", "match", "ground"]
    with pytest.raises(BmnasError, match=r"^unknown head 'answers'; did you mean 'answer'"):
        HEADS.find("answers")


def lookup(data: PairData):
    """A network that knows each question's answers by heart."""
    known = {tuple(row.tolist()): data.targets(torch.tensor([place]))[0] for place, row in enumerate(data.tokens)}
    return Fixed(lambda inputs: torch.stack([known[tuple(row.tolist())] for row in inputs[QUESTION]]))


def test_the_score_of_an_answer_is_how_right_it_is():
    data = questions(12)
    assert AnswerObjective().scores(lookup(data), data, batch_size=5) == {"accuracy": 1.0}
    first = Fixed(lambda inputs: torch.tensor([[1.0, 0, 0]]).expand(len(inputs[QUESTION]), 3))
    expected = (data.labels["answers"][:, 0] == 0).double().mean().item()
    assert AnswerObjective().scores(first, data) == {"accuracy": pytest.approx(expected)}


def test_soft_scores_and_kinds():
    made = questions(4, outputs=3)
    data = PairData(
        made.tokens,
        made.regions,
        made.image,
        made.words,
        {
            "answers": torch.tensor([[0, 2], [1, -1], [2, 0], [-1, -1]]),
            "scores": torch.tensor([[0.6, 0.3], [1, 0.0], [0.9, 0.3], [0, 0.0]]),
        },
        3,
        torch.tensor([0, 0, 1, 1]),
        ("number", "other"),
    )
    expected = [[0.6, 0, 0.3], [0, 1, 0], [0.3, 0, 0.9], [0, 0, 0]]
    torch.testing.assert_close(data.targets(torch.arange(4)), torch.tensor(expected))
    found = AnswerObjective().scores(lookup(data), data)
    assert found == {
        "accuracy": pytest.approx(2.5 / 4),
        "accuracy, number": pytest.approx(0.8),
        "accuracy, other": pytest.approx(0.45),
    }


def test_the_two_reductions_of_an_answer_differ_by_the_batch():
    data = questions(12)
    network = Fixed(lambda inputs: inputs[QUESTION][:, :3].float())
    losses = [
        AnswerObjective(reduction=reduction).loss(network, AnswerObjective().batch(data, torch.arange(8), generator()))
        for reduction in ("sum", "mean")
    ]
    torch.testing.assert_close(losses[0], losses[1] * 8)


def test_a_network_of_another_shape_is_told():
    data = questions(6)
    batch = AnswerObjective().batch(data, torch.arange(2), generator())
    with pytest.raises(ValueError, match=r"^a network with the head 'answer' gives a tensor of shape \(2, 3\)"):
        AnswerObjective().loss(Fixed(lambda inputs: torch.zeros(2, 4)), batch)


def test_scoring_leaves_the_network_in_its_mode():
    data, network = questions(6), Fixed(lambda inputs: torch.zeros(len(inputs[QUESTION]), 3))
    AnswerObjective().scores(network, data)
    assert network.training
    assert network.modes == [False]


def closest(data: PairData) -> Fixed:
    """A network that finds the described region by its own box, and changes nothing."""

    def find(inputs):
        scores = []
        for row, tokens in enumerate(inputs[QUESTION]):
            place = (data.tokens == tokens).all(dim=1).nonzero()[0, 0]
            scores.append(overlap(inputs[BOXES][row], data.labels["truth"][place]))
        return torch.cat([torch.stack(scores)[..., None], torch.zeros(*inputs[BOXES].shape)], dim=-1)

    return Fixed(find)


def test_the_right_region_is_found():
    data = descriptions(8)
    found = GroundObjective().scores(closest(data), data, batch_size=3)
    assert found == {"overlap>=0.5": 1.0}


def test_a_change_can_make_a_box_right():
    data = descriptions(8)

    def repair(inputs):
        first = inputs[BOXES][:, 0]
        rows = [(data.tokens == tokens).all(dim=1).nonzero()[0, 0] for tokens in inputs[QUESTION]]
        out = torch.zeros(*inputs[BOXES].shape[:2], 5)
        out[:, 0, 0] = 1
        out[:, 0, 1:] = changes(first, data.labels["truth"][torch.stack(rows)])
        return out

    assert GroundObjective().scores(Fixed(repair), data) == {"overlap>=0.5": 1.0}


def test_padding_is_no_answer_unless_it_may_be():
    data = descriptions(8)
    odd = data[torch.tensor([1, 3])]

    def padding(inputs):
        out = torch.zeros(*inputs[BOXES].shape[:2], 5)
        out[..., 0] = is_padding(inputs[REGIONS]) * 9.0
        out[:, 1, 0] = 1
        return out

    out = padding(odd.inputs(torch.arange(2)))
    inputs = odd.inputs(torch.arange(2))
    masked, free = (
        GroundObjective(mask_padding=mask).boxes(out, inputs[REGIONS], inputs[BOXES], inputs["Regions.image"])
        for mask in (True, False)
    )
    torch.testing.assert_close(masked, inputs[BOXES][:, 1], atol=1.0, rtol=0)
    assert (free[:, :2] == 0).all()


@pytest.mark.parametrize("criterion", ["kld", "bce"])
def test_a_batch_without_a_near_region_has_a_loss(criterion):
    data = descriptions(4)
    far = PairData(
        data.tokens, data.regions, data.image, data.words, {"truth": torch.tensor([[98.0, 78, 99, 79]]).repeat(4, 1)}
    )
    objective = GroundObjective(criterion=criterion)
    batch = objective.batch(far, torch.arange(4), generator())
    loss = objective.loss(Fixed(lambda inputs: torch.zeros(4, 5, 5)), batch)
    assert loss.isfinite()
    if criterion == "kld":
        assert loss == 0


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_recall_is_a_mean_over_the_orders_of_equal_scores(scores, right):
    """All orders of five are few, so the mean is taken over them."""
    found = recall(torch.tensor(scores, dtype=torch.float32), torch.tensor([right] * len(scores)), (1, 2, 5))
    if not any(right):
        assert len(found) == 0
        return
    for row, values in zip(scores, found.tolist(), strict=True):
        counts = [0, 0, 0]
        orders = list(permutations(range(5)))
        for order in orders:
            ranked = sorted(order, key=lambda place: -row[place])
            counts = [
                count + any(right[place] for place in ranked[:k]) for count, k in zip(counts, (1, 2, 5), strict=True)
            ]
        assert values == pytest.approx([count / len(orders) for count in counts])


def test_a_network_that_says_the_same_of_everything_is_at_chance():
    data = texts(12, 4)
    found = MatchObjective().scores(Fixed(lambda inputs: torch.zeros(len(inputs[QUESTION]))), data)
    assert found["text to image R@1"] == pytest.approx(1 / 4)
    assert found["image to text R@1"] == pytest.approx(3 / 12)
    assert found["image to text R@5"] == pytest.approx(1 - math.comb(9, 5) / math.comb(12, 5))
    assert found["text to image R@10"] == 1.0


class Knows(nn.Module):
    """Knows by heart which text belongs to which image."""

    def __init__(self, data: PairData):
        super().__init__()
        self.data, self.read = data, 0

    def encoded(self, inputs) -> dict[str, Tensor]:
        self.read += len(inputs[QUESTION])
        rows = [(self.data.tokens == tokens).all(dim=1).nonzero()[0, 0] for tokens in inputs[QUESTION]]
        return {"features": self.data.regions.take(self.data.image[torch.stack(rows)]).features}

    def from_encoded(self, encoded, inputs):
        return -(encoded["features"] - inputs[REGIONS]).abs().flatten(1).sum(dim=1)

    def forward(self, inputs):
        return self.from_encoded(self.encoded(inputs), inputs)[:, None]


def test_recall_over_all_pairs_reads_each_text_once():
    data = texts(12, 4)
    network = Knows(data)
    found = MatchObjective().scores(network, data, batch_size=5)
    assert set(found.values()) == {1.0}
    assert network.read == 12
    rows, images = torch.arange(12), torch.arange(4)
    pairs = torch.cartesian_prod(rows, images)
    single = pair_logits(network, data, pairs[:, 0], pairs[:, 1], batch_size=7).reshape(12, 4)
    torch.testing.assert_close(all_logits(network, data, rows, images, 5), single)
    plain = Fixed(lambda inputs: network(inputs))
    torch.testing.assert_close(all_logits(plain, data, rows, images, 5), single)


def test_partners_are_wrong_and_of_the_same_gallery():
    data = texts(24, 6, gallery=(0, 1, 0, 1, 0, 1))
    partners = Partners(data)
    others = partners.other_images(data.image, 50, generator())
    assert (others != data.image[:, None]).all()
    assert (others % 2 == data.image[:, None] % 2).all()
    assert {int(image) for image in others[0]} == {2, 4}
    wrong = partners.other_texts(torch.arange(6), 50, generator())
    assert (data.image[wrong] != torch.arange(6)[:, None]).all()
    assert (data.image[wrong] % 2 == torch.arange(6)[:, None] % 2).all()
    assert len(wrong.unique()) == 24


def test_an_image_that_is_alone_has_no_partner():
    with pytest.raises(BmnasError, match=r"^the data: image 2 is the only image of its gallery"):
        Partners(texts(12, 3, gallery=(0, 0, 1)))


def test_hard_negatives_are_those_that_the_network_likes():
    data = texts(24, 6)
    objective = MatchObjective(tried=64, kept=1)
    # It likes images with great first numbers, whatever the text.
    network = Fixed(lambda inputs: inputs[REGIONS][:, 0, 0])
    negatives = objective.prepared(network, data, generator())
    order = data.regions.take(torch.arange(6)).features[:, 0, 0].argsort(descending=True)
    best = torch.where(data.image == order[0], order[1], order[0])
    assert negatives.images[:, 0].tolist() == best.tolist()
    batch = objective.batch(data, torch.arange(24), generator(), negatives)
    torch.testing.assert_close(batch.others[OTHER_IMAGE][REGIONS], data.regions.take(best).features)
    torch.testing.assert_close(batch.others[OTHER_IMAGE][QUESTION], data.tokens)
    torch.testing.assert_close(batch.others[OTHER_TEXT][REGIONS], batch.inputs[REGIONS])
    assert (data.image[negatives.texts[:, 0]] != torch.arange(6)).all()


def test_hard_negatives_are_different_ones():
    """Though of few images many are drawn, so that each is drawn several times."""
    data = texts(24, 6)
    network = Fixed(lambda inputs: inputs[REGIONS][:, 0, 0])
    kept = MatchObjective(tried=64, kept=3).prepared(network, data, generator()).images
    assert {len(set(row)) for row in kept.tolist()} == {3}
    few = MatchObjective(tried=64, kept=9).prepared(network, data, generator()).images
    assert {len(set(row)) for row in few.tolist()} == {5}
    assert (few != data.image[:, None]).all()


def test_without_tries_partners_are_drawn_at_random():
    data, objective = texts(24, 6), MatchObjective(tried=0)
    assert objective.prepared(Fixed(lambda inputs: None), data, generator()) is None
    batch = objective.batch(data, torch.arange(24), generator())
    right = Fixed(lambda inputs: (inputs[QUESTION] == data.tokens).all(dim=1).double() * 9)
    assert objective.loss(right, batch).isfinite()
    again = objective.batch(data, torch.arange(24), generator())
    torch.testing.assert_close(batch.others[OTHER_TEXT], again.others[OTHER_TEXT])


def test_a_batch_moves_as_a_whole():
    data, objective = descriptions(4), GroundObjective()
    batch = objective.batch(data, torch.arange(2), generator()).to("meta")
    assert {values.device.type for values in (*batch.inputs.values(), *batch.labels.values())} == {"meta"}
