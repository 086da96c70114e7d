"""Trainings and searches of encoder-decoder networks: they learn, go on after a stop, and leave what is needed."""

from __future__ import annotations

import json

import pytest
import safetensors.torch
import torch

import bmnas
from bmnas.compiler.stacks import StackNetwork
from bmnas.errors import BmnasError
from bmnas.genotype.stacks.presets import PRESETS
from bmnas.pairs import PairSearchConfig, PairTrainConfig, completed_by, search_pairs, train_pairs
from bmnas.pairs.candidates import Candidates
from bmnas.pairs.gates import Gates
from bmnas.pairs.hypernet import StackHypernet
from bmnas.pairs.problem import PairProblem
from bmnas.pairs.search import baselines
from bmnas.tasks import get_task
from tests.genotype.stacks.made import small

SMALL = {
    "width": 16,
    "head_width": 8,
    "relation_width": 4,
    "tokens": 8,
    "batch_size": 16,
    "encoder_blocks": 1,
    "decoder_blocks": 2,
    "epochs": 2,
    "budget_trainings": 3,
    "population": 2,
    "train_epochs": 1,
}


@pytest.fixture(scope="module")
def task():
    return get_task("scenes-answer:scenes=40")


def problem(task, **more) -> PairProblem:
    return PairProblem(task, PairSearchConfig.checked(**{**SMALL, **more}), torch.device("cpu"))


def made(task, **more):
    own = problem(task, **more)
    return Gates(own) if own.config.strategy in ("gates", "gdas") else Candidates(own)


def genotypes(strategy) -> list[str]:
    return [event.sha256 for event in strategy.events() if hasattr(event, "sha256")]


