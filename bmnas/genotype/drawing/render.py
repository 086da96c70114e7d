"""DOT text as a picture: through pygraphviz where it is installed, or else the program dot."""

from __future__ import annotations

import html
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from bmnas.errors import BmnasError, did_you_mean
from bmnas.genotype.drawing.dot import Dot
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.parsing import AnyGenotype
from bmnas.genotype.stacks import StackGenotype

SUFFIXES = (".svg", ".pdf", ".png", ".dot")

PNG_DPI = 144
_MOST = 300  # boxes of a picture: 300 steps in 10 cells are laid out in two seconds, and with more no one can read it

_rendering = threading.Lock()


def check_suffix(path: Path) -> Path:
    """The path, if its suffix names a format of drawings.

    Raises:
        BmnasError: it does not.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        found = f"the suffix {path.suffix!r}, which is not" if path.suffix else "no suffix, which would say"
        raise BmnasError(f"{path}: has {found} a format of drawings{did_you_mean(suffix, SUFFIXES)}")
    return path


def refuse_many(genotypes: Sequence[AnyGenotype], path: Path, level: str) -> None:
    """Refuse a picture that would take Graphviz minutes; the text of one, ``.dot``, is not laid out.

    Raises:
        BmnasError: there is too much to draw; the sentence says what can be drawn instead.
    """
    if path.suffix.lower() == ".dot":
        return
    # A stack is drawn as a cell is, and a block as a step.
    cells = [cell for genotype in genotypes if isinstance(genotype, Genotype) for cell in genotype.cells]
    stacks = [stack for genotype in genotypes if isinstance(genotype, StackGenotype) for stack in genotype.stacks]
    steps = sum(len(cell.steps) for cell in cells) + sum(len(stack.blocks) for stack in stacks)
    what, rest = ("blocks", "stacks") if stacks else ("steps", "cells")
    if level == "steps" and steps > _MOST:
        raise BmnasError(
            f"{path}: {steps:,} {what} are more than can be laid out in seconds, which are {_MOST}; draw the {rest} "
            "alone (--level cells), or write the text of the drawing with -o file.dot"
        )
    if len(cells) > _MOST:
        raise BmnasError(
            f"{path}: {len(cells):,} cells are more than can be laid out in seconds, which are {_MOST}; write the text "
            "of the drawing with -o file.dot"
        )


def rendered(dot: Dot, path: Path) -> bytes:
    """The picture, in the format that the path's suffix names.

    Raises:
        BmnasError: no Graphviz is installed, or it cannot draw this format.
    """
    kind = path.suffix.lower()[1:]
    text = dot.text.replace("{", f"{{\n\tgraph [dpi={PNG_DPI}]", 1) if kind == "png" else dot.text
    try:
        picture = _picture(text, kind)
    except _NoGraphviz:
        raise BmnasError(
            f"{path}: cannot be drawn without Graphviz; install pygraphviz (pip install pygraphviz) or the program "
            "dot, or write the text of the drawing with -o file.dot, which needs neither"
        ) from None
    except (ValueError, CalledProcessError, BrokenPipeError) as error:  # a program that ends at once reads nothing
        raise BmnasError(f"{path}: the installed Graphviz cannot draw it as {kind}") from error
    return _told_in_words(picture, dot.words) if kind == "svg" else picture


def _picture(text: str, kind: str) -> bytes:
    try:
        import pygraphviz
    except ImportError:
        return _picture_of_program(text, kind)
    graph: Any = pygraphviz.AGraph(string=text)
    with _silenced_stderr():
        drawn: bytes = graph.draw(format=kind, prog="dot")
    return drawn


def _picture_of_program(text: str, kind: str) -> bytes:
    import graphviz  # which takes longer to load than most drawings take to be drawn

    try:
        picture: bytes = graphviz.Source(text).pipe(format=kind, engine="dot", quiet=True)
    except graphviz.ExecutableNotFound as error:
        raise _NoGraphviz from error
    return picture


class _NoGraphviz(Exception):
    """Neither pygraphviz nor the program is there."""


def _told_in_words(svg: bytes, words: dict[str, str]) -> bytes:
    """The SVG with titles for people: browsers show them as tooltips, screen readers read them; Graphviz has only ids.

    Graphviz escapes every name, so what is written here as a tag is its own, and what is in it is an id.
    """

    def title(found: re.Match[str]) -> str:
        start, own, name = found.groups()
        told = words.get(own, words.get(name, ""))  # an edge has an id of its own; its name is made of its ends
        return f"{start}<title>{html.escape(told)}</title>"

    def row(found: re.Match[str]) -> str:
        return f"<a><title>{html.escape(words.get(found[1], ''))}</title>"

    text = re.sub(r'(<g id="([^"]*)" class="[^"]*"[^>]*>\s*)<title>([^<]*)</title>', title, svg.decode())
    return re.sub(r'<a xlink:title="([^"]*)">', row, text).encode()


@contextmanager
def _silenced_stderr() -> Iterator[None]:
    """Send what C code writes on stderr to nowhere: Fontconfig's warnings about files of the machine help no user."""
    # One at a time: two threads that save and restore the descriptor by turns would leave it silenced for good.
    with _rendering:
        try:
            saved = os.dup(2)
        except OSError:  # the process runs without stderr
            yield
            return
        try:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
