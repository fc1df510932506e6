"""What the pages of the book need beyond the extensions of others.

MathJax comes with the site, so that a page loads nothing from elsewhere; a page says what it is
about to those who link to it; the numbers behind each figure are a file beside the pages; and what
a page needs to be read with a keyboard or a screen reader, the theme's own markup included, is put
right here.
"""

import html
import re
import shutil
import textwrap
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from myst_nb.core.render import load_mime_renders
from sphinx import addnodes
from sphinx.domains.std import StandardDomain

from qwlib.book.steer import QUANTITIES
from qwlib.run.page import in_mathml

MATHJAX = ("tex-mml-chtml.js", "output/chtml/fonts/", "input/tex/extensions/", "a11y/", "sre/")
"""What a page may use of MathJax: the program, of 1.2 MB, and what it loads when it is needed."""


def copy_mathjax(app) -> None:
    """Put MathJax beside the pages.

    Not through ``html_static_path``, of which Jupyter Book loads every script on every page.
    """
    if app.builder.format != "html":
        return
    top = "sphinx-mathjax-offline/static/mathjax/"
    for file in distribution("sphinx-mathjax-offline").files:
        name = file.as_posix().removeprefix(top)
        if name != file.as_posix() and name.startswith(MATHJAX):
            target = Path(app.outdir, "_static", "mathjax", name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), target)


def allow_parallel(app) -> None:
    """Say for two extensions what they do not: pages may be read side by side.

    What they do is done to each page alone, or when all are read.
    """
    for name in {"sphinx_multitoc_numbering", "sphinx_jupyterbook_latex"} & set(app.extensions):
        app.extensions[name].parallel_read_safe = True


def describe(app, pagename, templatename, context, doctree) -> None:
    """Tell those who show a link what the page is about, without formulas, which they cannot set.

    It is what the page says that its reader will do, or its first paragraph.
    """
    if doctree is None:
        return
    items = [p for p in doctree.findall(nodes.list_item) if p.astext().startswith("You will: ")]
    (first,) = (items or list(doctree.findall(nodes.paragraph)))[:1] or [nodes.paragraph()]
    first = first.deepcopy()
    for mark in list(first.findall(nodes.raw)):
        mark.parent.remove(mark)
    for formula in list(first.findall(nodes.math)):
        letters = BeautifulSoup(in_mathml(rf"\({formula.astext()}\)"), "html.parser").get_text()
        formula.parent.replace(formula, nodes.Text(letters))
    text = " ".join(first.astext().removeprefix("You will: ").split())
    text = html.escape(textwrap.shorten(text[:1].upper() + text[1:], 200, placeholder=" …"))
    context["metatags"] += f'<meta name="description" content="{text}" />\n'
    # sphinxext-opengraph takes it from here, and adds no other to the line above.
    context["meta"] = (context["meta"] or {}) | {"og:description": text}


def of_one_page(app, pagename, templatename, context, doctree) -> None:
    """Give the 404 page of a book of one page an empty list of pages, and not None."""
    if pagename == app.config.notfound_pagename:
        toctree = context["toctree"]
        context["toctree"] = lambda *args, **options: toctree(*args, **options) or ""


def in_order(app, exception) -> None:
    """Have sphinx-sitemap list the pages in one order, however many processes write them."""
    if hasattr(app, "sitemap_links"):
        links = app.sitemap_links
        for link in sorted(links.get() for _ in range(links.qsize())):
            links.put(link)


def once(app, pagename, templatename, context, doctree) -> None:
    """Keep the first of equal scripts: sphinx-thebe declares its constants twice."""
    scripts = {}
    for script in context["script_files"]:
        scripts.setdefault((script.filename or "", script.attributes.get("body")), script)
    context["script_files"] = list(scripts.values())


FORMULA = re.compile(
    r'(<(span|div) class="math[^>]*>\s*(?:<span class="eqno">.*?</span>)?)'
    r"(\\\(.*?\\\)|\\\[.*?\\\])(\s*</\2>)",
    re.DOTALL,
)
"""What Sphinx makes of a formula: an element with TeX in it, after the number if there is one."""


