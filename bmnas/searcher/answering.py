"""Where the outputs that are evaluated come from: what a run folder keeps, or a network that is run on features.

This is the one place that knows; `bmnas evaluate` and `bmnas.evaluation` take what it gives.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bmnas.compiler import FusionNetwork, compile_genotype
from bmnas.compiler.export import load_weights
from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.evaluation import Corruption
from bmnas.fit.ambient import single_precision, undisturbed
from bmnas.genotype import Genotype
from bmnas.genotype.graph import used_features
from bmnas.searcher.api import extract, pick_device
from bmnas.searcher.meter import Report
from bmnas.searcher.network_fit import outputs_on
from bmnas.searcher.network_training import fitted
from bmnas.searcher.run.choosing import found_by
from bmnas.searcher.run.reading import Run
from bmnas.searcher.run.seed_folder import SeedFolder
from bmnas.tasks import METRICS, OBJECTIVES, Extraction, FeatureStore, Metric, Objective, SplitName, Task, groups_of
from bmnas.tasks.missing import averages
from bmnas.tasks.portable import SUFFIX, read_record

# Fixed, because another batch size can change the last bits of an output.
_BATCH = 256


@dataclass(frozen=True, eq=False)
class Answered:
    """Outputs for the samples of a split, and what is known of these.

    Attributes:
        name: what gave them.
        outputs: (N, outputs).
        labels: of the N samples.
        objective: what the labels are.
        metrics: the task's own, where it is known.
        class_names: of the outputs; ``None`` where they are numbered.
        groups: of the samples, (N,), where they are of some.
        ids: of the samples, where they are known.
        trained_on: the labels that were trained on, where they are known.
        remarks: what one has to know, in sentences.
    """

    name: str
    outputs: Tensor
    labels: Tensor
    objective: Objective
    metrics: tuple[Metric, ...] = ()
    class_names: tuple[str, ...] | None = None
    groups: Tensor | None = None
    ids: tuple[str, ...] | None = None
    trained_on: Tensor | None = None
    remarks: tuple[str, ...] = ()

    @property
    def about(self) -> dict[str, Any]:
        """Arguments of `bmnas.evaluate`, beside outputs and labels."""
        return {
            "objective": self.objective,
            "metrics": self.metrics,
            "groups": self.groups,
            "ids": self.ids,
        }


def kept(run: Run, row: str | None = None, seed: int | None = None, task: Task | None = None) -> Answered:
    """What a run folder keeps of a row of its comparison, for the test split.

    Args:
        run: the folder.
        row: the title; the row that the search delivered if left out.
        seed: of the search; the first one if left out.
        task: knows the groups of the samples, and the objective where it is one of its own. The run does without.

    Raises:
        BmnasError: there is no such row, or it has kept nothing.
    """
    row = row_of(run, row, seed)
    if next(each for each in run.rows(seed) if each.name == row).protocol != "standard":
        raise BmnasError(
            f"{run.path}: keeps no outputs, because its rows are of the best of all epochs on the test split"
        )
    outputs, labels = run.outputs(row, seed)
    groups, remarks = None, []
    if task is None:
        remarks.append("whether samples are of groups is not known here, so intervals take them for independent")
    else:
        try:
            groups = task.groups("test")
        except BmnasError as error:
            remarks.append(f"intervals take the samples for independent, because their groups cannot be read: {error}")
        if groups is not None and len(groups) != len(labels):
            remarks.append("intervals take the samples for independent, because some were left out of the features")
            groups = None
    objective = task.objective if task else _objective(run)
    metrics = (task.metric,) if task else ()
    name = _titled(run, row, seed)
    names = _class_names(task) if task else _recorded_names(run, seed)
    return Answered(name, outputs, labels, objective, metrics, names, groups, None, None, tuple(remarks))


def row_of(run: Run, row: str | None, seed: int | None) -> str:
    """The title of a row that is done; that which the search delivered, if none is named.

    Raises:
        BmnasError: there is none of that title; the message names the nearest one.
    """
    rows = [each.name for each in run.rows(seed)]
    if not rows:
        raise BmnasError(
            f"{run.path}: has no row yet: its comparison has not begun; the command that began the search goes on"
        )
    wanted = run.delivered(seed) if row is None else row
    if wanted not in rows:
        raise BmnasError(f"{run.path}: has no row {short(wanted)}{did_you_mean(wanted, rows)}")
    return wanted


def weights_of(run: Run, row: str | None, seed: int | None) -> tuple[Genotype, Path]:
    """The network that a run folder has weights of: that which the search delivered.

    Raises:
        BmnasError: another row is asked for, or the network is not trained yet.
    """
    title = row_of(run, row, seed)
    result = run.delivered(seed)
    if title != result:
        raise BmnasError(
            f"{run.path}: has no weights of {short(title)}, only of what was delivered, {short(result)}; "
            "bmnas train makes others"
        )
    path = run.folder_of(seed) / "genotype.safetensors"
    if not path.exists():
        raise BmnasError(f"{path}: there is no such file: the network of the search is not trained yet")
    return run.genotype(seed), path


class Subject:
    """A network with the features of a task that it reads: it answers for a split, whole or with a corruption.

    Args:
        name: what it is called.
        genotype: of the network.
        weights: its safetensors file.
        task: whose features it reads.
        extraction: how they are extracted.
        device: where; the GPU where there is one, if left out.
        cache: where features are kept.
        report: called with every event of an extraction.

    Raises:
        BmnasError: genotype, weights and task do not fit each other.
    """

    def __init__(
        self,
        name: str,
        genotype: Genotype,
        weights: Path,
        task: Task,
        *,
        extraction: Extraction | None = None,
        device: str | None = None,
        cache: Path | None = None,
        report: Report | None = None,
    ) -> None:
        _refuse_joint(genotype, weights)
        self.name, self.task = name, task
        self._device = pick_device(device)
        self.network: FusionNetwork = compile_genotype(fitted(genotype, task))
        load_weights(self.network, weights)
        self.network.to(self._device)
        self._names = used_features(self.network.genotype)
        self._modalities = {name: self.network.genotype.feature(name).modality for name in self._names}
        length = genotype.representation.length
        self._store = extract(task, length, extraction=extraction, device=self._device, cache=cache, report=report)
        self._remarks = _of_data(genotype, task, self._store)

    def corruption(self, drop: tuple[str, ...], noise: Mapping[str, float], seed: int) -> Corruption:
        """One of the modalities that the network reads.

        Raises:
            BmnasError: it cannot be; see `Corruption.checked`.
        """
        return Corruption.checked(drop, noise, seed, dict.fromkeys(self._modalities.values()))

    def answer(self, split: SplitName, corruption: Corruption | None = None) -> Answered:
        """What the network gives for a split."""
        data = self._store.data(split, names=self._names, device=self._device)
        if corruption:
            train = self._store.data("train", names=self._names, device=self._device)
            data = corruption.of(data, averages(train), self._modalities)
        with undisturbed(), single_precision():
            outputs = outputs_on(self.network, data, _BATCH).cpu()
        said = corruption.sentence() if corruption else ""
        task, store = self.task, self._store
        return Answered(
            f"{self.name} {said}".rstrip(),
            outputs,
            store.labels(split),
            task.objective,
            (task.metric,),
            _class_names(task),
            groups_of(task, store, split),
            None,
            torch.cat([store.labels("train"), store.labels("validation")]),
            self._remarks,
        )


def found_network(run: Run, folder: Path) -> Genotype:
    """What the search of a seed has found, whatever its final choice took.

    Args:
        run: the run.
        folder: of the seed.

    Raises:
        BmnasError: there is nothing yet, or a file was changed.
    """
    seed = next((seed for seed in run.seeds if run.folder_of(seed).resolve() == folder.resolve()), run.seeds[0])
    metric = str(run.record.get("metric"))
    higher = METRICS[metric].higher_is_better if metric in METRICS else True
    if not any(entry["seed"] == seed for entry in run.history):
        raise BmnasError(f"{run.path}: has no genotype yet: its search has not finished a round")
    return found_by(run.history, seed, SeedFolder(run.folder_of(seed)), higher)


def refuse_other_samples(one: Answered, other: Answered) -> None:
    """Refuse to compare answers that are not of the same samples in the same order.

    Raises:
        BmnasError: numbers, ids or labels of the samples differ; the message names the first.
    """
    if len(one.labels) != len(other.labels):
        raise BmnasError(
            f"{one.name} has {len(one.labels)} samples and {other.name} {len(other.labels)}: they cannot be compared"
        )
    if one.ids is not None and other.ids is not None and one.ids != other.ids:
        place = next(i for i, pair in enumerate(zip(one.ids, other.ids, strict=True)) if pair[0] != pair[1])
        raise BmnasError(
            f"sample {place} is {short(one.ids[place])} for {one.name} and {short(other.ids[place])} for {other.name}: "
            "they cannot be compared"
        )
    if one.labels.shape != other.labels.shape or not torch.equal(one.labels, other.labels):
        raise BmnasError(
            f"{_first_other(one.labels, other.labels)} of {one.name} has another label than that of {other.name}: they "
            "are not of the same samples"
        )


def _first_other(one: Tensor, other: Tensor) -> str:
    if one.shape != other.shape:
        return "sample 0"
    return f"sample {int((one != other).reshape(len(one), -1).any(1).nonzero()[0])}"


def _titled(run: Run, row: str, seed: int | None) -> str:
    seeds = run.seeds
    which = "" if len(seeds) == 1 else f", seed {seeds[0] if seed is None else seed} of {len(seeds)}"
    return f"{run.path}{which}, {row}"


def _class_names(task: Task | None) -> tuple[str, ...] | None:
    names = getattr(task, "class_names", None)
    return tuple(map(str, names)) if names else None


def _recorded_names(run: Run, seed: int | None) -> tuple[str, ...] | None:
    path = run.folder_of(seed) / f"genotype{SUFFIX}"
    return (read_record(path).class_names or None) if path.is_file() else None


def _refuse_joint(genotype: Genotype, weights: Path) -> None:
    """Refuse a network whose backbones were trained with it: cached features are of those before.

    Raises:
        BmnasError: it is one.
    """
    command = genotype.provenance.trained_by if genotype.provenance else None
    if command and "--joint" in command.split():
        raise BmnasError(
            f"{weights}: was trained together with its backbones, and cached features are of those before; "
            "bmnas predict --split test gives its answers and its score"
        )


def _of_data(genotype: Genotype, task: Task, store: FeatureStore) -> tuple[str, ...]:
    """Whether the network was trained on the same features."""
    before = genotype.provenance.data if genotype.provenance else None
    if before is None or before == f"{task.name}@{store.key}":
        return ()
    return (
        f"the network was trained on {before}, and these features are {task.name}@{store.key}: other data, settings or "
        "another version of bmnas made them",
    )


def _objective(run: Run) -> Objective:
    """The objective of a search, as its record has it: ``SingleLabel(class_weights=None)``.

    Raises:
        BmnasError: it is none that bmnas knows.
    """
    text = str(run.record.get("objective"))
    try:
        call: Any = ast.parse(text, mode="eval").body
        kind = next(kind for kind in OBJECTIVES.values() if kind.__name__ == call.func.id)
        found: Objective = kind(**{each.arg: ast.literal_eval(each.value) for each in call.keywords})
        return found
    except (StopIteration, AttributeError, SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise BmnasError(
            f"{run.path}: was searched with the objective {short(text)}, of which no measures are known; name its task "
            "with --task"
        ) from None
