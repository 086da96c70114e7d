"""The site of the documents: the pages of the repository as they stand there, and the reference of the public modules.

    pip install -e '.[docs]'
    sphinx-build -W --keep-going -c docs -b html . build/site    # in the root of the repository

Sphinx reads the root of the repository, so that a link between two pages is the same here and there.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.util.typing import stringify_annotation

import bmnas
import bmnas.fit

project = "bmnas"
author = "bmnas contributors"
version = release = bmnas.__version__
html_title = f"bmnas {release}"
html_theme = "furo"
html_show_copyright = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "docs/api/*.md", "benchmarks/README.md", "examples/README.md"]
myst_heading_anchors = 3
default_role = "py:obj"  # `name` in a docstring
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
napoleon_use_rtype = False
napoleon_use_ivar = True  # an attribute of a docstring may be a property that has a docstring of its own

PAGES = {
    "Guides": [
        "docs/search",
        "docs/command-line",
        "docs/diagnose",
        "docs/using",
        "docs/evaluating",
        "docs/studies",
        "docs/scale",
        "docs/report",
        "docs/own-features",
        "docs/own-backbones",
        "docs/tasks",
        "docs/encoder-decoder",
        "docs/paper-tasks",
        "docs/joint",
        "docs/whole-models",
    ],
    "Reference": ["docs/genotype", "docs/compiler", "docs/api/index", "examples/README"],
    "Background": ["docs/paper", "docs/results", "benchmarks/README", "docs/parts", "CONTRIBUTING", "CHANGELOG"],
}
"""The pages in their order, by heading of the sidebar."""


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_lexer("layout", TextLexer)  # what a folder looks like, in docs/own-features.md
    app.connect("source-read", list_pages)
    app.connect("autodoc-skip-member", skip_what_bmnas_has)
    app.connect("autodoc-process-signature", plain_signature)
    app.connect("autodoc-process-docstring", complete_docstring, priority=400)  # before napoleon
    app.connect("build-finished", lead_to_the_readme)


def list_pages(app: Sphinx, page: str, source: list[str]) -> None:
    """The README names no pages in Sphinx's way, so they are added to it; `bmnas.fit` is its modules."""
    if page == root_doc:
        for heading, pages in PAGES.items():
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {heading}\n\n" + "\n".join(pages) + "\n```\n"
    if page == "docs/api/fit":
        for module in pkgutil.iter_modules(bmnas.fit.__path__, "bmnas.fit."):
            source[0] += f"\n## {module.name}\n\n```{{eval-rst}}\n.. automodule:: {module.name}\n```\n"


def skip_what_bmnas_has(app: Sphinx, what: str, name: str, value: Any, skip: bool, options: Any) -> bool | None:
    """A name that `bmnas` itself has is described there alone."""
    if name in ("model_config", "model_post_init"):
        return True
    is_elsewhere = what == "module" and _module(app) != "bmnas" and _same_in_bmnas(name, value)
    return True if is_elsewhere else None


def plain_signature(
    app: Sphinx, what: str, name: str, value: Any, options: Any, signature: str, returns: str
) -> tuple[str, str] | None:
    """A model's fields with their plain types; their limits make a signature that nobody can read."""
    if what != "class" or not issubclass(value, BaseModel) or "__init__" in vars(value):
        return None
    fields = []
    for field, about in value.model_fields.items():
        default = "" if about.is_required() else f" = {about.get_default(call_default_factory=True)!r}"
        fields.append(f"{field}: {stringify_annotation(_plain(about.annotation), 'smart')}{default}")
    return f"({', '.join(['*', *fields] if fields else [])})", returns


def complete_docstring(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Adds the fields of a model, whose descriptions are not in docstrings, and what a module has of `bmnas`."""
    if what in ("property", "attribute", "data"):
        lines.insert(0, "")  # or napoleon takes a first line with a colon for the type and the description
    if what == "class" and isinstance(value, type) and issubclass(value, BaseModel):
        own = {field: about for field, about in value.model_fields.items() if about.description}
        for field, about in own.items():
            lines += ["", f".. attribute:: {field}", "   :no-index:", "", f"   {_escaped(about.description)}"]
    if what == "module" and name != "bmnas":
        module = importlib.import_module(name)
        there = [each for each in getattr(module, "__all__", ()) if _same_in_bmnas(each, getattr(module, each))]
        if there:
            links = ", ".join(f":py:obj:`~bmnas.{each}`" for each in there)
            lines += ["", f"Described with `bmnas`, which has the same: {links}."]


def lead_to_the_readme(app: Sphinx, error: Exception | None) -> None:
    """The root of the site is the README."""
    if error is None and app.builder.format == "html":
        text = f'<!doctype html><meta http-equiv="refresh" content="0; url={root_doc}.html"><title>bmnas</title>\n'
        (Path(app.outdir) / "index.html").write_text(text, encoding="utf-8")


def _same_in_bmnas(name: str, value: Any) -> bool:
    return name in bmnas.__all__ and getattr(bmnas, name) is value


def _module(app: Sphinx) -> str | None:
    found: str | None = app.env.current_document.autodoc_module
    return found


def _plain(annotation: Any) -> Any:
    """A type without what limits its values."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain(parts[0])
    if not parts or origin is Literal:
        return annotation
    plain = tuple(_plain(part) for part in parts)
    return Union[plain] if origin in (Union, UnionType) else origin[plain]  # noqa: UP007 - of a tuple


def _escaped(text: str | None) -> str:
    return (text or "").replace("*", r"\*")
