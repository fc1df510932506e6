"""The chapters past the first three run in the page too: each visited once, its explorer moved.

What the page then shows is compared with the same explorer here; tests/test_explore.py compares
that with other routes.
"""

import ast

import pytest
from axe_playwright_python.sync_playwright import Axe
from livepage import (
    EXPLORED,
    SAME,
    THOROUGH,
    WELL,
    code,
    complaints,
    has,
    parameters,
    picture,
    run_all,
    say,
    slider,
    started,
    step,
    steps_in_time,
)
from playwright.sync_api import Locator
from test_explore import numbers

from qwlib.explore import Explorer

OTHERS = [chapter for chapter in EXPLORED if chapter not in THOROUGH]


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
def running(request, browser, local_site):
    """A chapter that runs: the page, its explorer, and what it took to get there."""
    yield from started(browser, local_site, request.param)


def test_reaches_a_live_slider(running, capsys):
    # What is loaded is that of the chapters in test_live.py, where the time has a limit.
    passed, used = running.took
    say(capsys, f"{running.chapter}: usable after {passed:.1f} s, {used:.1f} s of processors")
    assert running.explorer.get_by_role("slider").count() > 3


def test_sliders_move_the_figure_and_the_page_shows_what_qwlib_computes(running):
    explorer = running.explorer
    native = here(running.chapter)
    assert shown(explorer) == pytest.approx(numbers(native), rel=SAME, abs=1e-12)
    # The first parameter that is this chapter's own, if it has one, then one of the well.
    before = picture(explorer)
    for name in [*[name for name in native.controls if name not in WELL][:1], "d"]:
        old = parameters(explorer, native.controls)
        step(explorer, slider(explorer, name), "ArrowRight")
        now = parameters(explorer, native.controls)
        assert [other for other in now if now[other] != old[other]] == [name]
        assert now[name] > old[name]
        assert picture(explorer) != before
        before = picture(explorer)
    for name, value in now.items():
        native.controls[name].value = value
    assert shown(explorer) == pytest.approx(numbers(native), rel=SAME, abs=1e-12)


def test_a_step_of_the_slider(running, capsys, quiet):
    steps_in_time(running, "d", capsys, quiet)


def test_a_screen_reader_finds_names_and_nothing_sticks_out(running):
    page = running.page
    page.set_viewport_size({"width": 400, "height": 900})
    wide = "node => node.scrollWidth - node.clientWidth"
    assert running.explorer.locator(".jp-OutputArea-output").first.evaluate(wide) <= 1
    handles = running.explorer.get_by_role("slider")
    names = handles.evaluate_all("nodes => nodes.map(n => n.getAttribute('aria-label'))")
    labels = running.explorer.locator(".widget-slider .widget-label").all_text_contents()
    assert [name.partition(":")[0] for name in names] == labels != []
    # Without what it would fetch of style sheets, which fails and counts as an error of the page.
    options = {"preload": False}
    axe = Axe().run(page, context=".tag_explorer .cell_output", options=options)
    found = axe.response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], [node["html"] for node in each["nodes"]][:2]) for each in grave] == []
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
