"""The numbers that cells of several chapters print, in the browser's Python.

Starting Python is what costs, and is the same on every page (test_live.py).  So it is started
once, on the page of a chapter as it is published, and cells of others are run there.
"""

import re

import pytest
from conftest import Plain, served
from livepage import (
    BOOK,
    CHAPTERS,
    EXPLORED,
    SAME,
    THOROUGH,
    cell_of,
    code,
    complaints,
    has,
    of_page,
    open_page,
    run,
    run_all,
    started,
    stored,
    write,
)
from playwright.sync_api import expect

from qwlib import Well, fermi_states
from qwlib.beyond.weak import spin_levels
from tools import live

PUBLISHED = "speed"
"""The chapter that is started: it reads a file, and what it needs late comes with a sweep."""


@pytest.fixture(scope="module")
def running(browser, html, local_copies):
    """A published page that runs, which takes Thebe and Pyodide from their public addresses."""
    with served(html, Plain) as address:
        yield from started(browser, address, PUBLISHED, local_copies)


def test_the_published_page_takes_the_rest_from_public_addresses(running):
    assert running.public == set(live.PUBLIC)
    source = "from qwlib import *\nprint(repr(float(fermi_states(Well(), 3).contribution.sum())))"
    native = fermi_states(Well(), 3).contribution.sum()
    assert float(run(running.page, 0, source)) == pytest.approx(native, rel=SAME)


def test_a_package_comes_when_a_cell_lacks_it(running, html, local_copies):
    # What the cell calls imports SciPy, of which Pyodide is not told beforehand.
    before = len(running.urls)
    source = "from qwlib import *\nfrom qwlib.beyond.weak import spin_levels\n"
    output = write(
        cell_of(running.page, 0), source + "print(f'{spin_levels(Well(), 1).sum():.9f}')"
    )
    # It fails, SciPy comes, and it runs again.
    expect(output).to_contain_text(f"{spin_levels(Well(), 1).sum():.9f}")
    expect(output).not_to_contain_text("Error")
    assert not [url for url in running.urls[:before] if "/scipy-" in url]
    (scipy,) = [url for url in running.urls if "/scipy-" in url]
    (blas,) = [url for url in running.urls if "/openblas-" in url]
    size = sum(octets(url, html, local_copies) for url in (scipy, blas))
    told = re.search(r"SCIPY_MEGABYTES = (\d+);", (BOOK / "_static/live.js").read_text())[1]
    assert size / 1e6 == pytest.approx(float(told), abs=0.5)  # it tells whole megabytes
    assert "about 35 to 55 MB the first time" in running.idle


def test_what_a_sweep_needs_comes_with_the_first_sweep(browser, running, html, local_copies):
    page, before = running.page, len(running.urls)
    source = "from qwlib import sweep\nprint(sweep(d=[1, 2])['n_states'].sum().item())"
    page.context.route("**/pandas-*", lambda route: route.abort())
    write(cell_of(page, 0), source)
    expect(page.locator(".qw-live[data-state=failed]")).to_contain_text(
        re.compile("did not deliver .*/pandas-.*Check the connection")
    )
    page.context.unroute("**/pandas-*")
    states = sum(len(fermi_states(Well(d=d), 3.0)) for d in (1, 2))
    assert int(run(page, 0, source)) == states
    expect(page.locator(".qw-live[data-state=live]")).to_contain_text("Python runs")
    # The button of a page with such a cell tells of it.
    size = sum(octets(url, html, local_copies) for url in {*running.urls[before:]})
    late = re.search(r" LATE_MEGABYTES = (\d+);", (BOOK / "_static/live.js").read_text())[1]
    assert size / 1e6 == pytest.approx(float(late), abs=0.5)  # it tells whole megabytes
    assert "MB more" not in running.idle
    other = open_page(browser, running.site, "verdicts")
    assert f"MB the first time, and {late} MB more" in other.inner_text(".qw-run-message")
    other.close()


def octets(url: str, html, copies) -> int:
    """Return the size of a file that a page took from its site or from a public address."""
    for name, prefix in live.PUBLIC.items():
        if url.startswith(prefix):
            return (copies / live.LOCAL[name] / url.removeprefix(prefix)).stat().st_size
    return (html / url.split("/", 3)[3]).stat().st_size


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_first_cell_of_each_chapter_runs(running, chapter):
    assert run(running.page, 0, code(chapter)[0].source).strip() == ""


@pytest.mark.parametrize(("chapter", "least"), [("chirality", 3), ("thickness", 3), ("hour", 2)])
def test_cells_print_what_the_book_prints(running, chapter, least):
    printed = 0
    for cell in of_page(chapter):
        if not has(cell, "explorer"):
            # Where the end of the run was printed there is a line that is empty.
            text, lines = stored(cell).split(), run(running.page, 0, cell.source).split()
            assert lines == text
            printed += bool(text)
    assert printed >= least


def test_nothing_went_wrong_on_the_way(running):
    # What any of the tests above made the page say is in it, but for the file that was held back.
    assert [one for one in running.page.wrong if "pandas" not in one] == []
    assert complaints(running.page) == []


# All cells of a chapter take up to minutes in a page; its tests above run those around its sliders.
@pytest.mark.slow
@pytest.mark.parametrize("chapter", [name for name in EXPLORED if name != THOROUGH])
def test_each_page_runs_and_its_cells_print_what_the_book_prints(browser, local_site, chapter):
    for page in started(browser, local_site, chapter):
        # The page of verdicts prints in one cell only.
        assert run_all(page.page, chapter) > 0
        assert page.page.wrong == []
