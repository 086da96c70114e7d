"""``bmnas convert``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmnas.cli.help import OUTPUT
from bmnas.cli.names import genotypes
from bmnas.cli.options import Force, refuse_existing

if TYPE_CHECKING:
    from bmnas.genotype import Genotype
    from bmnas.genotype.official import OfficialGenotype


LACKING = "What the official form lacks"


class Form(StrEnum):
    """What a genotype can be written as."""

    json = "json"
    official = "official"
    mmnas = "mmnas"
    openvqa = "openvqa"


def convert(
    genotype: Annotated[
        Path,
        typer.Argument(
            metavar="GENOTYPE",
            help="A genotype file: JSON; the text or the pickle of the released BM-NAS code; an architecture of MMnas "
            "(JSON) or openvqa (YAML).",
            show_default=False,
        ),
    ],
    to: Annotated[
        Form | None,
        typer.Option(
            help="json; official: the text that the released BM-NAS code prints; mmnas, openvqa: lists of blocks.",
            show_default="the other one",
        ),
    ] = None,
    epoch: Annotated[
        int | None,
        typer.Option(min=0, metavar="EPOCH", help="Of an MMnas file of several epochs, which.", show_default="its one"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The file to write.",
            show_default="it is printed",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            metavar="GENOTYPE",
            help="A genotype that supplies all of it: ntu-1, a file.",
            show_default="none",
            rich_help_panel=LACKING,
            autocompletion=genotypes,
        ),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[:CHANNELS[:RESHAPE]],...",
            help="The features, in the released code's order.",
            show_default="numbered ones",
            rich_help_panel=LACKING,
        ),
    ] = None,
    channels: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65_536,
            metavar="CHANNELS",
            help="Channels of the representation.",
            show_default="128",
            rich_help_panel=LACKING,
        ),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65_536,
            metavar="POSITIONS",
            help="Length of the representation.",
            show_default="8",
            rich_help_panel=LACKING,
        ),
    ] = None,
    outputs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1_000_000,
            metavar="OUTPUTS",
            help="Outputs of the head, such as classes.",
            show_default="no head",
            rich_help_panel=LACKING,
        ),
    ] = None,
    node_multiplier: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="NODES",
            help="How many of its last nodes a cell puts out.",
            show_default="as inner_concat says",
            rich_help_panel=LACKING,
        ),
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(
            min=0, max=0.999, metavar="RATE", help="Dropout rate.", show_default="0.2", rich_help_panel=LACKING
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Convert genotypes of the released code of BM-NAS, MMnas and openvqa.

    Reads its text, its pickles and our JSON; writes its text or our JSON. Of encoder-decoder networks it reads and
    writes the lists of blocks of MMnas and openvqa; all else is that of --like, of mmnas-vqa where it is left out.
    The options from --like to --dropout say what the official form does not.

    Example: bmnas convert best_genotype.pkl --like ntu-1 -o genotype.json
    """
    from bmnas.errors import BmnasError
    from bmnas.files import write_atomically
    from bmnas.genotype import Genotype, dumps, official

    if out is not None:
        refuse_existing(out, force, genotype)
    if (made := _of_stacks(genotype, to, epoch, like)) is not None:
        if out is None:
            typer.echo(made, nl=False)
        else:
            write_atomically(out, made)
            typer.echo(str(out))
        return
    if epoch is not None or to in (Form.mmnas, Form.openvqa):
        raise BmnasError("--epoch, --to mmnas and --to openvqa are for encoder-decoder networks, which this is not")
    given = official.load(genotype)
    ours = isinstance(given, Genotype)
    to = to or (Form.official if ours else Form.json)
    supplied = (like, features, channels, length, outputs, node_multiplier, dropout)
    if (ours or to is Form.official) and any(option is not None for option in supplied):
        raise BmnasError("--like to --dropout say what an official genotype lacks to become JSON; here nothing does")
    with _about(genotype, given):
        if isinstance(given, Genotype):
            text = dumps(given) if to is Form.json else f"{official.from_genotype(given)}\n"
        else:
            text = dumps(_completed(given, genotype, *supplied)) if to is Form.json else f"{given}\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_atomically(out, text)
        typer.echo(str(out))


def _of_stacks(path: Path, to: Form | None, epoch: int | None, like: Path | None) -> str | None:
    """What is written of an encoder-decoder network, ours or one of the released lists; ``None`` where it is none."""
    from bmnas.cli.stacks import convert_released
    from bmnas.errors import BmnasError
    from bmnas.files import parse_json, read_text
    from bmnas.genotype import dumps, published
    from bmnas.genotype.opening import load_any
    from bmnas.genotype.stacks import StackGenotype
    from bmnas.genotype.stacks.released import is_released, to_mmnas, to_openvqa

    released = False
    if path.is_file():
        try:
            text = read_text(path, 2**24)
            released = path.suffix.lower() in (".yml", ".yaml") or is_released(parse_json(text))
        except BmnasError:
            return None  # not JSON: of the other kind, or told by who reads it
        if released:
            genotype = convert_released(path, text, epoch, like)
            if to in (Form.mmnas, Form.openvqa):
                return to_mmnas(genotype) if to is Form.mmnas else to_openvqa(genotype)
            return dumps(genotype)
    elif str(path) not in published.every_name():
        return None
    try:
        ours = load_any(path)
    except BmnasError:
        return None
    if not isinstance(ours, StackGenotype):
        return None
    if to is Form.official:
        raise BmnasError(f"{path}: is an encoder-decoder genotype: --to mmnas or --to openvqa")
    return to_openvqa(ours) if to is Form.openvqa else dumps(ours) if to is Form.json else to_mmnas(ours)


def _completed(
    given: OfficialGenotype,
    path: Path,
    like: Path | None,
    features: str | None,
    channels: int | None,
    length: int | None,
    outputs: int | None,
    node_multiplier: int | None,
    dropout: float | None,
) -> Genotype:
    """The genotype with what the options say, and what they leave to another genotype."""
    from bmnas.errors import BmnasError
    from bmnas.genotype import Head, Representation, load, official
    from bmnas.genotype.feature_list import parse_features

    other = load(like) if like is not None else None
    sizes = other.representation if other else official.REPRESENTATION
    made = official.to_genotype(
        given,
        features=parse_features(features) if features is not None else None,
        representation=Representation(channels=channels or sizes.channels, length=length or sizes.length),
        node_multiplier=node_multiplier,
        head=Head(outputs=outputs) if outputs is not None else None,
        dropout=dropout,
        name=_name_of(path),
        like=other,
    )
    unknown = next((feature.name for feature in made.features if feature.channels is None), None)
    if unknown:
        raise BmnasError(
            f"{path}: the channels of {unknown} are not known; give those of all {given.features} features as "
            "--features NAME:CHANNELS,... or take them from a genotype with --like"
        )
    return made


def _name_of(path: Path) -> str:
    return path.stem[:200] if path.stem.isprintable() else "genotype"


@contextmanager
def _about(path: Path, given: Genotype | OfficialGenotype) -> Iterator[None]:
    """Errors of the library begin with the genotype's name, those of a command with the file's."""
    from bmnas.errors import GenotypeError
    from bmnas.genotype import Genotype

    name = given.name if isinstance(given, Genotype) else _name_of(path)
    try:
        yield
    except GenotypeError as error:
        problem = str(error)
        raise GenotypeError(f"{path}{problem[len(name) :]}" if problem.startswith(f"{name}: ") else problem) from error
