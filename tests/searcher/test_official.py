"""The released code's hypernets in ours: sizes read off the tensors, what does not fit. Numbers: test_golden."""

from __future__ import annotations

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.searcher.official import POOL, load_hypernet

CHANNELS, LENGTH, CELLS, STEPS, OUTPUTS = 4, 9, 2, 3, 5
FEATURES = tuple(Feature(name=f"F.{i}", modality="A", channels=2 + i, reshape="grid") for i in range(3))
CONV, JOIN = "fusion_net.cell._step_nodes.1.node_cell.node_ops.2._ops.3.conv.weight", "reshape_layers.2.conv.weight"


def released_state(joined: int = 2, *, reshapes: bool = True, head: bool = True) -> dict[str, torch.Tensor]:
    """A state dict of a released hypernet, its names and shapes written down from its modules."""
    generator = torch.Generator().manual_seed(0)
    state: dict[str, torch.Tensor] = {}

    def put(prefix: str, *shapes: tuple[str, tuple[int, ...]]) -> None:
        for name, shape in shapes:
            state[prefix + name] = torch.rand(shape, generator=generator, dtype=torch.float64)

    def norm(prefix: str, *shape: int) -> None:
        put(f"{prefix}bn.", *((n, shape) for n in ("weight", "bias", "running_mean", "running_var")))
        state[f"{prefix}bn.num_batches_tracked"] = torch.tensor(7)

    def conv(prefix: str, outs: int, ins: int) -> None:
        put(prefix, ("conv.weight", (outs, ins, 1)), ("conv.bias", (outs,)))

    def layer_norm(prefix: str, channels: int = CHANNELS) -> None:
        put(f"{prefix}ln.", ("weight", (channels, LENGTH)), ("bias", (channels, LENGTH)))

    for i, feature in enumerate(FEATURES if reshapes else ()):
        conv(f"reshape_layers.{i}.", CHANNELS, feature.channels)
        norm(f"reshape_layers.{i}.", CHANNELS)
    for n in range(CELLS):
        cell = f"fusion_net.cell._step_nodes.{n}.node_cell."
        for m in range(STEPS):
            layer_norm(f"{cell}node_ops.{m}._ops.1.")
            for k, outs in ((2, 2 * CHANNELS), (3, CHANNELS)):
                conv(f"{cell}node_ops.{m}._ops.{k}.", outs, 2 * CHANNELS)
                norm(f"{cell}node_ops.{m}._ops.{k}.", outs)
        if joined > 1:
            conv(f"{cell}out_", CHANNELS, joined * CHANNELS)
            norm(cell, CHANNELS)
        layer_norm(cell)
    layer_norm("fusion_net.cell.", CELLS * CHANNELS)
    if head:
        put("central_classifier.", ("weight", (OUTPUTS, CELLS * CHANNELS * LENGTH)), ("bias", (OUTPUTS,)))
    return state


def architecture() -> dict[str, object]:
    """alphas, betas and gammas as the released code has them."""
    edges = sum(len(FEATURES) + n for n in range(CELLS))
    return {
        "alphas": torch.rand(edges, 2, requires_grad=True),
        "betas": [torch.rand(2 + 3 + 4, 2) for _ in range(CELLS)],
        "gammas": [torch.rand(STEPS, len(POOL)) for _ in range(CELLS)],
    }


def load(state, *, features=FEATURES, **changes):
    return load_hypernet(state, **(architecture() | {"dropout": 0.25, "features": features} | changes))


@pytest.mark.parametrize("joined", [1, 2, 3, 5])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_sizes_are_read_off_the_tensors_and_every_weight_has_its_place(joined, prefix):
    state = released_state(joined)
    backbone = {"rgbnet.cnn.conv1.weight": torch.rand(2, 2)}
    given = architecture()
    hypernet = load({prefix + name: value for name, value in (state | backbone).items()}, **given)
    size = hypernet.size
    assert (size.channels, size.length, size.cells, size.steps) == (CHANNELS, LENGTH, CELLS, STEPS)
    assert (size.cell_outputs, size.outputs, size.dropout) == (joined, OUTPUTS, 0.25)
    assert (size.features, size.operations, size.relaxation) == (FEATURES, POOL, "shared")
    # The same numbers on both sides: nothing is left over, and nothing is there twice.
    own = {name: value for name, value in hypernet.state_dict().items() if name[0] not in "abg"}
    ours = torch.cat([value.flatten() for value in own.values()]).sort().values
    theirs = torch.cat([value.flatten() for value in state.values() if value.is_floating_point()]).sort().values
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    torch.testing.assert_close(hypernet.alpha_KEI[0].float(), given["alphas"])
    torch.testing.assert_close(hypernet.beta_KNEI[0, 1].float(), given["betas"][1])
    torch.testing.assert_close(hypernet.gamma_KNMP[0, 1].float(), given["gammas"][1])


def test_it_computes_from_pooled_features():
    hypernet = load(released_state()).eval()
    features = {f.name: torch.rand(1, 6, f.channels, 3, 3, dtype=torch.float64) for f in FEATURES}
    assert hypernet(features).shape == (1, 6, OUTPUTS)


