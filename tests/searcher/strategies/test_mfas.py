"""MFAS: the form of its networks, its surrogate, what a step offers, weights that are shared, and that it searches."""

from __future__ import annotations

from functools import partial
from random import Random

import pytest
import torch

import bmnas
from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.searcher import SearchConfig
from bmnas.searcher.problem import refuse_unsearchable
from bmnas.searcher.strategies import mfas, on_candidates, strategy_of
from bmnas.searcher.strategies.fusion_layers import FusionLayers
from bmnas.searcher.strategies.mfas import temperature
from bmnas.searcher.strategies.on_candidates import Scored
from bmnas.searcher.strategies.surrogate import Surrogate
from tests.searcher.problems import problem
from tests.searcher.strategies.going_on import rounds, stopped_and_continued
from tests.searcher.strategies.hidden_pair import LookedUp, found_by, task_of

FORM = FusionLayers((("A_1", "A_2", "A_3"), ("B_1", "B_2", "B_3", "B_4")))


def make(**settings):
    return strategy_of(problem(strategy="mfas", **{"budget_trainings": 99, "samples_per_step": 2, **settings}))


def networks(count, most=2, seed=0, form=FORM):
    random = Random(seed)
    return [
        tuple(form.layer(random.randrange(form.count)) for _ in range(random.randint(1, most))) for _ in range(count)
    ]


def goodness(layers):
    """A feature of each modality is good, and so is a sigmoid, a bit."""
    return sum((layer[0] == 2) + (layer[1] == 1) + 0.3 * layer[2] for layer in layers) / len(layers) / 2.3


@pytest.mark.parametrize("anchor", ["none", "last"])
def test_a_network_is_a_sequence_of_fusion_layers(anchor):
    strategy = make(anchor=anchor, layers=3)
    for seed in range(20):
        genotype = strategy._any(Random(seed))
        assert bmnas.from_dict(genotype.model_dump(mode="json")) == genotype
        for n, cell in enumerate(genotype.cells, 1):
            assert [name[0] for name in cell.inputs[:2]] == ["A", "B"]
            assert cell.inputs[2:] == ((f"Cell_{n - 1}",) if n > 1 else ())
            assert [step.op in ("ConcatFC", "ConcatSigmoid") for step in cell.steps] == [True]
        assert [name for name in genotype.output if name.startswith("Cell")] == [genotype.cells[-1].name]
        assert genotype.join == ("sum" if anchor == "last" else "concat")
        bmnas.compile(genotype)


def test_layers_and_cells_are_two_ways_of_saying_it():
    assert len({FORM.layer(number) for number in range(FORM.count)}) == FORM.count == 3 * 4 * 2
    for layers in networks(30, most=4):
        assert FORM.layers(FORM.cells(layers)) == layers
    with pytest.raises(ValueError):
        FORM.layers(FORM.cells(networks(1)[0])[::-1] * 2)


def test_a_cell_computes_the_equation():
    """σ(W [x; y; h] + b), and nothing else."""
    strategy = make()
    genotype = strategy._genotype(strategy._form.cells(((0, 0, 0), (1, 2, 1))))
    network = bmnas.compile(genotype).eval()
    assert genotype.dialect == "paper"
    weights = [name for name, _ in network.named_parameters() if name.startswith("cells")]
    assert weights == [f"cells.Cell_{n}.steps.Step_1.conv.{what}" for n in (1, 2) for what in ("weight", "bias")]


def test_the_surrogate_ranks_better_than_chance():
    surrogate = Surrogate(FORM.sizes, lr=1e-3, seed=0, width=32)
    unseen = networks(100, seed=1)
    truth = torch.tensor([goodness(layers) for layers in unseen])

    def agreement():
        """Of pairs of unseen networks with different scores, the share that it has in the right order."""
        expected = torch.tensor(surrogate.values(unseen))
        apart = truth[:, None] > truth
        return ((expected[:, None] > expected) & apart).sum() / apart.sum()

    known = networks(24)
    surrogate.teach(known, [goodness(layers) for layers in known], 100)
    assert agreement() > 0.8
    # It is what it was taught, not what it began with: taught the opposite, it says the opposite.
    surrogate = Surrogate(FORM.sizes, lr=1e-3, seed=0, width=32)
    surrogate.teach(known, [1 - goodness(layers) for layers in known], 100)
    assert agreement() < 0.2


def test_a_surrogate_goes_on_as_if_it_had_not_stopped():
    known, more = networks(6), networks(9)
    whole, first, again = (Surrogate(FORM.sizes, lr=1e-3, seed=seed, width=8) for seed in (0, 0, 1))
    for surrogate in (whole, first):
        surrogate.teach(known, [goodness(layers) for layers in known], 5)
    again.load_state(first.state())
    for surrogate in (whole, again):
        surrogate.teach(more, [goodness(layers) for layers in more], 5)
    assert again.values(more) == whole.values(more)
    assert again.taught == 9


