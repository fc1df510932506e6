"""Make slides of a built book with reveal.js: HTML files that need no other, and no network.

    python tools/slides.py DIRECTORY

DIRECTORY holds _toc.yml and the book in _build/html.
The slides are made of the pages, so they cannot differ from them: slides.html has all, and each
lesson of the page for the lecturer a deck of its own with what its plan links to, in that order.
A slide has one figure or panel, equation, table, prediction, question, exercise, or a few points of
a summary; what is more to say is in the notes of the speaker.
"""

import base64
import html as markup
import io
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from copy import copy
from importlib.metadata import distribution
from itertools import groupby, pairwise, takewhile
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np
from bs4 import BeautifulSoup, Tag
from PIL import Image

from qwlib.run.chapters import cores
from qwlib.run.page import drawn, listed, scriptless

LECTURER = "book/lecturer"
"""The page with the plans of the lessons: sections whose address begins with ``lesson-``."""

REVEAL = Path(distribution("sphinx-revealjs").locate_file("sphinx_revealjs/_static/revealjs"))
"""reveal.js as files; of the extension that brings it nothing else is used."""

PREDICTION, OUTCOME = "Before you", "What came out"
"""How a prediction begins, and the title of what is folded below the output that answers it."""

ROWS, COLUMNS, LETTERS = 8, 10, 420
"""The most rows of a table and letters of a list on one slide; a table with more columns has none,
since nobody could read it."""

LINK = r"^(So|Then|Hence|Now)\b,? *"
"""A first word of a sentence that links it to the one before, which its slide does not have."""

