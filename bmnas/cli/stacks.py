"""What commands do with encoder-decoder genotypes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bmnas.cli.costs import show_summary
from bmnas.cli.meter import Meter
from bmnas.cli.names import refuse_unknown_task
from bmnas.cli.options import about, chosen_task, refuse_existing, refuse_unknown
from bmnas.cli.shown import show_table, tell
from bmnas.errors import did_you_mean

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
    from bmnas.pairs.completing import completed_by, pair_task
    from bmnas.tasks import described_task

    return completed_by(genotype, pair_task(described_task(task)))


def train_stacks(
    path: Path,
    genotype: StackGenotype,
    task: str | None,
    data: Path | None,
    out: Path | None,
    settings: dict[str, Any],
    device: str | None,
    force: bool,
) -> None:
    """Train a network on the training split of a task, score it once on test, and write what it leaves."""
    from bmnas.errors import BmnasError
    from bmnas.genotype.opening import genotype_file

    if task is None:
        raise BmnasError("name the task with --task, such as scenes-answer")
    target = genotype_file(path)
    written = (out if out is not None else target.parent) / f"{target.stem}.json"
    refuse_existing(written.with_suffix(".safetensors"), force, path)
    if written.resolve() != target.resolve():
        refuse_existing(written, force, path)
    refuse_unknown(task, data)
    from bmnas.pairs import PairTrainConfig, save_pairs, train_pairs
    from bmnas.pairs.completing import pair_task

    config = PairTrainConfig.checked(**_given(settings, set(PairTrainConfig.model_fields)))
    chosen = pair_task(chosen_task(task, data))
    checkpoint = written.with_suffix(".training.ckpt")
    with Meter() as meter:
        trained = train_pairs(genotype, chosen, config, device=device, checkpoint=checkpoint, report=meter)
    save_pairs(trained, chosen, config, written)
    checkpoint.unlink(missing_ok=True)
    tell(
        f"{written}: test {_scores(trained.test)}; validation {_scores(trained.validation)}; {trained.parameters:,} "
        f"parameters, trained in {trained.seconds:.1f} s; weights in {written.with_suffix('.safetensors')}"
    )


def search_stacks(
    task: str | None,
    data: Path | None,
    out: Path | None,
    settings: dict[str, Any],
    more: list[str],
    device: str | None,
    evaluate: bool,
    force: bool,
) -> None:
    """Search a network on a task with texts and images, and print how it does beside hand-made ones."""
    from bmnas.errors import BmnasError

    if task is None:
        raise BmnasError("name the task with --task, such as scenes-answer")
    refuse_unknown(task, data)
    from rich import box
    from rich.table import Table

    from bmnas.genotype.telling import in_words
    from bmnas.pairs import PairSearchConfig, search_pairs

    names = set(PairSearchConfig.model_fields)
    given = _given(settings, names)
    for pair in more:
        name, equals, value = pair.partition("=")
        if not equals or name.replace("-", "_") not in names:
            raise BmnasError(f"--stack is {pair!r}; it is NAME=VALUE{did_you_mean(name, sorted(names))}")
        given[name.replace("-", "_")] = value
    config = PairSearchConfig.checked(**given)
    chosen = chosen_task(task, data)
    command = f"bmnas search {chosen.invocation} --kind encoder-decoder"
    with Meter() as meter:
        result = search_pairs(
            chosen, config, folder=out, device=device, evaluate=evaluate, force=force, command=command, report=meter
        )
    if result.rows:
        main = next(iter(result.rows.values())).main
        table = Table(box=box.SIMPLE_HEAD, title=f"{chosen.name}: same training budget for every row")
        table.add_column("network", no_wrap=True)
        for column in (f"validation {main}", f"test {main}", "parameters", "seconds"):
            table.add_column(column, justify="right")
        for name, row in result.rows.items():
            scores = (f"{100 * each[main]:.2f} %" for each in (row.validation, row.test))
            table.add_row(name, *scores, f"{row.parameters:,}", f"{row.seconds:.1f}")
        show_table(table)
        tell(f"The result is {result.chosen}, by the validation split.")
    tell(f"Found: {in_words(result.found)}")
    tell(f"Genotype: {result.folder / 'genotype.json'}   Drawing: {result.folder / 'genotype.svg'}")


def _given(settings: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """Settings of a search or training of fusion networks that these have, too.

    Raises:
        BmnasError: one is of fusion networks alone.
    """
    from bmnas.errors import BmnasError

    given = {name: value for name, value in settings.items() if value is not None}
    for name in given:
        if name not in names:
            raise BmnasError(f"--{name.replace('_', '-')} is for fusion networks, not for encoder-decoder ones")
    return given


def _scores(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {100 * value:.2f} %" for name, value in scores.items())


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
    if task is not None:
        refuse_unknown_task(task)
        from bmnas.pairs.completing import pair_task
        from bmnas.tasks import described_task

        known = pair_task(described_task(task))
        inputs, given = known.sequence_inputs(), {"task": known.head, **given}
        if known.head == "answer":
            given = {"outputs": known.outputs, **given}
    width = given.get("width", 512)
    # Heads of 64 numbers, or, in a network that is narrower than four of them, four heads.
    heads = 64 if isinstance(width, int) and width % 64 == 0 and width >= 256 else max(1, int(str(width)) // 4)
    found = PRESETS.find(preset)(inputs, **{"head_width": heads, **given})
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
