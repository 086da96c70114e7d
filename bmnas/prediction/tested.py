"""What the result of a run said of its test split, from the outputs that the run folder keeps."""

from __future__ import annotations

from pathlib import Path

from bmnas.errors import BmnasError
from bmnas.genotype.opening import genotype_file
from bmnas.prediction.predictions import Predictions
from bmnas.searcher import open_run
from bmnas.tasks.portable import SUFFIX, read_record


def of_test_split(path: Path | str, *, seed: int | None = None) -> Predictions:
    """The answers of a run's result for the test split, in the order of the split.

    Args:
        path: a run folder.
        seed: of several; the best if left out.

    Raises:
        BmnasError: the search is not finished, or something was changed since.
    """
    run = open_run(path)
    if seed is None and len(run.seeds) > 1:
        seed = int(genotype_file(path).parent.name.removeprefix("seed"))
    folder = run.folder_of(seed)
    row = run.delivered(seed)
    if row not in [each.name for each in run.rows(seed)]:
        raise BmnasError(f"{path}: its result has not been tested yet; the same search command goes on")
    outputs, _ = run.outputs(row, seed)
    record = read_record(folder / f"genotype{SUFFIX}")
    names = record.class_names or tuple(map(str, range(record.outputs)))
    ids = tuple(map(str, range(len(outputs))))
    return Predictions(outputs, ids, names, record.objective, record.threshold)
