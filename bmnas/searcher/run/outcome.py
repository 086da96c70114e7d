"""What a training leaves beside a genotype: weights, scores, and a genotype that says where they come from."""

from __future__ import annotations

import json
import platform
import shlex
from pathlib import Path

import safetensors.torch
import torch

from bmnas.compiler import FusionNetwork
from bmnas.files import write_atomically
from bmnas.genotype import Genotype, Provenance, dumps, save
from bmnas.genotype.canonical import edited, hash_or_none
from bmnas.searcher.settings import TrainConfig, training_command
from bmnas.searcher.training import Trained
from bmnas.tasks import Task
from bmnas.version import __version__

BEST_ON_TEST = "test, best epoch on it"


def save_outcome(genotype: Genotype, trained: Trained, task: Task, config: TrainConfig, path: Path) -> None:
    """Write ``NAME.safetensors``, ``NAME.scores.json`` and, last, the genotype with its new provenance at ``path``.

    With what the network takes along, where the training has it: ``NAME.model.json`` and a folder of backbones.
    Where samples lost modalities in the training, ``NAME.averages.safetensors`` has what stands for each feature then.

    Args:
        genotype: what was trained, complete.
        trained: the result of the training.
        task: on which it was trained.
        config: with which settings.
        path: of the genotype file, ``NAME.json``.

    Raises:
        BmnasError: a file cannot be written.
    """
    tested = with_training(genotype, trained, task, config, path.name)
    if trained.bundle is not None:
        trained.bundle.save(path)
    save_weights(trained.network, path.with_suffix(".safetensors"))
    averages = path.with_suffix(".averages.safetensors")
    averages.unlink(missing_ok=True)  # those of another training
    if trained.averages is not None:
        write_atomically(averages, safetensors.torch.save({k: v.contiguous() for k, v in trained.averages.items()}))
    assert tested.provenance is not None
    scores = tested.provenance.model_dump(
        mode="json", include={"scores", "parameters", "seconds", "trained_by", "versions"}
    )
    write_atomically(
        path.with_suffix(".scores.json"), json.dumps({"metric": task.metric.name, **scores}, indent=2) + "\n"
    )
    save(tested, path)


def save_weights(network: FusionNetwork, path: Path) -> None:
    """Write the network's parameters and buffers under their names, with the genotype in the file's metadata.

    Raises:
        BmnasError: the file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    # Without provenance, and as the only entry: safetensors writes several in no fixed order, and equal networks
    # should be equal files.
    genotype = network.genotype.model_copy(update={"provenance": None})
    write_atomically(path, safetensors.torch.save(tensors, {"genotype": dumps(genotype)}))


def with_training(genotype: Genotype, trained: Trained, task: Task, config: TrainConfig, file: str) -> Genotype:
    """The genotype with the training's command, score, parameters, seconds and versions in its provenance.

    A provenance that tells of another network, because the file was edited, is not carried on. The score of the best
    epoch on the test split has another name than a score, and no command that gives it.
    """
    before = genotype.provenance
    if before is None or edited(genotype):
        before = Provenance(seed=config.seed, data=trained.data)
    after = before.model_copy(
        update={
            "scores": {**before.scores, (BEST_ON_TEST if trained.best_on_test else "test"): trained.test},
            "parameters": trained.parameters,
            "seconds": {**before.seconds, "training": round(trained.seconds, 3)},
            "versions": versions(),
            "trained_by": None
            if trained.best_on_test
            else training_command(f"train {shlex.quote(file)}{_more(trained)}", task, config, trained.extraction),
            "canonical_hash": hash_or_none(genotype),
        }
    )
    return genotype.model_copy(update={"provenance": after})


def _more(trained: Trained) -> str:
    return f" {trained.options}" if trained.options else ""


def versions() -> dict[str, str]:
    """Of what decides the numbers."""
    return {"bmnas": __version__, "torch": torch.__version__, "python": platform.python_version()}
