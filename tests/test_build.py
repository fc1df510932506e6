"""The book as its readers get it: built from a copy of the tree, and looked at as HTML."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import build
from PIL import Image

from qwlib import claims
from tools import baseline

ROOT = Path(__file__).parent.parent

# The least number of figures in each page of _toc.yml: those of the paper at least.
FIGURES = {
    "book/intro": 0,
    "book/model": 4,
    "book/confinement": 1,
    "book/chirality": 5,
    "book/thickness": 3,
    "book/verdicts": 1,
    "book/lost": 3,
    "book/ends": 3,
    "book/interband": 3,
    "book/laboratory": 4,
    "book/counting": 5,
    "book/speed": 1,
    "book/rerunning": 0,
    "book/symbols": 0,
    "book/glossary": 0,
    "book/api": 0,
    "book/open-problems": 0,
    "book/statements": 0,
    "book/lecturer": 0,
    "book/coverage": 0,
    "book/bibliography": 0,
}

PAGES = re.findall(r"(?:root|file): *(\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))


def soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def test_every_page_says_how_many_figures_it_must_have():
    assert set(FIGURES) == set(PAGES)


def test_front_page_leads_to_the_introduction(html):
    assert f"{PAGES[0]}.html" in (html / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_page_holds_its_figures(html, page):
    path = html / f"{page}.html"
    article = soup(path).find("article")
    figures = article.find_all("figure")
    assert len(figures) >= FIGURES[page]
    for image in article.find_all("img"):
        figure = image.find_parent("figure")
        assert figure is not None, f"no figure, caption and number for {image}"
        assert image.get("alt", "").strip(), f"no alternative text for {image}"
        assert figure.figcaption.find(class_="caption-text").get_text().strip(), image
        file = path.parent / image["src"]
        if file.suffix != ".svg":
            with Image.open(file) as picture:
                # Files hold whole dots per metre, so 150 dpi comes back as 149.99.
                assert min(picture.info["dpi"]) > 149.9, f"{image} is coarser than 150 dpi"


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_no_traceback_and_no_unresolved_markup(html, page):
    article = soup(html / f"{page}.html").find("article")
    assert not article.select(".traceback, .output.stderr, .system-message, .problematic")
    # A role inside a formula is no role: it comes out as it went in, without a warning.
    for code in article.select("pre, code"):
        code.decompose()
    assert not re.search(r"\{[\w:]+\}`", article.get_text())


@pytest.mark.parametrize("claim", claims.claims(), ids=lambda claim: claim.id)
def test_statement_and_what_shows_it_lead_to_each_other(html, claim):
    verdicts, chapter = soup(html / "book/verdicts.html"), soup(html / f"book/{claim.chapter}.html")
    assert verdicts.find(id=f"claim-{claim.id}")
    assert verdicts.find("a", href=f"{claim.chapter}.html#{claim.shown}")
    shown = chapter.find(id=claim.shown)
    shown = shown if shown.name in ("figure", "section") else shown.parent
    assert shown.find("a", href=f"verdicts.html#claim-{claim.id}")


@pytest.mark.parametrize("figure", claims.figures(), ids=lambda figure: figure["paper"])
def test_figure_of_the_paper_has_its_counterpart(html, figure):
    place = soup(html / f"book/{figure['chapter']}.html").find(id=figure["shown"])
    assert place.name == "figure"
    link = f"{figure['chapter']}.html#{figure['shown']}"
    assert soup(html / "book/verdicts.html").find("a", href=link)


def test_no_figure_of_the_paper_is_left_out():
    # Fig. 3 and its two panels; the others are one each.
    numbers = {re.match(r"Fig. (\d)", figure["paper"])[1] for figure in claims.figures()}
    assert numbers == set("123456")


def test_sheet_holds_every_statement_and_no_verdict(html):
    article = soup(html / "book/statements.html").find("article")
    rows = [[cell.get_text() for cell in row.find_all("td")] for row in article.select("tbody tr")]
    # MathJax gets its formulas between \( and \).
    wordings = [
        re.sub(r"\$(.+?)\$", r"\\(\1\\)", claims.typeset(c.wording)) for c in claims.claims()
    ]
    stated = [(c.where, wording, "") for c, wording in zip(claims.claims(), wordings, strict=True)]
    assert [tuple(row[1:]) for row in rows] == stated
    assert not any(verdict in article.get_text() for verdict in claims.VERDICTS)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_those_of_a_whole_run(notebook):
    # nbval takes a cell without a number for one that has no output to compare with.
    stored = nbformat.read(notebook, as_version=4)
    cells = [cell for cell in stored.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in cells]
    assert counts == list(range(1, len(cells) + 1)), "run `make baseline`"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_as_make_baseline_stores_it(notebook):
    text = baseline.normalise(baseline.read(notebook))
    assert notebook.read_text(encoding="utf-8") == text, "run `make baseline`"


@pytest.fixture
def scratch(tmp_path) -> Path:
    """A book of one empty chapter under this book's configuration."""
    for name in ("_config.yml", "book/_ext", "book/_static", "book/references.bib"):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target)
        else:
            shutil.copy(ROOT / name, target)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n", encoding="utf-8")
    return tmp_path


def write_chapter(scratch: Path, source: str) -> None:
    cells = [nbformat.v4.new_markdown_cell("# Scratch"), nbformat.v4.new_code_cell(source)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), scratch / "book" / "intro.ipynb")


def test_build_fails_if_a_chapter_does_and_then_leaves_no_front_page(scratch):
    index = scratch / "_build" / "html" / "index.html"
    # First a sound chapter, so that it is the error below that fails the build.
    write_chapter(scratch, "print('sound')")
    done = build(scratch)
    assert done.returncode == 0, done.stdout + done.stderr
    assert index.is_file()

    write_chapter(scratch, "raise RuntimeError('deliberate')")
    done = build(scratch)
    assert done.returncode != 0
    assert "RuntimeError: deliberate" in done.stderr
    assert not index.exists()


def test_build_fails_if_a_chapter_warns(scratch):
    write_chapter(scratch, "import warnings\nwarnings.warn('deliberate')")
    assert build(scratch).returncode != 0


# Output that comes in pieces, cut as the moment has it, and no id.
UNSETTLED = """
import time
for word in ("one", "two"):
    print(word, flush=True)
    time.sleep(0.1)
word
"""


def test_baseline_run_twice_changes_nothing(tmp_path):
    path = tmp_path / "chapter.ipynb"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(UNSETTLED)])
    del notebook.cells[0]["id"]
    notebook.nbformat_minor = 4
    nbformat.write(notebook, path)
    assert baseline.main([path]) == 0
    first = path.read_text(encoding="utf-8")
    assert nbformat.reads(first, as_version=4).cells[0].outputs[0].text == "one\ntwo\n"
    assert baseline.main([path]) == 0
    assert path.read_text(encoding="utf-8") == first


def test_baseline_leaves_a_failing_chapter_as_it_was(tmp_path):
    path = tmp_path / "chapter.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    assert baseline.main([path]) == 1
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
