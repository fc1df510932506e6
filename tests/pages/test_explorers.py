"""An explorer alone: Python in a worker of the page, moved by the page's own sliders.

Python is started once, for all that is asked of it; the explorers of the other chapters are asked
for in the same worker.  What they show is compared with the same view here, which test_explore.py
compares with other routes.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from conftest import Plain, Site, served, told, violations
from livepage import (
    BOOK,
    EXPLORED,
    MOVE,
    SAME,
    begin,
    code,
    computed,
    has,
    here,
    open_page,
    settled,
    totals,
)
from playwright.sync_api import Locator, Page, expect

from qwlib.book import steer

CHAPTER = "confinement"


def stored(chapter: str) -> str:
    """Return what the book stores of the explorer of a chapter, as HTML."""
    (cell,) = [cell for cell in code(chapter) if has(cell, "explorer")]
    return cell.outputs[0].data["text/html"]


def asked(chapter: str) -> dict:
    """Return the name of the explorer of a chapter, and the values that it begins with."""
    return json.loads(BeautifulSoup(stored(chapter), "html.parser").script.string)


def test_every_chapter_stores_the_values_that_its_explorer_begins_with():
    for chapter in EXPLORED:
        assert here(chapter)._repr_mimebundle_()["text/html"] == stored(chapter)


@pytest.fixture(scope="module")
def running(browser, local_site: Site) -> Iterator[SimpleNamespace]:
    """A page with an explorer that runs, and what was loaded for it."""
    page = open_page(browser, local_site, CHAPTER)
    page.wait_for_load_state("networkidle")
    before = len(local_site.seen)
    explorer = begin(page)
    loaded = [path.partition("?")[0] for path in local_site.seen[before:]]
    yield SimpleNamespace(page=page, explorer=explorer, loaded=loaded)
    page.close()


def slider(explorer: Locator, name: str) -> Locator:
    return explorer.get_by_label(label(name), exact=True)


def field(explorer: Locator, name: str) -> Locator:
    return explorer.get_by_label(f"{label(name)}, as a number", exact=True)


def label(name: str) -> str:
    about = steer.control(name, 1)
    unit = about["unit"].replace("_", "")
    return f"{about['meaning']} ({unit})" if unit else about["meaning"]


def test_the_button_loads_what_it_says_and_nothing_twice(running, local_html):
    assert len({*running.loaded}) == len(running.loaded)
    size = sum((local_html / path.lstrip("/")).stat().st_size for path in running.loaded) / 1e6
    assert size == pytest.approx(said("MEGABYTES"), rel=0.05)  # "about"


def said(name: str) -> float:
    """Return a number of the page's script."""
    script = (BOOK / "_static/explorer.js").read_text()
    return float(re.search(rf" {name} = (\d+);", script)[1])


def test_no_view_needs_scipy():
    # In a process of its own, where nothing was imported before; a page would load 20 MB more.
    requests = [json.dumps(asked(chapter)) for chapter in EXPLORED]
    source = "import sys; from qwlib.book import steer; [steer.step(x) for x in sys.argv[1:]]; "
    source += "print('scipy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", source, *requests], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_sliders_show_what_qwlib_computes(running):
    explorer, values = running.explorer, asked(CHAPTER)["values"]
    drawn = explorer.locator(".drawing")
    for name, key, change in (("d", "ArrowLeft", -0.01), ("alpha_L", "ArrowRight", 0.001)):
        before = drawn.inner_html()
        slider(explorer, name).press(key)
        values[name] = round(values[name] + change, 9)
        shown = totals(settled(explorer))
        assert shown == pytest.approx(computed(values), rel=SAME, abs=1e-12)
        assert drawn.inner_html() != before
        assert field(explorer, name).input_value() == f"{values[name]:.{2 + (name != 'd')}f}"
    explorer.get_by_label("where the exchange acts").select_option("ferromagnet")
    shown = totals(settled(explorer))
    values["exchange"] = "ferromagnet"
    assert shown == pytest.approx(computed(values), rel=SAME, abs=1e-12)


