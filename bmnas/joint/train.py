"""Train backbones and fusion network together: warm-up on cached features, choice of epochs, training, one test."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
import torch

from bmnas.compiler import FusionNetwork, compile_genotype, pool
from bmnas.compiler.export import load_weights
from bmnas.errors import BmnasError, did_you_mean
from bmnas.fit.ambient import single_precision, undisturbed
from bmnas.fit.checkpoint import Keeper, StopRequest
from bmnas.fit.memory import enough_memory
from bmnas.genotype import Genotype
from bmnas.genotype.opening import genotype_file, opened
from bmnas.joint.model import JointModel
from bmnas.joint.settings import JointConfig
from bmnas.joint.training import JointTraining
from bmnas.searcher.api import extraction_of, pick_device, task_of
from bmnas.searcher.beginning import Single
from bmnas.searcher.fit_training import gone_through
from bmnas.searcher.meter import Report, Reporting, reporting
from bmnas.searcher.network_training import fitted
from bmnas.searcher.run.interrupt import stoppable
from bmnas.searcher.settings import TrainConfig, options_text
from bmnas.searcher.stacked_training import StackedTraining
from bmnas.searcher.training import Trained
from bmnas.tasks import Backbone, Extraction, FeatureStore, Remark, Split, SplitName, Task, backbones, prepare
from bmnas.tasks.backbones import saved_state
from bmnas.tasks.loading import load, noticing_dead_workers
from bmnas.tasks.portable import Bundle, bundle_of
from bmnas.tasks.portable.record import BackboneRecord

_BOTH: tuple[SplitName, SplitName] = ("train", "validation")
_WHOLE = "with its backbones"
_STAGES = ("choice.warm-up", "choice", "warm-up", "joint")
Training = TypeVar("Training", StackedTraining, JointTraining)


@dataclass(frozen=True)
class Chosen:
    """How the number of epochs was chosen.

    Attributes:
        epochs: how many; the first of the best.
        scores: of the validation split after each epoch of a training on the training split, by the task's metric.
    """

    epochs: int
    scores: tuple[float, ...]


@dataclass(frozen=True)
class JointlyTrained(Trained):
    """A network that was trained together with its backbones.

    Attributes:
        model: the whole model, in eval mode.
        chosen: how the number of epochs was chosen, where it was.
    """

    model: JointModel | None = None
    chosen: Chosen | None = None


def train_joint(
    genotype: Genotype | str | os.PathLike[str],
    task: Task | str = "digits",
    config: JointConfig | Mapping[str, Any] | None = None,
    *,
    train: TrainConfig | Mapping[str, Any] | None = None,
    init: Path | str | None = None,
    transfer: bool = False,
    extraction: Extraction | Mapping[str, Any] | None = None,
    device: str | torch.device | None = None,
    cache: Path | None = None,
    checkpoint: Path | None = None,
    report: Reporting = "auto",
) -> JointlyTrained:
    """Train a genotype's network together with the backbones of its task, and score the whole model once on test.

    First the fusion network alone, on cached features of the backbones as they are; then all as one model, from raw
    samples (paper, section 3.4: "the final model"). Both on training + validation samples.

    Args:
        genotype: found or hand-written, or its file.
        task: a task or its name. Its backbones are trained already, or given.
        config: settings of the joint training; those that suit the task where it is left out.
        train: settings of the training of the fusion network alone, likewise.
        init: a run folder or a genotype's file that has a trained fusion network to begin with, instead.
        transfer: whether there are transfer modules between the backbones at the depths of their taps (MMTM, see
            `bmnas.joint.transfer`); such a model is what is returned, and it is not kept in files.
        extraction: how features are extracted for it.
        device: the GPU where there is one, if left out.
        cache: where backbones and features are kept.
        checkpoint: what the names of the files begin with in which each of the trainings is kept while it goes on, and
            stays when it is done; see `checkpoints`. The same call goes on from there.
        report: as for `bmnas.search`.

    Raises:
        BmnasError: genotype, task and settings do not fit each other.
        Interrupted: Ctrl-C or SIGTERM, as in `bmnas.search`.
    """
    genotype, task, extraction = opened(genotype), task_of(task), extraction_of(extraction)
    config = JointConfig.of(config, task)
    train = TrainConfig.of(train, task)
    genotype = fitted(genotype, task)
    refuse_unusable(task, config=config, train=train, genotype=genotype)
    where = pick_device(device)
    again = "the same command goes on" if checkpoint else "of which nothing is kept"
    with stoppable(f"while the features were prepared; {again}") as stop, reporting(report) as told:
        stop.says = f"in the joint training; {again}"
        with enough_memory(where), undisturbed(), single_precision(), noticing_dead_workers():
            length = genotype.representation.length
            shared: dict[str, Any] = {"device": where, "cache": cache, "report": told}
            store = prepare(task, length=length, pool=pool, extraction=extraction, **shared)
            own = _Joint(genotype, task, store, config, train, where, cache, told, checkpoint, stop, transfer)
            return own.trained(None if init is None else Path(init), extraction)


def checkpoints(base: Path) -> list[Path]:
    """The files in which `train_joint` keeps its trainings; whoever has kept the result removes them."""
    return [base.with_name(f"{base.name}.{stage}.ckpt") for stage in _STAGES]


def joint_options(config: JointConfig, task: Task, init: Path | None = None) -> str:
    """What a command line says of a joint training: ``--joint --joint-epochs 5``."""
    given = {f"joint_{name}": value for name, value in dict(config).items() if name != "workers"}
    usual = {f"joint_{name}": value for name, value in dict(JointConfig.for_task(task)).items()}
    differing = options_text(given, usual)
    return " ".join(["--joint", *([f"--init {shlex.quote(str(init))}"] if init else []), *differing])


def refuse_unusable(
    task: Task, *, config: JointConfig, train: TrainConfig | None = None, genotype: Genotype | None = None
) -> None:
    """Refuse what cannot be trained jointly, before any work, as far as that is known then.

    Raises:
        BmnasError: why.
    """
    if genotype is not None and genotype.members > 1:
        raise BmnasError(
            f"the genotype is an ensemble of {genotype.members} networks; one network is trained with its backbones: "
            "set its members to 1"
        )
    if train is not None and train.modality_dropout:
        raise BmnasError("setting modality_dropout is of trainings on cached features; a joint training has none")
    if not task.tapped_modalities:
        raise BmnasError(f"task {task.name} has features alone: there is no backbone that could be trained")
    for setting, places in (("freeze", config.freeze), ("rates", [rate.rpartition("=")[0] for rate in config.rates])):
        for place in places:
            if not any(f"{place}.".startswith(f"{modality}.") for modality in task.tapped_modalities):
                near = did_you_mean(place.split(".")[0], task.tapped_modalities)
                raise BmnasError(f"setting {setting} names {place!r}, which is no modality of task {task.name}{near}")


class _Joint:
    """The trainings of one genotype."""

    def __init__(
        self,
        genotype: Genotype,
        task: Task,
        store: FeatureStore,
        config: JointConfig,
        train: TrainConfig,
        device: torch.device,
        cache: Path | None,
        told: Report,
        checkpoint: Path | None,
        stop: StopRequest,
        transfer: bool,
    ) -> None:
        self._genotype, self._task, self._store, self._config = genotype, task, store, config
        self._train = train.model_copy(update={"temperature": None})
        self._device, self._cache, self._told = device, cache, told
        self._checkpoint, self._stop, self._transfer = checkpoint, stop, transfer
        self._backbones = backbones(task, device=device, cache=cache, report=told)
        self._example = _example(task)
        self._model(compile_genotype(genotype))  # what settings name is looked at before the first training

    def trained(self, init: Path | None, extraction: Extraction) -> JointlyTrained:
        """The result of all of them."""
        chosen = self._chosen() if self._config.select_epoch else None
        network = self._warm(None, "warm-up") if init is None else self._loaded(init)
        training = self._run(
            "joint",
            {"init": None if init is None else _weights_of(init)[1], "stop": chosen and chosen.epochs},
            lambda: self._training(network, _BOTH, _WHOLE, stop=chosen.epochs if chosen else None),
        )
        model = training.finished()
        outputs, labels = training.outputs("test")
        bundle = bundle_of(self._task, self._store, device=self._device, cache=self._cache)
        return JointlyTrained(
            network=model.fusion,
            test=self._task.metric.score(outputs, labels),
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            seconds=training.seconds,
            data=f"{self._task.name}@{self._store.key}",
            extraction=Extraction(**{name: self._store.fingerprint[name] for name in extraction.decisive}),
            outputs=outputs,
            labels=labels,
            bundle=None if self._transfer else joint_bundle(bundle, model, self._backbones),
            options=joint_options(self._config, self._task, init),
            model=model,
            chosen=chosen,
        )

    def _chosen(self) -> Chosen:
        """Train on the training split alone, and look at the validation split after each epoch."""
        samples = torch.arange(self._store.size("train"))
        network = self._warm(samples, "choice.warm-up")
        training = self._run(
            "choice",
            {},
            lambda: self._training(network, ("train",), f"{_WHOLE}, on the training split", watched="validation"),
        )
        scores, metric = training.scores, self._task.metric
        best = max(scores) if metric.higher_is_better else min(scores)
        found = Chosen(scores.index(best) + 1, tuple(scores))
        self._told(
            Remark(
                f"the joint training takes {found.epochs} of {self._config.epochs} epochs: validation {metric.name} "
                f"{best:.4f} after them"
            )
        )
        return found

    def _warm(self, samples: torch.Tensor | None, stage: str) -> FusionNetwork:
        """The fusion network alone, trained on cached features of these samples; of all where none are named."""
        single = Single(self._train.seed, samples)

        def new() -> StackedTraining:
            title = f"{self._genotype.name} on cached features"
            return StackedTraining(
                self._genotype, self._task, self._store, self._train, [single], device=self._device, title=title
            )

        return self._run(stage, {}, new).finished()[0]

    def _loaded(self, init: Path) -> FusionNetwork:
        network = compile_genotype(self._genotype)
        load_weights(network, _weights_of(init)[0])
        return network.to(self._device)

    def _training(
        self,
        network: FusionNetwork,
        splits: tuple[SplitName, ...],
        title: str,
        stop: int | None = None,
        watched: SplitName | None = None,
    ) -> JointTraining:
        labels = torch.cat([self._store.labels(split) for split in splits])
        return JointTraining(
            self._model(network).to(self._device),
            self._task.fitted(labels),
            self._config,
            splits,
            seed=self._train.seed,
            device=self._device,
            title=f"{self._genotype.name} {title}",
            stop=stop,
            watched=watched,
        )

    def _model(self, network: FusionNetwork) -> JointModel:
        return JointModel(network, self._task, self._backbones, self._example, self._config, transfer=self._transfer)

    def _run(self, stage: str, more: Mapping[str, Any], new: Callable[[], Training]) -> Training:
        keeper = self._keeper(stage, more)
        training = gone_through(new, keeper, self._told)
        if keeper:
            keeper.save(training)  # a later stage may be killed, and this one need not be done again
        return training

    def _keeper(self, stage: str, more: Mapping[str, Any]) -> Keeper | None:
        if self._checkpoint is None:
            return None
        of = {
            **self._task.identity,
            "options": dict(self._task.options),
            "genotype": self._genotype.model_dump(mode="json", exclude={"provenance"}),
            "data": self._store.key,
            "train": self._train.model_dump(mode="json"),
            "joint": {} if "warm-up" in stage else self._config.decisive,
            "stage": stage,
            **({"transfer": True} if self._transfer and "warm-up" not in stage else {}),
            **more,
        }
        path = self._checkpoint.with_name(f"{self._checkpoint.name}.{stage}.ckpt")
        return Keeper(path, of, stop=self._stop, again="the same command goes on from there")


def joint_bundle(bundle: Bundle, model: JointModel, before: Mapping[str, Backbone]) -> Bundle:
    """What a jointly trained network takes along: its own backbones.

    Args:
        bundle: of the task as it was.
        model: what was trained.
        before: the backbones as they were.
    """
    records, weights = dict(bundle.record.backbones), dict(bundle.weights)
    for modality, trained in model.backbone_states():
        # Layers behind the last tap are as they were.
        whole = {name: trained.get(name, value) for name, value in before[modality].module.state_dict().items()}
        content = safetensors.torch.save(saved_state(whole))
        records[modality] = BackboneRecord(sha256=hashlib.sha256(content).hexdigest(), kept=True)
        weights[modality] = content
    return replace(bundle, record=bundle.record.model_copy(update={"backbones": records}), weights=weights)


def _example(task: Task) -> Split:
    """Two samples of training, or one where there are no more."""
    for loaded in load(task.split("train"), 2, workers=0):
        if loaded.batch is not None:
            return loaded.batch
    raise BmnasError(f"no sample of the train split of task {task.name} can be read")


def _weights_of(init: Path) -> tuple[Path, str]:
    """The file of a trained fusion network, and its checksum."""
    path = genotype_file(init).with_suffix(".safetensors")
    try:
        return path, hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        raise BmnasError(f"{path}: there is no such file: bmnas train makes it, or a search, at its end") from None