def without_scripts(app, pagename, templatename, context, doctree) -> None:
    """Put MathML behind the TeX of each formula, for who has no MathJax to set that.

    Browsers that run scripts take what is in a ``<noscript>`` for text that is not shown; in the
    others qwlib.css hides the TeX.
    """

    def both(found: re.Match) -> str:
        start, _, tex, end = found.groups()
        drawn = in_mathml(html.unescape(tex))
        return f'{start}<span class="tex">{tex}</span><noscript>{drawn}</noscript>{end}'

    if doctree is not None and app.builder.name == "html":
        context["body"] = FORMULA.sub(both, context["body"])


SLIDER = re.compile(
    r'(<script type="application/json">\s*\{\s*"view":.*?)"name": "([^"]*)"', re.DOTALL
)
"""The data of a slider, up to what it sets."""


def name_sliders(app, pagename, templatename, context, doctree) -> None:
    """Say beside the symbol of a slider what that is; a name that is a word has none."""
    meanings = {quantity.symbol: quantity.meaning for quantity in QUANTITIES.values()}

    def named(found: re.Match) -> str:
        data, name = found.groups()
        meaning = meanings.get(name, name)
        words = "" if meaning.startswith(name + " ") or meaning == name else f"{meaning}, {name}"
        return f'{data}"words": "{words}", "name": "{name}"' if words else found[0]

    if "body" in context:
        context["body"] = SLIDER.sub(named, context["body"])


EMPTY = re.compile(r"<th([^>]*)>(?:<p></p>)?</th>")
"""The corner of a table, which heads nothing."""


def without_empty_headings(app, pagename, templatename, context, doctree) -> None:
    """Make a heading without a word a plain cell: a screen reader would announce it."""
    if "body" in context:
        context["body"] = EMPTY.sub(r"<td\1></td>", context["body"])


class FigureData:
    """Takes the text/csv of a figure (`qwlib.book.figures.data`), which MyST-NB does not know."""

    mime_priority_overrides = ()

    @staticmethod
    def handle_mime(renderer, data, inline):
        """Write the data of a figure to a file, named after it; show nothing in its place."""
        figure = data.cell_metadata.get("mystnb", {}).get("figure", {})
        if data.mime_type != "text/csv" or "name" not in figure:
            return None
        name = figure["name"]
        text = f"# {name}\n{data.string}"
        path = ["data", f"{name}.csv"]
        where = renderer.write_file(path, text.encode("utf-8"), overwrite=True)
        renderer.renderer.document.attributes.setdefault("figure_data", {})[name] = where
        return []


def link_data(app, doctree) -> None:
    """Add a link to its data to the legend of each figure."""
    files = doctree.attributes.pop("figure_data", {})
    for figure in doctree.findall(nodes.figure):
        for name in set(figure["names"]) & set(files):
            text = nodes.inline("", "Data (CSV)")
            link = addnodes.download_reference(
                "", "", text, reftarget=files[name], refdoc=app.env.docname
            )
            if not isinstance(figure[-1], nodes.legend):
                figure += nodes.legend()
            figure[-1] += nodes.paragraph("", "", link, classes=["figure-data"])


class Pages:
    """The environment of Sphinx, for those who look at pages and change none: each is read once."""

    def __init__(self, env):
        self._env = env
        self.get_doctree = cache(env.get_doctree)

    def __getattr__(self, name: str):
        return getattr(self._env, name)


class Numbers(StandardDomain):
    """Reads a page once for all ``numref`` to its figures, which takes long, not for each."""

    def _resolve_numref_xref(self, env, fromdocname, builder, *args):
        if not hasattr(builder, "qwlib_pages"):
            builder.qwlib_pages = Pages(env)
        return super()._resolve_numref_xref(builder.qwlib_pages, fromdocname, builder, *args)


SHORT = re.compile(r"\b((?:Sec|Fig|Eq|Ref)s?\.) (?=[\dIVX(])|(?<=\d) (?=(?:nm|m?eV|fs|mT|%)(?!\w))")
"""A space between a short word and its number, or a number and its unit."""


def join(app, doctree, docname) -> None:
    """Keep a number on one line with what it belongs to."""
    for text in list(doctree.findall(nodes.Text)):
        if not isinstance(text.parent, nodes.literal | nodes.FixedTextElement | nodes.math):
            joined = SHORT.sub("\\1\N{NO-BREAK SPACE}", text.astext())
            if joined != text.astext():
                text.parent.replace(text, nodes.Text(joined))


