"""Answers of a network for samples, and the files that they are written to."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from bmnas.errors import BmnasError, did_you_mean
from bmnas.files import csv_cell, write_atomically
from bmnas.tasks import MultiLabel, SingleLabel


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network says of N samples.

    Attributes:
        outputs: of the network, (N, outputs): logits, or numbers where the task is a regression.
        ids: what the samples are called, N of them.
        class_names: what the outputs are called.
        objective: the name of the kind of labels.
        threshold: the probability above which a class is an answer, where a sample may have several.
    """

    outputs: Tensor
    ids: tuple[str, ...]
    class_names: tuple[str, ...]
    objective: str = SingleLabel.name
    threshold: float | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def probabilities(self) -> Tensor | None:
        """(N, outputs): of one class for each sample they sum to 1; ``None`` where the outputs are no logits."""
        if self.objective == SingleLabel.name:
            return self.outputs.double().softmax(1).float()
        if self.objective == MultiLabel.name:
            return self.outputs.double().sigmoid().float()
        return None

    @cached_property
    def answers(self) -> list[Any]:
        """Of each sample: the most probable class, by name; or all classes above the threshold; or the numbers."""
        if self.objective == SingleLabel.name:
            return [self.class_names[index] for index in self.outputs.argmax(1).tolist()]
        if self.probabilities is not None:
            above = self.probabilities > (0.5 if self.threshold is None else self.threshold)
            return [[self.class_names[index] for index in row.nonzero().flatten().tolist()] for row in above]
        return self.outputs.tolist()

    def rows(self) -> Iterator[dict[str, Any]]:
        """A plain object for each sample: ``id``, ``answer``, and ``probabilities`` or ``values`` by name."""
        name = "values" if self.probabilities is None else "probabilities"
        numbers = self.outputs if self.probabilities is None else self.probabilities
        for number, values in enumerate(numbers.tolist()):
            row: dict[str, Any] = {"id": self.ids[number]}
            if self.probabilities is not None:
                row["answer"] = self.answers[number]
            yield {**row, name: dict(zip(self.class_names, values, strict=True))}

    def __repr__(self) -> str:
        return f"<Predictions of {len(self)} samples, {self.objective}, {len(self.class_names)} outputs>"


def write(predictions: Predictions, path: Path) -> None:
    """Write answers to a file; its ending says how.

    Args:
        predictions: the answers.
        path: ``.csv``, ``.jsonl`` or ``.npz``.

    Raises:
        BmnasError: it has another ending, or cannot be written.
    """
    write_atomically(path, writer_of(path)(predictions))


def writer_of(path: Path) -> Callable[[Predictions], str | bytes]:
    """What makes the content of a file of that name.

    Raises:
        BmnasError: there is no such format.
    """
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(FORMATS)
        raise BmnasError(f"{path}: answers are written as {known}{did_you_mean(path.suffix, FORMATS)}")
    return FORMATS[path.suffix.lower()]


def to_csv(predictions: Predictions) -> str:
    """Columns ``id``, ``answer`` (several classes with ``;``), then a probability, or a value, of each output.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    has_answers = predictions.probabilities is not None
    table.writerow(["id", *(["answer"] if has_answers else []), *map(csv_cell, predictions.class_names)])
    for row in predictions.rows():
        values = row["probabilities"] if has_answers else row["values"]
        answer = [csv_cell(_joined(row["answer"]))] if has_answers else []
        table.writerow([csv_cell(row["id"]), *answer, *(f"{value:.6g}" for value in values.values())])
    return buffer.getvalue()


def to_jsonl(predictions: Predictions) -> str:
    """An object a line, see `Predictions.rows`."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in predictions.rows())


def to_npz(predictions: Predictions) -> bytes:
    """Arrays ``ids``, ``outputs``, ``class_names``, and ``probabilities`` where there are some; no Python objects."""
    arrays = {
        "ids": np.array(predictions.ids, dtype=np.str_),
        "class_names": np.array(predictions.class_names, dtype=np.str_),
        "outputs": predictions.outputs.numpy(),
    }
    if predictions.probabilities is not None:
        arrays["probabilities"] = predictions.probabilities.numpy()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


FORMATS: Mapping[str, Callable[[Predictions], str | bytes]] = {".csv": to_csv, ".jsonl": to_jsonl, ".npz": to_npz}
"""By the ending of the file."""


def _joined(answer: str | list[str]) -> str:
    return answer if isinstance(answer, str) else ";".join(answer)
