"""`write_report`: one HTML file that shows what searches found, how, and how sure that is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bmnas.errors import BmnasError
from bmnas.files import write_atomically
from bmnas.report.compared import Compared, compared_rows
from bmnas.report.page import html_of
from bmnas.report.parts import Paragraph, Section
from bmnas.report.reading import Reading, read_run
from bmnas.report.sections.cost import cost_section, making_section
from bmnas.report.sections.overview import overview_section
from bmnas.report.sections.result import classes_section, comparison_section, genotype_section
from bmnas.report.sections.search import search_section
from bmnas.report.sections.summary import summary_section
from bmnas.version import __version__

_Folder = str | os.PathLike[str]


def write_report(runs: _Folder | Sequence[_Folder], out: _Folder | None = None) -> Path:
    """Write a report on one run folder, or on several side by side, and say where it is.

    It is one HTML file that needs no other and no network. What a run lacks, because it is unfinished, moved, damaged
    or of an earlier version, is named in it.

    Args:
        runs: run folders.
        out: the file; ``report.html`` in the folder of a single run, or else in the current folder, if left out.

    Raises:
        BmnasError: none of the folders can be shown, or the file cannot be written.

    Example:
        >>> write_report("runs/digits-seed0")  # doctest: +SKIP
        PosixPath('runs/digits-seed0/report.html')
    """
    folders = [Path(runs)] if isinstance(runs, str | os.PathLike) else [Path(run) for run in runs]
    path = Path(out) if out is not None else default_file(folders)
    write_atomically(path, report_html(folders))
    return path


def default_file(folders: Sequence[Path]) -> Path:
    """Where a report goes that is not told where."""
    return folders[0] / "report.html" if len(folders) == 1 else Path("report.html")


def report_html(folders: Sequence[Path]) -> str:
    """The text of a report.

    Raises:
        BmnasError: none of the folders can be shown.
    """
    found: dict[str, tuple[Reading, Compared]] = {}
    refused: list[str] = []
    for number, folder in enumerate(dict.fromkeys(folders), 1):
        try:
            reading = read_run(folder)
        except BmnasError as error:
            refused.append(str(error))
            continue
        found[f"run{number}"] = (reading, compared_rows(reading))
    if not found:
        raise BmnasError(refused[0] if refused else "there is no run folder to report on")
    sections = [_run(id, *run) for id, run in found.items()]
    if len(found) > 1:
        sections.insert(0, overview_section("overview", found))
    if refused:
        parts = tuple(Paragraph(sentence) for sentence in refused)
        sections.insert(0, Section("refused", "What cannot be shown", parts))
    title = next(iter(found.values()))[0].name if len(found) == 1 else f"{len(found)} runs"
    return html_of(f"Report of {title}", f"Written by bmnas {__version__}.", sections)


def _run(id: str, reading: Reading, compared: Compared) -> Section:
    """All about one run; its summary is made last, when it is known what is missing."""
    others = (
        genotype_section(id, reading),
        comparison_section(id, reading, compared),
        classes_section(id, reading, compared),
        search_section(id, reading),
        cost_section(id, reading),
        making_section(id, reading),
    )
    return Section(id, reading.name, (), (summary_section(id, reading, compared), *others))
