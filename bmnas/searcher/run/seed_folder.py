"""What a search leaves for one seed.

genotypes/       epoch-007.json, ...: derived after each epoch; or candidate-007.json, ...
genotype.json    the best so far, with genotype.svg; after the final training with its weights
                 (genotype.safetensors), scores (genotype.scores.json) and what else it needs to be used without the
                 task's data (genotype.model.json)
results.json     the comparison at the end, row by row
mixing/          epoch-007.json, ...: the weights of all alternatives that alpha, beta and gamma stood for after it
outputs/         of each row, what its network gives for the test split, with the labels
curves/          of each row, the loss of each epoch of its training
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
from pydantic import ValidationError
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.files import read_bytes, read_json, reason, sealed_json, unsealed_json, write_atomically
from bmnas.fit.events import Event
from bmnas.genotype import save
from bmnas.genotype.drawing import draw
from bmnas.genotype.opening import load_any as load
from bmnas.genotype.parsing import AnyGenotype
from bmnas.searcher.events import ROUNDS, EpochDone, RoundDone, Row, meaning_of
from bmnas.searcher.run.layout import JSON_LIMIT, OUTPUTS_LIMIT, curve_file, mixing_file, outputs_file, round_file

SEED_FILES = (
    *(
        "genotypes",
        "genotype.json",
        "genotype.svg",
        "genotype.safetensors",
        "genotype.averages.safetensors",
        "genotype.scores.json",
        "genotype.model.json",
        "results.json",
        "mixing",
        "outputs",
        "curves",
    ),
)


class Results(Event):
    """``results.json``: the rows that are done, and the settings they were trained with."""

    format: Literal["bmnas-results/1"] = "bmnas-results/1"
    metric: str
    train: dict[str, Any]
    rows: tuple[Row, ...]


class SeedFolder:
    """The files of one seed. Whoever uses it holds the lock of the run folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def round_done(self, event: RoundDone, genotype: AnyGenotype) -> None:
        """Keep the genotype of a round, and what a hypernet has learnt of its alternatives."""
        save(genotype, self._of_round(type(event).__name__, event.round))
        if isinstance(event, EpochDone) and event.mixing is not None:
            text = sealed_json(event.mixing.model_dump(mode="json"), indent=None)
            write_atomically(mixing_file(self.path, event.round), text)
        if event.best:
            self._keep(genotype)

    def genotype(self) -> Any:
        """The best genotype so far."""
        return load(self.path / "genotype.json")

    def restore(self, event: str, round: int, sha256: str) -> None:
        """Make sure that the best genotype is that of a round.

        Args:
            event: the kind of the round.
            round: its number.
            sha256: of its genotype, see `meaning_of`.

        Raises:
            BmnasError: the genotype of the round, or the best one, was changed since the search wrote it.
        """
        best = self.of_round(event, round, sha256)
        kept = None
        with suppress(BmnasError):
            kept = self.genotype()
        if kept is None:
            self._keep(best)
        elif meaning_of(kept) != sha256:
            # After a kill it may be that of a later round, which is done again; otherwise somebody has edited it.
            if not self.has_round_with(kept):
                raise BmnasError(
                    f"{self.path / 'genotype.json'}: was changed since the search wrote it; move it away, and the same "
                    "command puts the genotype that was found in its place"
                )
            self._keep(best)
        elif not (self.path / "genotype.svg").exists():
            self._draw(kept)

    def of_round(self, event: str, round: int, sha256: str) -> Any:
        """The genotype of a round.

        Raises:
            BmnasError: the file is damaged, or was changed since it was written.
        """
        path = self._of_round(event, round)
        genotype = load(path)
        if meaning_of(genotype) != sha256:
            raise BmnasError(f"{path}: was changed since the search wrote it; put it back, or start over with --force")
        return genotype

    def rows(self, train: dict[str, Any]) -> list[Row]:
        """The rows of the comparison that are done with these settings of the training.

        Raises:
            BmnasError: ``results.json`` is damaged.
        """
        if not (self.path / "results.json").exists():
            return []
        results = self._results()
        return list(results.rows) if results.train == train else []

    def all_rows(self) -> list[Row]:
        """The rows that are done, with whatever settings.

        Raises:
            BmnasError: ``results.json`` is damaged.
        """
        return list(self._results().rows) if (self.path / "results.json").exists() else []

    def row_done(self, rows: Sequence[Row], metric: str, train: dict[str, Any]) -> None:
        """Keep the rows that are done."""
        results = Results(metric=metric, train=train, rows=tuple(rows))
        write_atomically(self.path / "results.json", sealed_json(results.model_dump(mode="json")))

    def keep_outputs(self, row: str, outputs: Tensor, labels: Tensor, groups: Tensor | None = None) -> None:
        """Keep what a row's network gives for the test split.

        Args:
            row: its title.
            outputs: (N, outputs).
            labels: of the N samples.
            groups: of the samples, (N,), where they are of some.
        """
        content = {"outputs": outputs.contiguous(), "labels": labels.contiguous()}
        if groups is not None:
            content["groups"] = groups.contiguous()
        write_atomically(outputs_file(self.path, row), safetensors.torch.save(content))

    def keep_curve(self, row: str, losses: Mapping[int, float]) -> None:
        """Keep the loss of each epoch of a row's training; those of epochs before it went on are there already.

        Args:
            row: its title.
            losses: by epoch, from 1.
        """
        path, earlier = curve_file(self.path, row), {}
        if losses and min(losses) > 1:
            with suppress(BmnasError, ValueError, KeyError, AttributeError):  # without them the curve begins later
                kept = unsealed_json(read_json(path, JSON_LIMIT))["losses"]
                earlier = {int(epoch): float(loss) for epoch, loss in kept.items() if int(epoch) < min(losses)}
        content = {"row": row, "losses": {str(epoch): loss for epoch, loss in sorted({**earlier, **losses}.items())}}
        write_atomically(path, sealed_json(content, indent=None))

    def outputs(self, row: str) -> tuple[Tensor, Tensor]:
        """What `keep_outputs` has kept: outputs (N, outputs) and labels.

        Raises:
            BmnasError: there is nothing, or it is damaged.
        """
        path = outputs_file(self.path, row)
        try:
            content = safetensors.torch.load(read_bytes(path, OUTPUTS_LIMIT, "1 GiB"))
            return content["outputs"], content["labels"]
        except (safetensors.SafetensorError, KeyError) as error:
            raise BmnasError(f"{path}: does not hold the outputs of a network") from error

    def _of_round(self, event: str, round: int) -> Path:
        return round_file(self.path, ROUNDS[event].unit, round)

    def has_round_with(self, genotype: AnyGenotype) -> bool:
        """Whether the genotype of a round means the same."""
        for path in (self.path / "genotypes").glob("*.json"):
            with suppress(BmnasError):
                if meaning_of(load(path)) == meaning_of(genotype):
                    return True
        return False

    def _results(self) -> Results:
        path = self.path / "results.json"
        try:
            return Results.model_validate(unsealed_json(read_json(path, JSON_LIMIT)))
        except ValidationError:
            what = "does not hold the results of a search"
        except BmnasError as error:
            what = str(error).removeprefix(f"{path}: ")
        raise BmnasError(f"{path}: {what}; delete it to have the results made anew")

    def _keep(self, genotype: AnyGenotype) -> None:
        save(genotype, self.path / "genotype.json")
        self._draw(genotype)

    def _draw(self, genotype: AnyGenotype) -> None:
        # A search does not fail for want of a renderer; `bmnas draw` says what to install.
        with suppress(BmnasError):
            draw(genotype, self.path / "genotype.svg")


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there.

    Raises:
        BmnasError: it cannot be removed.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise BmnasError(f"{path}: cannot be removed: {reason(error)}") from error
