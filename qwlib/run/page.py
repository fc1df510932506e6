"""One executed chapter as one HTML file that needs no other, and no network.

Jupyter Book builds the page, since nothing else resolves the book's roles: numbers glued by a
cell, figure and equation numbers, citations.  What is left is to put everything that the page
refers to into the file.
"""

from __future__ import annotations

import base64
import io
import mimetypes
import re
import shutil
import unicodedata
import warnings
from contextlib import redirect_stderr, redirect_stdout
from copy import copy
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup
from latex2mathml.converter import convert

from .chapters import cores

PARTS = ("_config.yml", "_toc.yml", "book", "benchmarks")
"""What Jupyter Book needs of the tree, apart from `qwlib`."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def listed(toc: Path) -> list[str]:
    """Return the pages that a table of contents lists, in their order, as paths without ending."""
    return re.findall(r"(?:root|file): *(\S+)", toc.read_text(encoding="utf-8"))


def copy_book(root: Path, stage: Path) -> None:
    """Copy what the book under `root` is made of into the new directory `stage`."""
    stage.mkdir()
    for part in PARTS:
        if (root / part).is_dir():
            ignored = shutil.ignore_patterns(".*", "__pycache__", "_build")
            shutil.copytree(root / part, stage / part, ignore=ignored)
        elif (root / part).exists():
            shutil.copy(root / part, stage)


def make_pages(book: Path, settings: dict[str, object] | None = None, **options: object) -> int:
    """Run Sphinx over a book as Jupyter Book does, a process for each core; return its status.

    `book` has ``_config.yml`` and ``_toc.yml``; the pages go to ``_build/html`` in it.  Settings
    are of Sphinx, beside those of ``_config.yml``, and options of
    `jupyter_book.sphinx.build_sphinx`.
    """
    from jupyter_book.sphinx import build_sphinx  # takes a second, and most commands do not need it

    toc = {"external_toc_path": str(book / "_toc.yml"), "latex_individualpages": False}
    result = build_sphinx(
        book,
        book / "_build" / "html",
        noconfig=True,
        path_config=book / "_config.yml",
        confoverrides=toc | (settings or {}),
        quiet=True,
        jobs=cores(),
        **options,
    )
    if isinstance(result, KeyboardInterrupt):
        raise result
    return result


def render(root: Path, page: str, notebook: Path, target: Path, work: Path) -> None:
    """Write an executed notebook as a page that stands alone, the HTML file `target`.

    It stands for `page` of the tree `root`, as in ``_toc.yml``, and `work` is a new directory.  A
    `RuntimeError` if Jupyter Book fails, with what it said.
    """
    # The whole book with the outputs stored in it, so that numbers and links are those of the
    # book; only the one chapter is another.
    copy_book(root, work)
    shutil.copy(notebook, work / f"{page}.ipynb")
    works = [
        str(path) for path in work.rglob("*.md") if "{bibliography}" in path.read_text("utf-8")
    ]
    html = work / "_build" / "html"
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what libraries have to say to each other
        # All pages are read, and those written that are asked for.
        result = make_pages(
            work,
            # The plainest one: nothing around the text, and no script is needed to read it.
            {"html_theme": "basic"},
            filenames=[str(work / f"{page}.ipynb"), *works],
        )
    if result or not (html / f"{page}.html").is_file():
        raise RuntimeError(f"Jupyter Book could not make the page:\n{said.getvalue()}")
    target.write_text(standalone(html, page), encoding="utf-8")


def standalone(html: Path, page: str) -> str:
    """Return a built page with its figures, their data, formulas, style and cited works inside."""
    path = html / f"{page}.html"
    body: Any = _soup(path).select_one("div.body")
    for link in body.select("a.headerlink"):
        link.decompose()
    # Who asked for a rerun wants to see what came out, on paper too, where a fold stays as it is.
    for fold in body.select("details:is(.hide, .second-reading, .exercise)"):
        fold["open"] = ""
    for link in body.select(".figure-data a"):
        link["download"] = Path(link["href"]).name
        link["href"] = _inside(path, link["href"])
    _cite(body, path)
    for image in body.find_all("img"):
        image["src"] = _inside(path, image["src"])
        if image.parent.name == "a":  # a link to the file at full size
            image.parent.unwrap()
    static = html / "_static"
    sheets = [static / "pygments.css", *sorted(static.glob("mystnb*.css")), static / "onepage.css"]
    style = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    return PAGE.format(title=body.h1.get_text(), style=style, body=drawn(body.decode_contents()))


def _soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(scriptless(path.read_text(encoding="utf-8")), "html.parser")


def _inside(path: Path, address: str) -> str:
    """Return a file that a page refers to as an address that holds it."""
    file = path.parent / unquote(address)
    kind = mimetypes.guess_type(file.name)[0]
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


def _cite(body: Any, path: Path) -> None:
    """Put the works that the page cites at its end; leave of links to other pages their text."""
    pages: dict[Path, BeautifulSoup] = {}
    cited: dict[str, Any] = {}
    for link in body.find_all("a", href=True):
        parts = urlsplit(link["href"])
        if parts.scheme or not parts.path:
            continue
        other = (path.parent / unquote(parts.path)).resolve()
        if other.is_file() and other.suffix == ".html" and other not in pages:
            pages[other] = _soup(other)
        entry: Any = pages[other].find(id=parts.fragment) if other in pages else None
        if entry is None or "citation" not in entry.get("class", []):
            link.unwrap()
            continue
        name = f"work-{parts.fragment}"
        link["href"] = f"#{name}"
        if name not in cited:
            cited[name] = copy(entry)
            cited[name]["id"] = name
    if cited:
        body.append(BeautifulSoup("<h2>References</h2>", "html.parser"))
        body.extend(list(cited.values()))


def scriptless(page: str) -> str:
    """Return the HTML of a page without scripts, and without what is for who has none.

    That is much of a page, and takes long to parse.
    """
    return re.sub(r"<(script|noscript)\b.*?</\1>", "", page, flags=re.DOTALL)


@cache
def in_mathml(tex: str) -> str:
    r"""Return MathML of ``\(…\)`` or ``\[…\]``, which browsers draw without a script."""
    tex = tex.strip()
    display = "block" if tex.startswith(r"\[") else "inline"
    # The converter prints the & of aligned, and the space that a line asks for after it.
    tex = re.sub(r"\\\\\[\w+\]", r"\\\\", tex[2:-2].strip().replace("{aligned}", "{split}"))
    return LOOK.sub(in_its_look, convert(tex, display=display))


LOOK = re.compile(r'<(m[in]) mathvariant="(bold|bold-italic|double-struck)">(.*?)</\1>')
"""A letter whose look is said in a word that browsers pass over."""


def in_its_look(found: re.Match) -> str:
    """Return the letter that has the look by itself: a vector must not look as a number does."""
    name = unicodedata.name(unescape(found[3]))
    name = re.sub(r"^(LATIN|GREEK) (SMALL|CAPITAL) LETTER", r"\2", name)
    look = found[2].upper().replace("BOLD-", "BOLD ")
    return f"<{found[1]}>{unicodedata.lookup(f'MATHEMATICAL {look} {name}')}</{found[1]}>"


def drawn(page: str) -> str:
    """Return the HTML of a `scriptless` page with each formula as MathML, before its number."""
    return re.sub(
        r'(<span class="eqno">.*?</span>\s*)?<span class="tex">(.*?)</span>',
        lambda found: in_mathml(unescape(found[2])) + (found[1] or ""),
        page,
        flags=re.DOTALL,
    )
