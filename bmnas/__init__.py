"""bmnas: search, write, compile, train and draw multimodal fusion networks (BM-NAS, AAAI 2022).

Every public name loads on first use, so that ``import bmnas`` is cheap: torch is imported only by the names that need
it (`compile`, `train`, `search` and what belongs to them).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bmnas.version import __version__

if TYPE_CHECKING:
    from bmnas.compiler import FusionNetwork, compile_genotype as compile
    from bmnas.errors import BmnasError, GenotypeError
    from bmnas.evaluation import Evaluation, evaluate
    from bmnas.genotype import (
        Cell,
        Feature,
        Genotype,
        Head,
        Options,
        Provenance,
        Representation,
        Step,
        dumps,
        from_dict,
        load,
        loads,
        operation,
        save,
    )
    from bmnas.genotype.canonical import canonical_hash
    from bmnas.genotype.drawing import draw
    from bmnas.genotype.lint import lint
    from bmnas.genotype.space import Space
    from bmnas.prediction import Model, Predictions, load_model
    from bmnas.searcher import (
        Diagnosis,
        SearchConfig,
        SearchResult,
        TrainConfig,
        diagnose,
        extract,
        open_run,
        search,
        train,
    )
    from bmnas.taps import Tap
    from bmnas.tasks import Extraction, MultiLabel, Regression, SingleLabel, Split, Task, get_task
    from bmnas.tasks.arrays import ArrayTask
    from bmnas.tasks.module_task import ModuleTask

# Public name -> module and name there.
_HOME = {
    "BmnasError": ("bmnas.errors", "BmnasError"),
    "Cell": ("bmnas.genotype", "Cell"),
    "Diagnosis": ("bmnas.searcher", "Diagnosis"),
    "Feature": ("bmnas.genotype", "Feature"),
    "FusionNetwork": ("bmnas.compiler", "FusionNetwork"),
    "Genotype": ("bmnas.genotype", "Genotype"),
    "GenotypeError": ("bmnas.errors", "GenotypeError"),
    "Head": ("bmnas.genotype", "Head"),
    "Options": ("bmnas.genotype", "Options"),
    "Predictions": ("bmnas.prediction", "Predictions"),
    "Provenance": ("bmnas.genotype", "Provenance"),
    "Representation": ("bmnas.genotype", "Representation"),
    "SearchConfig": ("bmnas.searcher", "SearchConfig"),
    "SearchResult": ("bmnas.searcher", "SearchResult"),
    "Space": ("bmnas.genotype.space", "Space"),
    "Step": ("bmnas.genotype", "Step"),
    "Evaluation": ("bmnas.evaluation", "Evaluation"),
    "Extraction": ("bmnas.tasks", "Extraction"),
    "MultiLabel": ("bmnas.tasks", "MultiLabel"),
    "Regression": ("bmnas.tasks", "Regression"),
    "SingleLabel": ("bmnas.tasks", "SingleLabel"),
    "Split": ("bmnas.tasks", "Split"),
    "ArrayTask": ("bmnas.tasks.arrays", "ArrayTask"),
    "Model": ("bmnas.prediction", "Model"),
    "ModuleTask": ("bmnas.tasks.module_task", "ModuleTask"),
    "Tap": ("bmnas.taps", "Tap"),
    "Task": ("bmnas.tasks", "Task"),
    "TrainConfig": ("bmnas.searcher", "TrainConfig"),
    "canonical_hash": ("bmnas.genotype.canonical", "canonical_hash"),
    "compile": ("bmnas.compiler", "compile_genotype"),
    "diagnose": ("bmnas.searcher", "diagnose"),
    "dumps": ("bmnas.genotype", "dumps"),
    "from_dict": ("bmnas.genotype", "from_dict"),
    "lint": ("bmnas.genotype.lint", "lint"),
    "evaluate": ("bmnas.evaluation", "evaluate"),
    "extract": ("bmnas.searcher", "extract"),
    "draw": ("bmnas.genotype.drawing", "draw"),
    "get_task": ("bmnas.tasks", "get_task"),
    "load": ("bmnas.genotype", "load"),
    "load_model": ("bmnas.prediction", "load_model"),
    "loads": ("bmnas.genotype", "loads"),
    "open_run": ("bmnas.searcher", "open_run"),
    "operation": ("bmnas.genotype", "operation"),
    "save": ("bmnas.genotype", "save"),
    "search": ("bmnas.searcher", "search"),
    "train": ("bmnas.searcher", "train"),
}

# Written out, because editors and type checkers read it; they take it that nothing else is public.
__all__ = [
    "ArrayTask",
    "BmnasError",
    "Cell",
    "Diagnosis",
    "Evaluation",
    "Extraction",
    "Feature",
    "FusionNetwork",
    "Genotype",
    "GenotypeError",
    "Head",
    "Model",
    "ModuleTask",
    "MultiLabel",
    "Options",
    "Predictions",
    "Provenance",
    "Regression",
    "Representation",
    "SearchConfig",
    "SearchResult",
    "SingleLabel",
    "Space",
    "Split",
    "Step",
    "Tap",
    "Task",
    "TrainConfig",
    "__version__",
    "canonical_hash",
    "compile",
    "diagnose",
    "draw",
    "dumps",
    "evaluate",
    "extract",
    "from_dict",
    "get_task",
    "lint",
    "load",
    "load_model",
    "loads",
    "open_run",
    "operation",
    "save",
    "search",
    "train",
]


if not TYPE_CHECKING:  # or every name would be one, misspelt ones too

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'bmnas' has no attribute {name!r}")
        module, own_name = _HOME[name]
        value = getattr(importlib.import_module(module), own_name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
