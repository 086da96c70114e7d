"""A report as a browser would take it, without one: a tree that has to be well-formed, and what has to hold for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

# Elements of HTML that have no end.
_EMPTY = {"meta", "link", "br", "img", "input", "hr"}


@dataclass
class Element:
    """An element, with what is in it."""

    tag: str
    attributes: dict[str, str]
    inside: list[Element | str] = field(default_factory=list)

    def all(self, tag: str | None = None) -> Iterator[Element]:
        """Itself and all below it, of one tag or of any."""
        if tag in (None, self.tag):
            yield self
        for each in self.inside:
            if isinstance(each, Element):
                yield from each.all(tag)

    @property
    def text(self) -> str:
        """All words in it."""
        words = (each if isinstance(each, str) else each.text for each in self.inside)
        return " ".join(" ".join(words).split())


def parsed(html: str) -> Element:
    """The tree; each element has to end where it should."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert [element.tag for element in parser.open] == [""], "something does not end"
    return parser.open[0]


def check(html: str) -> Element:
    """What holds for every report: it is whole in itself, and can be read without eyes and without a mouse."""
    page = parsed(html)
    elements = list(page.all())
    ids = [element.attributes["id"] for element in elements if "id" in element.attributes]
    assert len(ids) == len(set(ids)), [id for id in ids if ids.count(id) > 1][:3]
    for element in elements:
        _check_nothing_is_fetched(element)
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(element.attributes.get(name, "").split()) <= set(ids)
        assert not any(name.startswith("on") for name in element.attributes), "no code"
    assert not list(page.all("script"))
    assert next(page.all("html")).attributes["lang"] == "en"
    assert next(page.all("title")).text
    levels = [int(element.tag[1]) for element in elements if re.fullmatch("h[1-6]", element.tag)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), "no level is left out"
    for table in page.all("table"):
        assert next(table.all("caption")).text
        assert all(head.attributes.get("scope") in ("row", "col") for head in table.all("th"))
        widths = {sum(each.tag in ("td", "th") for each in row.all()) for row in table.all("tr")}
        assert len(widths) == 1
    for chart in page.all("svg"):
        if chart.attributes.get("class") == "chart":
            assert chart.attributes["role"] == "img"
            assert next(chart.all("title")).text and next(chart.all("desc")).text
    return page


def section(page: Element, title: str) -> Element:
    """The first section with that heading."""
    return next(
        element
        for element in page.all("section")
        if next((each.text for each in element.inside if isinstance(each, Element) and each.tag in ("h2", "h3")), "")
        == title
    )


def _check_nothing_is_fetched(element: Element) -> None:
    for name, value in element.attributes.items():
        assert "url(" not in value
        if name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
            assert value.startswith("#") or value == "data:,", value
    if element.tag == "style":
        assert not re.search(r"url\(|@import|https?:", element.text)
    assert element.tag not in ("iframe", "object", "embed", "base")


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in _EMPTY:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"{tag} ends in {self.open[-1].tag}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)
