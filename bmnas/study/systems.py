"""The rows of a comparison of systems: the simple things, fusions and searches from the literature, and our own."""

from __future__ import annotations

from functools import partial

from bmnas.genotype.presets import PRESETS, last_features
from bmnas.searcher.run.baselines import FOUND, Baseline
from bmnas.searcher.strategies import STRATEGIES
from bmnas.study.bench import Bench
from bmnas.study.central_net import central_net
from bmnas.study.scikit import ScikitLearn
from bmnas.study.units import DELIVERED, Fixed, Ours, Searched, Unit

SYSTEMS = "systems"

_SEARCH = Ours(
    DELIVERED, "what bmnas search delivers: the network that it has found, or the baseline that its final choice took"
)
_OWN_ROWS = {
    FOUND: "what that search has found, whatever its final choice took",
    "score fusion": "heads of the last features, each fitted by itself, their outputs added (two-stream fusion, "
    "Simonyan and Zisserman, NIPS 2014)",
    "linear, last features": "one head on the last features",
    "linear, all features": "one head on all features",
    "late fusion": "the last features of all modalities, reshaped and concatenated",
    "fully connected": "one fully connected layer on all features, beside the heads",
    "wide, all features": "fully connected layers of 256 channels on all features, pooled to one position; no heads",
}

FUSIONS = {
    "concat-fc": "one fully connected layer on the last features",
    "mha": "multi-head attention between the last features (Vaswani et al., NIPS 2017)",
    "aoa": "attention on attention between the last features (Huang et al., ICCV 2019)",
    "gmu": "the gated multimodal unit on the last features (Arevalo et al., ICLR workshop 2017)",
}

_CENTRAL_NET = "a central network that adds up the features of each depth (Vielzeuf et al., ECCV 2018)"

_SEARCHES: dict[str, tuple[str, dict[str, object]]] = {
    "random": ("random search in our space", {"strategy": "random"}),
    "mfas": ("MFAS (Pérez-Rúa et al., CVPR 2019)", {"strategy": "mfas"}),
    "dc-nas": ("DC-NAS (Liang et al., AAAI 2024)", {"strategy": "dc-nas"}),
    "bm-nas": (
        "BM-NAS (Yin et al., AAAI 2022) as its released code searches, in the paper's space, whose cells are the whole "
        "network",
        {"strategy": "released", "anchor": "none"},
    ),
}
# These end by themselves; the others try candidates until the seconds are over.
_OF_A_HYPERNET = ("bm-nas",)

_SCIKIT = {
    "logistic": "scikit-learn's logistic regression on all features",
    "summed": "scikit-learn's logistic regressions of the last features, log-probabilities added",
    "mlp": "scikit-learn's network of 512 hidden units on all features, its weight decay and epochs chosen",
}


def systems() -> dict[str, Unit]:
    """The units of a comparison by the name that a person gives; that of our own search comes first."""
    found: dict[str, Unit] = {"search": _SEARCH}
    for name, source in _SCIKIT.items():
        found[f"sklearn-{name}"] = ScikitLearn(f"scikit-learn, {name}", source, name)
    for name, source in FUSIONS.items():
        found[name] = Fixed(name, source, partial(_preset, name))
    found["centralnet"] = Fixed("CentralNet", _CENTRAL_NET, _central_net)
    for name, (source, given) in _SEARCHES.items():
        if given["strategy"] in STRATEGIES:
            found[name] = Searched(name, source, given, equal_seconds=name not in _OF_A_HYPERNET)
    return found


def source_of(title: str) -> str:
    """What a row of our own search is; nothing where it says so itself."""
    return _OWN_ROWS.get(title, "one modality alone" if title.endswith(" alone") else "")


def _central_net(bench: Bench) -> Baseline:
    config = bench.config
    genotype = central_net(
        bench.problem.features,
        channels=config.channels,
        length=config.length,
        outputs=bench.task.outputs,
        dropout=config.dropout,
    )
    return Baseline(genotype.replace(members=config.ensemble))


def _preset(name: str, bench: Bench) -> Baseline:
    config = bench.config
    frame = {"channels": config.channels, "length": config.length, "dropout": config.dropout}
    genotype = PRESETS[name](last_features(bench.problem.features), outputs=bench.task.outputs, **frame)
    return Baseline(genotype.replace(members=config.ensemble))
