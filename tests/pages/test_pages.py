"""The pages as a browser shows them, with the network cut.

Nothing may come from outside the site, nothing may fail or be loaded twice, a page must be light
and soon there, nothing may stick out of a narrow screen, and axe-core must find no serious obstacle
for readers with a keyboard or a screen reader.
"""

import base64
import gzip
import os
import re
import runpy
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
from conftest import PAGES, ROOT, Plain, served, told, violations, watched
from playwright.sync_api import expect

ENTRIES = runpy.run_path(str(ROOT / "book" / "_ext" / "entries.py"))["ENTRIES"]

# What a page costs before any button of it is pressed, and what of it must be there before the page
# shows anything: the page itself, styles, and scripts that do not wait.  Octets, compressed.
TRANSFER = 2.5e6
BEFORE_PAINT = 2.5e5
BLOCKING = """performance.getEntriesByType("resource").filter(
  one => one.renderBlockingStatus === "blocking").map(one => new URL(one.name).pathname)"""
WIDTHS = (1400, 800, 400)
# A while after a change of size the theme lets the Tab key reach what has come to scroll, and that
# only.
RESIZED = """() => Array.from(document.querySelectorAll(
  "pre, .nboutput > .output_area, .cell_output > .output, .jp-RenderedHTMLCommon"
)).every(one => one.tabIndex === (
  one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight ? 0 : -1))"""
SETTLED = "() => window.MathJax?.startup?.promise.then(() => true) ?? true"
# What sticks out: the page may not scroll sideways; a box with a scroll bar of its own may.
EXCESS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
THEME = "document.documentElement.dataset.theme"
DARK = "matchMedia('(prefers-color-scheme: dark)').matches"
# Tables and formulas that stick out of the text and have no scroll bar of their own.
CUT = """() => Array.from(
  document.querySelectorAll(".bd-article :is(table, mjx-math)")
).filter(one => {
  for (let box = one.parentElement; !box.matches("article"); box = box.parentElement)
    if (/auto|scroll/.test(getComputedStyle(box).overflowX)) return false;
  return one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1;
}).map(one => one.textContent.slice(0, 80))"""
# What moves by itself, or would on its way from one state to another.
MOVING = """() => Array.from(document.querySelectorAll(":not(mjx-container *)")).filter(one => {
  const style = getComputedStyle(one);
  return style.scrollBehavior === "smooth" || style.animationName !== "none"
    || style.transitionDuration.split(", ").some(time => parseFloat(time) > 0);
}).map(one => `${one.tagName} ${one.className}`).slice(0, 5)"""
# Where pictures of all pages are kept, which a reviewer can look through.
SCREENSHOTS = os.environ.get("SCREENSHOTS")
TILE = 16_000  # px of a page in one picture; the browser takes no more at a time
# A screen reader gets MathML for a formula.
# The list of cited works is docutils' own markup, a list whose items have the role of entries.
CONTEXT = {"exclude": [["mjx-container"], [".citation-list"]]}


@pytest.fixture(scope="module")
def site(html):
    """The address of the book, on loopback."""
    with served(html) as address:
        yield address


@pytest.fixture(scope="module")
def plain_site(html):
    """The same for what has nothing to do with formulas."""
    with served(html, Plain) as address:
        yield address


@pytest.fixture(params=["light", "dark"])
def visit(request, browser, site, plain_site):
    """Open a page in one colour scheme; return it with what went wrong on the way."""
    context = browser.new_context(color_scheme=request.param)

    def open_page(path, formulas=False):
        page = open_in(context, site if formulas else plain_site, path)
        return page, page.wrong

    yield open_page
    context.close()


def open_in(context, site: str, path: str):
    """Open a page as wide as a desk; what goes wrong from now on is in `page.wrong`."""
    page = watched(context.new_page(), site)
    page.set_viewport_size({"width": WIDTHS[0], "height": 1000})
    page.goto(f"{site}/{path}")
    page.evaluate(SETTLED)
    return page


