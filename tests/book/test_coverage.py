"""The page that says which chapter teaches what of the paper leaves nothing out."""

import re

import pytest
from conftest import ROOT

PAGE = (ROOT / "book" / "coverage.md").read_text(encoding="utf-8")
PAGES = re.findall(r"file: *book/(\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))

# The paper's own parts: it has these sections, six figures and six equations.
SECTIONS = ("Abstract", "Sec. I", "Sec. II", "Sec. III", "Sec. III.A", "Sec. III.B", "Sec. IV")


def covered() -> list[str]:
    """Return the places in the paper: the first column of the table, up to the colon."""
    rows = [line.split("|")[1].strip() for line in PAGE.splitlines() if line.startswith("| ")]
    return [row.split(":")[0] for row in rows[1:]]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_of_the_paper_has_a_line(section):
    assert section in {place.split(",")[0] for place in covered()}


@pytest.mark.parametrize("number", range(1, 7))
def test_every_figure_of_the_paper_has_a_line(number):
    assert any(re.search(rf"Fig\. {number}\b", place) for place in covered())


def test_every_equation_of_the_paper_has_a_line():
    numbers = set()
    for place in covered():
        for first, last in re.findall(r"Eqs?\. \((\d)\)(?:–\((\d)\))?", place):
            numbers |= set(range(int(first), int(last or first) + 1))
    assert numbers == set(range(1, 7))


def test_every_page_of_the_book_is_named():
    named = set(re.findall(r"\{doc\}`([\w-]+)`", PAGE))
    assert set(PAGES) - named == {"coverage"}
