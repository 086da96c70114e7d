"""Calls as the documents write them, for the type checker that most editors use; pyright reads them, nothing runs them.

What a call gives is declared beside it: where an editor knew no more of a name than that it may be anything, it could
not tell a wrong one either. `SearchConfig` takes the settings of a strategy beside its own (``population=8``) when it
runs; an editor knows them where they stand in the strategy's settings, and so do these calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

import bmnas
from bmnas import ModuleTask, SearchConfig, Split, Tap
from bmnas.compiler.export import export
from bmnas.compiler.multimodal import assemble
from bmnas.genotype import presets
from bmnas.genotype.space import Space
from bmnas.searcher.selections import Perturbation, Sampled, Scored
from bmnas.searcher.strategies import Bilevel
from bmnas.searcher.strategies.evolution import Evolution
from bmnas.searcher.strategies.gdas import Gdas
from bmnas.searcher.strategies.on_candidates import OnCandidates
from bmnas.searcher.strategies.random_ws import RandomWeightSharing
from bmnas.tasks.arrays import ArrayTask
from bmnas.tasks.metrics import f1


def from_python(features: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """The README's last section."""
    genotype = assert_type(bmnas.load("mha.json"), bmnas.Genotype)
    network = assert_type(bmnas.compile(genotype), bmnas.FusionNetwork)
    assert_type(bmnas.compile("mha.json"), bmnas.FusionNetwork)
    assert_type(bmnas.canonical_hash(Path("mha.json")) + bmnas.dumps("ntu-1"), str)
    network.load_state_dict(state)
    assert_type(network(features).shape, Any)
    bmnas.draw(genotype, "mha.png")
    bmnas.draw([genotype, genotype], Path("two.svg"), theme="dark", level="cells")
    assert_type(presets.like(bmnas.load("ntu-1"), "aoa").cells[1].inputs, tuple[str, ...])
    result = bmnas.search("digits", SearchConfig(channels=16, length=4, epochs=2), folder="runs/x", evaluate=False)
    assert_type(result.genotype.cells[0].inputs, tuple[str, ...])
    print(result.history[-1]["score"], result.seeds[0].genotype.provenance)
    export(network, "network.py", "py")


def settings() -> None:
    """Of searches, of their strategies and selections, and of trainings: everything may be left out."""
    SearchConfig()
    config = SearchConfig(epochs=2, batch_size=64, seed=3)
    assert_type(config.changed(strategy="evolution", population=16), SearchConfig)
    SearchConfig(cells=1, strategy=Bilevel.Settings(select=Scored(top_k=5), arch_lr=1e-3))
    SearchConfig(strategy=Bilevel.Settings(select=Perturbation(), relaxation="shared", amp=True), derive="official")
    SearchConfig(strategy=Evolution.Settings(population=8), budget_seconds=60, patience=3)
    SearchConfig(strategy=Gdas.Settings(), operations=("Sum", "Attention"))
    SearchConfig(strategy=RandomWeightSharing.Settings(select=Sampled()))
    bmnas.TrainConfig(epochs=5, lr=1e-3, weight_decay=1e-4, seed=1)
    bmnas.Extraction(views=2)


def genotypes(folder: Path) -> None:
    """Written in Python, changed, drawn at random, saved."""
    features = [
        bmnas.Feature(name="Video_4", modality="Video", channels=2048),
        bmnas.Feature(name="Skeleton_4", modality="Skeleton", channels=512, reshape="sequence"),
    ]
    genotype = presets.aoa(features, outputs=60)
    assert_type(genotype.replace(dropout=0.5, dialect="paper").dropout, float)
    bmnas.Genotype(
        representation=bmnas.Representation(channels=128, length=8),
        features=tuple(features),
        cells=(
            bmnas.Cell(
                inputs=("Video_4", "Skeleton_4"), steps=(bmnas.Step(op="Sum", inputs=("x", "y")),), output=("Step_1",)
            ),
        ),
        output=("Cell_1",),
        head=bmnas.Head(outputs=60),
    )
    space = Space.paper(
        features=genotype.features,
        cells=2,
        steps=2,
        representation=bmnas.Representation(channels=128, length=8),
        head=bmnas.Head(outputs=60),
    )
    assert_type(space.mutate(space.random(0), 0), bmnas.Genotype)
    assert_type([finding.code for finding in bmnas.lint(genotype)], list[str])
    assert_type(bmnas.dumps(genotype), str)
    bmnas.save(genotype, folder / "genotype.json")


def arrays(video: Tensor, audio: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> None:
    """A task of ready features, its search, its training, and what they left."""
    task = ArrayTask(
        {"Video": video, "Audio": audio},
        labels,
        {"train": range(160), "validation": range(160, 200), "test": range(200, 240)},
        name="from-python",
        reshape={"Video": "sequence"},
        objective=bmnas.MultiLabel(threshold=0.3),
        metric=f1("macro"),
        options={"class_weights": "balanced"},
        settings={"channels": 16},
    )
    config = SearchConfig.for_task(task, epochs=2, cells=1)
    result = bmnas.search(task, config, train=bmnas.TrainConfig(epochs=5), device="cpu", report=print)
    diagnosis = assert_type(bmnas.diagnose(task, device="cpu", report=print), bmnas.Diagnosis)
    print(diagnosis.in_brief(), diagnosis.heads[0].held_out.loss, diagnosis.verdicts[0].answer)
    trained = bmnas.train(result.genotype, task, bmnas.TrainConfig(epochs=5))
    print(trained.network, bmnas.open_run(result.folder).config)


class Scenes(Dataset[tuple[dict[str, Tensor], Tensor]]):
    """A data set of one's own."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> tuple[dict[str, Tensor], Tensor]:
        return {"Image": torch.zeros(3, 8, 8), "Text": torch.zeros(4)}, torch.tensor(0)


def backbones(text: nn.Module) -> None:
    """A task of data sets and backbones, and a model of the whole."""
    task = ModuleTask(
        "my-task",
        train=Scenes(),
        validation=Split({"Image": torch.zeros(2, 3, 8, 8), "Text": torch.zeros(2, 4)}, torch.zeros(2)),
        test=Scenes(),
        backbones={"Image": nn.Sequential(nn.Conv2d(3, 6, 3)), "Text": text},
        taps={"Image": ["0"], "Text": [Tap("0", axis=-1), Tap("1", item=0, axis=-1)]},
        outputs=4,
        objective=bmnas.SingleLabel(label_smoothing=0.1),
        reshape={"Image": "grid"},
        settings={"channels": 16, "length": 4, "batch_size": 32},
    )
    assert_type([feature.channels for feature in task.features], list[int | None])
    network = bmnas.compile(bmnas.load("genotype.json"))
    assemble(network, {name: task.build_backbone(name) for name in task.modalities}, task.taps)


@bmnas.operation(commutative=True, weights=False)
class Distance(nn.Module):
    """An operation of one's own."""

    def __init__(self, size: Any) -> None:
        super().__init__()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """|x - y|."""
        return (x - y).abs()


class Climbing(OnCandidates):
    """A strategy of one's own declares its settings as `CONTRIBUTING.md` does."""

    class Settings(OnCandidates.Settings):
        """With one more."""

        restart_every: int = 8

    settings: Settings

    def _draw(self, random: Any) -> bmnas.Genotype:
        return self.done[self.settings.restart_every].genotype


def own_settings(climbing: Climbing) -> None:
    """They are the strategy's own."""
    assert_type(climbing.settings.restart_every, int)
