"""Search, write, compile, train and draw multimodal fusion networks (BM-NAS, AAAI 2022).

::

    result = bmnas.search("digits")                      # a run folder, a genotype, a table
    network = bmnas.compile(bmnas.load("genotype.json")) # a torch.nn.Module
    bmnas.load_model(result.folder).predict(inputs)      # answers for new samples
    genotypes   load loads from_dict save dumps lint draw canonical_hash operation block_operation
                Genotype StackGenotype Feature Cell Step Head Representation Provenance Options Space Finding
    networks    compile FusionNetwork FeatureError load_model Model Predictions evaluate Evaluation write_report
    searching   search train train_joint JointConfig diagnose extract open_run SearchConfig TrainConfig Extraction
                SearchResult Trained Diagnosis Run FeatureStore Interrupted
    data        get_task ArrayTask ModuleTask Tap Task Split SingleLabel MultiLabel Regression
    others      Event Progress Remark, with which ``report`` is called; errors of one sentence: BmnasError GenotypeError

help(bmnas.search) tells of one of them. Every name loads on first use: torch is imported only by those that need it.
"""

from __future__ import annotations

from bmnas.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:  # as type checkers know it: importing `typing` takes longer than all that is imported here
    from typing import Any

    from bmnas.compiler import FeatureError, FusionNetwork, compile_genotype as compile
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
        # What these read is a Genotype nearly always, which editors shall know; a StackGenotype where it says so.
        from_dict,
        load,
        loads,
        operation,
        save,
    )
    from bmnas.genotype.canonical import canonical_hash
    from bmnas.genotype.drawing import draw
    from bmnas.genotype.finding import Finding
    from bmnas.genotype.lint import lint
    from bmnas.genotype.space import Space
    from bmnas.genotype.stacks import StackGenotype, block_operation
    from bmnas.joint import JointConfig, train_joint
    from bmnas.prediction import Model, Predictions, load_model
    from bmnas.report.writing import write_report
    from bmnas.searcher import (
        Diagnosis,
        Event,
        Interrupted,
        Run,
        SearchConfig,
        SearchResult,
        TrainConfig,
        Trained,
        diagnose,
        extract,
        open_run,
        search,
        train,
    )
    from bmnas.taps import Tap
    from bmnas.tasks import (
        Extraction,
        FeatureStore,
        MultiLabel,
        Progress,
        Regression,
        Remark,
        SingleLabel,
        Split,
        Task,
        get_task,
    )
    from bmnas.tasks.arrays import ArrayTask
    from bmnas.tasks.module_task import ModuleTask

# Public name -> module and name there.
_HOME = {
    "BmnasError": ("bmnas.errors", "BmnasError"),
    "Cell": ("bmnas.genotype", "Cell"),
    "Diagnosis": ("bmnas.searcher", "Diagnosis"),
    "Event": ("bmnas.searcher", "Event"),
    "Feature": ("bmnas.genotype", "Feature"),
    "FeatureError": ("bmnas.compiler", "FeatureError"),
    "FeatureStore": ("bmnas.tasks", "FeatureStore"),
    "Finding": ("bmnas.genotype.finding", "Finding"),
    "FusionNetwork": ("bmnas.compiler", "FusionNetwork"),
    "Genotype": ("bmnas.genotype", "Genotype"),
    "GenotypeError": ("bmnas.errors", "GenotypeError"),
    "Head": ("bmnas.genotype", "Head"),
    "JointConfig": ("bmnas.joint", "JointConfig"),
    "train_joint": ("bmnas.joint", "train_joint"),
    "Interrupted": ("bmnas.searcher", "Interrupted"),
    "Options": ("bmnas.genotype", "Options"),
    "Predictions": ("bmnas.prediction", "Predictions"),
    "Progress": ("bmnas.tasks", "Progress"),
    "Provenance": ("bmnas.genotype", "Provenance"),
    "Remark": ("bmnas.tasks", "Remark"),
    "Representation": ("bmnas.genotype", "Representation"),
    "Run": ("bmnas.searcher", "Run"),
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
    "Trained": ("bmnas.searcher", "Trained"),
    "StackGenotype": ("bmnas.genotype.stacks", "StackGenotype"),
    "block_operation": ("bmnas.genotype.stacks", "block_operation"),
    "canonical_hash": ("bmnas.genotype.canonical", "canonical_hash"),
    "compile": ("bmnas.compiler", "compile_genotype"),
    "diagnose": ("bmnas.searcher", "diagnose"),
    "dumps": ("bmnas.genotype", "dumps"),
    "from_dict": ("bmnas.genotype.parsing", "from_dict_any"),
    "lint": ("bmnas.genotype.lint", "lint"),
    "evaluate": ("bmnas.evaluation", "evaluate"),
    "extract": ("bmnas.searcher", "extract"),
    "draw": ("bmnas.genotype.drawing", "draw"),
    "get_task": ("bmnas.tasks", "get_task"),
    "load": ("bmnas.genotype.opening", "load_any"),
    "load_model": ("bmnas.prediction", "load_model"),
    "loads": ("bmnas.genotype.parsing", "loads_any"),
    "open_run": ("bmnas.searcher", "open_run"),
    "operation": ("bmnas.genotype", "operation"),
    "save": ("bmnas.genotype", "save"),
    "search": ("bmnas.searcher", "search"),
    "train": ("bmnas.searcher", "train"),
    "write_report": ("bmnas.report.writing", "write_report"),
}

# Written out, because editors and type checkers read it; they take it that nothing else is public.
__all__ = [
    "ArrayTask",
    "BmnasError",
    "Cell",
    "Diagnosis",
    "Evaluation",
    "Event",
    "Extraction",
    "Feature",
    "FeatureError",
    "FeatureStore",
    "Finding",
    "FusionNetwork",
    "Genotype",
    "GenotypeError",
    "Head",
    "Interrupted",
    "JointConfig",
    "Model",
    "ModuleTask",
    "MultiLabel",
    "Options",
    "Predictions",
    "Progress",
    "Provenance",
    "Regression",
    "Remark",
    "Representation",
    "Run",
    "SearchConfig",
    "SearchResult",
    "SingleLabel",
    "Space",
    "Split",
    "StackGenotype",
    "Step",
    "Tap",
    "Task",
    "TrainConfig",
    "Trained",
    "__version__",
    "block_operation",
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
    "train_joint",
    "write_report",
]


if not TYPE_CHECKING:  # or every name would be one, misspelt ones too

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'bmnas' has no attribute {name!r}")
        import importlib

        module, own_name = _HOME[name]
        value = getattr(importlib.import_module(module), own_name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    # help(bmnas) would print the whole reference of every name, and load torch for it. Its text above names them all.
    return [] if _asks_for_help() else sorted(__all__)


def _asks_for_help() -> bool:
    import sys

    frame = sys._getframe()
    for _ in range(6):
        if frame.f_back is None:
            return False
        frame = frame.f_back
        if frame.f_globals.get("__name__") == "pydoc":
            return True
    return False
