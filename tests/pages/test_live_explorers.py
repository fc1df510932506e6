"""The explorers of all chapters and the numbers that cells print, in the browser's Python.

Starting Python is what costs, and is the same on every page (test_live.py).  So it is started
once, on the page of a chapter as it is published, and the others are shown there.  What the page
then shows is compared with the same explorer here; test_explore.py compares that with other
routes.
"""

import ast
import re
from types import SimpleNamespace

import pytest
from conftest import served, told, violations
from livepage import (
    BOOK,
    CHAPTERS,
    EXPLORED,
    SAME,
    THOROUGH,
    WELL,
    cell_of,
    code,
    complaints,
    has,
    of_page,
    open_page,
    parameters,
    picture,
    run,
    run_all,
    slider,
    started,
    step,
    stored,
    write,
)
from playwright.sync_api import Locator, expect
from test_explore import numbers

from qwlib import Well, fermi_states
from qwlib.book.explore import Explorer
from qwlib.book.steer import QUANTITIES, SLIDERS
from tools import live

PUBLISHED = "speed"
"""The chapter that is started: it reads a file, and what it needs late comes with a sweep."""


def here(chapter: str) -> Explorer:
    """Return the explorer of a chapter as this Python makes it."""
    names = {}
    for cell in code(chapter):
        if has(cell, "parameters"):
            exec(cell.source, names)
    (cell,) = [cell for cell in code(chapter) if has(cell, "explorer")]
    *before, last = ast.parse(cell.source).body
    exec(compile(ast.Module(before, []), chapter, "exec"), names)
    return eval(compile(ast.Expression(last.value), chapter, "eval"), names)


def shown(explorer: Locator) -> list[float]:
    """Return every number of the table, with all its digits."""
    numbers = explorer.locator("table data").evaluate_all("nodes => nodes.map(n => n.value)")
    return [float(number) for number in numbers]


@pytest.fixture(scope="module")
def running(browser, html, local_copies):
    """A published page that runs, which takes Thebe and Pyodide from their public addresses."""
    with served(html) as address:
        yield from started(browser, address, PUBLISHED, local_copies)


def test_the_published_page_takes_the_rest_from_public_addresses(running):
    assert running.public == set(live.PUBLIC)
    source = "from qwlib import *\nprint(repr(float(fermi_states(Well(), 3).contribution.sum())))"
    native = fermi_states(Well(), 3).contribution.sum()
    assert float(run(running.page, 0, source)) == pytest.approx(native, rel=SAME)
    assert running.explorer.get_by_role("slider").count() > 3


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


@pytest.fixture(scope="module", params=[name for name in EXPLORED if name != THOROUGH])
def hosted(request, running):
    """A chapter whose explorer is shown in the page that runs."""
    cells = of_page(request.param)
    first, *rest = cells
    wanted = [cell for cell in rest if has(cell, "parameters") or has(cell, "explorer")]
    source = "\n".join(cell.source for cell in [first, *wanted])
    before = running.explorer.locator("img.widget-image").element_handle()
    write(running.explorer, source)
    running.page.wait_for_function("picture => !picture.isConnected", arg=before)
    running.explorer.locator("img.widget-image").wait_for()
    slider(running.explorer, "d").wait_for()
    return SimpleNamespace(chapter=request.param, explorer=running.explorer, page=running.page)


def test_sliders_move_the_figure_and_the_page_shows_what_qwlib_computes(hosted):
    explorer = hosted.explorer
    native = here(hosted.chapter)
    # The spread coupling is told by central differences, which say how far rounding moves them.
    same = 1e-8 if hosted.chapter == "ends" else SAME  # STEP of qwlib/beyond/spread.py
    assert explorer.get_by_role("slider").count() > 3
    assert shown(explorer) == pytest.approx(numbers(native), rel=same, abs=1e-12)
    # The first parameter that is this chapter's own, if it has one, then one of the well.
    before = picture(explorer)
    for name in [*[name for name in native.controls if name not in WELL][:1], "d"]:
        old = parameters(explorer, native.controls)
        # Five steps at once: one alone moves a mark by less than a pixel where the axis is long.
        assert step(explorer, slider(explorer, name), "PageUp") == 1
        now = parameters(explorer, native.controls)
        assert [other for other in now if now[other] != old[other]] == [name]
        assert now[name] > old[name]
        assert picture(explorer) != before
        before = picture(explorer)
    for name, value in now.items():
        native.controls[name].value = value
    assert shown(explorer) == pytest.approx(numbers(native), rel=same, abs=1e-12)


def test_a_screen_reader_finds_names_and_nothing_sticks_out(hosted):
    page = hosted.page
    page.set_viewport_size({"width": 400, "height": 900})
    wide = "node => node.scrollWidth - node.clientWidth"
    assert hosted.explorer.locator(".jp-OutputArea-output").first.evaluate(wide) <= 1
    handles = hosted.explorer.get_by_role("slider")
    names = handles.evaluate_all("nodes => nodes.map(n => n.getAttribute('aria-label'))")
    labels = hosted.explorer.locator(".widget-slider .widget-label").all_text_contents()
    # In words, with the unit that stands at the symbol.
    meanings = {q.symbol.replace("_", ""): q.meaning for q in QUANTITIES.values()}
    symbols, units = zip(*(label.partition(" (")[::2] for label in labels), strict=True)
    assert names == [
        f"{meanings[symbol]} ({unit}" if unit else meanings[symbol]
        for symbol, unit in zip(symbols, units, strict=True)
    ]
    assert "_" not in "".join(labels)  # lowered letters instead
    for symbol, handle in zip(symbols, handles.all(), strict=True):
        (name,) = [name for name, q in QUANTITIES.items() if q.symbol.replace("_", "") == symbol]
        ends = [float(handle.get_attribute(f"aria-value{end}")) for end in ("min", "now", "max")]
        low, high, _ = SLIDERS[name]
        assert [min(low, ends[1]), max(high, ends[1])] == ends[::2]
    assert told(violations(page, ".tag_explorer .cell_output")) == []
    page.set_viewport_size({"width": 1200, "height": 1000})


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
