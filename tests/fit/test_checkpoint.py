"""Checkpoints in a file: a killed training goes on, and what cannot be used is as good as none."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.fit import checkpoint
from bmnas.fit.checkpoint import Keeper
from bmnas.fit.events import Pause
from tests.fit.nets import finished, plain, small_fit


class Killed(BaseException):
    """Stands for a SIGKILL: nothing in the package may catch it."""


def killed_after(writes: int, path, monkeypatch, **given) -> None:
    """Train until so many checkpoints are written."""
    keeper = Keeper(path, "toy", **{"every": 1, **given})
    save, left = keeper.save, [writes]

    def dying(training):
        save(training)
        left[0] -= 1
        if not left[0]:
            raise Killed

    monkeypatch.setattr(keeper, "save", dying)
    with pytest.raises(Killed):
        list(keeper.steps(keeper.resumed(small_fit)))


@pytest.mark.parametrize("writes", range(1, 13))
def test_a_training_that_is_killed_at_any_step_ends_the_same(tmp_path, monkeypatch, writes):
    killed_after(writes, tmp_path / "toy.ckpt", monkeypatch)
    keeper = Keeper(tmp_path / "toy.ckpt", "toy")
    fit = keeper.resumed(small_fit)
    assert (fit.epoch, fit.done("first")) == divmod(writes, 4)  # three steps and the end of an epoch
    list(keeper.steps(fit))
    assert plain(fit.state()) == plain(finished(small_fit()).state())
    keeper.remove()
    keeper.remove()
    assert not list(tmp_path.iterdir())


def flipped(content: bytes) -> bytes:
    return content[:-500] + bytes([content[-500] ^ 1]) + content[-499:]


@pytest.mark.parametrize(
    "damage", [flipped, lambda content: content[:-1], lambda content: b"", lambda content: b"text"]
)
def test_a_damaged_file_is_as_good_as_none(tmp_path, monkeypatch, damage):
    path = tmp_path / "toy.ckpt"
    killed_after(6, path, monkeypatch)
    path.write_bytes(damage(path.read_bytes()))
    assert Keeper(path, "toy").resumed(small_fit).epoch == 0


def test_another_training_is_not_gone_on_with(tmp_path, monkeypatch):
    path = tmp_path / "toy.ckpt"
    killed_after(6, path, monkeypatch)
    assert Keeper(path, "toys").resumed(small_fit).epoch == 0
    # One that says it is the same, but whose state has another shape: nothing of it is left in the new one.
    again = Keeper(path, "toy").resumed(lambda: small_fit(phases=2))
    assert plain(again.state()) == plain(small_fit(phases=2).state())


def test_a_file_from_anywhere_executes_nothing(tmp_path):
    class Evil:
        def __reduce__(self):
            return (pytest.fail, ("executed",))

    keeper = Keeper(tmp_path / "toy.ckpt", "toy")
    fit = small_fit()
    fit.state = lambda: {"network": Evil()}
    keeper.save(fit)
    assert keeper.resumed(small_fit).epoch == 0


@pytest.mark.parametrize(("every", "count"), [(None, 0), (1, 12), (4, 3), (100, 0)])
def test_how_often_one_is_written(tmp_path, monkeypatch, every, count):
    keeper, saved = Keeper(tmp_path / "toy.ckpt", "toy", every=every, seconds=1e9), []
    monkeypatch.setattr(keeper, "save", saved.append)
    list(keeper.steps(small_fit()))
    assert len(saved) == count


def test_one_is_written_after_so_many_seconds_and_not_more_often_than_pays(tmp_path, monkeypatch):
    """A step takes a second, writing one takes two: the next is due SHARE times as long after it."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoint, "SHARE", 4)
    keeper, saved = Keeper(tmp_path / "toy.ckpt", "toy", seconds=3), []

    def save(training):
        saved.append(now[0])
        now[0] += 2

    class Slow:
        place = ""

        def steps(self):
            for _ in range(30):
                now[0] += 1
                yield Pause()

    monkeypatch.setattr(keeper, "save", save)
    list(keeper.steps(Slow()))
    assert saved == [3, 13, 23, 33]


class Stop:
    """Asks after so many looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    @property
    def asked(self) -> bool:
        self.looks -= 1
        return self.looks < 0

    def waiting(self):
        return nullcontext()

    def interrupted(self, says: str) -> BaseException:
        return Killed(says)


def test_where_somebody_stops_it_a_checkpoint_is_written_and_the_place_is_said(tmp_path):
    keeper = Keeper(tmp_path / "toy.ckpt", "toy", stop=Stop(5), again="it goes on")
    with pytest.raises(Killed, match=r"^in epoch 2 of 3, after 2 steps; a checkpoint is written, and it goes on$"):
        list(keeper.steps(small_fit()))
    fit = keeper.resumed(small_fit)
    assert (fit.epoch, fit.done("first")) == (1, 2)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BmnasError, match=r"toy\.ckpt: cannot be written"):
        list(Keeper(tmp_path / "file" / "toy.ckpt", "toy", every=1).steps(small_fit()))


def test_tensors_are_read_to_the_cpu(tmp_path, monkeypatch):
    killed_after(1, tmp_path / "toy.ckpt", monkeypatch)
    state = Keeper(tmp_path / "toy.ckpt", "toy")._read()
    assert {tensor.device.type for tensor in state["network"].values()} == {"cpu"}
    assert isinstance(state["losses"]["first"], torch.Tensor)
