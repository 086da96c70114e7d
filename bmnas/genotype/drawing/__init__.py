"""Draw genotypes as Graphviz graphs, in the manner of the paper's Figures 5 and 9. Knows nothing of torch.

Each modality is a column of its features, each cell a box with its inputs, steps and output. Blue edges are the upper
level, dark ones the lower level; what does not reach the output is grey and dashed. The first input of a step whose
operation tells its inputs apart is the first in the brackets under the operation.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from bmnas.errors import BmnasError, did_you_mean
from bmnas.files import write_atomically
from bmnas.genotype.drawing.dot import Dot, dot_of
from bmnas.genotype.drawing.picture import Level, Unused, scene_of
from bmnas.genotype.drawing.render import SUFFIXES, check_suffix, refuse_many, rendered
from bmnas.genotype.drawing.style import ThemeName, theme_named
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.opening import opened_all

__all__ = ["SUFFIXES", "Level", "ThemeName", "Unused", "draw", "draw_diff", "to_dot", "to_dot_diff", "to_svg"]


Drawable = Genotype | str | os.PathLike[str]


def to_dot(
    genotypes: Genotype | Sequence[Genotype],
    *,
    level: Level = "steps",
    theme: ThemeName = "light",
    unused: Unused = "fold",
) -> str:
    """The drawing that `draw` makes, as DOT text, the language of Graphviz.

    Raises:
        BmnasError: there is no genotype, or no such level, theme or way with what is unused.
    """
    return _dot(genotypes, level, theme, unused).text


def to_svg(
    genotypes: Genotype | Sequence[Genotype],
    *,
    level: Level = "steps",
    theme: ThemeName = "light",
    unused: Unused = "fold",
) -> str:
    """The drawing that `draw` makes, as SVG text.

    Raises:
        BmnasError: as for `draw`.
    """
    several, path = opened_all(genotypes), Path("the picture.svg")
    refuse_many(several, path, level)
    return rendered(_dot(several, level, theme, unused), path).decode()


def draw(
    genotypes: Drawable | Sequence[Drawable],
    path: str | os.PathLike[str],
    *,
    level: Level = "steps",
    theme: ThemeName = "light",
    unused: Unused = "fold",
) -> None:
    """Draw a genotype, or several side by side, into a file; an existing file is replaced in one step.

    Args:
        genotypes: one genotype or several, or their files.
        path: its suffix says the format: .svg, .pdf, .png or .dot.
        level: ``"steps"`` draws everything, ``"cells"`` the upper level alone: a cell is one box with its inputs.
        theme: ``"light"`` or ``"dark"``; both have a ground of their own.
        unused: what becomes of what does not reach the output. ``"show"``: all of it is drawn, in grey and dashed.
            ``"fold"``: the same, but where there are more than 12 features, those of a modality that nothing reads
            become one row that says how many they are. ``"hide"``: none of it is drawn.

    Raises:
        BmnasError: there is no genotype, the suffix is not one of those, no Graphviz is installed (.dot needs none),
            there is too much to draw, or the file cannot be written.
    """
    path, several = check_suffix(Path(path)), opened_all(genotypes)
    refuse_many(several, path, level)
    _write(_dot(several, level, theme, unused), path)


def to_dot_diff(a: Genotype, b: Genotype, *, theme: ThemeName = "light", unused: Unused = "fold") -> str:
    """The drawing that `draw_diff` makes, as DOT text.

    Raises:
        BmnasError: no such theme or way with what is unused.
    """
    return _dot_diff(a, b, theme, unused).text


def draw_diff(
    a: Genotype,
    b: Genotype,
    path: str | os.PathLike[str],
    *,
    theme: ThemeName = "light",
    unused: Unused = "fold",
) -> None:
    """Draw what turns genotype ``a`` into genotype ``b``: what is added, removed, changed and kept, in one picture.

    Features, cells and steps correspond as in `bmnas.genotype.diff`. What is changed shows both, what was first.

    Args:
        a: what was.
        b: what is.
        path: as for `draw`.
        theme: as for `draw`.
        unused: as for `draw`, of what nothing reads in either genotype: ``"hide"`` leaves such features out.

    Raises:
        BmnasError: as for `draw`.
    """
    path = check_suffix(Path(path))
    refuse_many([a, b], path, "steps")
    _write(_dot_diff(a, b, theme, unused), path)


def _dot(genotypes: Genotype | Sequence[Genotype], level: Level, theme: ThemeName, unused: Unused) -> Dot:
    several = [genotypes] if isinstance(genotypes, Genotype) else list(genotypes)
    if not several:
        raise BmnasError("there is no genotype to draw")
    _check("level", level, get_args(Level))
    _check("way with what is unused", unused, get_args(Unused))
    return dot_of([scene_of(genotype, level, unused) for genotype in several], theme_named(theme))


def _dot_diff(a: Genotype, b: Genotype, theme: ThemeName, unused: Unused) -> Dot:
    from bmnas.genotype.drawing.comparison import scene_of_two

    _check("way with what is unused", unused, get_args(Unused))
    return dot_of([scene_of_two(a, b, unused)], theme_named(theme))


def _check(what: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise BmnasError(f"{given!r} is not a {what} of drawings{did_you_mean(given, known)}")


def _write(dot: Dot, path: Path) -> None:
    write_atomically(path, dot.text if path.suffix.lower() == ".dot" else rendered(dot, path))