def test_the_loaded_weights_are_its_own():
    state = released_state()
    before = {name: value.clone() for name, value in state.items()}
    hypernet = load(state)
    with torch.no_grad():
        for value in hypernet.state_dict().values():
            value.add_(1)
    torch.testing.assert_close(state, before, rtol=0, atol=0)


def test_without_reshape_layers_the_features_need_no_names():
    hypernet = load(released_state(reshapes=False, head=False), features=None)
    assert [feature.name for feature in hypernet.size.features] == ["Feature_1", "Feature_2", "Feature_3"]
    assert {(feature.reshape, feature.channels) for feature in hypernet.size.features} == {("none", CHANNELS)}
    nodes = [torch.rand(1, 6, LENGTH, CHANNELS, dtype=torch.float64) for _ in FEATURES]
    assert hypernet.fuse(nodes).shape == (1, 6, CELLS * CHANNELS * LENGTH)


def test_channels_of_features_may_be_left_out():
    bare = [feature.model_copy(update={"channels": None}) for feature in FEATURES]
    assert load(released_state(), features=bare).size.features == FEATURES


def drop(state, name):
    return {key: value for key, value in state.items() if key != name}


HYPERNET = "a hypernet of 2 cells, 3 steps and 3 features"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s | {CONV: torch.rand(4, 7, 1)},
            rf"^the weights do not fit {HYPERNET}: '{CONV}' has shape \(4, 7, 1\), but should have \(4, 8, 1\)$",
        ),
        (lambda s: s | {JOIN: torch.rand(4, 5, 1)}, r"has shape \(4, 5, 1\), but should have \(4, 4, 1\)$"),
        (lambda s: s | {CONV: torch.ones(4, 8, 1).long()}, "is torch.int64, but should be a tensor of floating-point"),
        (lambda s: drop(s, CONV), r"missing: '[\w.]+' \(here cells\.1\.steps\.2\.3\.conv\.weight\)$"),
        (lambda s: s | {"fusion_net.extra": torch.rand(1)}, "without a place in the network: 'fusion_net.extra'$"),
        (
            lambda s: s | {"cell._step_nodes.999999999.node_cell.ln.weight": torch.rand(4, 9)},
            "without a place in the network: 'cell._step_nodes.999999999.node_cell.ln.weight'$",
        ),
        (
            lambda s: s | {"fusion_net.cell.ln.weight": torch.rand(4, 9)},
            r"'fusion_net.cell.ln.weight' has shape \(4, 9\), but should have \(8, 9\)$",
        ),
        (
            lambda s: s | {"cell.ln.weight": torch.rand(8, 9)},
            "have the same parameter twice, as 'fusion_net.cell.ln.weight' and as 'cell.ln.weight'$",
        ),
        (lambda s: {}, "^the weights have no 'cell._step_nodes.0.node_cell.ln.weight', so they are not those of a hyp"),
        (lambda s: [s], "^the weights are a list, but should be tensors by name$"),
        (
            lambda s: s | {"fusion_net.cell._step_nodes.0.node_cell.ln.weight": torch.rand(4)},
            r"has shape \(4,\), but should have \(C, L\)$",
        ),
        (
            # So many channels that the hypernet which it claims could not be built.
            lambda s: s | {"fusion_net.cell._step_nodes.0.node_cell.ln.weight": torch.rand(10**7, 1)},
            "the weights do not fit",
        ),
        (
            lambda s: s | {"fusion_net.cell._step_nodes.0.node_cell.out_conv.weight": torch.rand(4, 24, 1)},
            "joins 6 nodes, but a cell of 3 steps has 5: x, y and the steps$",
        ),
        (
            lambda s: {name.replace("._ops.3", ""): value for name, value in s.items()},
            "found network, not of a hypernet; load_official_state of bmnas.compiler.official takes them$",
        ),
    ],
)
def test_weights_that_do_not_fit_are_said(change, message):
    with pytest.raises(BmnasError, match=message):
        load(change(released_state()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alphas": torch.rand(8, 2)}, r"^alphas has shape \(8, 2\), but should have \(7, 2\)$"),
        ({"alphas": None}, "^alphas is NoneType, but should be a tensor of floating-point numbers$"),
        ({"betas": [torch.rand(9, 2)]}, "^betas are given for 1 cells, but the weights have 2$"),
        ({"betas": [torch.rand(9, 2), torch.rand(5, 2)]}, r"^betas\[1\] has shape \(5, 2\), but should have \(9, 2\)$"),
        ({"gammas": torch.rand(2, 3, 5)}, r"^gammas\[0\] has shape \(3, 5\), but should have \(3, 4\)$"),
        ({"gammas": torch.ones(2, 3, 4).int()}, r"^gammas\[0\] is torch.int32, but should be"),
        ({"features": None}, "have reshape layers for 3 features, but .*; say it with features$"),
        ({"features": FEATURES[:2]}, "have reshape layers for 3 features, but 2 features are given$"),
        ({"features": FEATURES[::-1]}, r"'reshape_layers.0.conv.weight' has shape \(4, 2, 1\), but should have"),
    ],
)
def test_what_contradicts_the_weights_is_said(change, message):
    with pytest.raises(BmnasError, match=message):
        load(released_state(), **change)