def bind(app, doctree, docname) -> None:
    """Keep a formula in a sentence on one line with the marks around it.

    Browsers let a line end between the two.
    """

    def raw(node: nodes.Node, tag: str) -> bool:
        return isinstance(node, nodes.raw) and node.astext().startswith(tag)

    for formula in list(doctree.findall(nodes.math)):
        parent = formula.parent
        first = last = parent.index(formula)
        # A symbol at its first use is in a link, which is written as it is.
        if 0 < first < len(parent) - 1 and raw(parent[first - 1], "<a "):
            first, last = first - 1, last + 1
        before = parent[first - 1] if first else None
        after = parent[last + 1] if last + 1 < len(parent) else None
        text = [side.astext() if isinstance(side, nodes.Text) else "" for side in (before, after)]
        opening = re.search(r"[(\[]*$", text[0])[0]
        closing = re.match(r"[,.;:?!)\]’”]*", text[1])[0]
        if not (opening or closing):
            continue
        inside = [nodes.Text(opening), *parent[first : last + 1], nodes.Text(closing)]
        bound = nodes.inline("", "", classes=["bound"])
        if closing:
            parent[last + 1] = nodes.Text(text[1].removeprefix(closing))
        parent[first : last + 1] = [bound]
        if opening:
            parent[first - 1] = nodes.Text(text[0].removesuffix(opening))
        bound.extend(inside)


COLON = "\ue000"
"""Stands for a colon while napoleon reads, which takes what is before one for a type."""


def as_text(line: str) -> str:
    """Escape the bars of |x|, which are markup for a substitution outside of code."""
    parts = line.split("`")
    parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
    return "`".join(parts)


def as_written(app, what, name, obj, options, lines) -> None:
    """Keep what docstrings mean where markup would have it otherwise.

    A formula that is indented after a blank line keeps its layout, |x| its bars, and the first
    sentence of a constant or a property its colon.
    """
    result = []
    outer = 0  # the indentation of the text around a formula or a directive
    verbatim = False
    text = ""  # the last line that is not blank
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.strip() and not (verbatim and indent >= outer + 4):
            blank = bool(result) and not result[-1].strip()
            formula = blank and indent >= outer + 4
            if formula and not text.endswith("::"):
                result += [" " * outer + "::", ""]
            verbatim = formula or line.lstrip().startswith("..")
            if not formula:
                outer = indent
        text = line or text
        result.append(line if verbatim else as_text(line))
    if what in ("attribute", "data", "property") and result:
        result[0] = result[0].replace(":", COLON)
    lines[:] = result


def colons_back(app, what, name, obj, options, lines) -> None:
    """Undo what `as_written` does to colons."""
    lines[:] = [line.replace(COLON, ":") for line in lines]


def setup(app) -> dict:
    """Register all of it with Sphinx."""
    if FigureData not in load_mime_renders():  # made once, of what is installed
        load_mime_renders().append(FigureData)
    app.add_domain(Numbers, override=True)
    app.config.html_search_scorer = str(Path(__file__).with_name("search.js"))
    app.connect("builder-inited", copy_mathjax)
    app.connect("builder-inited", allow_parallel)
    # Before Sphinx collects what is to be downloaded.
    app.connect("doctree-read", link_data, priority=400)
    # After the links of symbols.
    app.connect("doctree-resolved", bind, priority=900)
    app.connect("doctree-resolved", join, priority=901)
    # Before sphinxext-opengraph and sphinx-sitemap, which are at 500.
    app.connect("html-page-context", describe, priority=400)
    # After sphinx-notfound-page, which is at 400, and before the theme.
    app.connect("html-page-context", of_one_page, priority=450)
    app.connect("build-finished", in_order, priority=400)
    app.connect("html-page-context", without_scripts)
    app.connect("html-page-context", without_empty_headings)
    app.connect("html-page-context", name_sliders)
    # After sphinx-thebe.
    app.connect("html-page-context", once, priority=900)
    # Before napoleon and after it; it is at 500.
    app.connect("autodoc-process-docstring", as_written, priority=400)
    app.connect("autodoc-process-docstring", colons_back, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
