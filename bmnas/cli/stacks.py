"""What commands do with encoder-decoder genotypes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bmnas.cli.costs import show_summary
from bmnas.cli.names import refuse_unknown_task
from bmnas.cli.options import about
from bmnas.cli.shown import tell

if TYPE_CHECKING:
    from bmnas.genotype.stacks import StackGenotype


def completed_stacks(genotype: StackGenotype, task: str | None) -> StackGenotype:
    """The genotype with what a task supplies, if one is named: vocabulary, channels, outputs.

    Raises:
        BmnasError: the task has no texts and images, or they are others.
    """
    if task is None:
        return genotype
    refuse_unknown_task(task)
    from bmnas.errors import BmnasError

    raise BmnasError(f"task {task} has no texts and images")


def new_stacks(preset: str, task: str | None, given: dict[str, object], name: str | None) -> StackGenotype:
    """A preset on a task's texts and images; on questions and regions as in VQA-v2, if no task is named.

    Raises:
        BmnasError: the task has none, or a size makes no sense.
    """
    from bmnas.genotype.stacks import SequenceInput
    from bmnas.genotype.stacks.presets import PRESETS

    inputs = (
        SequenceInput(name="Question", modality="Text", length=14, tokens=300),
        SequenceInput(name="Regions", modality="Image", length=100, channels=2048, boxes=True),
    )
    width = given.get("width", 512)
    # Heads of 64 numbers, or, in a network that is narrower than four of them, four heads.
    heads = 64 if isinstance(width, int) and width % 64 == 0 and width >= 256 else max(1, int(str(width)) // 4)
    found = PRESETS.find(preset)(inputs, **{"head_width": heads, **given})
    found = completed_stacks(found, task)
    return found if name is None else found.replace(name=name)


def convert_released(path: Path, text: str, epoch: int | None, like: Path | None) -> StackGenotype:
    """An architecture of MMnas or openvqa as a genotype.

    Raises:
        BmnasError: it is none, or has a block that is not known here.
    """
    from bmnas.errors import BmnasError
    from bmnas.genotype.opening import load_any
    from bmnas.genotype.stacks import StackGenotype
    from bmnas.genotype.stacks.released import blocks_of, to_genotype

    blocks = blocks_of(text, str(path), epoch)
    other = load_any(like if like is not None else "mmnas-vqa")
    if not isinstance(other, StackGenotype):
        raise BmnasError(f"{like}: is a fusion genotype; --like takes an encoder-decoder one here, such as mmnas-vqa")
    return to_genotype(blocks, other, path.stem[:200] if path.stem.isprintable() else "genotype")


def compile_stacks(
    path: Path,
    genotype: StackGenotype,
    to: str | None,
    out: Path,
    fresh: bool,
    seed: int,
    task: str | None,
    as_json: bool,
) -> None:
    """Show the network of a genotype, or export it."""
    from bmnas.errors import BmnasError
    from bmnas.files import read_bytes

    genotype = completed_stacks(genotype, task)
    if to is None:
        from bmnas.compiler.stacks import summarise_stacks

        show_summary(summarise_stacks(genotype), as_json)
        return
    import safetensors.torch
    import torch

    from bmnas.compiler.stacks import StackNetwork, export_stacks

    torch.manual_seed(seed)
    with about(path):
        network = StackNetwork(genotype)
    weights = path.with_suffix(".safetensors")
    told = f"fresh weights, seed {seed}"
    if not fresh and weights.is_file():
        try:
            network.load_state_dict(safetensors.torch.load(read_bytes(weights, 2**36, "64 GiB")))
        except (RuntimeError, safetensors.SafetensorError) as error:
            raise BmnasError(f"{weights}: has no weights of this network; --fresh compiles without") from error
        told = f"weights {weights}"
    with about(path):
        exported = export_stacks(network, out, to)
    if as_json:
        typer.echo(json.dumps({**asdict(exported), "file": str(exported.file)}, indent=2))
        return
    tell(
        f"{exported.file}: {exported.target}, {exported.size:,} bytes, {told}, differs by at most "
        f"{exported.difference:.1e} (allowed {exported.tolerance:.0e})"
    )
