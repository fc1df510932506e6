"""A chapter runs in the page: Python started in a real browser, cells run and edited.

The pages are those of the book, served from this machine with what `LIVE=local` puts beside them;
no other machine can be reached.
"""

import re

import pytest
from conftest import told, violations
from livepage import (
    BOOK,
    SAME,
    THOROUGH,
    begin,
    cell_of,
    code,
    complaints,
    computed,
    has,
    run_all,
    settled,
    started,
    totals,
)
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def running(browser, local_site):
    """A chapter that runs: the page, its explorer, and what was loaded."""
    yield from started(browser, local_site, THOROUGH)


def test_the_button_loads_what_it_says_and_nothing_twice(running, local_html):
    assert not [path for path in running.before if path.startswith("/live/")]
    loaded = [path.partition("?")[0] for path in running.loaded]
    assert len(set(loaded)) == len(loaded)
    size = sum((local_html / path.lstrip("/")).stat().st_size for path in loaded) / 1e6
    told = float(re.search(r"MEGABYTES = (\d+);", (BOOK / "_static/live.js").read_text())[1])
    assert size == pytest.approx(told, rel=0.05)  # "about"


def test_a_start_tells_its_stages_and_how_long_they_take(running):
    stages = [words for words, _ in running.said]
    n = re.search(r"STAGES = \[(.*?)\];", (BOOK / "_static/live.js").read_text(), re.DOTALL)[1]
    names = re.findall(r"\"(.*?)\"", n)
    assert list(dict.fromkeys(stages)) == [
        f"{name} ({place} of {len(names)}) …" for place, name in enumerate(names, 1)
    ]
    # Nothing is known before the first is over.
    assert {left for words, left in running.said if words == stages[0]} == {""}
    told = [left for words, left in running.said if words != stages[0]]
    assert all(re.fullmatch(r"about \d+ s more", left) for left in told)


def test_all_cells_print_what_the_book_prints(running):
    assert run_all(running.page, running.chapter) > 2


def test_a_cell_that_is_edited_changes_the_cells_below(running):
    cells = [cell for cell in code(running.chapter) if not has(cell, "remove-cell")]
    (place,) = [i for i, cell in enumerate(cells) if has(cell, "parameters")]
    (last,) = [i for i, cell in enumerate(cells) if has(cell, "explorer")]
    stale = [cell_of(running.page, i).locator(".qw-stale") for i in (place - 1, place, last)]
    assert [line.inner_text() for line in stale] == ["", "", ""]
    editor = cell_of(running.page, place).locator(".CodeMirror")
    editor.click()
    running.page.keyboard.press("ControlOrMeta+End")
    running.page.keyboard.insert_text("\nE_F = 2.8\nprint('set')")
    output = cell_of(running.page, place).locator("[data-output]")
    assert [line.inner_text() for line in stale] == ["", "edited, not run yet", ""]
    cell_of(running.page, place).get_by_role("button", name="run", exact=True).click()
    expect(output).to_contain_text("set")
    expect(stale[2]).to_have_text("a cell above has changed since this ran")
    assert [line.inner_text() for line in stale[:2]] == ["", ""]
    cell_of(running.page, last).get_by_role("button", name="run", exact=True).click()
    expect(stale[2]).to_have_text("")
    # The page's own explorer begins with what the cells say.
    explorer = settled(begin(running.page))
    values = explorer.evaluate("explorer => explorer.values")
    assert values["E_F"] == 2.8
    assert totals(explorer) == pytest.approx(computed(values), rel=SAME, abs=1e-12)
    # Run once more, it goes on by itself, with the values that it had.
    explorer.get_by_role("slider").first.press("ArrowRight")
    moved = explorer.evaluate("explorer => explorer.values")
    old = explorer.element_handle()
    cell_of(running.page, last).get_by_role("button", name="run", exact=True).click()
    running.page.wait_for_function("old => !old.isConnected", arg=old)
    expect(explorer.locator(".qw-bar[data-state=live]")).to_contain_text("are live")
    assert explorer.evaluate("explorer => explorer.values") == moved != values


def test_tab_key_leaves_the_code_as_it_is(running):
    editor = cell_of(running.page, 1).locator(".CodeMirror")
    source = editor.evaluate("node => node.CodeMirror.getValue()")
    editor.click()
    running.page.keyboard.press("Tab")
    assert running.page.evaluate("document.activeElement.textContent") == "run"
    running.page.keyboard.press("Shift+Tab")
    running.page.keyboard.press("Shift+Tab")
    assert editor.locator("textarea").evaluate("node => node !== document.activeElement")
    assert editor.evaluate("node => node.CodeMirror.getValue()") == source


