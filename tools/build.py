"""Build the book afresh, and fail unless all of it is there.

    python tools/build.py DIRECTORY [--solutions yes|no]

DIRECTORY holds _config.yml and _toc.yml; the book goes to _build/html in it.
With LIVE=local in the environment its pages run Python from files of the book alone.
Without solutions it is built from a copy that does not hold them, so that neither a page nor its
source nor the search can show one.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import live
import nbformat
import slides

from qwlib.onepage import JUPYTER_BOOK, copy_book

# IPython colours its tracebacks, which makes them unreadable and unsearchable in a log.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

FENCE = r"^(?P<{0}>`{{3,}}|:{{3,}})\{{{1}\}}.*?^(?P={0})[ \t]*$"
# From one gate to the next, or a solution in one piece.
SOLUTION = re.compile(
    FENCE.format("start", "solution-start")
    + ".*?"
    + FENCE.format("end", "solution-end")
    + "|"
    + FENCE.format("whole", "solution"),
    re.DOTALL | re.MULTILINE,
)
# No chapter holds it: it stands for a cell of code while solutions are looked for.
CELL = "\x00{}\x00"


def without_solutions(text: str) -> str:
    """Return Markdown without its solutions.

    Raises
    ------
    ValueError
        If something of a solution is left.
    """
    text = SOLUTION.sub("", text)
    if re.search(r"\{solution(-start|-end)?\}", text):
        raise ValueError("a solution does not end, or does not begin")
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


def build(source: Path, solutions: bool = True) -> int:
    """Build the book in `source` and return the exit status."""
    if solutions:
        return build_from(source, source)
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder) / "book"
        copy_book(source, stage)
        for page in [*stage.glob("book/*.ipynb"), *stage.glob("book/*.md")]:
            strip(page)
        return build_from(stage, source)


def build_from(stage: Path, source: Path) -> int:
    """Build the book in `stage` into the folder _build of `source`."""
    html = source / "_build" / "html"
    index = html / "index.html"
    # Old pages must not outlive a build that fails.
    if (source / "_build").exists():
        shutil.rmtree(source / "_build")
    print(f"==> Building the book in {source}", flush=True)
    # A failing chapter is only a warning to Jupyter Book, so warnings are errors (-W);
    # all of them are shown (--keep-going), and a reference to nothing is one too (-n).
    options = ["--all", "-W", "-n", "--keep-going", "--path-output", str(source)]
    status = subprocess.run([*JUPYTER_BOOK, "build", str(stage), *options], check=False).returncode
    for report in sorted(html.glob("reports/**/*.err.log")):
        chapter = report.relative_to(html / "reports").with_suffix("").with_suffix("")
        traceback = COLOUR.sub("", report.read_text(encoding="utf-8"))
        print(f"\n==> {chapter} failed:\n{traceback}", file=sys.stderr)
    if status == 0 and not index.is_file():
        print("error: the build ended without a word but wrote no index.html", file=sys.stderr)
        status = 1
    if status != 0:
        # With --keep-going the pages are there, the front page among them; a reader
        # must not take them for the book.
        index.unlink(missing_ok=True)
        print("error: the book was not built; the cause is above", file=sys.stderr)
        return status
    live.install(html, local=os.environ.get("LIVE") == "local")
    slides.main(source)
    print(f"==> The book is built, every chapter run afresh:\n{index}")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build the book afresh.")
    parser.add_argument("directory", type=Path, help="the folder with _config.yml and _toc.yml")
    parser.add_argument("--solutions", choices=("yes", "no"), default="yes")
    arguments = parser.parse_args()
    sys.exit(build(arguments.directory.resolve(), arguments.solutions == "yes"))