@pytest.mark.parametrize("chapter", EXPLORED)
def test_the_explorer_of_each_chapter_shows_what_qwlib_computes(running, chapter):
    request = asked(chapter)
    found = running.explorer.evaluate(
        """async (explorer, { explorer: name, values }) => {
          const own = [explorer.explorer, explorer.values];
          [explorer.explorer, explorer.values] = [name, values];
          const answer = await explorer.ask("step");
          [explorer.explorer, explorer.values] = own;
          return JSON.parse(answer);
        }""",
        request,
    )
    native = json.loads(steer.step(json.dumps(request)))
    there, this = (
        [float(one["value"]) for one in BeautifulSoup(each["table"], "html.parser")("data")]
        for each in (found, native)
    )
    # The spread coupling is told by central differences, which say how far rounding moves them.
    same = 1e-8 if chapter == "ends" else SAME  # STEP of qwlib/beyond/spread.py
    assert len(this) > 2 and there == pytest.approx(this, rel=same, abs=1e-12)
    assert found["note"] == native["note"] and {*found["data"]} == {*native["data"]}


@pytest.mark.parametrize(
    ("name", "typed", "key", "said", "shown"),
    [
        ("d", "0,51", "Enter", "", "0.51"),
        ("d", "3", "Escape", "", "0.51"),
        ("d", "1/3", "Tab", "d keeps its value: “1/3” is not a number.", "0.51"),
        ("d", "-1", "Tab", "d goes from 0.1 to 10; −1 is replaced by 0.1.", "0.10"),
        (
            "alpha_R",
            "0.0468 eV",
            "Enter",
            "αR goes in steps of 0.001; 0.0468 eV is rounded to 0.047.",
            "0.047",
        ),
        ("alpha_R", "-0.02", "Enter", "", "−0.020"),
        ("d", "2.2 nm", "Enter", "", "2.20"),
    ],
)
def test_a_value_that_is_typed_is_taken_or_the_page_says_why_not(
    running, name, typed, key, said, shown
):
    box = field(running.explorer, name)
    box.fill("")
    box.press_sequentially(typed)  # "/" is not taken for the search
    expect(box).to_have_value(typed)
    box.press(key)
    expect(box).to_have_value(shown)
    assert running.explorer.locator(".qw-told").inner_text() == said
    handle = slider(running.explorer, name)
    assert float(handle.input_value()) == float(shown.replace("−", "-"))
    low, high, _ = steer.SLIDERS[name]
    assert [float(handle.get_attribute(end)) for end in ("min", "max")] == [low, high]
    settled(running.explorer)


def test_from_the_button_at_the_top_the_next_tab_is_to_the_sliders(running):
    page = running.page
    page.get_by_role("button", name=MOVE).first.press("Enter")
    page.keyboard.press("Tab")
    expect(slider(running.explorer, "d")).to_be_focused()
    expect(slider(running.explorer, "d")).to_be_in_viewport()


def test_what_belongs_to_other_values_is_marked(running):
    explorer, dimmed = running.explorer, running.explorer.locator(".shown")
    before = totals(settled(explorer))
    # Python is asked, and does not answer until the page is told.
    explorer.evaluate(
        """explorer => { const { worker } = explorer, post = worker.postMessage.bind(worker);
          worker.postMessage = (...all) => (explorer.late = () => { post(...all);
            worker.postMessage = post; }); }"""
    )
    field(explorer, "V_L").fill("6")
    field(explorer, "V_L").press("Enter")
    field(explorer, "V_R").fill("6.5")
    field(explorer, "V_R").press("Enter")
    expect(dimmed).to_have_css("opacity", "0.5")
    assert totals(explorer) == before
    explorer.evaluate("explorer => explorer.late()")
    assert totals(settled(explorer)) != before
    expect(dimmed).to_have_css("opacity", "1")


def test_values_that_are_not_allowed_are_refused_in_words(running):
    explorer = settled(running.explorer)
    before, box = explorer.locator(".drawing").inner_html(), field(explorer, "E_F")
    note = explorer.locator(".note")
    for typed, said in (("9", "εF must be below"), ("3", "")):
        box.fill(typed)
        box.press("Enter")
        expect(note).to_contain_text(said)
        # What is shown belongs to other values, until these are allowed.
        assert explorer.locator(".shown[data-stale]").count() == (typed == "9") or not said
    settled(explorer)
    expect(note).to_have_text("")
    assert explorer.locator(".drawing").inner_html() == before


