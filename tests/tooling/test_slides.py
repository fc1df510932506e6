"""Slides made of a built book: its own figures and captions, in one file."""

import base64
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from tools import slides

MARKDOWN = """# A *chapter*

## First section
"""

CODE = """
import matplotlib.pyplot as plt
plt.plot([0, 1])
plt.show()
"""

GLUE = """
from myst_nb import glue
glue("found", "seven", display=False)
"""

SUMMARY = """## Summary

- A sum $\\int S_y\\,dz$ and {glue:text}`found`.
- A link to [the top](#first-section).
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Return a book of one chapter with one figure, built."""
    tree = tmp_path_factory.mktemp("a book")
    cells = [
        nbformat.v4.new_markdown_cell(MARKDOWN),
        nbformat.v4.new_code_cell(CODE),
        nbformat.v4.new_code_cell(
            "from myst_nb import glue\nglue('found', 'seven', display=False)"
        ),
        nbformat.v4.new_markdown_cell(SUMMARY),
    ]
    cells[1].metadata["mystnb"] = {
        "figure": {"name": "fig-one", "caption": "A line of $\\alpha_L$.\n\nWith a legend.\n"},
        "image": {"alt": 'A line that "rises".'},
    }
    (tree / "book").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tree / "book" / "intro.ipynb")
    (tree / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n", encoding="utf-8")
    config = "title: Small\nparse: {myst_enable_extensions: [dollarmath]}\n"
    config += "sphinx: {config: {numfig: true}}\n"
    (tree / "_config.yml").write_text(config, encoding="utf-8")
    script = "from jupyter_book.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "build", "--quiet", tree],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return tree


@pytest.fixture(scope="module")
def deck(built) -> BeautifulSoup:
    text = slides.deck(built / "_build" / "html", built / "_toc.yml")
    return BeautifulSoup(text, "html.parser")


def test_slides_are_title_figure_and_summary(deck):
    titles = [s.find(["h1", "h2"]).get_text() for s in deck.find_all("section")]
    assert titles == ["A chapter", "First section", "Summary"]
    assert "seven" in deck.find_all("section")[2].get_text()


def test_figure_is_that_of_the_page_with_its_number_and_caption(deck, built):
    (image,) = deck.find_all("img")
    kind, data = image["src"].split(";base64,")
    assert kind == "data:image/png"
    (page_image,) = (built / "_build" / "html" / "_images").glob("*.png")
    assert base64.b64decode(data) == page_image.read_bytes()
    assert image["alt"] == 'A line that "rises".'
    caption = deck.figcaption.get_text()
    assert re.match(r"\s*Fig\. 1", caption) and "With a legend" in caption
    assert deck.figcaption.math is not None  # a formula, drawn without a script


def test_deck_needs_no_other_file_and_no_network(deck):
    assert not deck.find_all(["link", "iframe"]) and not deck.find_all("script", src=True)
    assert not deck.find_all(href=True)
    assert all(image["src"].startswith("data:") for image in deck.find_all("img"))
    assert "url(" not in deck.style.get_text() and "\\(" not in deck.get_text()


def test_every_page_with_a_figure_is_in_the_deck_in_order(deck, built):
    html = built / "_build" / "html"
    text = (html / "book" / "intro.html").read_text(encoding="utf-8")
    for name in ("zeta", "alpha"):
        (html / "book" / f"{name}.html").write_text(
            text.replace("<em>chapter</em>", name), encoding="utf-8"
        )
    toc = built / "longer.yml"
    toc.write_text("root: book/intro\nchapters:\n- file: book/zeta\n- file: book/alpha\n")
    found = re.findall(r"<section><h1>(.*?)</h1>", slides.deck(html, toc))
    assert found == ["A <em>chapter</em>", "A zeta", "A alpha"]


def test_slides_go_beside_the_pages(built, capsys):
    (built / "_build" / "html" / "index.html").touch()
    assert slides.main(built) == 0
    target = Path(capsys.readouterr().out.splitlines()[-1])
    assert target == built / "_build" / "html" / "slides.html"
    assert target.read_text(encoding="utf-8").count("<section>") == 3


def test_without_a_book_it_says_what_to_do(tmp_path, capsys):
    assert slides.main(tmp_path) == 1
    assert "run `make book` first" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
