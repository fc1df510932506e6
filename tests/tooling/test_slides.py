"""Slides made of a built book: its own figures, equations and questions, in files of their own."""

import base64
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from PIL import Image
from test_teaching import QUESTION

from tools import slides

CHAPTER = """# A *chapter*

(derived)=
## Derivation

To derive.

### In detail

<details>

$$
5a
$$

</details>

## First section

The jump is

```{math}
:label: eq-jump
\\begin{aligned} a &= \\mathbf k,\\\\[6pt] b &= 2 \\end{aligned}
```

where $a$ is a number.
More of it.

So it doubles,

```{math}
:label: eq-two
2a
```

```{math}
:label: eq-three
3a
```

<span>That is all.</span>
Next comes

$$
4a
$$
"""
FIGURE = """
import matplotlib.pyplot as plt
figure, axes = plt.subplots(2, sharex=True, figsize=(4.8, 6), layout="constrained")
for letter, ax in zip("ab", axes):
    ax.plot([0, 1])
    ax.set_title(f"({letter})", loc="left")
plt.show()
"""
PREDICTION = "**Before you run the next cell**: how many *rows*?"
OUTCOME = """```{admonition} What came out
:class: dropdown

As many as printed.
```"""
TABLE = """
| one | two |
|---|---|
""" + "\n".join(f"| {i} | {i * i} |" for i in range(10))
EXERCISE = """
```{exercise} calculate: a sum
:label: ex-one

Add.
```

```{solution} ex-one
:class: dropdown

HIDDEN

| HIDDEN |
|---|
| 3 |
```
"""
SUMMARY = """## Summary

- A sum $\\int S_y\\,dz$ and {glue:text}`found`.
- A link to {doc}`intro`.
"""
LECTURER = """# For the lecturer

## Lesson one: a plan

Aim: to see.

| Minutes | What happens | Page |
|---|---|---|
| 0–10 | First {ref}`the exercise <ex-one>`, then {eq}`eq-jump`. | {doc}`intro` |
| 10–20 | Say what *you* think. | {doc}`intro` |
| 20–30 | <a href="../slides.html#/intro-predict-1">Vote</a>, {ref}`derived`, {numref}`fig-one`. | |
"""
FORMULAS = """from qwbook import without_scripts
def setup(app):
    app.connect("html-page-context", without_scripts)
"""
"""Of what the book's pages have, the TeX of a formula that slides draw."""
KINDS = """title intro equation-eq-jump equation-eq-two equation-eq-three fig-one fig-one-b
intro-predict-1 intro-output-1
intro-table-1 intro-table-2 ex-one quiz-intro-1 intro-summary-1""".split()


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Return a book of one chapter, with one of each kind of slide, and of a plan."""
    tree = tmp_path_factory.mktemp("a book")
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    glue = "from myst_nb import glue\nglue('found', 'seven', display=False)"
    cells = [
        text(CHAPTER),
        code(FIGURE),
        text(PREDICTION),
        code(f"print('two')\n{glue}", metadata={"tags": ["hide-output"]}),
        text(OUTCOME),
        text(TABLE),
        text(EXERCISE),
        text("```{quiz} intro\n```"),
        text(SUMMARY),
    ]
    caption = "A line of $\\alpha_L$.\n(b) It rises again, as in Fig. 7 (c).\n\nWith a legend.\n"
    cells[1].metadata["mystnb"] = {
        "figure": {"name": "fig-one", "caption": caption},
        "image": {"alt": '(a) A line that "rises".'},
    }
    (tree / "book" / "quizzes").mkdir(parents=True)
    shutil.copytree(ROOT / "book" / "_ext", tree / "book" / "_ext")
    (tree / "book" / "_ext" / "formulas.py").write_text(FORMULAS, encoding="utf-8")
    (tree / "book" / "quizzes" / "intro.yml").write_text(QUESTION, encoding="utf-8")
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tree / "book" / "intro.ipynb")
    (tree / "book" / "lecturer.md").write_text(LECTURER, encoding="utf-8")
    toc = "format: jb-book\nroot: book/intro\nchapters:\n- file: book/lecturer\n"
    (tree / "_toc.yml").write_text(toc, encoding="utf-8")
    config = "title: Small\nparse: {myst_enable_extensions: [dollarmath, amsmath]}\n"
    config += "sphinx: {config: {numfig: true}, extra_extensions: [sphinx_exercise],\n"
    config += "  local_extensions: {quiz: book/_ext, formulas: book/_ext}}\n"
    (tree / "_config.yml").write_text(config, encoding="utf-8")
    script = "from jupyter_book.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "build", "--quiet", tree],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    slides.add(tree / "_build" / "html", tree / "_toc.yml")
    return tree


def shown(built: Path, name: str) -> BeautifulSoup:
    path = built / "_build" / "html" / f"{name}.html"
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def deck(built) -> BeautifulSoup:
    return shown(built, "slides")


def test_each_kind_has_a_slide_with_an_address_in_the_order_of_the_page(deck):
    assert [one["id"] for one in deck.select("section section")] == KINDS


def test_what_is_folded_is_not_shown(deck):
    assert "HIDDEN" not in deck.main.get_text()
    title, text = deck.find(id="ex-one").select("h2, p")
    assert (title.get_text(), text.get_text()) == ("Exercise 1  (calculate: a sum)", "Add.")


def test_vote_comes_before_the_answer(deck):
    assert deck.find(id="intro-predict-1").p.get_text() == "Vote. How many rows?"
    answer = deck.find(id="intro-output-1")
    assert answer.pre.get_text() == "two" and answer.aside.get_text() == "As many as printed."


def test_speaker_knows_the_answer_before_the_vote(deck):
    notes = deck.find(id="intro-predict-1").aside.get_text("\n", strip=True)
    assert notes == "What came out\nAs many as printed."


def test_tick_of_the_right_answer_waits_for_a_key(deck):
    answers = deck.find(id="quiz-intro-1").find_all("li")
    ticks = [answer.select_one(".fragment") for answer in answers]
    assert [tick is not None for tick in ticks] == [False, True, False]
    assert "That is too many" in deck.find(id="quiz-intro-1").aside.get_text()


def test_long_table_goes_on_with_its_head(deck):
    parts = [deck.find(id=f"intro-table-{i}").table for i in (1, 2)]
    assert [part.thead.get_text().split() for part in parts] == [["one", "two"]] * 2
    rows = [row.td.get_text() for part in parts for row in part.select("tbody tr")]
    assert rows == [str(i) for i in range(10)]


def test_formulas_are_drawn_without_a_script(deck):
    equation = deck.find(id="equation-eq-jump").select_one(".equation")
    assert equation.math is not None and equation.select_one(".eqno").get_text() == "(1)"
    # Browsers pass over the word for bold, and a vector must not look as a number does.
    assert "\N{MATHEMATICAL BOLD SMALL K}" in equation.math.get_text()
    assert not equation.select("[mathvariant]")
    # What the converter does not know it prints.
    assert not {"&", "["} & {mark.get_text() for mark in equation.find_all(["mi", "mo"])}
    assert "\\" not in deck.main.get_text()
    lines = [p.get_text() for p in deck.find(id="equation-eq-jump").select(".fit > p")]
    assert lines[0] == "The jump is" and lines[1].startswith("where") and len(lines) == 2


def test_equation_has_the_sentences_that_are_its_own(deck):
    parts = [deck.find(id=f"equation-eq-{name}") for name in ("two", "three")]
    lines = [[p.get_text() for p in part.select(".fit > p")] for part in parts]
    assert lines == [["It doubles,"], ["That is all."]]
    assert "So it doubles" in parts[0].aside.get_text()


def pixels(image) -> np.ndarray:
    data = image["src"].removeprefix("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"))


def test_panels_of_a_figure_are_slides_with_its_number_and_a_line(deck, built):
    first, second = (deck.find(id=name) for name in ("fig-one", "fig-one-b"))
    assert first.img["alt"] == second.img["alt"] == '(a) A line that "rises".'
    captions = [one.figcaption.get_text() for one in (first, second)]
    assert re.fullmatch(r"Fig\. 1 +A line of α\s*L\s*\.", captions[0].strip())
    assert first.figcaption.math is not None
    assert captions[1].strip() == "Fig. 1 (b) It rises again, as in Fig. 7 (c)."
    assert "With a legend" in first.aside.get_text()
    (page_image,) = (built / "_build" / "html" / "_images").glob("*.png")
    whole = np.asarray(Image.open(page_image).convert("L"))
    upper, lower = pixels(first.img), pixels(second.img)
    # The upper one has the axis that they share, so that its numbers can be read.
    cut = len(whole) - len(lower)
    assert (upper[:cut] == whole[:cut]).all() and (lower == whole[cut:]).all()
    axis = len(upper) - cut
    assert axis > 0 and (upper[cut:] == whole[-axis:]).all()


def drawing(*rows: int, left: int = 10) -> Image.Image:
    """Return black bars of such heights, 10 px apart; one that is low begins at `left`."""
    bars = [np.full((10, 100), 255, np.uint8)]
    for height in rows:
        bar = np.full((height, 100), 255, np.uint8)
        bar[:, 0 if height > 20 else left : 60] = 0
        bars += [bar, bars[0]]
    return Image.fromarray(np.vstack(bars))


@pytest.mark.parametrize(
    ("rows", "left", "letters", "heights"),
    [
        ((5, 80), 10, 1, [115]),  # one panel
        ((5,), 10, 0, [25]),  # none
        ((5, 80, 4, 3, 6, 80, 4, 3), 10, 2, [10 + 5 + 10 + 80 + 10 + 4 + 10 + 3 + 5, 138]),
        # A key above the first title is for both.
        ((5, 6, 80, 7, 80, 4), 10, 2, [126 + 24, 20 + 126]),
        # What is on the right belongs to the panel below or above, and is no title.
        ((5, 6, 80, 7, 80, 4), 45, 2, [143, 109]),
        # No title, but what belongs to the axis above.
        ((5, 80, 4, 80, 4), 10, 1, [10 + 5 + 10 + 80 + 10 + 4 + 5, 5 + 80 + 10 + 4 + 10]),
    ],
)
def test_a_figure_is_cut_above_titles(rows, left, letters, heights):
    image = drawing(*rows, left=left)
    assert [piece.height for piece in slides.cut(image, letters)] == heights


@pytest.mark.parametrize("name", ["slides", "slides-lesson-one"])
def test_deck_needs_no_other_file_and_no_network(built, name):
    deck = shown(built, name)
    assert not deck.find_all("iframe") and not deck.find_all("script", src=True)
    assert [link["href"] for link in deck.find_all("link")] == ["data:,"]
    assert not deck.main.find_all(href=True)
    assert all(image["src"].startswith("data:") for image in deck.find_all("img"))
    assert not re.search(r"url\((?!data:)|@import", deck.style.get_text())


def test_lesson_shows_what_its_plan_links_to(built):
    deck = shown(built, "slides-lesson-one")
    outer = deck.select(".slides > section")
    stacks = [[one["id"] for one in stack.find_all("section")] for stack in outer]
    exercise, vote = ["ex-one", "equation-eq-jump"], ["intro-predict-1", "fig-one", "fig-one-b"]
    assert stacks == [["title"], exercise, ["plan-2"], vote]
    assert deck.find(id="title").h1.get_text() == "Lesson one: a plan"
    row = deck.find(id="ex-one").aside.p.get_text()
    assert re.fullmatch(r"0–10 – First the exercise, then \(1\)\. – A chapter", row)
    for name in vote:  # the minutes are in sight throughout
        assert deck.find(id=name).aside.get_text().startswith("20–30")


def test_speaker_has_what_is_derived_at_the_board(built):
    deck = shown(built, "slides-lesson-one")
    before, *after = (deck.find(id=name).aside for name in ("intro-predict-1", "fig-one", "title"))
    assert re.search(r"To derive\.\s+5a", before.get_text())
    # There a fold cannot be opened, and a section would be a slide.
    assert before.math is not None and not before.find(["details", "section"])
    assert not any("derive." in notes.get_text() for notes in after)


def test_row_of_a_plan_with_no_slide_is_one(built):
    slide = shown(built, "slides-lesson-one").find(id="plan-2")
    assert [slide.h2.get_text(), slide.p.get_text()] == ["A chapter", "Say what you think."]
    assert slide.aside.get_text() == "10–20 – Say what you think. – A chapter"


def test_a_slide_that_there_is_not_stops_the_build(built):
    page = built / "_build" / "html" / "book" / "lecturer.html"
    with pytest.raises(ValueError, match=r"lecturer\.html: Lesson one: a plan.*intro-predict-1"):
        list(slides.lessons(page, {}))


def test_same_book_has_the_same_slides(built):
    html = built / "_build" / "html"
    before = (html / "slides.html").read_bytes()
    slides.add(html, built / "_toc.yml")
    assert (html / "slides.html").read_bytes() == before


def test_slides_go_beside_the_pages(built, capsys):
    (built / "_build" / "html" / "index.html").touch()
    assert slides.main(built) == 0
    said, target = capsys.readouterr().out.splitlines()
    assert said == f"==> {len(KINDS)} slides, 2 decks:"
    assert Path(target) == built / "_build" / "html" / "slides.html"


def test_without_a_book_it_says_what_to_do(tmp_path, capsys):
    assert slides.main(tmp_path) == 1
    assert "run `make book` first" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