def test_a_cell_that_fails_alone_is_told_at_the_cell_and_at_the_top(running):
    editor = cell_of(running.page, 1).locator(".CodeMirror")
    source = editor.evaluate("node => node.CodeMirror.getValue()")
    for text, mark, said in (
        ("1 / 0", "failed", "Cell 2 failed: Zero"),
        (source, "", "Python runs"),
    ):
        editor.evaluate("(node, text) => node.CodeMirror.setValue(text)", text)
        cell_of(running.page, 1).get_by_role("button", name="run", exact=True).click()
        expect(running.page.locator(".qw-live")).to_contain_text(said)
        assert cell_of(running.page, 1).locator(".qw-stale").inner_text() == mark


def test_a_second_press_while_a_cell_runs_is_not_taken(running):
    cell = cell_of(running.page, 1)
    editor = cell.locator(".CodeMirror")
    before = editor.evaluate("node => node.CodeMirror.getValue()")
    slow = "import time\ntime.sleep(2)\nprint(6 * 7)"
    editor.evaluate("(node, text) => node.CodeMirror.setValue(text)", slow)
    press = cell.get_by_role("button", name="run", exact=True)
    press.click()
    expect(cell.locator(".qw-stale")).to_have_text("running …")
    press.click()
    expect(cell.locator(".qw-stale")).to_have_text("")
    expect(cell).to_contain_text("42")
    expect(cell).not_to_contain_text("Failed to execute")
    editor.evaluate("(node, text) => node.CodeMirror.setValue(text)", before)
    press.click()
    expect(cell.locator(".qw-stale")).to_have_text("")


def test_from_an_edited_cell_all_below_run_at_one_press(running):
    cells = [cell for cell in code(running.chapter) if not has(cell, "remove-cell")]
    (place,) = [i for i, cell in enumerate(cells) if has(cell, "parameters")]
    below = cell_of(running.page, place).get_by_role("button", name="run from here down")
    editor = cell_of(running.page, place).locator(".CodeMirror")
    source = editor.evaluate("node => node.CodeMirror.getValue()")
    assert below.is_hidden()
    editor.evaluate("(node, text) => node.CodeMirror.setValue(text)", source + "\nprint('again')")
    below.click()
    expect(running.page.locator(".qw-live")).to_contain_text(
        f"Cells {place + 1} to {len(cells)} have run"
    )
    expect(cell_of(running.page, place).locator("[data-output]")).to_contain_text("again")
    assert not any(running.page.locator(".qw-stale").all_inner_texts())
    assert below.is_hidden()


def test_axe_finds_nothing_serious_in_what_runs(running):
    found = violations(running.page, {"exclude": [["mjx-container"], [".citation-list"]]})
    assert told(found) == []


def test_nothing_went_wrong_on_the_way(running):
    # What any of the tests above made the page say is in it.
    assert running.page.wrong == []
    assert complaints(running.page) == []


def test_running_all_cells_stops_at_the_first_that_fails(running):
    cells = running.page.locator("article div.cell:has(.CodeMirror)")
    editor = cells.nth(1).locator(".CodeMirror")
    editor.evaluate("node => node.CodeMirror.setValue('1 / 0')")
    running.page.get_by_role("button", name="Run all cells").click()
    expect(running.page.locator(".qw-live[data-state=live]")).to_contain_text(
        f"Stopped at cell 2 of {cells.count()}: ZeroDivisionError"
    )
    expect(running.page.get_by_role("button", name="Run all cells")).to_be_enabled()
    (said,) = complaints(running.page)
    assert said.endswith("ZeroDivisionError: division by zero")
    assert running.page.wrong == []


def test_a_loop_without_an_end_is_stopped_and_what_was_typed_is_kept(running):
    page, endless = running.page, "while True:\n    pass"
    editor = cell_of(page, 1).locator(".CodeMirror")
    before = cell_of(page, 2).locator(".CodeMirror").evaluate("node => node.CodeMirror.getValue()")
    stop = page.locator(".qw-live").get_by_role("button", name="Stop")
    assert stop.is_hidden()
    editor.evaluate("(node, text) => node.CodeMirror.setValue(text)", endless)
    cell_of(page, 1).get_by_role("button", name="run", exact=True).click()
    stop.wait_for()
    # In sight, however far down the cell is.
    page.locator("article h2").last.scroll_into_view_if_needed()
    expect(stop).to_be_in_viewport()
    stop.click()
    expect(page.locator(".qw-live")).to_contain_text("was stopped")
    expect(cell_of(page, 1).locator(".qw-stale")).to_have_text("stopped")
    # What is typed after the stop is kept, too.
    mended = endless.replace("True", "False")
    editor.evaluate("(node, text) => node.CodeMirror.setValue(text)", mended)
    with page.expect_navigation():
        page.get_by_role("button", name="Start Python again").click()
    expect(page.locator(".qw-live[data-state=live]")).to_contain_text("it has not run")
    assert editor.evaluate("node => node.CodeMirror.getValue()") == mended
    expect(cell_of(page, 1).locator(".qw-stale")).to_have_text("edited, not run yet")
    other = cell_of(page, 2)
    text = other.locator(".CodeMirror").evaluate("node => node.CodeMirror.getValue()")
    assert text == before and other.locator(".qw-stale").inner_text() == ""
