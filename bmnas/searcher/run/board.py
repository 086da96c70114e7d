"""What TensorBoard shows of a search: scores and losses, alpha, beta and gamma, drawings, trainings, settings.

Of several seeds each has a log of its own, in ``tensorboard/seedS``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from bmnas.errors import BmnasError
from bmnas.files import reason
from bmnas.genotype.drawing import to_png
from bmnas.genotype.parsing import AnyGenotype
from bmnas.genotype.telling import in_words
from bmnas.searcher.events import ChoiceDone, EpochDone, MixingDone, RoundDone, Row, RunnerUp, SelectionDone


class Board:
    """The log of a run folder.

    Args:
        folder: of the log.
        seeds: of the search.
    """

    def __init__(self, folder: Path, seeds: Sequence[int]) -> None:
        self._folder, self._several = folder, len(seeds) > 1
        self._writers: dict[int, SummaryWriter] = {}
        self._shown: dict[int, AnyGenotype] = {}

    def round_done(self, event: RoundDone) -> None:
        """Show a round.

        Raises:
            BmnasError: the log cannot be written.
        """
        if isinstance(event, RunnerUp):
            return
        with self._writer(event.seed, event.round) as writer:
            if isinstance(event, SelectionDone | ChoiceDone):
                writer.add_text(f"genotype/{type(event).unit}", in_words(event.genotype))
                return
            for tag, value in scalars(event).items():
                writer.add_scalar(tag, value, event.round)
            if isinstance(event, EpochDone) and event.mixing is not None:
                _show_mixing(writer, event.mixing, event.round)
            if event.best and self._shown.get(event.seed) != event.genotype:
                self._shown[event.seed] = event.genotype
                writer.add_text("genotype/best so far", in_words(event.genotype), event.round)

    def found(self, seed: int, genotype: AnyGenotype) -> None:
        """Show the result of a seed, drawn where there is something to draw with.

        Raises:
            BmnasError: the log cannot be written.
        """
        with self._writer(seed, None) as writer:
            writer.add_text("genotype/result", in_words(genotype))
            with suppress(BmnasError):  # there may be no Graphviz, or too much to draw
                picture = np.asarray(Image.open(io.BytesIO(to_png(genotype))).convert("RGB"))
                writer.add_image("genotype/result", picture, dataformats="HWC")

    def training(self, seed: int, row: str, losses: Mapping[int, float]) -> None:
        """Show the training of a row of the comparison.

        Args:
            seed: of the search.
            row: its title.
            losses: by epoch.

        Raises:
            BmnasError: the log cannot be written.
        """
        with self._writer(seed, None) as writer:
            for epoch, loss in losses.items():
                writer.add_scalar(f"training/{row}", loss, epoch)

    def result(self, seed: int, settings: Mapping[str, object], rows: Sequence[Row]) -> None:
        """Show the settings of a search beside what it scored, as hyperparameters.

        Args:
            seed: of the search.
            settings: as JSON values, those of a strategy in it.
            rows: of the comparison.

        Raises:
            BmnasError: the log cannot be written.
        """
        with self._writer(seed, None) as writer:
            writer.add_hparams(dict(flat(settings)), {f"test/{row.name}": row.test for row in rows}, run_name=".")

    def close(self) -> None:
        """Write what is left."""
        for writer in self._writers.values():
            with suppress(OSError):  # it tries again to write what could not be written
                writer.close()

    @contextmanager
    def _writer(self, seed: int, round: int | None) -> Iterator[SummaryWriter]:
        path = self._folder / f"seed{seed}" if self._several else self._folder
        try:
            if seed not in self._writers:
                # What an earlier process wrote of this round and of later ones is hidden by TensorBoard.
                self._writers[seed] = SummaryWriter(str(path), purge_step=round)
            yield self._writers[seed]
            self._writers[seed].flush()
        except OSError as error:
            raise BmnasError(f"{path}: cannot be written: {reason(error)}") from error


def scalars(event: RoundDone) -> dict[str, float]:
    """What is shown of a round as curves, by tag."""
    found = {"score/validation": event.score}
    if isinstance(event, EpochDone):
        found |= {"loss/train": event.loss, "lr": event.lr, "architecture/parameter-free": event.parameter_free}
        if event.arch_loss is not None:
            found["loss/validation"] = event.arch_loss
        if event.sharpness is not None:
            found["architecture/sharpness"] = event.sharpness
    return found


def flat(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, float | str | bool]]:
    """Settings as names and plain values, those of a strategy with its place before them."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}/")
        elif value is not None:
            yield f"{prefix}{name}", value if isinstance(value, int | float | str | bool) else str(value)


def _show_mixing(writer: SummaryWriter, mixing: MixingDone, round: int) -> None:
    """Each alternative's weight as a curve; those of alpha, beta and gamma together as a histogram."""
    together: dict[str, list[float]] = {"alpha": [], "beta": [], "gamma": []}
    for tag, weight in _weights(mixing):
        writer.add_scalar(tag, weight, round)
        together[tag.split("/", 1)[0]].append(weight)
    for name, values in together.items():
        if values:
            writer.add_histogram(name, np.array(values), round)


def _weights(mixing: MixingDone) -> Iterator[tuple[str, float]]:
    for n, cell in enumerate(mixing.cells, 1):
        for of, alternatives in cell.inputs.items():
            yield from ((f"alpha/Cell_{n} {of}/{name}", weight) for name, weight in alternatives.items())
        for m, step in enumerate(cell.steps, 1):
            for of, alternatives in step.items():
                yield from ((f"beta/Cell_{n} Step_{m} {of}/{name}", weight) for name, weight in alternatives.items())
        for m, operations in enumerate(cell.operations, 1):
            yield from ((f"gamma/Cell_{n} Step_{m}/{name}", weight) for name, weight in operations.items())