# Marks what of a page is written in a look that was not seen: colour, size, weight and the grounds
# below, as far down as they let through.  The contrast is that of the look.
LOOKS = """([seen, scheme]) => {
  const known = new Set(seen), found = [];
  const below = box => {
    if (!box) return "";
    const { backgroundColor: colour, opacity } = getComputedStyle(box);
    const through = opacity !== "1" || !colour.startsWith("rgb(");
    return `${colour} ${opacity} ${through ? below(box.parentElement) : ""}`;
  };
  for (const one of document.body.querySelectorAll("*")) {
    one.removeAttribute("data-look");
    const text = Array.from(one.childNodes).some(node => node.nodeType === 3 && node.data.trim());
    if (!(text || one.matches("input, select")) || one.closest("mjx-container")) continue;
    if (!one.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(one);
    const look = [scheme, color, fontSize, fontWeight, below(one)].join();
    if (!known.has(look)) {
      known.add(look);
      found.push(look);
      one.setAttribute("data-look", "");
    }
  }
  return found;
}"""
SEEN: list[str] = []
"""The looks that were tried on any page."""


def obstacles(page) -> list[str]:
    """Return what axe-core finds, however small; of looks, those that no page had before."""
    all_of_them = ("minor", "moderate", "serious", "critical")
    dark = page.evaluate(DARK)
    found = []
    if not dark:  # the markup in the dark is that of the light page
        rules = {"color-contrast": {"enabled": False}}
        found += told(violations(page, CONTEXT, rules=rules), all_of_them)
    new = page.evaluate(LOOKS, [SEEN, "dark" if dark else "light"])
    if new:
        some = {"include": [["[data-look]"]], **CONTEXT}
        wrong = told(violations(page, some, runOnly=["color-contrast"]), all_of_them)
        # A look that is wrong is told on each page that has it.
        SEEN.extend([] if wrong else new)
        found += wrong
    return found


def keep(page, name: str, width: int) -> None:
    """Keep a picture of the whole page, at half its size, where pictures are asked for."""
    if not SCREENSHOTS:
        return
    height = page.evaluate("document.documentElement.scrollHeight")
    session = page.context.new_cdp_session(page)
    shade = "dark" if page.evaluate(DARK) else "light"
    Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
    for number, top in enumerate(range(0, height, TILE)):
        clip = {"x": 0, "y": top, "width": width, "height": min(TILE, height - top), "scale": 0.5}
        # Playwright's own screenshot has neither a scale nor a page beyond 16384 px.
        options = {"format": "jpeg", "quality": 50, "captureBeyondViewport": True, "clip": clip}
        data = session.send("Page.captureScreenshot", options)["data"]
        file = f"{name.replace('/', '-')}-{width}-{shade}-{number}.jpg"
        Path(SCREENSHOTS, file).write_bytes(base64.b64decode(data))
    session.detach()


