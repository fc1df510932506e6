"""The chapters past the first three run in the page too: each visited once, its explorer moved.

What the page then shows is compared with the same explorer here; tests/test_explore.py compares
that with other routes.
"""

import ast
import re

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
    parameters,
    picture,
    run,
    run_all,
    slider,
    started,
    step,
)
from playwright.sync_api import Locator, expect
from test_explore import numbers

from qwlib import Well, fermi_states
from qwlib.explore import Explorer
from tools import live

OTHERS = [chapter for chapter in EXPLORED if chapter not in THOROUGH]

PUBLISHED = "speed"
"""The chapter that reads a file; it runs as it is published, with parts from public addresses."""


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


@pytest.fixture(scope="module", params=OTHERS)
def running(request, browser, local_site, html, local_copies):
    """A chapter that runs: the page, its explorer, and what was loaded."""
    if request.param == PUBLISHED:
        with served(html) as address:
            yield from started(browser, address, request.param, local_copies)
    else:
        yield from started(browser, local_site, request.param)


def test_reaches_a_live_slider(running):
    assert running.explorer.get_by_role("slider").count() > 3


@pytest.mark.parametrize("running", ["verdicts"], indirect=True)
def test_the_button_says_what_cells_load_that_judge(running, local_html):
    # Its explorer is one of them, so that all has been loaded.
    size = sum((local_html / path.partition("?")[0][1:]).stat().st_size for path in running.loaded)
    script = (BOOK / "_static/live.js").read_text()
    told = [int(re.search(rf" {name}MEGABYTES = (\d+);", script)[1]) for name in ("", "LATE_")]
    assert size / 1e6 == pytest.approx(sum(told), rel=0.05)  # "about"
    assert f"about {told[0]} MB the first time, and {told[1]} MB more" in running.idle


def test_sliders_move_the_figure_and_the_page_shows_what_qwlib_computes(running):
    explorer = running.explorer
    native = here(running.chapter)
    assert shown(explorer) == pytest.approx(numbers(native), rel=SAME, abs=1e-12)
    # The first parameter that is this chapter's own, if it has one, then one of the well.
    before = picture(explorer)
    for name in [*[name for name in native.controls if name not in WELL][:1], "d"]:
        old = parameters(explorer, native.controls)
        assert step(explorer, slider(explorer, name), "ArrowRight") == 1
        now = parameters(explorer, native.controls)
        assert [other for other in now if now[other] != old[other]] == [name]
        assert now[name] > old[name]
        assert picture(explorer) != before
        before = picture(explorer)
    for name, value in now.items():
        native.controls[name].value = value
    assert shown(explorer) == pytest.approx(numbers(native), rel=SAME, abs=1e-12)


def test_a_screen_reader_finds_names_and_nothing_sticks_out(running):
    page = running.page
    page.set_viewport_size({"width": 400, "height": 900})
    wide = "node => node.scrollWidth - node.clientWidth"
    assert running.explorer.locator(".jp-OutputArea-output").first.evaluate(wide) <= 1
    handles = running.explorer.get_by_role("slider")
    names = handles.evaluate_all("nodes => nodes.map(n => n.getAttribute('aria-label'))")
    labels = running.explorer.locator(".widget-slider .widget-label").all_text_contents()
    assert [name.partition(":")[0] for name in names] == labels != []
    assert "_" not in "".join(labels)  # lowered letters instead
    assert told(violations(page, ".tag_explorer .cell_output")) == []
    page.set_viewport_size({"width": 1200, "height": 1000})


def test_nothing_went_wrong_on_the_way(running):
    # What any of the tests above made the page say is in it.
    assert running.page.wrong == []
    assert complaints(running.page) == []


# All cells of a chapter take up to minutes in a page; its tests above run those around its sliders.
@pytest.mark.slow
def test_all_cells_print_what_the_book_prints(running):
    # The page of verdicts prints in one cell only.
    assert run_all(running.page, running.chapter) > 0
    assert running.page.wrong == []


# --- the page as it is published ------------------------------------------------------------------


as_published = pytest.mark.parametrize("running", [PUBLISHED], indirect=True)


@as_published
def test_the_published_page_takes_the_rest_from_public_addresses(running):
    assert running.public == set(live.PUBLIC)
    source = "from qwlib import *\nprint(repr(float(fermi_states(Well(), 3).contribution.sum())))"
    printed = run(running.page, 0, f"{source}\nprint('done')")
    native = fermi_states(Well(), 3).contribution.sum()
    assert float(printed.split()[0]) == pytest.approx(native, rel=SAME)


@as_published
def test_what_a_sweep_needs_comes_with_the_first_sweep(running):
    page = running.page
    source = "from qwlib import sweep\nprint(sweep(d=[1, 2])['n_states'].sum().item(), '\\ndone')"
    page.context.route("**/pandas-*", lambda route: route.abort())
    cell_of(page, 0).locator(".CodeMirror").evaluate(
        "(node, text) => node.CodeMirror.setValue(text)", source
    )
    cell_of(page, 0).get_by_role("button", name="run", exact=True).click()
    expect(page.locator(".qw-live[data-state=failed]")).to_contain_text(
        re.compile("did not deliver .*/pandas-.*Check the connection")
    )
    page.context.unroute("**/pandas-*")
    printed = run(page, 0, source)
    assert int(printed.split()[0]) == sum(len(fermi_states(Well(d=d), 3.0)) for d in (1, 2))
    expect(page.locator(".qw-live[data-state=live]")).to_contain_text("Python runs")


@as_published
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_first_cell_of_each_chapter_runs(running, chapter):
    printed = run(running.page, 0, f"{code(chapter)[0].source}\nprint('done')")
    assert printed.strip() == "done"
