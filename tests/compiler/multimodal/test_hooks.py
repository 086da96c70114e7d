"""Backbones that torch.fx cannot trace run by their own code up to their last tap."""

from __future__ import annotations

import copy
import io
import threading

import pytest
import torch
from torch import nn

from bmnas.compiler.multimodal import Tap, TapError, assemble
from bmnas.errors import BmnasError
from tests.compiler.multimodal.nets import Maps, Words, fusing

WORDS = torch.randint(1, 20, (2, 7), generator=torch.Generator().manual_seed(0))
LONG = torch.zeros(2, 12, dtype=torch.int64)


def words_model(net=None, examples=WORDS, **taps):
    taps = taps or {"A": Tap("rnn", 0, -1), "B": Tap("blocks.1", axis=-1)}
    genotype = fusing(*[(name, "Text", None) for name in taps])
    return assemble(genotype, {"Text": net or Words()}, taps, examples={"Text": examples})


def test_taps_give_what_the_code_computes_there():
    net = Words()
    features = words_model(net).features({"Text": WORDS})
    states = net.rnn(net.embed(WORDS))[0]
    torch.testing.assert_close(features["A"], states.transpose(1, 2))
    first = net.blocks[0](states).relu()
    torch.testing.assert_close(features["B"], net.blocks[1](first).transpose(1, 2))  # before the ReLU in place


def test_nothing_after_the_last_tap_runs_or_is_stored():
    model = words_model()
    for _ in range(2):
        model({"Text": WORDS})
    assert model.backbones["Text"].counted.calls == 0
    kept = {name.removeprefix("backbones.Text.").rpartition(".")[0] for name in model.state_dict() if "Text" in name}
    assert kept == {"embed", "rnn", "blocks.0", "blocks.1"}
    assert set(dict(model.named_parameters())) <= set(model.state_dict())
    assert len(model.backbones["Text"].blocks) == 4  # the code asks for it
    assert model.backbones["Text"].later._flat_weights == [None] * 4
    assert words_model(C="counted").backbones["Text"].counted.calls == 3  # of the example, in each mode and for shapes


def test_what_the_examples_do_not_reach_says_so_and_is_kept_with_more_examples():
    with pytest.raises(TapError, match=r"modality 'Text' runs 'extra' before its last tap, but did not on the example"):
        words_model()({"Text": LONG})
    model = words_model(examples=[WORDS, LONG])
    assert any("extra" in name for name in model.state_dict())
    assert model({"Text": LONG}).shape == (2, 3)
    assert model({"Text": WORDS}).shape == (2, 3)


def test_stopping_is_not_seen():
    """Neither by the backbone's own handlers of exceptions, nor by who calls the model."""

    class Careful(Words):
        def forward(self, words):
            try:
                return super().forward(words)
            except Exception:
                return None

    model = words_model(Careful())
    assert model({"Text": WORDS}).isfinite().all()
    with pytest.raises(IndexError):
        words_model()({"Text": torch.full((2, 3), 99)})


def test_it_is_left_to_the_backbone_when_it_is_called_by_itself():
    """The hooks of a model do nothing outside of its forward pass."""
    model = words_model(C=Tap("blocks.3", axis=-1))
    model({"Text": WORDS})
    assert model.backbones["Text"].embed(WORDS).shape == (2, 7, 6)


def test_threads_do_not_mix_their_records():
    model = words_model().eval()
    batches = [torch.randint(1, 20, (2, 4 + number % 3)) for number in range(24)]
    expected = [model({"Text": batch}) for batch in batches]
    found: dict[int, torch.Tensor] = {}

    def work(start):
        for number in range(start, len(batches), 3):
            found[number] = model({"Text": batches[number]})

    threads = [threading.Thread(target=work, args=(start,)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(found[number], value) for number, value in enumerate(expected))


def test_a_model_is_copied_and_pickled_with_its_hooks():
    model = words_model().eval()
    out = model({"Text": WORDS})
    assert torch.equal(copy.deepcopy(model)({"Text": WORDS}), out)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)({"Text": WORDS}), out)


