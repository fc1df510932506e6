"""All pages in one PDF, as the browser prints them."""

import re

import pytest
from bs4 import BeautifulSoup
from conftest import PAGES, missing
from pypdf import PdfReader

from tools import pdf

# Which lead to each other, and hold a place, a figure with its data, and no formula.
SOME = ["book/hour", "book/symbols", "book/bibliography"]


@pytest.fixture(scope="module")
def printed(html, tmp_path_factory):
    target = tmp_path_factory.mktemp("pdf") / "book.pdf"
    try:
        pdf.make(html, target, [html / f"{page}.html" for page in SOME])
    except pdf.NoBrowser as error:
        missing(str(error))
    return PdfReader(target)


def test_pages_are_those_of_the_book_in_its_order(html, tmp_path):
    assert pdf.pages(html) == [(html / f"{page}.html").resolve() for page in PAGES]
    with pytest.raises(ValueError, match="run make book first"):
        pdf.pages(tmp_path)


def test_outline_has_the_headings_of_each_page(printed, html):
    tops = [item for item in printed.outline if not isinstance(item, list)]
    pages = [
        BeautifulSoup((html / f"{page}.html").read_text("utf-8"), "html.parser") for page in SOME
    ]
    headings = [
        [heading.get_text().rstrip("#") for heading in page.select("article :is(h1, h2)")]
        for page in pages
    ]
    assert [item.title for item in tops] == [one[0] for one in headings]
    places = [printed.get_destination_page_number(item) for item in tops]
    assert places[0] == 0 and places == sorted(set(places))
    parts = [part for part in printed.outline if isinstance(part, list)]
    below = [item.title for part in parts for item in part if not isinstance(item, list)]
    assert below == [title for one in headings for title in one[1:]]


def test_sheets_are_numbered_through_all_pages(printed):
    assert len(printed.pages) > len(SOME)
    for number, sheet in enumerate(printed.pages, 1):
        assert re.search(rf"(^|\n){number}(\n|$)", sheet.extract_text()), number


def test_links_lead_to_places_of_the_pdf_or_to_the_published_book(printed):
    links = [one.get_object() for sheet in printed.pages for one in sheet.get("/Annots", [])]
    assert links
    inside = [link["/Dest"] for link in links if "/Dest" in link]
    sheets = [sheet.indirect_reference for sheet in printed.pages]
    assert inside and all(spot[0] in sheets for spot in inside)
    # From the first page to a row of the table of symbols, say.
    assert any(spot[1] == "/XYZ" for spot in inside)
    outside = [link["/A"]["/URI"] for link in links if "/A" in link]
    assert outside and all(address.startswith("http") for address in outside)