def test_it_can_be_read_on_a_phone_and_by_a_screen_reader(running):
    page = running.page
    page.set_viewport_size({"width": 390, "height": 800})
    wide = "node => node.scrollWidth - node.clientWidth"
    assert running.explorer.locator("qw-slider").evaluate(wide) <= 1
    names = running.explorer.get_by_role("slider").evaluate_all("all => all.map(n => n.ariaLabel)")
    assert len({*names}) == len(names) > 3 and not any("_" in name for name in names)
    assert told(violations(page, "qw-explorer")) == []
    page.set_viewport_size({"width": 1200, "height": 1000})


def test_a_step_without_an_end_is_stopped_and_the_sliders_keep_their_values(running):
    page, explorer = running.page, running.explorer
    explorer.evaluate("explorer => explorer.worker.postMessage = () => {}")  # it never answers
    handle = slider(explorer, "d")
    handle.press("ArrowRight")
    value = handle.input_value()
    explorer.get_by_role("button", name="Stop").click()
    expect(explorer.locator(".qw-bar")).to_contain_text("was stopped; the sliders keep")
    explorer.get_by_role("button", name="Start Python again").click()
    expect(explorer.locator(".qw-bar[data-state=live]")).to_contain_text("are live")
    assert handle.input_value() == value
    values = explorer.evaluate("explorer => explorer.values")
    assert values["d"] == float(value)
    assert totals(settled(explorer)) == pytest.approx(computed(values), rel=SAME, abs=1e-12)
    assert page.wrong == []


# --- without Python in the page -------------------------------------------------------------------

CUT = """(data) => {
  const box = document.createElement("div");
  const place = document.createElement("qw-slider");
  place.style.width = `${data.width}px`;
  place.append(box);
  document.body.append(place);
  const { views, drawInto } = window.qwSliders;
  drawInto(box, views[data.view](data, () => {}), 0, "");
  const frame = box.firstChild.getBoundingClientRect();
  const cut = [...box.querySelectorAll("text")].filter((one) => {
    const { left, right, top, bottom } = one.getBoundingClientRect();
    return left < frame.left || right > frame.right || top < frame.top || bottom > frame.bottom;
  }).map((one) => one.textContent);
  place.remove();
  return cut;
}"""


@pytest.fixture(scope="module")
def plain(browser, local_site):
    """A page with the sliders of the book, at rest."""
    page = open_page(browser, local_site, CHAPTER)
    yield page
    page.close()


@pytest.mark.parametrize("chapter", EXPLORED)
def test_no_label_is_cut_at_the_ends_of_the_sliders(plain, chapter):
    request = asked(chapter)
    first, drawn = request["values"], 0
    for name, value in first.items():
        about = steer.control(name, value)
        for end in (about["min"], about["max"]) if "min" in about else about["options"]:
            answer = json.loads(steer.step(json.dumps(request | {"values": first | {name: end}})))
            if "data" in answer:
                for width in (360, 760):
                    cut = plain.evaluate(CUT, answer["data"] | {"width": width})
                    assert cut == [], (name, end, width)
                    drawn += 1
    assert drawn > 20


def test_an_explorer_of_a_page_opened_as_a_file_says_what_to_do(browser, html):
    page = browser.new_page()
    page.goto((html / "book" / f"{CHAPTER}.html").as_uri())
    says(page, "make serve")


def test_without_a_network_it_says_so_and_can_be_started_again(browser, html):
    with served(html, Plain) as address:
        page = open_page(browser, address, CHAPTER)
        says(page, "did not deliver https://cdn.jsdelivr.net/")
        again = page.locator("qw-explorer").get_by_role("button", name="Start Python again")
        expect(again).to_be_enabled()
        page.close()


@pytest.mark.parametrize("file", ["pyodide.asm.wasm", "numpy-", "/qwlib-"])
def test_a_network_that_breaks_off_is_told(browser, local_site, file):
    page = open_page(browser, local_site, CHAPTER)
    page.context.route(f"**/*{file.lstrip('/')}*", lambda route: route.abort())
    says(page, re.compile(f"did not deliver .*{re.escape(file)}.*Check the connection"))
    # The address that it names is not cut on a phone.
    page.set_viewport_size({"width": 390, "height": 800})
    box = page.locator(".text_html:has(> qw-explorer)")
    assert box.evaluate("node => node.scrollWidth - node.clientWidth") <= 1
    page.close()


def says(page: Page, text: str | re.Pattern) -> None:
    """Press the button and expect a message."""
    page.get_by_role("button", name=MOVE).first.click()
    bar = page.locator("qw-explorer .qw-bar[data-state=failed] .qw-run-message")
    expect(bar).to_contain_text(text)
