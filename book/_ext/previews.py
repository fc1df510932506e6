"""Previews of what a link leads to, shown by ``_static/previews.js`` for a pointer or the keyboard.

When all pages are written, each gets a ``<template>`` at its end with what its links lead to,
taken from the pages themselves.  So a preview is there at once, with no request, also where a page
is opened as a file, and the same sources give the same pages.
"""

import posixpath
import re
from copy import copy
from pathlib import Path
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

from qwlib.run.page import scriptless

HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
# Not for a preview: controls, what stands for a control, and what is folded.
USELESS = "a.headerlink, style, button, input, details, .viewcode-link"
# Names and links between elements, which would be there twice.
NAMES = ("id", "name", "for", "aria-labelledby", "aria-describedby", "tabindex", "loading", "style")
ARTICLE = re.compile(r'<article class="bd-article".*</article>', re.DOTALL)
TITLE = '<p class="qw-preview-title"></p>'


class Article:
    """What is of a page itself: its elements, those with a name, and the code in it.

    Code is most of a page and takes long to parse, so it is set aside until a preview shows it.
    No preview shows what is only for those without scripts.
    """

    def __init__(self, markup: str):
        self.code: list[str] = []
        markup = re.sub(r"<pre>.*?</pre>", self._aside, scriptless(markup), flags=re.DOTALL)
        self.tag = fragment(markup)
        self.named = {tag["id"]: tag for tag in self.tag.find_all(id=True)}

    def _aside(self, code: re.Match) -> str:
        self.code.append(code[0])
        return f'<pre data-code="{len(self.code) - 1}"></pre>'


def fragment(markup: str) -> Tag:
    """Return the one element that a piece of HTML is."""
    return BeautifulSoup(markup, "html.parser").find()


def titled(heading: Tag, *more: Tag | None) -> list[Tag]:
    """Return a heading, which is none in a preview, and what follows it."""
    title = fragment(TITLE)
    title.extend(list(copy(heading).contents))
    return [title, *(copy(one) for one in more if one is not None)]


def section(top: Tag) -> list[Tag]:
    """Return the heading of a section and what stands first in it."""
    heading = top.find(HEADINGS)
    first = heading.find_next_sibling()
    if first is not None and first.name not in ("p", "ul", "ol", "div"):
        first = None
    return titled(heading, first)


def row(cell: Tag) -> list[Tag]:
    """Return a row of a table in words: what it is about, and each cell under its heading."""
    cells = cell.find_parent("tr").find_all("td")
    names = [one.get_text().strip() for one in cell.find_parent("table").select("thead th")]
    found = titled(cells[0])
    for name, one in list(zip(names, cells, strict=True))[1:]:
        if one.get_text().strip():
            line = fragment(f"<p><b>{name}</b>: </p>")
            line.extend(list(copy(one).contents))
            for inner in line.find_all("p"):
                inner.unwrap()
            found.append(line)
    return found


def entry(term: Tag) -> list[Tag]:
    """Return an entry of a list of definitions, up to two paragraphs of what it says."""
    definition = term.find_next_sibling("dd")
    more = definition.find_all("p", recursive=False)[:2] if definition else []
    return titled(term, *more)


def picture(figure: Tag) -> list[Tag]:
    """Return the image of a figure and its caption, without what else stands there."""
    caption = figure.figcaption.find("p") if figure.figcaption else None
    found = fragment("<figure></figure>")
    found.extend([copy(one) for one in figure.find_all("img")])
    if caption is not None:
        found.append(copy(caption))
    return [found]


def shown(target: Tag) -> list[Tag]:
    """Return what a preview of an element shows."""
    if target.find_parent("td") is not None:
        return row(target.find_parent("td"))
    if target.name == "span":  # a label stands before what it names
        following = target.find_next_sibling(lambda tag: tag.name != "span")
        return [] if following is None else shown(following)
    if target.name in HEADINGS:
        return section(target.find_parent("section"))
    if target.name == "section":
        return section(target)
    if target.name == "dt":
        return entry(target)
    if target.name == "figure":
        return picture(target)
    if target.name == "details":
        return titled(target.summary, *target.summary.find_next_siblings())
    return [copy(target)]


def preview(target: Tag, base: str, code: list[str]) -> str:
    """Return the HTML of a preview of an element, for a page from which `base` leads to it.

    `code` is what `Article` has set aside of the page that holds the element.
    """
    block = fragment("<div></div>")
    block.extend(shown(target))
    for place in block.select("pre[data-code]"):
        place.replace_with(fragment(code[int(place["data-code"])]))
    for useless in block.select(USELESS):
        useless.decompose()
    for link in block.find_all("a"):
        link.unwrap()
    for tag in block.find_all(True):
        for name in NAMES:
            tag.attrs.pop(name, None)
        if tag.name == "img":
            tag["src"] = posixpath.normpath(posixpath.join(base, tag["src"]))
    return block.decode_contents().strip()


def add(app, exception) -> None:
    """Put into each page the previews of its links."""
    if exception or app.builder.format != "html":
        return
    top = Path(app.outdir)
    articles = {}
    for name in sorted(app.env.all_docs):
        page = f"{name}{app.builder.out_suffix}"
        text = (top / page).read_text(encoding="utf-8") if (top / page).is_file() else ""
        if found := ARTICLE.search(text):
            articles[page] = Article(found[0])
    for page in articles:
        here = posixpath.dirname(page)
        found = {}
        for link in articles[page].tag.find_all("a", href=True):
            parts = urlsplit(link["href"])
            path = posixpath.normpath(posixpath.join(here, parts.path)) if parts.path else page
            foreign = parts.scheme or "headerlink" in link.get("class", ()) or path not in articles
            if foreign or link["href"] in found:
                continue
            article = articles[path]
            if parts.fragment:
                target = article.named.get(parts.fragment)
            else:
                target = article.tag.find(HEADINGS)
            if target is not None:
                base = posixpath.dirname(parts.path)
                found[link["href"]] = preview(target, base, article.code)
        blocks = "\n".join(
            f'<div data-for="{href}">{text}</div>' for href, text in sorted(found.items()) if text
        )
        if blocks:
            text = (top / page).read_text(encoding="utf-8")
            before, after = re.split(r"(?=</body>)", text)
            template = f'<template id="qw-previews">\n{blocks}\n</template>\n'
            (top / page).write_text(before + template + after, encoding="utf-8")


def setup(app) -> dict:
    """Register the step, its script and its style."""
    app.connect("build-finished", add)
    app.add_js_file("previews.js", loading_method="defer")
    app.add_css_file("previews.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
