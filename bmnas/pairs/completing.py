"""A genotype and a task: what the one leaves to the other, and whether they fit each other."""

from __future__ import annotations

from bmnas.errors import BmnasError
from bmnas.genotype.stacks import SequenceInput, StackGenotype
from bmnas.tasks import Task
from bmnas.tasks.pair_task import PairTask
from bmnas.tasks.sequences import QUESTION, REGIONS


def pair_task(task: Task) -> PairTask:
    """A task that has texts and images.

    Raises:
        BmnasError: it has none.
    """
    if not isinstance(task, PairTask):
        raise BmnasError(f"task {task.name} has no pairs of texts and images, which encoder-decoder networks read")
    return task


def completed_by(genotype: StackGenotype, task: PairTask) -> StackGenotype:
    """The genotype with vocabulary, channels and answers of a task.

    Raises:
        BmnasError: an input is not one of the task's, is too short, or the head is of another task.
    """
    own = {QUESTION: task.length, REGIONS: task.regions}
    inputs = []
    for i, each in enumerate(genotype.inputs):
        place = f"inputs[{i}]"
        if each.name not in own:
            raise BmnasError(f"{place}.name is {each.name!r}, but task {task.name} has {QUESTION!r} and {REGIONS!r}")
        if (each.tokens is None) == (each.name == QUESTION):
            raise BmnasError(f"{place} is {'vectors' if each.tokens is None else 'a text'}, which {each.name!r} is not")
        known, key = (len(task.words), "vocabulary") if each.name == QUESTION else (task.channels, "channels")
        if getattr(each, key) not in (None, known):
            raise BmnasError(f"{place}.{key} is {getattr(each, key)}, but task {task.name} has {known}")
        # What is longer costs nothing, so the length of a published genotype need not be that of a small task.
        if each.length < own[each.name]:
            raise BmnasError(f"{place}.length is {each.length}, but task {task.name} has up to {own[each.name]}")
        inputs.append(each.model_copy(update={key: known}))
    if genotype.head.task not in (task.head, None):
        raise BmnasError(f"head.task is {genotype.head.task!r}, but task {task.name} asks to {task.head}")
    outputs = task.outputs if task.head == "answer" else None
    if genotype.head.outputs not in (None, outputs):
        raise BmnasError(f"head.outputs is {genotype.head.outputs}, but task {task.name} has {outputs} answers")
    return genotype.replace(inputs=inputs, head={"task": task.head, **({"outputs": outputs} if outputs else {})})


def inputs_of(task: PairTask, tokens: int) -> tuple[SequenceInput, SequenceInput]:
    """The inputs of a genotype for a task.

    Args:
        task: has texts and images.
        tokens: numbers of a word vector.
    """
    text = SequenceInput(name=QUESTION, modality="Text", length=task.length, tokens=tokens, vocabulary=len(task.words))
    regions = SequenceInput(name=REGIONS, modality="Image", length=task.regions, channels=task.channels, boxes=True)
    return text, regions
