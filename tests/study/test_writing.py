"""Tables as Markdown, LaTeX, JSON and a plot: complete, and escaped whatever names there are."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bmnas.study.plot import plotted
from bmnas.study.table import Against, Row, Study, Table
from bmnas.study.writing import latex, markdown, write

ODD = 'a|b <script>&"_%$#{}~^\\'


def a_study(is_share: bool = True, groups: int | None = None, scores: tuple[float, ...] = (0.5, 0.625)) -> Study:
    against = Against(of="accuracy", difference=0.1, low=-0.05, high=0.25, p=0.0001, corrected=0.0002, smallest=0.2)
    rows = (
        Row(name=ODD, source=ODD, scores=scores, mean=0.5625, std=0.0884, parameters=1234, seconds={"training": 2.0}),
        Row(
            name="other",
            source="it",
            scores=(0.25,) * len(scores),
            mean=0.25,
            std=0.0,
            parameters=5.5,
            seconds={"search": 100.0, "training": 1.0},
            against=against,
        ),
        Row(name="gone", source="it", scores=(), why_not="it cannot | be"),
    )
    table = Table(name="systems", title="Systems", looked_at=ODD, rows=rows)
    return Study(
        task="a task",
        metric="accuracy" if is_share else "mse",
        is_share=is_share,
        samples=1000,
        groups=groups,
        seeds=tuple(range(len(scores))),
        budget="equal",
        tables=(table,),
        command="bmnas compare --task x",
        environment={"bmnas": "0"},
    )


def test_markdown_has_every_row_and_number():
    text = markdown(a_study())
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    assert "<script>" not in text
    assert "56.25 ± 8.84" in text
    assert "25.00 |" in text  # no deviation where all seeds are equal
    assert "+10.00 [-5.00, +25.00] | < 0.001 | 20.00" not in text  # the sign is escaped
    assert "+10.00 [-5.00, +25.00] | &lt; 0.001 | 20.00 | 6 | 101" in text
    assert "left out: it cannot \\| be" in text
    assert "1,000 test samples, 2 seeds (0, 1)" in text
    assert "bmnas compare --task x" in text
    assert "of 4 groups, which count as one sample each" in markdown(a_study(groups=4))
    assert "0.5625" in markdown(a_study(is_share=False))


def test_latex_is_escaped():
    text = latex(a_study())
    body = text[text.index("\\midrule") :]
    assert r"\&" in body and r"\_" in body and r"\%" in body and r"\textbackslash{}" in body
    assert all(line.count(" & ") == 6 for line in body.splitlines() if line.endswith(r"\\"))
    assert r"\textbf{" in body


@pytest.mark.parametrize("scores", [(0.5, 0.625), (0.5,), (0.0, 0.0), (1e-7, 2e-7), (123.0, 125.0)])
def test_a_plot_shows_every_seed(scores):
    drawn = ElementTree.fromstring(plotted(a_study(scores=scores).tables[0], a_study(scores=scores)))
    space = "{http://www.w3.org/2000/svg}"
    dots = drawn.findall(f".//{space}circle")
    assert len(dots) == 2 * len(scores)
    width = float(drawn.get("width"))
    assert all(0 <= float(dot.get("cx")) <= width for dot in dots)
    assert ODD[:25] in "".join(drawn.itertext())
    assert drawn.find(f"{space}desc").text


def test_all_files(tmp_path):
    files = write(a_study(), tmp_path)
    assert [file.name for file in files] == ["study.md", "study.json", "study.tex", "systems.svg"]
    assert Study.model_validate_json((tmp_path / "study.json").read_text()) == a_study()
