"""Build the book afresh, and fail unless all of it is there.

    python tools/build.py DIRECTORY [--solutions yes|no] [--stored]

DIRECTORY holds _config.yml and _toc.yml; the book goes to _build/html in it.
It is made in a copy in _build/book and moved when all is done, so that what is there is whole.
In the copy the chapters are executed side by side, or with --stored left as they are.
With LIVE=local in the environment the pages run Python from files of the book alone.
Without solutions the copy does not hold them, so that neither a page nor its source nor the
search can show one.
"""

import argparse
import os
import re
import shutil
import sys
from pathlib import Path

import live
import nbformat
import slides
from filelock import FileLock, Timeout
from sphinx.util.console import nocolor

from qwlib.run import chapters
from qwlib.run.page import copy_book, listed, make_pages

FENCE = r"^(?P<{0}>`{{3,}}|:{{3,}})\{{{1}\}}.*?^(?P={0})[ \t]*$"
# From one gate to the next, or a solution or a key in one piece.
SOLUTION = re.compile(
    FENCE.format("start", "solution-start")
    + ".*?"
    + FENCE.format("end", "solution-end")
    + "|"
    + FENCE.format("whole", "solution")
    + "|"
    + FENCE.format("key", "key"),
    re.DOTALL | re.MULTILINE,
)
LOCK = ".lock"
"""The file in _build that one build at a time holds."""

# No chapter holds it: it stands for a cell of code while solutions are looked for.
CELL = "\x00{}\x00"


def without_solutions(text: str) -> str:
    """Return Markdown without its solutions and keys.

    Raises
    ------
    ValueError
        If something of a solution is left.
    """
    text = SOLUTION.sub("", text)
    if re.search(r"\{(solution(-start|-end)?|key)\}", text):
        raise ValueError("a solution or a key does not end, or does not begin")
    return text


def strip(page: Path) -> None:
    """Take the solutions out of a page, with the cells of code in them.

    Raises
    ------
    ValueError
        If a solution does not end, or does not begin.
    """
    try:
        if page.suffix == ".md":
            text = page.read_text(encoding="utf-8")
            page.write_text(without_solutions(text), encoding="utf-8")
            return
        notebook = nbformat.read(page, as_version=4)
        # A solution may begin in one cell and end in another: look at all of them as one text.
        pieces = [
            CELL.format(i) + "\n" + (cell.source if cell.cell_type == "markdown" else "")
            for i, cell in enumerate(notebook.cells)
        ]
        left = re.split(CELL.format(r"(\d+)"), without_solutions("\n".join(pieces)))
    except ValueError as error:
        raise ValueError(f"{page.name}: {error}") from None
    cells = []
    for i, text in zip(left[1::2], left[2::2], strict=True):
        cell = notebook.cells[int(i)]
        if cell.cell_type == "markdown":
            cell.source = text.strip()
        if cell.source:
            cells.append(cell)
    notebook.cells = cells
    nbformat.write(notebook, page)


def build(source: Path, solutions: bool = True, stored: bool = False) -> int:
    """Build the book in `source` into the folder _build there and return the exit status."""
    place = source / "_build"
    place.mkdir(exist_ok=True)
    try:
        # The system lets go of it also where a build is killed.
        with FileLock(place / LOCK, timeout=0):
            return build_alone(source, place, solutions, stored)
    except Timeout:
        print(f"error: another build is at work in {place}", file=sys.stderr)
        return 1


def build_alone(source: Path, place: Path, solutions: bool, stored: bool) -> int:
    """Build the book in `source` into `place`, where no other build is at work."""
    # Old pages must not outlive a build that fails.
    for old in place.iterdir():
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        elif old.name != LOCK:
            old.unlink()
    copy = place / "book"
    copy_book(source, copy)
    if not solutions:
        for page in [*copy.glob("book/*.ipynb"), *copy.glob("book/*.md")]:
            strip(page)
    pages = listed(copy / "_toc.yml")
    notebooks = [path for page in pages if (path := copy / f"{page}.ipynb").is_file()]
    if not (stored or execute(notebooks)) or not render(copy):
        print("error: the book was not built; the cause is above", file=sys.stderr)
        return 1
    html = copy / "_build" / "html"
    live.install(html, local=os.environ.get("LIVE") == "local")
    print(slides.add(html, copy / "_toc.yml"))
    html = html.rename(place / "html")
    shutil.rmtree(copy)
    how = "with the outputs stored in it" if stored else "every chapter run afresh"
    print(f"==> The book is built, {how}:\n{html / 'index.html'}")
    return 0


def execute(notebooks: list[Path]) -> bool:
    """Execute notebooks in place; say which fail, and return whether none does."""
    together = min(chapters.cores(), len(notebooks))
    print(f"==> Executing {len(notebooks)} chapters, {together} at a time", flush=True)
    failed = chapters.execute(notebooks, lambda line: print(line, flush=True))
    for path, error in failed.items():
        print(f"\n==> {path.stem} failed:\n{error}", file=sys.stderr)
    return not failed


def render(book: Path) -> bool:
    """Make the pages of the book in a folder; return whether they are without fault."""
    print("==> Making the pages", flush=True)
    if not sys.stderr.isatty():
        nocolor()
    # A page with a fault, such as a chapter that writes to stderr, is only a warning to Sphinx.
    # All of them are shown.
    result = make_pages(book, warningiserror=True, keep_going=True)
    if result == 0 and not (book / "_build" / "html" / "index.html").is_file():
        print("error: the build ended without a word but wrote no index.html", file=sys.stderr)
        return False
    return result == 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build the book afresh.")
    parser.add_argument("directory", type=Path, help="the folder with _config.yml and _toc.yml")
    parser.add_argument("--solutions", choices=("yes", "no"), default="yes")
    parser.add_argument("--stored", action="store_true", help="show the outputs that are stored")
    arguments = parser.parse_args()
    try:
        status = build(
            arguments.directory.resolve(), arguments.solutions == "yes", arguments.stored
        )
    except KeyboardInterrupt:
        status = "interrupted: there is no book"
    sys.exit(status)
