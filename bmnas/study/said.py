"""What a row of a study says of the test samples, with each seed; and the files that keep it. K seeds, N samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.files import parse_json, read_bytes, read_text, sealed_json, unsealed_json, write_atomically
from bmnas.searcher.run.layout import file_name

_JSON_LIMIT, _OUTPUTS_LIMIT = 2**24, 2**32


@dataclass(frozen=True, eq=False)
class Said:
    """Of one row.

    Attributes:
        outputs: of the test samples, (K, N, outputs).
        parameters: of each seed's network.
        seconds: what each seed has taken, by part: ``search``, ``choice``, ``training``.
        facts: more about it, as JSON values: genotypes, when trainings ended.
    """

    outputs: Tensor
    parameters: tuple[int, ...]
    seconds: tuple[Mapping[str, float], ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


class Kept:
    """The finished rows of a study, in a folder.

    Args:
        folder: of the study.
        settings: what decides the results, as JSON values; what was kept with others is refused.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._folder, self._settings = folder / "rows", dict(settings)

    def save(self, unit: str, rows: Mapping[str, Said], labels: Tensor) -> None:
        """Keep the rows of a unit.

        Args:
            unit: its name.
            rows: by title.
            labels: of the N samples.
        """
        content = {f"outputs/{number}": said.outputs.float().contiguous() for number, said in enumerate(rows.values())}
        # The format allows no tensor with two names, as what is delivered and its row are.
        tensors = {name: tensor.clone() for name, tensor in [*content.items(), ("labels", labels.contiguous())]}
        write_atomically(self._path(unit, "safetensors"), safetensors.torch.save(tensors))
        record = {
            "unit": unit,
            "settings": self._settings,
            "rows": [
                {
                    "title": title,
                    "parameters": list(said.parameters),
                    "seconds": [dict(each) for each in said.seconds],
                    "facts": dict(said.facts),
                }
                for title, said in rows.items()
            ],
        }
        # Last, because it says that the unit is done.
        write_atomically(self._path(unit, "json"), sealed_json(record))

    def read(self, unit: str) -> dict[str, Said] | None:
        """The rows of a unit by title; ``None`` where it is not done.

        Raises:
            BmnasError: a file is damaged, or of other settings.
        """
        path = self._path(unit, "json")
        if not path.exists():
            return None
        try:
            record = unsealed_json(parse_json(read_text(path, _JSON_LIMIT)))
        except BmnasError as error:
            raise BmnasError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
        if record["settings"] != self._settings:
            raise BmnasError(f"{path}: is of a study with other settings; name another folder with --out")
        arrays = self._path(unit, "safetensors")
        try:
            tensors = safetensors.torch.load(read_bytes(arrays, _OUTPUTS_LIMIT, "4 GiB"))
            return {
                row["title"]: Said(
                    tensors[f"outputs/{number}"], tuple(row["parameters"]), tuple(row["seconds"]), row["facts"]
                )
                for number, row in enumerate(record["rows"])
            }
        except (safetensors.SafetensorError, KeyError) as error:
            raise BmnasError(f"{arrays}: does not hold what a study keeps of {unit}") from error

    def _path(self, unit: str, suffix: str) -> Path:
        return self._folder / f"{file_name(unit)}.{suffix}"