class Attending(nn.Module):
    """Uses weights of modules that it does not call, and refuses to be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Parameter(torch.randn(8))
        self.unused = nn.Parameter(torch.randn(8))
        self.register_buffer("scale", torch.tensor(2.0))
        self.tied = nn.Linear(8, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.BatchNorm1d(8)
        self.auxiliary = nn.Linear(8, 2)
        self.place = nn.Identity()
        self.head = nn.Linear(8, 2)

    def forward(self, x, mask=None):
        if float(x.sum()) > 1e9:
            return x
        x = nn.functional.linear(x, self.tied.weight) + self.own * self.scale
        x = self.attention(x, x, x)[0]
        if self.training:
            self.auxiliary(x)
        if mask is not None:
            x = x * mask
        x = self.norm(x.transpose(1, 2))
        return self.head(self.place(x).mean(-1))


SEQUENCES = torch.randn(1, 5, 8, generator=torch.Generator().manual_seed(0))


def test_weights_are_kept_that_are_used_without_a_call():
    net = Attending()
    model = assemble(fusing(("place", "S", 8)), {"S": net}, examples={"S": SEQUENCES})
    kept = {name.removeprefix("backbones.S.").split(".")[0] for name in model.state_dict() if "backbones" in name}
    assert kept == {"own", "scale", "tied", "attention", "norm", "auxiliary"}
    assert "backbones.S.tied.bias" not in model.state_dict()
    model.eval()
    net.eval()
    x = net.attention(*[nn.functional.linear(SEQUENCES, net.tied.weight) + net.own * 2] * 3)[0]
    torch.testing.assert_close(model.features({"S": SEQUENCES})["place"], net.norm(x.transpose(1, 2)))
    model.train()({"S": torch.randn(3, 5, 8)})


def test_looking_for_weights_changes_none_and_leaves_the_random_numbers():
    net = Attending()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    network = torch.manual_seed(5) and fusing(("place", "S", 8))
    from bmnas.compiler import compile_genotype

    fusion = compile_genotype(network)
    state = torch.get_rng_state()
    model = assemble(fusion, {"S": net}, examples={"S": SEQUENCES})
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in model.backbones["S"].state_dict().items():
        assert torch.equal(value, before[name])
    assert model.backbones["S"].norm.training


@pytest.mark.parametrize("inputs", [(SEQUENCES, torch.ones(8)), {"x": SEQUENCES, "mask": torch.ones(8)}])
def test_several_arguments(inputs):
    net = Attending().eval()
    model = assemble(fusing(("place", "S", 8)), {"S": net}, examples={"S": inputs}).eval()
    assert torch.equal(model({"S": inputs}), model({"S": SEQUENCES}))


def test_a_module_that_runs_several_times():
    class Loop(Words):
        def forward(self, words):
            states = self.embed(words)
            for _ in range(int(words.max()) - int(words.max()) + 3):
                states = self.blocks[0](self.rnn(states)[0])[..., :6]
            return self.last(states)

    net = Loop()
    features = words_model(net, A=Tap("rnn", 0, -1), B=Tap("blocks.0", axis=-1), C=Tap("blocks.0_2", axis=-1))
    features = features.features({"Text": WORDS})
    states = net.embed(WORDS)
    for _ in range(3):
        states = net.blocks[0](net.rnn(states)[0])
        last, states = states, states[..., :6]
    torch.testing.assert_close(features["C"], last.transpose(1, 2))
    assert not torch.equal(features["B"], features["C"])
    with pytest.raises(TapError, match=r"'blocks.0_3' does not run: no 'blocks.0' in the backbone's forward pass a 4"):
        words_model(_passing(net), A=Tap("blocks.0_3", axis=-1))


def _passing(net):
    net.last = nn.Identity()
    return net


def test_a_module_that_two_backbones_share():
    """One is cut, one has hooks; what only one of them needs stays."""
    words, maps = Words(), Maps()
    words.shared = maps.shared = nn.Linear(8, 8)
    other = Words()
    other.embed, other.extra = words.embed, words.extra
    genotype = fusing(("A", "One", None), ("B", "Two", None))
    taps = {"A": Tap("embed", axis=-1), "B": Tap("blocks.1", axis=-1)}
    model = assemble(genotype, {"One": words, "Two": other}, taps, examples={"One": WORDS, "Two": WORDS})
    assert model.backbones["One"].embed.weight is model.backbones["Two"].embed.weight
    taps = {"A": Tap("blocks.2", axis=-1), "B": Tap("blocks.1", axis=-1)}
    same = assemble(genotype, {"One": words, "Two": words}, taps, examples={"One": WORDS, "Two": WORDS})
    assert same.backbones["One"].rnn.weight_hh_l0 is same.backbones["Two"].rnn.weight_hh_l0
    assert same({"One": WORDS, "Two": WORDS}).shape == (2, 3)


def test_a_backbone_without_an_example_is_refused():
    with pytest.raises(BmnasError, match=r"'Text' cannot be traced by torch.fx .*give an example input, examples={'Te"):
        assemble(fusing(("blocks.1", "Text", 8)), {"Text": Words()})
