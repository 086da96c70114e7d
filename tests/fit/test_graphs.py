"""Recorded steps: a search gives the same with them, and goes on without where nothing can be recorded."""

from __future__ import annotations

import pytest

from bmnas.fit.graphs import WARM_UP, Graphs
from bmnas.searcher import EpochDone
from bmnas.searcher.strategies import Bilevel
from tests.searcher.problems import problem


class Repeater:
    """Stands for a GPU: its recordings compute the function again, into the tensors that it gave."""

    def __init__(self, search: Bilevel) -> None:
        self.search, self.recorded, self.replayed = search, 0, 0

    def __call__(self, function):
        self.recorded += 1
        net, generators = self.search.hypernet, self.search.generators
        buffers = [buffer.clone() for buffer in net.buffers()]
        states = [generator.get_state() for generator in generators]
        losses, gradients = function()
        for buffer, before in zip(net.buffers(), buffers, strict=True):
            buffer.copy_(before)
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)

        def again():
            self.replayed += 1
            new_losses, new_gradients = function()
            losses.copy_(new_losses)
            for own, new in zip(gradients, new_gradients, strict=True):
                own.copy_(new)

        return again, (losses, gradients)


def epochs(search: Bilevel) -> list[EpochDone]:
    return [event for event in search.events() if isinstance(event, EpochDone)]


def with_graphs(recorder, **given) -> Bilevel:
    search = Bilevel(problem(epochs=5, batch_size=20, select="alpha", **given))
    search.fit.graphs = Graphs(search.generators, recorder(search))
    return search


@pytest.mark.parametrize("given", [{}, {"seeds": 2}, {"strategy": "released"}])
def test_a_search_finds_the_same_with_recorded_steps(given):
    plain = epochs(Bilevel(problem(epochs=5, batch_size=20, select="alpha", **given)))
    search = with_graphs(Repeater, **given)
    recorded = epochs(search)
    assert [event.model_copy(update={"seconds": 0}) for event in recorded] == [
        event.model_copy(update={"seconds": 0}) for event in plain
    ]
    # In each of five epochs batches of 20, 20 and 8 for training, of 20 and 4 for validation.
    recorder = search.fit.graphs._recorder
    assert recorder.recorded == 4
    assert recorder.replayed == sum(steps - WARM_UP for steps in (10, 5, 5, 5))


def test_a_step_that_cannot_be_recorded_is_computed_as_before():
    def failing(search):
        def record(function):
            raise RuntimeError("operation not permitted when stream is capturing")

        return record

    assert epochs(with_graphs(failing))[-1].score == epochs(with_graphs(Repeater))[-1].score


def test_another_error_is_not_hidden():
    def failing(search):
        def record(function):
            raise RuntimeError("shapes do not fit")

        return record

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        epochs(with_graphs(failing))


@pytest.mark.gpu
def test_a_gpu_finds_the_same_with_graphs():
    def on_gpu(**given):
        search = Bilevel(problem(epochs=5, batch_size=20, select="alpha", device="cuda", **given))
        return search, epochs(search)

    plain, recorded = on_gpu(), on_gpu(cuda_graphs=True)
    assert any(recorded[0].fit.graphs._recorded.values())
    assert [event.genotype.cells for event in plain[1]] == [event.genotype.cells for event in recorded[1]]
    assert [event.loss for event in plain[1]] == pytest.approx([event.loss for event in recorded[1]], rel=1e-4)
