"""What a search has found, late fusion and each modality alone, each trained together with its backbones: fair rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from bmnas.errors import BmnasError
from bmnas.files import read_text, write_atomically
from bmnas.genotype import Genotype
from bmnas.genotype.presets import last_features, late_fusion
from bmnas.genotype.schema import Frozen
from bmnas.joint.settings import JointConfig
from bmnas.joint.train import checkpoints, train_joint
from bmnas.searcher.answering import found_network
from bmnas.searcher.run.layout import FOUND, file_name
from bmnas.searcher.run.outcome import save_outcome
from bmnas.searcher.run.reading import Run
from bmnas.searcher.settings import TrainConfig
from bmnas.tasks import Task

FOLDER = "joint"
_LIMIT = 2**20


class JointRow(Frozen):
    """A network that was trained together with its backbones."""

    name: str = Field(description="The title of the row in the comparison of the search.")
    test: float = Field(description="Score on the test split, which was read once.")
    parameters: int = Field(description="Of backbones, up to the last tap, and network.")
    seconds: float = Field(description="Of the joint training.")
    epochs: int = Field(description="Of the joint training, as they were given or chosen.")


class _Kept(Frozen):
    format: Literal["bmnas-joint/1"] = "bmnas-joint/1"
    metric: str
    settings: dict[str, Any]
    rows: tuple[JointRow, ...] = ()


def joint_networks(task: Task, delivered: Genotype, name: str, found: Genotype | None = None) -> dict[str, Genotype]:
    """The networks that are compared, by title: of the sizes of what is delivered.

    Args:
        task: gives the features.
        delivered: what the search delivers; one network of it, where it is an ensemble.
        name: its title.
        found: what the search has found, where that is something else.
    """
    last = last_features(task.features)
    size = delivered.representation
    frame = {
        "channels": size.channels,
        "length": size.length,
        "outputs": task.outputs,
        "dropout": delivered.dropout,
    }
    rows = {f"{feature.modality} alone": late_fusion([feature], **frame) for feature in last}
    if len(last) > 1:
        rows["late fusion"] = late_fusion(last, **frame)
    if found is not None:
        rows[FOUND] = found.replace(members=1)
    return {**{title: each for title, each in rows.items() if title != name}, name: delivered.replace(members=1)}


def joint_rows(
    run: Run, task: Task, config: JointConfig, train: TrainConfig, seed: int, **where: Any
) -> list[JointRow]:
    """Train what a search has delivered, and found, late fusion and each modality alone together with their backbones.

    The folder ``joint`` in that of the seed has the scores, and what was delivered as a network that can be used, like
    the result of the search itself. Rows that are done are kept; one that was stopped goes on.

    Args:
        run: of the search, whose comparison is done.
        task: on which it was.
        config: settings of the joint trainings.
        train: settings of the trainings of the fusion networks alone, before.
        seed: of the search.
        where: extraction, device, cache and report, as `train_joint` takes them.

    Raises:
        BmnasError: a network cannot be trained jointly.
        Interrupted: as for `train_joint`.
    """
    folder = run.folder_of(seed) / FOLDER
    train = train.model_copy(update={"seed": seed})
    settings = {"joint": config.decisive, "train": train.model_dump(mode="json")}
    path = folder / "results.json"
    rows = {row.name: row for row in _kept(path, settings)}
    delivered = run.delivered(seed)
    found = None if delivered == FOUND else found_network(run, run.folder_of(seed))
    for name, genotype in joint_networks(task, run.genotype(seed), delivered, found).items():
        if name in rows:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        base = folder / file_name(name)
        trained = train_joint(genotype, task, config, train=train, checkpoint=base, **where)
        if name == delivered:
            save_outcome(genotype, trained, task, train, folder / "genotype.json")
        epochs = trained.chosen.epochs if trained.chosen else config.epochs
        rows[name] = JointRow(
            name=name,
            test=trained.test,
            parameters=trained.parameters,
            seconds=round(trained.seconds, 3),
            epochs=epochs,
        )
        kept = _Kept(metric=task.metric.name, settings=settings, rows=tuple(rows.values()))
        write_atomically(path, kept.model_dump_json(indent=2) + "\n")
        for left in checkpoints(base):
            left.unlink(missing_ok=True)
    return list(rows.values())


def _kept(path: Path, settings: Mapping[str, Any]) -> tuple[JointRow, ...]:
    """The rows that are done with the same settings; those of others are made anew."""
    if not path.exists():
        return ()
    try:
        kept = _Kept.model_validate_json(read_text(path, _LIMIT))
    except ValidationError:
        raise BmnasError(f"{path}: is damaged; delete it to have its rows made anew") from None
    return kept.rows if kept.settings == json.loads(json.dumps(settings)) else ()