def test_steps_replace_one_layer_after_the_other():
    strategy = make(layers=3)
    for at, length in ((4, 2), (6, 3), (8, 3), (10, 3)):
        while len(strategy.done) < at:
            genotype = strategy._draw(Random(len(strategy.done)))
            strategy.done.append(Scored(genotype, 0.5 + len(strategy.done) / 100))
        step = strategy._now()
        position = step.number % 3
        kept = set(strategy._networks()[-2:]) if step.number > 1 else set(strategy._networks())
        for layers in step.weights:
            assert len(layers) == length
            rest = (*layers[:position], *layers[position + 1 :])
            assert rest in {(*each[:position], *each[position + 1 :]) for each in kept}
        assert len(step.weights) in (12, 24)


def test_what_is_expected_to_be_good_is_drawn_the_more_the_colder_it_is():
    strategy = make(layers=1, samples_per_step=3, budget_trainings=6 + 11 * 3)
    assert temperature(0, 12) > 9 > 1 > temperature(9, 12) >= 0.2
    assert temperature(3, 12) == temperature(1, 6)
    while len(strategy.done) < 6:
        genotype = strategy._any(Random(len(strategy.done)))
        strategy.done.append(Scored(genotype, 0.5))
    strategy._surrogate.teach = lambda networks, *_: None
    strategy._surrogate.values = lambda networks: [0.8 if layers[0][0] == 0 else 0.4 for layers in networks]
    ratios = []
    for number in (1, 9):
        weights = strategy._scored(number, 6)
        good, bad = (next(w for layers, w in weights.items() if layers[0][0] == feature) for feature in (0, 1))
        ratios.append(good / bad)
    assert 1 < ratios[0] < 1.2
    assert ratios[1] > 16


def test_lower_scores_are_better_where_the_metric_says_so(monkeypatch):
    strategy = make()
    strategy.done = [Scored(strategy._any(Random(n)), score) for n, score in enumerate((0.2, 0.6, 1.0))]
    assert strategy._values(3) == pytest.approx([0.1, 0.5, 0.9])
    metric = strategy.problem.task.metric
    monkeypatch.setattr(
        strategy.problem.task, "_metric", type(metric)("error", metric.score, higher_is_better=False), raising=False
    )
    assert strategy._values(3) == pytest.approx([0.9, 0.5, 0.1])
    assert strategy._values(1) == [0.5]


def test_a_layer_begins_with_the_weights_of_one_like_it():
    strategy = make(anchor="last", budget_trainings=1)
    assert list(strategy.events())
    trained = strategy._form.layers(strategy.done[0].genotype.cells)[0]
    strategy._draw = lambda random: strategy._genotype(strategy._form.cells((trained, (0, 0, 1 - trained[-1]))))
    network = strategy._next().network.state_dict()
    for key, tensors in strategy._weights.items():
        for name, tensor in tensors.items():
            if "'step'" in key:
                assert torch.equal(network[f"cells.Cell_1.steps.Step_1.conv.{name}"], tensor)
    # The head of the cells is a new one: it begins as nothing.
    assert not network["output.heads.Cell_2.weight"].any()


def test_a_stop_at_any_event_makes_no_difference():
    stated = problem(strategy="mfas", budget_trainings=5, samples_per_step=1, epochs=1)
    whole = rounds(strategy_of(stated).events())
    assert stopped_and_continued(stated, lambda count: True) == whole


def test_it_finds_a_hidden_pair_more_often_than_drawing_at_random(monkeypatch):
    monkeypatch.setattr(on_candidates, "CandidateTraining", LookedUp)
    monkeypatch.setattr(mfas, "_shared", lambda network: [])
    for name, value in {"Surrogate": partial(Surrogate, width=16), "_LR": 0.03, "_EPOCHS": 15}.items():
        monkeypatch.setattr(mfas, name, value)  # it learns as much, in less time
    searched, drawn = found_by({"strategy": "mfas", "layers": 1, "budget_trainings": 32}, seeds=8)
    assert searched > drawn + 1


@pytest.mark.parametrize(
    ("modalities", "settings", "sentence"),
    [
        ("aaa", {"layers": 1}, "fuses a feature of each modality, but the features here are of one modality"),
        ("abdefg", {}, "feature of each modality and the layer before it, .* so 6 modalities are too many: 5 are"),
        ("abdefgh", {"layers": 1}, "feature of each modality, but .* so 7 modalities are too many: 6 are possible"),
        ("abc", {"layers": 3}, "feature 'Cell_3' has the name of a cell"),
    ],
)
def test_what_it_cannot_fuse_is_refused(modalities, settings, sentence):
    features = [
        Feature(name=f"Cell_{n}" if modality == "c" else f"{modality}{n}", modality=modality, channels=4)
        for n, modality in enumerate(modalities, 1)
    ]
    config = SearchConfig(strategy="mfas", cells=1, **settings)
    with pytest.raises(BmnasError, match=sentence):
        refuse_unsearchable(task_of(features), config)


def test_what_it_can_fuse_is_not():
    """The rules of the space do not count: here they have nothing to read for so many cells."""
    features = [Feature(name=name, modality=name, channels=4) for name in "abcdef"]
    refuse_unsearchable(task_of(features[:5]), SearchConfig(strategy="mfas", cells=9, derive="official"))
    refuse_unsearchable(task_of(features), SearchConfig(strategy="mfas", layers=1))
