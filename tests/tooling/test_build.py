"""The book as its readers get it: built from a copy of the tree, and looked at as HTML."""

import asyncio
import gc
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import nbformat
import psutil
import pytest
from bs4 import BeautifulSoup
from conftest import NOTEBOOKS, PAGES, PATIENCE, ROOT, build
from PIL import Image

from qwlib.book import claims
from qwlib.run import chapters, cli
from tools import architecture, baseline

# The least number of figures in each page of _toc.yml: those of the paper at least.
FIGURES = {
    "book/intro": 0,
    "book/model": 4,
    "book/confinement": 2,
    "book/chirality": 5,
    "book/thickness": 3,
    "book/verdicts": 1,
    "book/lost": 2,
    "book/ends": 3,
    "book/interband": 3,
    "book/laboratory": 4,
    "book/direction": 2,
    "book/conventions": 2,
    "book/counting": 5,
    "book/speed": 1,
    "book/rerunning": 0,
    "book/clusters": 0,
    "book/symbols": 0,
    "book/glossary": 0,
    "book/api": 0,
    "book/open-problems": 0,
    "book/statements": 0,
    "book/hour": 2,
    "book/lecturer": 0,
    "book/coverage": 0,
    "book/bibliography": 0,
}


@cache
def soup(page: Path) -> BeautifulSoup:
    """Read a page, once for all tests: none of them changes what it gets."""
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
    for text in article.find_all(string=re.compile(r"\{[\w:]+\}`")):
        assert text.find_parent(["pre", "code"]), text


@pytest.mark.parametrize("claim", claims.claims(), ids=lambda claim: claim.id)
def test_statement_and_what_shows_it_lead_to_each_other(html, claim):
    verdicts, chapter = soup(html / "book/verdicts.html"), soup(html / f"book/{claim.chapter}.html")
    assert verdicts.find(id=f"claim-{claim.id}")
    assert verdicts.find("a", href=f"{claim.chapter}.html#{claim.shown}")
    shown = chapter.find(id=claim.shown)
    shown = shown if shown.name in ("figure", "section") else shown.parent
    assert shown.find("a", href=f"verdicts.html#claim-{claim.id}")


@pytest.mark.parametrize("figure", claims.paper_figures(), ids=lambda figure: figure["paper"])
def test_figure_of_the_paper_has_its_counterpart(html, figure):
    place = soup(html / f"book/{figure['chapter']}.html").find(id=figure["shown"])
    assert place.name == "figure"
    link = f"{figure['chapter']}.html#{figure['shown']}"
    assert soup(html / "book/verdicts.html").find("a", href=link)


def test_no_figure_of_the_paper_is_left_out():
    # Fig. 3 and its two panels; the others are one each.
    numbers = {re.match(r"Fig. (\d)", figure["paper"])[1] for figure in claims.paper_figures()}
    assert numbers == set("123456")


def test_sheet_holds_every_statement_and_no_verdict(html):
    article = soup(html / "book/statements.html").find("article")
    for formula in article.select("noscript"):  # the same formulas, for those without scripts
        formula.decompose()
    rows = [
        [cell.get_text().replace("\N{NO-BREAK SPACE}", " ") for cell in row.find_all("td")]
        for row in article.select("tbody tr")
    ]
    # MathJax gets its formulas between \( and \).
    wordings = [
        re.sub(r"\$(.+?)\$", r"\\(\1\\)", claims.typeset(c.wording)).replace("'", "’")
        for c in claims.claims()
    ]
    stated = [(c.where, wording, "") for c, wording in zip(claims.claims(), wordings, strict=True)]
    assert [tuple(row[1:]) for row in rows] == stated
    assert not any(verdict in article.get_text() for verdict in claims.VERDICTS)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_place_of_the_book_has_its_preview(html, page):
    path = html / f"{page}.html"
    whole = soup(path)
    links = {link["href"] for link in whole.find("article").select("a[href]:not(.headerlink)")}
    pages = {f"{Path(other).name}.html" for other in PAGES}
    links = {href for href in links if href.split("#")[0] in {"", *pages}}
    template = whole.find("template", id="qw-previews")
    # The text of a template is none to BeautifulSoup.
    previews = BeautifulSoup(template.decode_contents() if template else "", "html.parser")
    blocks = previews.find_all(attrs={"data-for": True})
    assert {block["data-for"] for block in blocks} == links
    for block in blocks:
        assert block.get_text().strip() or block.img, block
        # Nothing that the Tab key reaches, nothing whose name is in the page already.
        assert not block.select("a, button, input, script, [id], [name], [for]"), block
        for image in block.find_all("img"):
            assert (path.parent / image["src"]).is_file()
    if previews.select(".math"):
        assert whole.find("script", src=re.compile("mathjax"))


