"""Draw genotypes in the manner of the paper's Figures 5 and 9. Knows nothing of torch.

Each modality is a column of its features in the order of its backbone, with a colour that its data keep as far as the
cells' inputs and the steps that read these; what is mixed is dark. Each cell is a box with its inputs, which say what
they read, its steps and its output, and with the x that is added to it, which passes over the steps. What does not
reach the output is grey and dashed. The first input of a step whose operation tells its inputs apart is the first in
the brackets under the operation.

Where all stands is computed here, so that it is the same on all machines; Graphviz draws it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from bmnas.errors import BmnasError, did_you_mean
from bmnas.files import write_atomically
from bmnas.genotype.drawing.axes import Axes, Orientation
from bmnas.genotype.drawing.dot import Dot, dot_of
from bmnas.genotype.drawing.heading import Heading
from bmnas.genotype.drawing.lengths import in_points, times
from bmnas.genotype.drawing.picture import Level, Unused, scene_of
from bmnas.genotype.drawing.render import PNG_DPI, SUFFIXES, check_suffix, refuse_many, rendered
from bmnas.genotype.drawing.scene import Scene
from bmnas.genotype.drawing.sheet import sheet_of
from bmnas.genotype.drawing.stacks import scene_of_stacks
from bmnas.genotype.drawing.style import SMALL, ThemeName, theme_named
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.opening import opened_all
from bmnas.genotype.parsing import AnyGenotype
from bmnas.genotype.stacks import StackGenotype

__all__ = [
    "SUFFIXES",
    "Heading",
    "Level",
    "Orientation",
    "ThemeName",
    "Unused",
    "draw",
    "draw_diff",
    "to_dot",
    "to_dot_diff",
    "to_png",
    "to_svg",
]

_DPI = 96.0  # pixels of an inch, as CSS has them
_LEGIBLE = 5.0  # points; journals refuse smaller text
Drawable = AnyGenotype | str | os.PathLike[str]


def to_dot(
    genotypes: AnyGenotype | Sequence[AnyGenotype],
    *,
    level: Level = "steps",
    theme: ThemeName = "light",
    unused: Unused = "fold",
    orientation: Orientation = "landscape",
    heading: Heading = "full",
    width: float | str | None = None,
) -> str:
    """The drawing that `draw` makes, as DOT text, the language of Graphviz; it says where everything stands.

    Raises:
        BmnasError: as for `draw`, but for files.
    """
    return _dot(genotypes, level, unused, _Manner(theme, orientation, heading, width)).text


def to_svg(
    genotypes: AnyGenotype | Sequence[AnyGenotype],
    *,
    level: Level = "steps",
    theme: ThemeName = "light",
    unused: Unused = "fold",
    orientation: Orientation = "landscape",
    heading: Heading = "full",
    width: float | str | None = None,
) -> str:
    """The drawing that `draw` makes, as SVG text.

    Raises:
        BmnasError: as for `draw`.
    """
    several, path = opened_all(genotypes), Path("the picture.svg")
    refuse_many(several, path, level)
    return rendered(_dot(several, level, unused, _Manner(theme, orientation, heading, width)), path).decode()


def to_png(genotype: AnyGenotype) -> bytes:
    """The drawing that `draw` makes where nothing else is said, as a PNG file.

    Raises:
        BmnasError: as for `draw`.
    """
    path = Path("the picture.png")
    return rendered(_dot([genotype], "steps", "fold", _Manner("light", "landscape", "full", None, PNG_DPI)), path)


def draw(
    genotypes: Drawable | Sequence[Drawable],
    path: str | os.PathLike[str],
    *,
    level: Level = "steps",
    theme: ThemeName = "light",
    unused: Unused = "fold",
    orientation: Orientation = "landscape",
    heading: Heading = "full",
    width: float | str | None = None,
) -> None:
    """Draw a genotype, or several side by side, into a file; an existing file is replaced in one step.

    Args:
        genotypes: one genotype or several, or their files; each is laid out as it is alone.
        path: its suffix says the format: .svg, .pdf, .png or .dot.
        level: ``"steps"`` draws everything, ``"cells"`` the upper level alone: a cell is one box with its inputs.
        theme: ``"light"`` or ``"dark"``; both have a ground of their own.
        unused: what becomes of what does not reach the output. ``"show"``: all of it is drawn, in grey and dashed.
            ``"fold"``: the same, but where there are more than 12 features, those of a modality that nothing reads
            become one row that says how many they are. ``"hide"``: none of it is drawn.
        orientation: ``"landscape"``: data flow from left to right; ``"portrait"``: from top to bottom.
        heading: what stands above: ``"full"``: name, sizes and dialect; ``"title"``: the name alone; ``"none"``:
            nothing, as for a figure that has a caption.
        width: of the whole drawing: points, or text with a unit (``"8.5cm"``, ``"3.25in"``, ``"800px"``). All of it is
            made larger or smaller, text too; a warning says where it becomes smaller than 5 points. If left out, the
            smallest text is of 9 points.

    Raises:
        BmnasError: there is no genotype, the suffix is not one of those, no Graphviz is installed (.dot needs none),
            there is too much to draw, the width is none, or the file cannot be written.
    """
    path, several = check_suffix(Path(path)), opened_all(genotypes)
    refuse_many(several, path, level)
    _write(_dot(several, level, unused, _Manner(theme, orientation, heading, width, _dpi(path))), path)


def to_dot_diff(
    a: AnyGenotype,
    b: AnyGenotype,
    *,
    theme: ThemeName = "light",
    unused: Unused = "fold",
    orientation: Orientation = "landscape",
    heading: Heading = "full",
    width: float | str | None = None,
) -> str:
    """The drawing that `draw_diff` makes, as DOT text.

    Raises:
        BmnasError: as for `draw`, but for files.
    """
    return _dot_diff(a, b, unused, _Manner(theme, orientation, heading, width)).text


def draw_diff(
    a: AnyGenotype,
    b: AnyGenotype,
    path: str | os.PathLike[str],
    *,
    theme: ThemeName = "light",
    unused: Unused = "fold",
    orientation: Orientation = "landscape",
    heading: Heading = "full",
    width: float | str | None = None,
) -> None:
    """Draw what turns genotype ``a`` into genotype ``b``: what is added, removed, changed and kept, in one picture.

    Encoder-decoder genotypes are drawn side by side.

    Features, cells and steps correspond as in `bmnas.genotype.diff`. What is changed shows both, what was first.
    Colours say what differs, and not which modality something is of.

    Args:
        a: what was.
        b: what is.
        path: as for `draw`.
        theme: as for `draw`.
        unused: as for `draw`, of what nothing reads in either genotype: ``"hide"`` leaves such features out.
        orientation: as for `draw`.
        heading: as for `draw`; ``"none"`` leaves out what the colours mean, too.
        width: as for `draw`.

    Raises:
        BmnasError: as for `draw`.
    """
    path = check_suffix(Path(path))
    refuse_many([a, b], path, "steps")
    _write(_dot_diff(a, b, unused, _Manner(theme, orientation, heading, width, _dpi(path))), path)


class _Manner(NamedTuple):
    """How a drawing looks, whatever it is of."""

    theme: ThemeName
    orientation: Orientation
    heading: Heading
    width: float | str | None
    dpi: float = _DPI

    def dot(self, scenes: Sequence[Scene]) -> Dot:
        theme = theme_named(self.theme)
        _check("orientation", self.orientation, get_args(Orientation))
        _check("heading", self.heading, get_args(Heading))
        width = None if self.width is None else in_points(self.width, self.dpi)
        sheet = sheet_of(scenes, theme, self.heading, Axes(self.orientation == "portrait"))
        if self.width is not None and width is not None and (size := SMALL * width / sheet.width) < _LEGIBLE:
            warnings.warn(
                f"the smallest text is of {size:.1f} points, which can hardly be read; a width of "
                f"{times(self.width, _LEGIBLE / size)} makes it {_LEGIBLE:g}",
                stacklevel=4,
            )
        return dot_of(sheet, theme, width)


def _dot(genotypes: AnyGenotype | Sequence[AnyGenotype], level: Level, unused: Unused, manner: _Manner) -> Dot:
    several = [genotypes] if isinstance(genotypes, Genotype | StackGenotype) else list(genotypes)
    if not several:
        raise BmnasError("there is no genotype to draw")
    _check("level", level, get_args(Level))
    _check("way with what is unused", unused, get_args(Unused))
    return manner.dot([_scene(genotype, level, unused) for genotype in several])


def _scene(genotype: AnyGenotype, level: Level, unused: Unused) -> Scene:
    if isinstance(genotype, StackGenotype):
        return scene_of_stacks(genotype, level == "cells", unused)
    return scene_of(genotype, level, unused)


def _dot_diff(a: AnyGenotype, b: AnyGenotype, unused: Unused, manner: _Manner) -> Dot:
    if isinstance(a, StackGenotype) or isinstance(b, StackGenotype):
        return _dot([a, b], "steps", unused, manner)
    from bmnas.genotype.drawing.comparison import scene_of_two

    _check("way with what is unused", unused, get_args(Unused))
    return manner.dot([scene_of_two(a, b, unused)])


def _dpi(path: Path) -> float:
    return PNG_DPI if path.suffix.lower() == ".png" else _DPI


def _check(what: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        article = "an" if what[0] in "aeiou" else "a"
        raise BmnasError(f"{given!r} is not {article} {what} of drawings{did_you_mean(given, known)}")


def _write(dot: Dot, path: Path) -> None:
    write_atomically(path, dot.text if path.suffix.lower() == ".dot" else rendered(dot, path))