def turn(page, scheme: str) -> None:
    """Change the reader's system to light or dark, and wait until the page has followed."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(f"{THEME} === '{scheme}'")


# --- each page ------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=PAGES)
def opened(request, browser, html):
    """A page, and what was fetched for it; all below look at this visit."""
    # At an address of its own, or what a slow page before it asks for late would be among that.
    with served(html) as site:
        # A page follows its reader's system, so one visit shows it light and dark.
        # What slides into place would be on its way in the pictures.
        context = browser.new_context(color_scheme="light", reduced_motion="reduce")
        page = open_in(context, site, f"{request.param}.html")
        page.wait_for_load_state("networkidle")
        yield SimpleNamespace(name=request.param, page=page, asked=list(site.seen))
        context.close()


@cache
def transferred(file: Path) -> int:
    """Return the octets of a file on its way, compressed as web servers do it.

    Servers do so for text; pictures and fonts are compressed by themselves.
    """
    data = file.read_bytes()
    text = file.suffix in (".html", ".css", ".js", ".json", ".svg", ".xml", ".txt", ".inv")
    return len(gzip.compress(data, 6)) if text else len(data)


def test_page_is_light_and_shows_soon(opened, html):
    asked = opened.asked
    assert sorted(set(asked)) == sorted(asked), "something is loaded twice"
    assert len(asked) > 5

    def octets(paths) -> int:
        return sum(transferred(html / unquote(urlsplit(path).path).lstrip("/")) for path in paths)

    assert octets(asked) < TRANSFER
    assert octets([asked[0], *opened.page.evaluate(BLOCKING)]) < BEFORE_PAINT


def test_page_fits_each_screen_light_and_dark(opened):
    page = opened.page
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1000})
        assert page.evaluate(EXCESS) <= 0, f"wider than {width} px"
        if width in (WIDTHS[0], WIDTHS[-1]):
            keep(page, opened.name, width)
            turn(page, "dark")
            assert page.evaluate(EXCESS) <= 0, f"wider than {width} px in the dark"
            keep(page, opened.name, width)
            turn(page, "light")
    # What came to scroll when the last formula was set had no change of size of its own.
    page.evaluate("window.dispatchEvent(new Event('resize'))")
    page.wait_for_function(RESIZED)  # for the next test, too
    assert not page.evaluate(CUT), f"cut at {WIDTHS[-1]} px"


# How many letters of its own text fit into a line of each paragraph, list and definition.
LETTERS = """() => {
  const pen = document.createElement("canvas").getContext("2d");
  const texts = Array.from(document.querySelectorAll(".bd-article :is(p, li, dd)"));
  return texts.filter(one => one.checkVisibility() && one.textContent.length > 150
      && !one.querySelector("p, ul, ol, table, pre, mjx-container")).map(one => {
    pen.font = getComputedStyle(one).font;
    const letter = pen.measureText(one.textContent).width / one.textContent.length;
    return [Math.floor(one.clientWidth / letter), one.textContent.slice(0, 60)];
  });
}"""


def test_page_has_lines_of_at_most_75_letters(opened):
    opened.page.set_viewport_size({"width": WIDTHS[0], "height": 1000})
    found = opened.page.evaluate(LETTERS)
    # Pages of tables have no paragraph.
    assert found or opened.name in ("book/quizzes", "book/coverage", "book/statements")
    assert not [one for one in found if one[0] > 75]


def test_chapter_has_at_most_fifteen_screens_at_a_first_reading(opened):
    if (ROOT / f"{opened.name}.ipynb").exists():
        opened.page.set_viewport_size({"width": WIDTHS[0], "height": 1000})
        assert opened.page.evaluate("document.documentElement.scrollHeight") <= 15 * 1000


# All that a page folds: further reading, exercises, and their solutions and answers.
UNFOLD = """() => {
  document.querySelectorAll(".bd-article details").forEach(one => one.open = true);
  document.querySelectorAll(".toggle-hidden").forEach(one => one.classList.remove("toggle-hidden"));
}"""


def test_page_puts_nothing_in_the_way_of_a_reader(opened):
    page = opened.page
    assert not page.evaluate(MOVING)
    page.evaluate(UNFOLD)
    assert not obstacles(page)
    turn(page, "dark")
    assert not obstacles(page)
    turn(page, "light")


# What a finger is to hit, but for links in a sentence.
SMALL = """() => Array.from(document.querySelectorAll(
  "a[href], button, input, select, summary, label, [role=slider]")).filter(one => {
    const { width, height } = one.getBoundingClientRect();
    const inSentence = getComputedStyle(one).display === "inline" && one.closest(".bd-article");
    return one.checkVisibility({ visibilityProperty: true }) && !inSentence
      && !one.closest("#pst-skip-link, .skip-link") && (width < 24 || height < 24);
  }).map(one => one.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("name", ["book/confinement", "book/chirality", "search"])
def test_a_finger_finds_what_it_is_to_hit(browser, plain_site, name):
    phone = {"width": WIDTHS[-1], "height": 800}
    context = browser.new_context(has_touch=True, is_mobile=True, viewport=phone)
    page = context.new_page()
    page.goto(f"{plain_site}/{name}.html")
    page.wait_for_load_state("networkidle")
    assert page.evaluate(SMALL) == []
    context.close()


def test_nothing_went_wrong_on_the_way(opened):
    # What the page did in any of the tests above.
    assert not opened.page.wrong


# --- parts of them --------------------------------------------------------------------------------


def test_search_page_finds_a_chapter(visit):
    page, wrong = visit("search.html?q=chirality")
    found = page.locator("ul.search > li > a")
    # The chapter, then what the word means.
    expect(found.first).to_have_attribute("href", re.compile(r"^book/chirality\.html"))
    expect(found.nth(1)).to_have_attribute("href", re.compile(r"#term-chirality"))
    assert not wrong
    assert not obstacles(page)


def test_search_leads_to_where_a_word_is_treated(browser, plain_site, html):
    page = browser.new_page()
    for words, where in (
        ("27", "lost.html#lost-counts"),
        ("lost state", "lost.html"),
        ("hbar", "symbols.html#from-our-units-to-si"),
        ("alpha_L", "symbols.html#sym-alpha"),
        ("damping", "interband.html"),
    ):
        page.goto(f"{plain_site}/search.html?q={words}")
        expect(page.locator("ul.search > li > a").first).to_have_attribute("href", f"book/{where}")
    page.close()
    for name, place, _ in ENTRIES:
        text = (html / f"{name}.html").read_text(encoding="utf-8")
        assert not place or f'id="{place}"' in text, f"{name} has no {place}"


def test_formulas_are_drawn_without_scripts(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/book/model.html")
    formulas = page.locator(".bd-article .math")
    shown = [one for one in formulas.all()[:60] if one.is_visible()]
    assert len(shown) > 40
    for one in shown:
        assert one.locator("math").is_visible() and "\\" not in one.inner_text()
    context.close()


def test_colours_of_the_system_leave_buttons_and_focus(browser, plain_site):
    context = browser.new_context(forced_colors="active", color_scheme="dark")
    page = context.new_page()
    page.goto(f"{plain_site}/book/confinement.html")
    button = page.get_by_role("button", name="Edit the cells")
    style = """(one, name) => {
      const drawn = getComputedStyle(one);
      return `${drawn[`${name}Style`]} ${parseFloat(drawn[`${name}Width`])}`;
    }"""
    assert button.evaluate(style, "borderTop") == "solid 1"
    page.locator(".bd-article .sd-btn, .bd-article button").first.focus()
    page.keyboard.press("Tab")
    focused = page.locator(":focus-visible")
    assert focused.evaluate(style, "outline") == "solid 3"
    # Lines of a drawing are not those of a page of another colour.
    line = page.locator("qw-slider line.axis").first
    ink = line.evaluate("one => getComputedStyle(one).stroke")
    letters = page.locator("qw-slider").evaluate("one => getComputedStyle(one).color")
    assert ink == letters
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_more_contrast_is_given_to_who_asks_for_it(browser, plain_site, scheme):
    context = browser.new_context(contrast="more", color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{plain_site}/book/confinement.html")
    colour = "one => getComputedStyle(one).color"
    ink = {"light": "rgb(0, 0, 0)", "dark": "rgb(255, 255, 255)"}[scheme]
    muted = page.locator(".bd-sidebar-primary .toctree-l1:not(.current) > a").first
    assert page.locator(".bd-article p").first.evaluate(colour) == ink
    assert muted.evaluate(colour) == ink
    page.evaluate(SETTLED)
    only = {
        "runOnly": ["color-contrast-enhanced"],
        "rules": {"color-contrast-enhanced": {"enabled": True}},
    }
    assert told(violations(page, ".bd-article", **only)) == []
    context.close()


@pytest.mark.parametrize("visit", ["light"], indirect=True)
def test_the_row_of_a_symbol_that_was_followed_is_marked(visit):
    page, _ = visit("book/symbols.html#sym-d")
    styles = page.locator("tr:has([id^=sym-])").evaluate_all(
        "all => all.map(row => [row.querySelector('[id]').id, getComputedStyle(row).outlineStyle])"
    )
    assert [name for name, style in styles if style != "none"] == ["sym-d"]


@pytest.mark.parametrize("visit", ["light"], indirect=True)
def test_menus_open_on_a_narrow_screen_and_give_room_on_a_wide_one(visit):
    page, wrong = visit("book/model.html")
    page.set_viewport_size({"width": 400, "height": 800})
    for button, content in (
        (".primary-toggle", "The model"),
        (".secondary-toggle", "Summary"),
    ):
        (shown,) = page.locator(button).filter(visible=True).all()
        shown.click()
        menu = page.locator("dialog[open]")
        expect(menu.locator("a", has_text=content).first).to_be_in_viewport()
        page.keyboard.press("Escape")
        expect(menu).to_have_count(0)
    shown.click()
    menu.get_by_role("link", name="Summary").click()
    expect(menu).to_have_count(0)
    page.set_viewport_size({"width": 1400, "height": 800})
    width = page.locator(".bd-main").bounding_box()["width"]
    page.locator(".primary-toggle").click()
    expect(page.locator("#pst-primary-sidebar")).not_to_be_in_viewport()
    assert page.locator(".bd-main").bounding_box()["width"] > width + 100
    assert not wrong


@pytest.mark.parametrize("visit", ["light"], indirect=True)
def test_formulas_are_set_by_the_mathjax_of_the_site(visit):
    page, _ = visit("book/model.html", formulas=True)
    sources = page.eval_on_selector_all("script[src]", "all => all.map(one => one.src)")
    # MathJax itself, and what it loads when a formula needs it.
    assert {urlsplit(s).hostname for s in sources if "mathjax" in s} == {"127.0.0.1"}
    assert page.locator("mjx-container").count() > 50
    assert page.locator("mjx-merror").count() == 0


# Boxes that scroll whose ring, when keys have led to them, a box around them cuts.
RING_CUT = """() => [...document.querySelectorAll(".bd-article .qw-cut")].filter(one => {
  one.focus();
  const { outlineStyle, outlineWidth, outlineOffset } = getComputedStyle(one);
  const beyond = parseFloat(outlineWidth) + parseFloat(outlineOffset);
  const ring = one.getBoundingClientRect();
  for (let box = one.parentElement; !box.matches(".bd-article"); box = box.parentElement) {
    const edge = box.getBoundingClientRect();
    if (getComputedStyle(box).overflowX !== "visible" &&
        (ring.left - beyond < edge.left || ring.right + beyond > edge.right)) return true;
  }
  return outlineStyle !== "solid";
}).map(one => one.textContent)"""


@pytest.mark.parametrize("visit", ["light"], indirect=True)
def test_what_is_hidden_at_the_right_fades_until_it_is_scrolled_to(visit):
    page, wrong = visit("book/model.html", formulas=True)
    cut = page.locator("div.math mjx-container.qw-cut")
    assert cut.count() == 0
    page.set_viewport_size({"width": WIDTHS[-1], "height": 1000})
    # The equation of h(k) is wider than a telephone.
    cut.first.wait_for()
    wide = (
        page.locator("div.math mjx-container")
        .filter(visible=True)
        .evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth + 2).length")
    )
    assert cut.filter(visible=True).count() == wide > 5
    # As after a key, for whose sake there is a ring.
    page.keyboard.press("Tab")
    page.evaluate(UNFOLD)
    assert page.evaluate(RING_CUT) == []
    first = cut.first.element_handle()
    masked = "one => getComputedStyle(one).maskImage !== 'none'"
    assert first.evaluate(masked)
    first.evaluate("one => one.scrollTo(one.scrollWidth, 0)")
    page.wait_for_function("one => !one.classList.contains('qw-cut')", arg=first)
    assert not first.evaluate(masked)
    # A number stands below its equation and hides nothing of it.
    for number in page.locator("div.math > .eqno").all():
        assert number.evaluate(
            """one => one.getBoundingClientRect().top
              >= one.parentElement.querySelector("mjx-container").getBoundingClientRect().bottom"""
        )
    page.set_viewport_size({"width": WIDTHS[0], "height": 1000})
    page.wait_for_function("!document.querySelector('mjx-container.qw-cut')")
    assert not wrong


# What a page shows while it is printed, looked at after the page's own scripts.
PRINTED = """() => addEventListener("beforeprint", () => {
  const shown = (name) => Array.from(document.querySelectorAll(name)).filter(
    (one) => one.checkVisibility()).length;
  window.printed = {
    theme: document.documentElement.dataset.theme,
    fading: document.getAnimations().length,
    outputs: shown("details.hide .cell_output"),
    solutions: shown(".solution"),
    exercises: shown(".exercise > section"),
    sliders: shown("qw-slider input[type=range]"),
  };
})"""


def test_printed_page_shows_folded_outputs_and_only_open_solutions(visit):
    page, _ = visit("book/confinement.html")
    dark = page.evaluate(DARK)
    page.evaluate(PRINTED)
    page.emulate_media(media="print")
    folds = page.locator("details.hide")
    # Two outputs, the imports, and what draws the figures and the slider.
    assert folds.count() == 6 and page.locator("details.hide[open]").count() == 0
    page.pdf()
    # Black on white from the dark theme too, and an output does not fade in while it is drawn.
    white = {"theme": "light", "fading": 0}
    exercises = page.locator(".exercise").count()
    assert exercises >= 5
    counts = {"outputs": 2, "solutions": 0, "exercises": exercises, "sliders": 0}
    assert page.evaluate("printed") == white | counts
    assert page.evaluate(THEME) == ("dark" if dark else "light")
    assert page.locator("details.hide[open]").count() == 0
    page.emulate_media(media="screen")
    page.locator(".exercise > summary").first.click()
    page.locator(".solution .toggle-button").first.click()
    page.emulate_media(media="print")
    page.pdf()
    assert page.evaluate("printed.solutions") == 1


@pytest.mark.parametrize("visit", ["light"], indirect=True)
def test_fold_opens_when_its_cell_runs(visit):
    page, _ = visit("book/confinement.html")
    folds = page.locator("details.hide")
    # What Thebe puts below a cell that can run; test_live.py starts the real one.
    page.evaluate(
        """() => document.querySelector("div.cell:has(details.hide)").insertAdjacentHTML(
          "beforeend", '<div class="thebe-controls"><button id="go">run</button></div>')"""
    )
    page.click("#go")
    assert [fold.evaluate("one => one.open") for fold in folds.all()] == [True, *[False] * 5]


@pytest.mark.parametrize("visit", ["light"], indirect=True)
def test_question_says_why_an_answer_is_right_or_wrong(visit):
    page, wrong = visit("book/confinement.html", formulas=True)
    question = page.locator(".quiz fieldset").first
    said = question.locator(".quiz-feedback")
    # Until an answer is chosen, nothing tells which is right.
    assert question.locator("details").is_hidden() and said.inner_text() == ""
    reasons = question.locator("details li")
    answers = question.locator("input")
    assert answers.count() == reasons.count() == 4
    for i in range(4):
        answers.nth(i).check()
        right = reasons.nth(i).get_attribute("data-answer")
        assert said.get_attribute("data-answer") == right
        # What is hidden has a text, but its formulas are set there too.
        assert (
            said.text_content().strip() == reasons.nth(i).locator("p").last.text_content().strip()
        )
        assert said.inner_text().startswith({"right": "Right.", "wrong": "Not this one."}[right])
    assert not wrong


# Where the keyboard is, and in which part of the page.
FOCUS = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const parts = ["#pst-skip-link", "#pst-header", ".bd-sidebar-primary", ".bd-header-article",
    ".bd-article", ".prev-next-footer, .bd-footer-content", ".bd-sidebar-secondary", ".bd-footer"];
  const { left, right, top, bottom, width, height } = one.getBoundingClientRect();
  const style = getComputedStyle(one);
  const marked = style.outlineStyle !== "none" || style.boxShadow !== "none";
  return {
    part: parts.findIndex(part => one.closest(part)),
    what: one.outerHTML.slice(0, 120),
    seen: one.checkVisibility({ opacityProperty: true, visibilityProperty: true })
      && width > 0 && height > 0 && right > 0 && bottom > 0
      && left < innerWidth && top < innerHeight,
    marked: marked || getComputedStyle(one, "::before").outlineStyle !== "none",
    y: top + scrollY,
  };
}"""


@pytest.mark.parametrize("visit", ["light"], indirect=True)
def test_tab_key_goes_through_a_page_as_the_eye_does(visit):
    page, _ = visit("book/confinement.html")
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_function(RESIZED)
    stops = []
    while len(stops) < 300:
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop is None:
            break
        stops.append(stop)
    assert len(stops) < 300, "the Tab key does not leave the page"
    assert not [stop["what"] for stop in stops if not (stop["seen"] and stop["marked"])]
    parts = [stop["part"] for stop in stops]
    assert parts == sorted(parts) and {0, 2, 3, 4, 6} <= set(parts) and -1 not in parts
    # In the text from top to bottom; two links of one line may differ by the height of a formula.
    down = [stop["y"] for stop in stops if stop["part"] == 4]
    assert all(below > above - 40 for above, below in pairwise(down))


BOX = "#qw-preview"
FIGURE = "The paper’s Fig.\N{NO-BREAK SPACE}2"  # begins a caption
# What a link of each sort leads to: page, link, and what the preview says or holds.
# MathJax sets formulas, so that the TeX of an equation is not in what is read.
PREVIEWS = [
    ("chirality", 'a[href="model.html#equation-eq-fermi-sum"]', "(12)", "div.math mjx-container"),
    ("chirality", 'a[href^="bibliography.html#"]', "Edelstein", ".citation"),
    ("chirality", 'a.symbol[href$="#sym-alpha"]', "Rashba parameters of the interfaces", "code"),
    ("lecturer", 'a[href="model.html#ex-model-1"]', "which well is symmetric", "section"),
    ("chirality", 'a[href="model.html"]', "The model", "ul"),
    ("confinement", 'a[href="#fig-confinement"]', FIGURE, "figure img"),
    ("confinement", 'a[href^="verdicts.html#claim-"]', "11 states at 0.046", "strong"),
    ("glossary", 'a[href="#term-Fermi-state"]', "has the Fermi energy", "mjx-container"),
    ("speed", 'a[href="clusters.html#what-it-costs"]', "What it costs", "p"),
]
# Where the box is, against the screen, and whether anything in it is cut at its side.
INSIDE = """box => {
  const at = box.getBoundingClientRect();
  const wide = Array.from(box.querySelectorAll("mjx-math, table, img, p")).filter(
    one => one.getBoundingClientRect().right > at.right + 1
      || (one.closest("mjx-container[display]")?.clientWidth ?? 9999) + 1 < one.offsetWidth);
  return at.left >= 0 && at.top >= 0 && at.right <= document.documentElement.clientWidth
    && at.bottom <= innerHeight && !wide.length;
}"""
AWAY = 600  # ms on the page's clock: more than twice the rest of a pointer in previews.js


def ready(page) -> None:
    """Wait until what a preview shows is drawn."""
    page.wait_for_function(
        """() => {
          const box = document.getElementById("qw-preview");
          return !box.hidden
            && Array.from(box.querySelectorAll("img")).every(one => one.complete)
            && Array.from(box.querySelectorAll(".math")).every(
              one => one.querySelector("mjx-container"));
        }"""
    )


@pytest.mark.parametrize("visit", ["light"], indirect=True)
@pytest.mark.parametrize("name", sorted({name for name, *_ in PREVIEWS}))
def test_link_shows_what_it_leads_to(visit, name):
    page, wrong = visit(f"book/{name}.html", formulas=True)
    box = page.locator(BOX)
    for width in (1400, 400):
        page.set_viewport_size({"width": width, "height": 700})
        for _, selector, words, part in (one for one in PREVIEWS if one[0] == name):
            link = page.locator(f".bd-article {selector}:not(.headerlink)").first
            link.hover()
            ready(page)
            assert words in box.inner_text()
            assert box.locator(part).first.is_visible()
            # It is placed anew when its formulas are set.
            page.wait_for_function(INSIDE, arg=box.element_handle())
            assert link.get_attribute("aria-describedby") == "qw-preview"
            assert not box.locator("a, button, input, [id], [tabindex='0']").count()
            page.keyboard.press("Escape")
            assert box.is_hidden() and link.get_attribute("aria-describedby") is None
    assert not wrong


def test_preview_serves_the_keyboard_and_every_theme(visit):
    page, wrong = visit("book/confinement.html", formulas=True)
    box = page.locator(BOX)
    link = page.locator('.bd-article a[href="#fig-confinement"]:not(.headerlink)').first
    # The Tab key goes on from here to the link.
    link.evaluate(
        """one => { const before = document.createElement("button");
          before.textContent = "before"; one.before(before); before.focus(); }"""
    )
    page.keyboard.press("Tab")
    ready(page)
    assert FIGURE in box.inner_text()
    dark = page.evaluate(DARK)
    shade = box.evaluate("one => getComputedStyle(one).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", shade)[:3])) < 3 * 128) == dark
    # A figure in it is dark as those of the page are.
    drawn = box.locator("img").evaluate("one => getComputedStyle(one).filter")
    assert ("invert" in drawn) == dark
    assert not obstacles(page)
    # Held while the pointer is on it, gone after a while without.
    page.keyboard.press("Tab")
    assert box.is_hidden()
    link.hover()
    ready(page)
    page.clock.install()
    box.hover()
    page.clock.run_for(AWAY)
    assert box.is_visible()
    page.mouse.move(5, 5)
    page.clock.run_for(AWAY)
    box.wait_for(state="hidden")
    link.hover()
    ready(page)
    page.emulate_media(media="print")
    assert box.is_hidden()
    assert not wrong


def test_tap_follows_a_link_and_shows_no_preview(browser, plain_site):
    context = browser.new_context(has_touch=True, viewport={"width": 400, "height": 700})
    page = context.new_page()
    page.goto(f"{plain_site}/book/confinement.html")
    page.evaluate(SETTLED)
    shown = """() => { window.shown = 0; new MutationObserver(() => window.shown++).observe(
      document.getElementById("qw-preview"), { attributes: true, childList: true }); }"""
    page.evaluate(shown)
    link = page.locator('.bd-article a[href="#fig-confinement"]:not(.headerlink)').first
    page.clock.install()
    link.tap()
    page.clock.run_for(AWAY)
    assert page.url.endswith(link.get_attribute("href"))
    assert page.evaluate("window.shown") == 0
    # A finger that rests, whose click comes late or not at all.
    link.scroll_into_view_if_needed()
    box = link.bounding_box()
    finger = [{"x": box["x"] + 2, "y": box["y"] + 2}]
    session = context.new_cdp_session(page)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": finger})
    page.clock.run_for(AWAY)
    assert page.evaluate("window.shown") == 0
    context.close()