# The letters of a formula, and nothing around them.
SYMBOL = re.compile(r"\\\((.*)\\\)", re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_page_offers_its_source_and_places_to_run_it(html, page):
    path = html / f"{page}.html"
    whole = soup(path)
    links = {link["href"] for link in whole.select(".article-header-buttons a[href]")}
    file = next(f for f in (f"{page}.ipynb", f"{page}.md") if (ROOT / f).is_file())
    chapter = file.endswith(".ipynb")
    source = f"../notebooks/{path.stem}.ipynb" if chapter else f"../_sources/{file}"
    assert source in links and (path.parent / source).is_file()
    elsewhere = {link for link in links if re.search("mybinder|colab|kaggle", link)}
    branch = f"qwlib/qwlib/blob/notebooks/{path.stem}.ipynb"
    expected = {
        f"https://mybinder.org/v2/gh/qwlib/qwlib/main?urlpath=lab/tree/{file}",
        f"https://colab.research.google.com/github/{branch}",
        f"https://www.kaggle.com/kernels/welcome?src=https://github.com/{branch}",
    }
    assert elsewhere == (expected if chapter else set())
    # What a notebook needs elsewhere is said in it, and not on the page.
    assert "%pip" not in whole.find("article").get_text()
    icon = whole.find("link", rel="icon" if whole.find("link", rel="icon") else "shortcut icon")
    assert (path.parent / icon["href"]).is_file()


BASE = "https://qwlib.github.io/qwlib/"


@pytest.mark.parametrize("page", PAGES)
def test_page_says_what_it_is_to_those_who_link_to_it(html, page):
    head = soup(html / f"{page}.html").head
    said = {meta["property"]: meta["content"] for meta in head.select("meta[property^='og:']")}
    assert said["og:url"] == f"{BASE}{page}.html"
    assert (html / said["og:image"].removeprefix(BASE)).is_file()
    assert said["og:title"] and said["og:image:alt"]
    (description,) = head.select("meta[name=description]")
    assert description["content"] == said["og:description"]
    # Neither a formula's TeX nor markup, and not cut off within a word.
    assert re.fullmatch(r"[^\\<>{}]{20,200}[.…]", said["og:description"])


def test_descriptions_are_of_one_page_each(html):
    found = [
        soup(html / f"{page}.html").find("meta", attrs={"name": "description"}) for page in PAGES
    ]
    assert len({one["content"] for one in found}) == len(PAGES)


def test_map_of_the_site_lists_the_pages_in_order(html):
    listed = re.findall("<loc>(.*?)</loc>", (html / "sitemap.xml").read_text(encoding="utf-8"))
    assert listed == sorted(f"{BASE}{page}.html" for page in PAGES)


def test_page_for_an_address_that_is_none_leads_back_from_anywhere(html):
    page = soup(html / "404.html")
    assert "no page at this address" in page.find("article").get_text()
    used = [tag.get("href") or tag.get("src") for tag in page.select("link, script[src], img, a")]
    inside = [one for one in used if one and not re.match("https:|#|mailto:", one)]
    assert len(inside) > len(PAGES)
    for one in inside:
        file = re.sub("[?#].*", "", one).removeprefix("/qwlib/")
        assert one.startswith("/qwlib/") and (html / file).is_file(), one


def test_binder_folder_is_as_repo2docker_wants_it():
    binder = ROOT / "binder"
    assert re.fullmatch(r"python-3\.(11|12|13)\n?", (binder / "runtime.txt").read_text())
    lines = (binder / "requirements.txt").read_text().splitlines()
    named = [binder / line.removeprefix("-r ") for line in lines if line[0] != "#"]
    assert [path.resolve().name for path in named] == ["requirements.txt", "requirements-lab.txt"]
    assert all(path.is_file() for path in named)
    script = binder / "postBuild"
    assert script.read_text().startswith("#!") and os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", script], check=True)
    listed = ["git", "-C", ROOT, "ls-files", "--stage", "binder/postBuild"]
    done = subprocess.run(listed, capture_output=True, text=True, check=False)
    # A tree that came as an archive has no index to ask.
    assert done.returncode or done.stdout.startswith("100755")


@cache
def symbols(html: Path) -> list[tuple[str, list[str], set[str]]]:
    """Return target, symbols as TeX, and the pages that "Where" names, for each row."""
    found = []
    for table in soup(html / "book/symbols.html").select("article table"):
        if table.find_parent(class_="cell_output"):
            continue  # numbers, no symbols
        confined = table.select("thead th")[-1].get_text().strip() == "Where"
        for row in table.select("tbody tr"):
            target = row.select_one("td span[id]")
            if target is not None:
                tex = [SYMBOL.fullmatch(math.get_text())[1] for math in target.select(".tex")]
                pages = {link["href"] for link in row.select("td")[-1].find_all("a")}
                found.append((target["id"], tex, pages if confined else set()))
    return found


def is_prose(tag) -> bool:
    """Tell whether a formula stands in a sentence that is open to all."""
    apart = ["table", "figure", "h1", "h2", "h3", "h4", "dt", "details"]
    folded = tag.find_parent(class_=["quiz", "solution", "dropdown", "admonition-title"])
    return tag.find_parent("p") is not None and not tag.find_parent(apart) and folded is None


@pytest.mark.parametrize("page", PAGES)
def test_first_use_of_a_symbol_leads_to_its_meaning(html, page):
    article = soup(html / f"{page}.html").find("article")
    if page == "book/symbols":
        return
    links = [link["href"] for link in article.select("a.symbol")]
    assert len(links) == len(set(links))
    assert set(links) <= {f"symbols.html#{target}" for target, *_ in symbols(html)}
    known = {}
    for target, names, pages in symbols(html):
        here = f"{Path(page).name}.html" in pages
        # A letter that a row confines to this page has no other meaning on it.
        known |= {name: target for name in names if here or not (pages or name in known)}
    seen = set()
    for math in article.select("span.math"):
        parent = math.find_parent("a")
        target = known.get(SYMBOL.fullmatch(math.select_one(".tex").get_text())[1])
        if parent is not None and "symbol" in parent.get("class", ()):
            seen.add(parent["href"].partition("#")[2])
            assert re.search(r"[^\W\d]", parent["aria-label"]) and "\\" not in parent["aria-label"]
        elif target and is_prose(math) and parent is None:
            assert target in seen, f"the first {math} is no link to {target}"


def test_symbols_are_linked_in_the_chapters(html):
    counts = {p: len(soup(html / f"{p}.html").select("article a.symbol")) for p in PAGES}
    chapters = [path.stem for path in NOTEBOOKS if path.stem != "symbols"]
    assert min(counts[f"book/{chapter}"] for chapter in chapters) >= 3
    assert sum(counts.values()) > 100


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_those_of_a_whole_run(notebook):
    # nbval takes a cell without a number for one that has no output to compare with.
    stored = nbformat.read(notebook, as_version=4)
    cells = [cell for cell in stored.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in cells]
    assert counts == list(range(1, len(cells) + 1)), "run `make baseline`"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_as_make_baseline_stores_it(notebook):
    text = chapters.normalise(chapters.read(notebook))
    assert notebook.read_text(encoding="utf-8") == text, "run `make baseline`"


@pytest.fixture
def scratch(tmp_path) -> Path:
    """A book of one empty chapter under this book's configuration."""
    for name in (
        "_config.yml",
        "book/_ext",
        "book/_static",
        "book/_templates",
        "book/references.bib",
    ):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target)
        else:
            shutil.copy(ROOT / name, target)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n", encoding="utf-8")
    return tmp_path