@pytest.mark.parametrize("strategy", ["gates", "gdas", "random", "evolution"])
def test_a_search_that_is_stopped_anywhere_goes_on_as_if_it_had_not(task, strategy):
    whole = made(task, strategy=strategy)
    wanted, states = [], []
    for number, event in enumerate(whole.events()):
        if hasattr(event, "sha256"):
            wanted.append((event.sha256, event.score))
        elif number % 7 == 3:
            states.append((len(wanted), json.dumps(None), _copied(whole.state())))
    for done, _, state in states[:: max(1, len(states) // 4)]:
        again = made(task, strategy=strategy)
        again.load_state(state)
        rest = [(event.sha256, event.score) for event in again.events() if hasattr(event, "sha256")]
        assert wanted[:done] + rest == wanted


def _copied(state):
    if isinstance(state, torch.Tensor):
        return state.clone()
    if isinstance(state, dict):
        return {key: _copied(value) for key, value in state.items()}
    return [_copied(each) for each in state] if isinstance(state, list) else state


def test_operations_that_are_not_drawn_stand_still(task):
    gates = made(task, encoder_blocks=1, decoder_blocks=1)
    for _ in range(3):  # so that the optimiser has momentum for all of them
        for digit in range(2):
            gates.hypernet.choose([digit, digit])
            _step(gates)
    block = next(gates.hypernet.blocks())
    before = [parameter.clone() for parameter in block.operations[1].parameters()]
    gates.hypernet.choose([0, 0])
    _step(gates)
    assert all(torch.equal(a, b) for a, b in zip(before, block.operations[1].parameters(), strict=True))


def _step(gates) -> None:
    rows = torch.arange(16)
    torch.manual_seed(0)
    gates._optimizer.zero_grad()
    gates._steps.loss(rows)(slice(None)).backward()
    gates._optimizer.step()


def test_a_hypernet_with_chosen_operations_is_the_network_of_that_genotype(task):
    own = problem(task)
    hypernet = StackHypernet(own.space).eval()
    for index in (0, 5, own.space.count - 1):
        genotype = own.space[index]
        digits = own.space.digits(genotype)
        hypernet.choose(digits)
        network = StackNetwork(genotype).eval()
        state = hypernet.state_dict()
        ours = {}
        for name in network.state_dict():
            key = name
            if name.startswith("stacks."):
                _, stack, number, rest = name.split(".", 3)
                place = int(number) + (0 if stack == hypernet._keys["Encoder"] else own.config.encoder_blocks)
                key = f"stacks.{stack}.{number}.operations.{digits[place]}.{rest}"
            ours[name] = state[key]
        network.load_state_dict(ours)
        inputs = task.pairs("train").inputs(torch.arange(5))
        assert torch.allclose(network(inputs), hypernet(inputs), atol=1e-6)


def test_alpha_learns_which_operation_is_right():
    """The gradient of the gates, in a network of one block whose operations are told apart by what they give."""
    own = problem(get_task("scenes-ground:scenes=40"), decoder_blocks=1, start="mcan-rsa")
    gates = Gates(own)
    names = [own.space.pools[1][0][int(gates.hypernet.alpha[1].argmax())], own.space.pools[0][0][0]]
    assert names == ["RelationAttention", "SelfAttention"]
    gates.hypernet.choose([0, 1], "full")
    gates._arch.loss(torch.arange(16))(slice(None)).backward()
    gates.hypernet.alpha_gradients()
    for alpha in gates.hypernet.alpha:
        assert alpha.grad is not None
        assert abs(float(alpha.grad.sum())) < 1e-6  # the softmax does not see what is added to all


def test_a_training_learns_and_is_the_same_again(task):
    genotype = baselines(task, problem(task))["mcan"]
    config = PairTrainConfig(epochs=6, batch_size=16, lr=3e-3)
    first = train_pairs(genotype, task, config, report=None)
    again = train_pairs(genotype, task, config, report=None, evaluate=False)
    assert first.validation == again.validation
    assert again.test == {}
    chance = 1 / task.outputs
    assert first.test["accuracy"] > 2 * chance
    assert first.main == "accuracy"


def test_a_run_folder_has_all_and_a_second_call_finds_it_finished(task, tmp_path):
    result = search_pairs(task, SMALL, folder=tmp_path / "run", report=None)
    assert set(result.rows) == {"transformer", "mcan", "mcan-rsa", "found network"}
    genotype = bmnas.load(tmp_path / "run")
    assert genotype.replace(provenance=None) == result.genotype.replace(provenance=None)
    assert genotype.provenance.trained_by.startswith("bmnas train genotype.json --task scenes-answer:scenes=40")
    weights = safetensors.torch.load_file(tmp_path / "run" / "genotype.safetensors")
    network = bmnas.compile(genotype)
    network.load_state_dict(weights)
    for name in ("genotype.svg", "genotype.scores.json", "genotype.words.json", "results.json", "events.jsonl"):
        assert (tmp_path / "run" / name).exists()
    told = []
    again = search_pairs(task, SMALL, folder=tmp_path / "run", report=told.append)
    assert (again.chosen, again.found) == (result.chosen, result.found)
    assert {name: row.validation for name, row in again.rows.items()} == {
        name: row.validation for name, row in result.rows.items()
    }
    assert not [event for event in told if type(event).__name__ in ("EpochDone", "TrainingEpochDone")]
    with pytest.raises(BmnasError, match=r"holds a search with search.epochs 2, not 3"):
        search_pairs(task, {**SMALL, "epochs": 3}, folder=tmp_path / "run", report=None)


@pytest.mark.parametrize(
    ("genotype", "sentence"),
    [
        (lambda task: small(), r"inputs\[0\].name is 'Q', but task scenes-answer has 'Question' and 'Regions'"),
        (
            lambda task: PRESETS["mcan"](task.sequence_inputs(), task="match", width=64, head_width=16),
            "head.task is 'match', but task scenes-answer asks to answer",
        ),
        (
            lambda task: PRESETS["mcan"](
                [each.model_copy(update={"length": 2}) for each in task.sequence_inputs()], width=64, head_width=16
            ),
            r"inputs\[0\].length is 2, but task scenes-answer has up to",
        ),
        (
            lambda task: PRESETS["mcan"](task.sequence_inputs(), width=64, head_width=16, outputs=3),
            "head.outputs is 3, but task scenes-answer has 14 answers",
        ),
    ],
)
def test_a_genotype_that_does_not_fit_the_task_is_told(task, genotype, sentence):
    with pytest.raises(BmnasError, match=sentence):
        completed_by(genotype(task), task)


def test_tasks_and_genotypes_of_the_other_kind_are_told(task):
    with pytest.raises(BmnasError, match="task digits has no pairs of texts and images"):
        search_pairs("digits", report=None)
    with pytest.raises(BmnasError, match="is a fusion genotype, and an encoder-decoder one is needed here"):
        train_pairs("ntu-1", task, report=None)
    with pytest.raises(BmnasError, match="head_width"):
        search_pairs(task, {"width": 10, "head_width": 4}, report=None)
