"""The slides on the screen of a lecture room, by keys, on paper, and for axe-core."""

import re

import pytest
from conftest import served, told, violations, watched

DECKS = ("slides", "slides-lesson-one", "slides-lesson-two")
SCREEN = {"width": 1920, "height": 1080}
LETTERS = 24
"""The least height of letters on that screen, px: a 45th of it, as 12 points of 540 on a slide of
a lecture.  Formulas have smaller ones for their indices."""

LOOK = """least => Reveal.getSlides().flatMap(slide => {
  const {h, v} = Reveal.getIndices(slide);
  Reveal.slide(h, v);
  const small = Array.from(slide.querySelectorAll(":not(.notes, .notes *, math *, sub, sup)"))
    .filter(one => Array.from(one.childNodes).some(part => part.nodeType === 3
      && part.data.trim()) && parseFloat(getComputedStyle(one).fontSize) < least);
  const found = [];
  if (slide.scrollHeight > 1080 || slide.scrollWidth > 1920) found.push("does not fit");
  if (small.length) found.push("has small letters");
  return found.map(what => `${slide.id} ${what}`);
})"""


@pytest.fixture(scope="module")
def site(html):
    with served(html) as address:
        yield address


@pytest.fixture(scope="module", params=DECKS)
def deck(request, browser, site):
    """A deck on that screen; what goes wrong is in `wrong`."""
    page = watched(browser.new_page(viewport=SCREEN), site)
    page.goto(f"{site}/{request.param}.html")
    page.wait_for_function("Reveal.isReady()")
    yield page
    page.close()


@pytest.fixture
def first(deck):
    """The deck at its first slide."""
    deck.evaluate("Reveal.slide(0, 0)")
    return deck


def here(page) -> str:
    return page.evaluate("Reveal.getCurrentSlide().id")


def test_every_slide_fits_in_letters_that_can_be_read(first):
    assert first.evaluate(LOOK, LETTERS) == []


LINKED = re.compile(
    r"(So|Then|Hence|Now|They|Its?|This|These|That|What (is left|remains)|"
    r"The (first|second|third|last|result|rest))\b"
)
"""How a sentence begins whose subject is elsewhere."""

LEADS = """() => Array.from(document.querySelectorAll("[id^=equation] .fit > p:first-child"),
  lead => lead.textContent.trim())"""


def test_equation_begins_with_a_sentence_that_stands_alone(deck):
    leads = deck.evaluate(LEADS)
    assert leads and [lead for lead in leads if LINKED.match(lead)] == []


def test_every_formula_is_drawn(deck):
    marks = "Array.from(document.querySelectorAll('.slides math > *:first-child'))"
    assert deck.evaluate(f"{marks}.filter(one => one.textContent.includes('\\\\')).length") == 0


def test_keys_lead_through_all_slides_and_to_both_ends(first):
    slides = first.evaluate("Reveal.getSlides().map(slide => slide.id)")
    assert here(first) == slides[0]
    for name in slides[1:4]:
        first.keyboard.press("ArrowRight")
        assert here(first) == name
        first.wait_for_function("name => location.hash === `#/${name}`", arg=name)
    assert first.inner_text(".slide-number").split() == ["4", "/", str(len(slides))]
    first.keyboard.press("End")
    last = first.evaluate("Reveal.getIndices().h")
    assert last == first.evaluate("Reveal.getHorizontalSlides().length - 1") > 0
    first.keyboard.press("Home")
    assert here(first) == slides[0]
    first.keyboard.press("Escape")
    assert first.evaluate("Reveal.isOverview()")
    first.keyboard.press("Escape")
    assert not first.evaluate("Reveal.isOverview()")


def test_slide_has_an_address(browser, site):
    page = watched(browser.new_page(viewport=SCREEN), site)
    page.goto(f"{site}/slides.html#/fig-confinement")
    page.wait_for_function("Reveal.isReady()")
    assert here(page) == "fig-confinement"
    assert page.wrong == []
    page.close()


def test_notes_are_for_the_speaker(first):
    noted = "Reveal.getSlides().find(slide => slide.querySelector('.notes').innerHTML)"
    first.evaluate(f"(({{h, v}}) => Reveal.slide(h, v))(Reveal.getIndices({noted}))")
    note = first.locator("section.present section.present .notes")
    assert len(note.text_content()) > 20 and not note.is_visible()
    with first.expect_popup() as opened:
        first.keyboard.press("s")
    window = opened.value
    window.wait_for_function("document.querySelector('.speaker-controls-notes .value').innerText")
    told = window.text_content(".speaker-controls-notes .value")
    assert told.split() == note.text_content().split()
    window.close()


CUT = """() => Array.from(document.querySelectorAll(".slides section section")).filter(slide =>
  slide.scrollHeight > innerHeight || Array.from(slide.querySelectorAll("table, img, math")).some(
    one => one.getBoundingClientRect().right > innerWidth)).map(slide => slide.id)"""


@pytest.mark.parametrize("deck", DECKS[1:], indirect=True)
def test_paper_has_a_page_in_landscape_for_each_slide(first):
    slides = first.evaluate("Reveal.getTotalSlides()")
    printed = first.pdf(prefer_css_page_size=True)
    pages = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert len(pages) == slides
    width, height = (round(float(side) * 96 / 72) for side in pages[0])
    assert width > height and set(pages) == {pages[0]}
    first.set_viewport_size({"width": width, "height": height})
    first.emulate_media(media="print")
    assert first.evaluate(CUT) == []
    hidden = first.locator(".fragment, .notes")
    assert hidden.count() and not any(one.is_visible() for one in hidden.all())
    first.emulate_media(media="screen")
    first.set_viewport_size(SCREEN)


@pytest.mark.parametrize("deck", DECKS[1:2], indirect=True)
def test_axe_finds_nothing_on_a_slide_of_any_kind(deck):
    kinds = "title fig-total equation-eq-kubo confinement-predict-1 confinement-table-2"
    for name in f"{kinds} quiz-confinement-1 ex-model-1".split():
        where = f"Reveal.getIndices(document.getElementById('{name}'))"
        deck.evaluate(f"Reveal.slide({where}.h, {where}.v)")
        assert here(deck) == name
        found = violations(deck, "body")
        assert told(found, ("minor", "moderate", "serious", "critical")) == []


def test_nothing_went_wrong_and_nothing_came_from_elsewhere(deck):
    assert deck.wrong == []