def write_chapter(scratch: Path, source: str, name: str = "intro") -> None:
    cells = [nbformat.v4.new_markdown_cell("# Scratch"), nbformat.v4.new_code_cell(source)]
    # As the chapters say it, or Sphinx complains of one that has not been executed.
    language = {"language_info": {"name": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=language)
    nbformat.write(notebook, scratch / "book" / f"{name}.ipynb")


def test_build_fails_if_chapters_do_and_then_leaves_no_front_page(scratch):
    index = scratch / "_build" / "html" / "index.html"
    # First sound chapters, so that it is the errors below that fail the build.
    write_chapter(scratch, "print('so' + 'und')")
    write_chapter(scratch, "print('the same')", "dying")
    with (scratch / "_toc.yml").open("a") as toc:
        toc.write("chapters:\n- file: book/dying\n")
    stored = (scratch / "book" / "intro.ipynb").read_bytes()
    done = build(scratch)
    assert done.returncode == 0, done.stdout + done.stderr
    assert index.is_file() and "sound" in (scratch / "_build/html/book/intro.html").read_text()
    assert done.stdout.splitlines()[-1] == str(index)
    assert re.search(r"^==> intro: executed in \d+ s \([12] of 2\)$", done.stdout, re.MULTILINE)
    # The chapter itself is as it was, and nothing else is left.
    assert (scratch / "book" / "intro.ipynb").read_bytes() == stored
    assert {path.name for path in (scratch / "_build").iterdir()} - {".lock"} == {"html"}

    write_chapter(scratch, "raise RuntimeError('deliberate')")
    write_chapter(scratch, "import os\nos._exit(1)", "dying")
    done = build(scratch)
    assert done.returncode != 0
    assert "RuntimeError: deliberate" in done.stderr and "\x1b" not in done.stderr
    assert "dying failed" in done.stderr
    assert not index.exists()


def test_build_fails_if_a_chapter_warns(scratch):
    write_chapter(scratch, "import warnings\nwarnings.warn('deliberate')")
    assert build(scratch).returncode != 0
    assert not (scratch / "_build" / "html").exists()


LONG = "from pathlib import Path\nimport time\nPath('started').touch()\ntime.sleep(60)"


def test_interrupted_build_stops_its_kernels_and_leaves_no_book(scratch):
    write_chapter(scratch, LONG)
    command = [sys.executable, ROOT / "tools" / "build.py", scratch]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not (scratch / "_build" / "book" / "book" / "started").exists():
            assert process.poll() is None
            time.sleep(0.05)
        # A second one in the same folder refuses in one line, and leaves the first alone.
        second = build(scratch)
        assert second.returncode == 1 and second.stderr.count("\n") == 1
        assert second.stderr.startswith("error: another build is at work in ")
        assert (scratch / "_build" / "book" / "book" / "started").exists()
        kernels = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        error = process.communicate()[1]
    assert kernels and not psutil.wait_procs(kernels, timeout=PATIENCE)[1]
    assert process.returncode != 0 and error == b"interrupted: there is no book\n"
    assert not (scratch / "_build" / "html").exists()


# Each knows what it is, where it is, and nothing of the others.
CHAPTER = """
from pathlib import Path
print({number}, Path("here").exists(), "other" in globals())
other = 1
"""


@pytest.mark.parametrize("jobs", [1, 3])
def test_chapters_beside_each_other_do_not_meet(tmp_path, jobs):
    (tmp_path / "here").touch()
    paths = []
    for number in range(4):
        name = f"chapter{number}"
        (tmp_path / "book").mkdir(exist_ok=True)
        write_chapter(tmp_path, "1 / 0" if number == 2 else CHAPTER.format(number=number), name)
        paths.append((tmp_path / "book" / f"{name}.ipynb").rename(tmp_path / f"{name}.ipynb"))
    before, said = paths[2].read_bytes(), []
    failed = chapters.execute(paths, said.append, jobs)
    assert list(failed) == [paths[2]] and failed[paths[2]].reason.startswith("ZeroDivisionError")
    assert paths[2].read_bytes() == before
    for number in (0, 1, 3):
        cell = nbformat.read(paths[number], as_version=4).cells[1]
        assert cell.outputs[0].text == f"{number} True False\n"
    assert len(said) == 4 and all(f"({i} of 4)" in line for i, line in enumerate(said, 1))
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted(
        ["here", *(path.name for path in paths)]
    )


def test_ctrl_c_in_the_middle_of_a_chapter_lets_the_others_end(tmp_path, monkeypatch, caplog):
    paths = [tmp_path / f"{name}.ipynb" for name in ("here", "there")]
    ended, left = [], []

    async def one(path, _):
        try:
            if path.stem == "here":
                await asyncio.sleep(0)  # the other has begun
                signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(PATIENCE)
        finally:
            await asyncio.sleep(0)  # as when a kernel is ended, by a loop that still runs
            ended.append(path)

    for path in paths:
        nbformat.write(nbformat.v4.new_notebook(), path)
    monkeypatch.setattr(chapters, "_execute_one", one)
    monkeypatch.setattr(sys, "unraisablehook", left.append)
    heard = signal.signal(signal.SIGINT, cli.interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            chapters.execute(paths)
        assert signal.getsignal(signal.SIGINT) is cli.interrupt
    finally:
        signal.signal(signal.SIGINT, heard)
        logging.disable(logging.NOTSET)
    gc.collect()  # what nobody has waited for is told of as it goes
    assert sorted(ended) == paths and not left and not caplog.records


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


@pytest.mark.parametrize("page", PAGES)
def test_no_line_begins_with_the_mark_after_a_formula(html, page):
    # Not those of docutils' own titles in links and lists of contents, which have no formula box.
    for formula in soup(html / f"{page}.html").select("article p span.math, article li span.math"):
        whole = formula.parent if formula.parent.name == "a" else formula
        after, before = whole.next_sibling, whole.previous_sibling
        bound = "bound" in whole.parent.get("class", [])
        if isinstance(after, str) and after[:1] in tuple(",.;:?!)"):
            assert bound, f"{formula} {after[:20]!r}"
        if isinstance(before, str) and before[-1:] == "(":
            assert bound, f"{before[-20:]!r} {formula}"


def test_the_diagram_shows_the_imports_as_they_are():
    text = architecture.PAGE.read_text(encoding="utf-8")
    assert architecture.drawn(text) == text  # else run tools/architecture.py
    # Two arrows that are there, and one that follows from others.
    assert "  kubo --> search\n" in text and "  views --> claims\n" in text
    assert "  kubo --> matching\n" not in text