DECK = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{reveal_css}
body {{ background: #fff; }}
main {{ height: 100%; }}
.reveal {{ font: 44px/1.35 sans-serif; color: #222; }}
.reveal .slides {{ text-align: left; }}
.reveal :is(h1, h2, p, ul, ol, figure, pre) {{ margin: 0 0 0.6em; }}
.reveal h1 {{ font-size: 88px; line-height: 1.15; margin-top: 3em; }}
.reveal h2 {{ font-size: 48px; font-weight: normal; color: #555; }}
.reveal .slides section {{ box-sizing: border-box; padding: 30px 60px 0; }}
.reveal .slides section.stack {{ padding: 0; }}
.reveal img {{ display: block; height: 18em; max-width: 100%; object-fit: contain; margin: auto; }}
.reveal :is(figcaption, pre) {{ font-size: 0.8em; line-height: 1.3; }}
.reveal figcaption {{ text-align: center; }}
.reveal math {{ font-family: "STIX Two Math", "Latin Modern Math", "Cambria Math",
  "DejaVu Math TeX Gyre", math; }}
.reveal mtd[columnalign="right"] {{ padding-right: 0; text-align: -webkit-right; }}
.reveal mtd[columnalign="right"] + mtd {{ padding-left: 0; text-align: left; }}
.reveal table {{ font-size: 0.9em; line-height: 1.3; border-collapse: collapse; margin: auto; }}
.reveal :is(th, td) {{ padding: 0.25em 0.6em; border-bottom: 1px solid #bbb; text-align: left; }}
.reveal table p {{ margin: 0; }}
.reveal pre {{ font-family: monospace; white-space: pre-wrap; }}
.reveal td[style*="right"] {{ text-align: right; white-space: nowrap; }}
.reveal [mathvariant^="bold"] {{ font-weight: bold; font-style: normal; text-transform: none; }}
.reveal .fit:not(:has(img, table, .equation)) {{ font-size: 54px; }}
.reveal .vote {{ font-size: 1.2em; }}
.reveal li {{ margin-bottom: 0.5em; }}
.reveal ol.answers {{ list-style: upper-alpha; padding-left: 1.5em; }}
.reveal .equation {{ display: flex; align-items: center; font-size: 1.8em; margin: 0.8em 0; }}
.reveal .equation math {{ margin: auto; }}
.reveal .eqno {{ color: #555; font-size: 44px; }}
.reveal div.math {{ margin: 0.4em 0 0.8em; }}
.reveal .slide-number, .reveal .slide-number a {{ color: #222; background: #fff; font-size: 24px; }}
.measured .slides section {{ display: block !important; position: static; width: 1920px; }}
@page {{ size: 1920px 1080px; margin: 0; }}
/* On paper reveal.js has letters of its own, which cut formulas: these are those of the screen. */
@media print {{
  html:root .reveal {{ font-size: 44px; }}
  html:root .reveal h1 {{ font-size: 88px !important; }}
  html:root .reveal h2 {{ font-size: 48px !important; }}
  html:root .reveal :is(p, li, td) {{ font-size: inherit !important; margin-bottom: 0.5em; }}
  html:root .reveal .vote {{ font-size: 1.2em !important; }}
  html:root .reveal section img {{ margin: auto; border: 0; }}
  html:root .reveal table {{ margin: auto; }}
  html:root .reveal .slides section:not(.stack) {{ padding: 30px 60px 0 !important; }}
  html:root .reveal .equation {{ display: flex !important; margin: 0.8em 0; }}
  .reveal :is(.speaker-notes, .fragment) {{ display: none !important; }}
}}
</style>
</head>
<body>
<main><div class="reveal"><div class="slides">
{slides}
</div></div></main>
<script>
{reveal_js}
</script>
<script>
{notes_js}
</script>
<script>
// What is too much for a slide gets smaller letters, by steps, before any slide is shown.
document.documentElement.classList.add("measured");
for (const slide of document.querySelectorAll(".slides > section > section")) {{
  const body = slide.querySelector(".fit");
  const wide = body ? Array.from(body.querySelectorAll("table, .equation, pre")) : [];
  const shrink = (one, fits) => {{
    const [full, around] = [one, one.parentElement].map(
      each => parseFloat(getComputedStyle(each).fontSize));
    for (let size = full; size > full / 2 && !fits(); size--) {{
      one.style.fontSize = `${{size / around}}em`;  // so that it shrinks with what is around it
    }}
  }};
  for (const one of wide) shrink(one, () => one.getBoundingClientRect().width <= 1800.5
    && one.scrollWidth <= one.clientWidth + 1);
  if (body) shrink(body, () => slide.scrollHeight <= 1060);
}}
document.documentElement.classList.remove("measured");
Reveal.initialize({{
  width: 1920, height: 1080, margin: 0, maxScale: 4, center: false, hash: true,
  slideNumber: "c/t", controls: false, navigationMode: "linear", transition: "none",
  plugins: [RevealNotes],
}});
</script>
</body>
</html>
"""


class Slide(NamedTuple):
    """A slide: its address in a deck, what it shows and what the speaker sees, as HTML."""

    name: str
    shown: str
    notes: str = ""


def article_of(page: Path) -> Tag:
    """Return the article of a page, without what is most of it and takes long to parse.

    That is code, scripts and drawn formulas, of which the TeX stays.
    """
    article = re.search("<article.*</article>", page.read_text(encoding="utf-8"), re.DOTALL)[0]
    code = (
        r'(<div class="highlight-(?:ipython3|python) [^>]*><div class="highlight">)<pre>.*?</pre>'
    )
    article = scriptless(re.sub(code, r"\1", article, flags=re.DOTALL))
    article = BeautifulSoup(article, "html.parser").article
    for useless in article.select("a.headerlink, .cell_input, .figure-data, summary"):
        if not (useless.find_parent("fieldset") or useless.find_parent(class_="exercise")):
            useless.decompose()
    return article


def inside(part: Tag | None) -> str:
    """Return the inside of a part of a page, without links and names of places."""
    if part is None:
        return ""
    part = copy(part)
    for link in part.find_all("a"):
        link.unwrap()
    for named in part.select("[id]"):
        del named["id"]
    return part.decode_contents().strip()


def beside(part: Tag, after: bool) -> str:
    """Return the paragraph before or after a part of a page, if it is of the same section."""
    found = part.find_next("p") if after else part.find_previous("p")
    while (
        after
        and found is not None
        and (found.find_parent(["figure", "table", "fieldset"]) or found.get_text() == OUTCOME)
    ):
        found = found.find_next("p")
    same = found is not None and found.find_parent("section") is part.find_parent("section")
    return inside(found) if same and not found.get_text().startswith(PREDICTION) else ""


def outcome(part: Tag) -> str:
    """Return what a page says about the output that a prediction waits for."""
    _, *below = part.find_all_next(string=re.compile(f"^({PREDICTION}|{OUTCOME})"), limit=2)
    return "".join(inside(one.find_parent(class_="admonition")) for one in below if one == OUTCOME)


def cut(image: Image.Image, letters: int) -> list[Image.Image]:
    """Return the rows of panels of a figure, each with its title above and its axis below.

    A panel is what has ink over an eighth of the height with no white line through it.
    If there are letters for all panels each has a title, which begins on the left.
    Where nothing else is between two panels they share the lowest axis, and each has the key that
    stands above the first title.
    """
    dark = np.asarray(image.convert("L")) < 250
    ends = np.flatnonzero(np.diff(dark.any(axis=1), prepend=False, append=False)).reshape(-1, 2)
    tall = [i for i, (top, end) in enumerate(ends) if end - top > image.height / 8]
    lines = [dark[top:end].any(axis=0).argmax() < 0.4 * image.width for top, end in ends]
    titled = bool(tall) and letters % len(tall) == 0
    first = tall[0] - 1 if titled and lines[tall[0] - 1] else 0
    start = int(ends[first - 1][1] + ends[first][0]) // 2 if first > 0 else 0
    key = image.crop((0, 0, image.width, start))
    pieces: list[list[Image.Image]] = []
    for above, below in pairwise(tall):
        titles = [i for i in range(above + 1, below) if lines[i] and titled]
        first = titles[-1] if titles else below
        end = int(ends[first - 1][1] + ends[first][0]) // 2
        parts = [image.crop((0, start, image.width, end))]
        if first == above + 1:
            parts.append(image.crop((0, ends[tall[-1]][1], image.width, image.height)))
        pieces.append(parts)
        start = end
    pieces.append([image.crop((0, start, image.width, image.height))])
    return [
        Image.fromarray(np.vstack([np.asarray(part) for part in (key, *parts)])) for parts in pieces
    ]


def figure(part: Tag, page: Path) -> Iterator[Slide]:
    """Show a figure, each row of its panels on a slide: letters are too small otherwise."""
    number, text = part.select_one(".caption-number"), part.select_one(".caption-text")
    lines = inside(text).split("\n")
    alt = part.img.get("alt", "")
    image = Image.open(page.parent / unquote(part.img["src"])).convert("RGB")
    where = re.sub(r"Fig\.\s\d+\s\([a-z]\)", "", text.get_text() + alt)  # not of another figure
    letters = list(takewhile(lambda letter: f"({letter})" in where, ascii_lowercase))
    pieces = cut(image, len(letters))
    alone = len(pieces) == len(letters)  # a panel in each row
    for letter, piece in zip(ascii_lowercase, pieces, strict=False):
        name = part["id"] if letter == "a" else f"{part['id']}-{letter}"
        file = io.BytesIO()
        piece.save(file, "png")
        data = base64.b64encode(file.getvalue()).decode()
        own = [line for line in lines if alone and line.startswith(f"({letter})")]
        shown = f'<figure><img src="data:image/png;base64,{data}" alt="{markup.escape(alt)}">'
        shown += f"<figcaption><b>{inside(number)}</b> {(own or lines)[0]}</figcaption></figure>"
        notes = f"<p>{' '.join(lines)}</p>{inside(part.select_one('.legend'))}"
        yield Slide(name, shown, notes + f"<p>{beside(part, after=True)}</p>")


def equation(part: Tag, page: Path) -> Iterator[Slide]:
    """Show a numbered equation between the lines of text around it.

    Those of another equation are not shown: the line above may be of the one before, and a line
    that does not end leads to the next.  A word that links to what is not on the slide goes, too.
    """
    before, after = beside(part, after=False), beside(part, after=True)
    above, below = (
        one and one.name == "p" for one in (part.find_previous_sibling(), part.find_next_sibling())
    )
    lead = re.sub(LINK, "", before.split("\n")[-1]) if above else ""
    rest = after.split("\n")[0] if below else ""
    shown = f"<p>{lead[:1].upper()}{lead[1:]}</p>" if lead else ""
    shown += f"<div class='equation'>{inside(part)}</div>"
    ends = re.sub("<[^>]*>", "", rest).endswith(".")
    shown += f"<p>{rest}</p>" if ends else ""
    yield Slide(part["id"], shown, f"{before} … {after}")


def table(part: Tag, page: Path) -> Iterator[Slide]:
    """Show a table, some of its rows on a slide."""
    if len(part.tr.find_all(["th", "td"])) > COLUMNS:
        return
    head = f"<thead>{inside(part.thead)}</thead>" if part.thead else ""
    rows = [f"<tr>{inside(row)}</tr>" for row in part.select("tbody tr")]
    for start in range(0, len(rows), ROWS):
        shown = f"<table>{head}<tbody>{''.join(rows[start : start + ROWS])}</tbody></table>"
        around = (beside(part, after) for after in (False, True))
        yield Slide("table", shown, "".join(f"<p>{text}</p>" for text in around if text))


def printed(part: Tag, page: Path) -> Iterator[Slide]:
    """Show what a cell prints below a prediction."""
    yield Slide("output", f"<pre>{inside(part)}</pre>", f"<p>{beside(part, after=True)}</p>")


def prediction(part: Tag, page: Path) -> Iterator[Slide]:
    """Ask for a vote; the output that answers is the next slide, and the speaker knows it."""
    question = inside(part.parent).split("</strong>", 1)[1].lstrip(": ")
    shown = f"<p class='vote'><b>Vote.</b> {question[0].upper()}{question[1:]}</p>"
    yield Slide("predict", shown, outcome(part))


def question(part: Tag, page: Path) -> Iterator[Slide]:
    """Ask a question; a tick at what is right comes with the next key."""
    answers = zip(ascii_uppercase, part.select("li[data-answer]"), strict=False)
    shown, notes = "", ""
    for letter, answer in answers:
        text, why = (inside(p) for p in answer.find_all("p")[:2])
        right = answer["data-answer"] == "right"
        shown += f"<li>{text}{' <span class=fragment>✓</span>' if right else ''}</li>"
        notes += f"<p>{letter}: {why}</p>"
    asked = part.find(id=part["aria-describedby"])
    yield Slide(asked["id"], f"{inside(asked)}<ol class='answers'>{shown}</ol>", notes)


def exercise(part: Tag, page: Path) -> Iterator[Slide]:
    """Show the text of an exercise."""
    title = inside(part.select_one(".admonition-title"))
    yield Slide(part["id"], f"<h2>{title}</h2>{inside(part.section)}")


def summary(part: Tag, page: Path) -> Iterator[Slide]:
    """Show the points of a summary, as many on a slide as can be read."""
    points = [f"<li>{inside(point)}</li>" for point in part.find_all("li", recursive=False)]
    lengths = np.cumsum([len(BeautifulSoup(drawn(p), "html.parser").get_text()) for p in points])
    for _, some in groupby(zip(points, lengths // LETTERS, strict=True), lambda each: each[1]):
        yield Slide("summary", f"<ul>{''.join(point for point, _ in some)}</ul>")


KINDS = {
    "figure": figure,
    "div.math[id]": equation,
    ".exercise": exercise,
    "fieldset": question,
    "section#summary > ul": summary,
    "p > strong:first-child": prediction,
    ".tag_hide-output:not(:has(table, figure)) .stream pre": printed,
    "table": table,
}
"""What of a page gets slides, and how."""
FOLDED = ".solution, .dropdown, details:not(.hide, .second-reading, .exercise)"
"""What is folded on a page is for those who open it, but outputs that a prediction waits for."""
WHOLE = ".exercise, fieldset"
"""What has one slide with all that is in it."""


def slides_of(page: Path) -> Iterator[Slide]:
    """Return the slides of a page; those of a page with no figure are none."""
    article = article_of(page)
    if not article.find("figure"):
        return
    taken: dict[str, int] = {}
    yield Slide(page.stem, f"<h1>{inside(article.h1)}</h1>")
    parts = {id(part): make for kind, make in KINDS.items() for part in article.select(kind)}
    folded, whole = ({id(part) for part in article.select(each)} for each in (FOLDED, WHOLE))
    for part in article.find_all(lambda one: id(one) in parts):
        around = {id(one) for one in part.parents}
        if (around | {id(part)}) & folded or around & whole:
            continue
        if parts[id(part)] is prediction and not part.get_text().startswith(PREDICTION):
            continue
        above = part.find_previous(["h1", "h2", "h3"])
        heading = f"<h2>{inside(above)}</h2>" if above else ""
        for name, shown, notes in parts[id(part)](part, page):
            if name in ("table", "output", "predict", "summary"):
                taken[name] = taken.get(name, 0) + 1
                name = f"{page.stem}-{name}-{taken[name]}"
            own = "" if shown.startswith("<h2>") else heading
            yield Slide(name, f"{own}<div class='fit'>{shown}</div>", notes)


def stack_of(page: Path) -> list[Slide]:
    """Return `slides_of` all at once, as another process can."""
    return list(slides_of(page))


def board(page: Path, name: str) -> str:
    """Return the text and formulas of the section of a page with that name, folded or not."""
    place = article_of(page).find(id=name)
    text = BeautifulSoup(inside(place and place.find_parent("section")), "html.parser")
    for useless in text.select("h2, h3, .cell, figure"):
        useless.decompose()
    for around in text.select("section, details"):
        around.unwrap()
    return str(text)


def stack(slides: list[Slide]) -> str:
    """Return slides that stand below each other in the overview."""
    return "<section>{}</section>".format(
        "\n".join(
            f'<section id="{name}">{shown}<aside class="notes">{notes}</aside></section>'
            for name, shown, notes in slides
        )
    )


def lessons(page: Path, slides: dict[str, list[Slide]]) -> Iterator[tuple[str, str, list]]:
    """Return name, title and stacks of the lessons: what each line of a plan links to.

    A row of a plan that links to no slide is one itself.  What it links to that is no slide is work
    for the board: its text is in the notes of the slide before.

    Raises
    ------
    ValueError
        If a plan links to a slide that there is not.
    """
    for section in article_of(page).select("section[id^=lesson-]"):
        title = inside(section.h2)
        stacks = [[Slide("title", f"<h1>{title}</h1><p>{inside(section.p)}</p>")]]
        for line in section.select("tr, section > p"):
            found, derived = [], [""]
            for link in line.select("a[href*='#']"):
                file, _, name = link["href"].partition("#")
                if name.removeprefix("/") in slides:
                    found += slides[name.removeprefix("/")]
                    derived += [""] * (len(found) - len(derived))
                elif "/slides" in file:
                    raise ValueError(f"{page.name}: {title} asks for a slide {name}, which is none")
                else:
                    derived[-1] += board(page.parent / file, name)
            cells = [inside(cell.p or cell) for cell in line.find_all("td")]
            if cells and not found:
                _, happens, about = cells
                shown = f"<h2>{about or title}</h2><div class='fit'><p>{happens}</p></div>"
                found = [Slide(f"plan-{len(stacks)}", shown)]
            if found:
                plan = f"<p>{' – '.join(filter(None, cells)) or inside(line)}</p>"
                minutes = f"<p>{cells[0]}</p>" if cells else ""
                heads = [plan, *[minutes] * (len(found) - 1)]
                stacks.append(
                    [
                        one._replace(notes=head + one.notes + more)
                        for head, one, more in zip(heads, found, derived, strict=True)
                    ]
                )
        yield "-".join(section["id"].split("-")[:2]), title, stacks


def deck(title: str, stacks: list[list[Slide]]) -> str:
    """Return slides as a page that needs no other."""
    return DECK.format(
        title=markup.escape(title),
        slides=drawn("\n".join(map(stack, stacks))),
        reveal_css=(REVEAL / "dist" / "reveal.css").read_text(encoding="utf-8"),
        reveal_js=(REVEAL / "dist" / "reveal.js").read_text(encoding="utf-8"),
        notes_js=(REVEAL / "plugin" / "notes" / "notes.js").read_text(encoding="utf-8"),
    )


def add(html: Path, toc: Path) -> str:
    """Put the slides of a built book among its pages; return how many there are, in words."""
    pages = listed(toc)
    with ProcessPoolExecutor(cores()) as pool:
        stacks = list(pool.map(stack_of, [html / f"{page}.html" for page in pages]))
    title = article_of(html / f"{pages[0]}.html").h1.get_text()
    front = [Slide("title", f"<h1>{markup.escape(title)}</h1>")]
    decks = {"slides": deck(title, [front, *filter(None, stacks)])}
    slides: dict[str, list[Slide]] = {}
    for slide in (slide for stack in stacks for slide in stack):
        # The panels of a figure go together.
        slides.setdefault(re.sub("^(fig-.*)-[b-z]$", r"\1", slide.name), []).append(slide)
    if LECTURER in pages:
        for name, title, plan in lessons(html / f"{LECTURER}.html", slides):
            decks[f"slides-{name}"] = deck(title, plan)
    for name, text in decks.items():
        (html / f"{name}.html").write_text(text, encoding="utf-8")
    return f"==> {1 + sum(map(len, stacks))} slides, {len(decks)} decks"


def main(directory: Path) -> int:
    """Put the slides of the book in `directory` among its pages; return 1 if there is none."""
    html = directory / "_build" / "html"
    if not (html / "index.html").is_file():
        print(f"error: no book in {html}: run `make book` first", file=sys.stderr)
        return 1
    print(f"{add(html, directory / '_toc.yml')}:\n{html / 'slides.html'}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
