"""Print the pages of a built book into one PDF, with an outline and numbered pages.

    python tools/pdf.py [SITE] [FILE]

SITE is a built book, _build/html if none is named; FILE is _build/qwlib-book.pdf.  Chromium or
Chrome prints each page as a reader's browser would; links between pages lead to places of the PDF.
"""

import io
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

from bs4 import BeautifulSoup
from playwright.sync_api import Page, sync_playwright
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NullObject,
    NumberObject,
    TextStringObject,
)

from qwlib.run.page import listed

ROOT = Path(__file__).parent.parent
BASE = "https://qwlib.github.io/qwlib/"
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
PATIENCE = 600_000  # ms: only what hangs takes so long, on a slow machine too
# A page without formulas has no MathJax.
SETTLED = "() => !window.MathJax || MathJax.startup.promise.then(() => true)"
# Pages go on being counted where the last chapter ended.
NUMBERED = """@page :first {{ counter-set: page {first} }}
@page {{ @bottom-center {{ content: counter(page) }} }}"""
# The browser writes down where a place is if a link within the page leads to it, shown or not.
MARKS = """ids => {
  const marks = document.createElement("div");
  marks.hidden = true;
  marks.append(...ids.map(id => Object.assign(document.createElement("a"), {href: `#${id}`})));
  document.body.append(marks);
}"""


class NoBrowser(Exception):
    """There is neither Chromium nor Chrome."""


def pages(site: Path, toc: Path = ROOT / "_toc.yml") -> list[Path]:
    """Return the pages of a book in their order.

    Raises
    ------
    ValueError
        If one of them is missing.
    """
    files = [site.resolve() / f"{name}.html" for name in listed(toc)]
    if missing := [file.name for file in files if not file.is_file()]:
        raise ValueError(
            f"{site} must be a built book, and lacks {missing[0]}: run make book first"
        )
    return files


def places(files: list[Path]) -> dict[str, list[str]]:
    """Return the places of each page, by its address, to which others lead."""
    found: dict[str, list[str]] = {file.as_uri(): [] for file in files}
    for file in files:
        article = BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser").find("article")
        for link in article.select("a[href*='#']"):
            address, place = urldefrag(urljoin(file.as_uri(), link["href"]))
            if place and address in found and place not in found[address]:
                found[address].append(unquote(place))
    return found


def printed(page: Page, address: str, marks: list[str], first: int) -> PdfReader:
    """Print one page of the book, whose first sheet has the number `first`."""
    page.goto(address)
    page.evaluate(SETTLED)
    page.evaluate(MARKS, marks)
    page.add_style_tag(content=NUMBERED.format(first=first))
    data = page.pdf(
        format="A4", prefer_css_page_size=True, print_background=True, tagged=True, outline=True
    )
    return PdfReader(io.BytesIO(data))


def leads(link: DictionaryObject, address: str) -> str | None:
    """Return the address that a link of a printed page leads to."""
    if "/Dest" in link:
        return f"{address}#{str(link['/Dest']).removeprefix('/')}"
    return link.get("/A", {}).get("/URI")


def connect(sheet: PageObject, address: str, spots: dict[str, ArrayObject], site: str) -> None:
    """Let the links of a sheet lead to places of the PDF, or to the published book."""
    for reference in sheet.get("/Annots", []):
        link = reference.get_object()
        target = leads(link, address)
        if target is None:
            continue
        spot = spots.get(target) or spots.get(urldefrag(target)[0])
        if spot is not None:
            link.pop("/A", None)
            link[NameObject("/Dest")] = spot
        elif target.startswith(site):  # the data of a figure, slides
            link["/A"][NameObject("/URI")] = TextStringObject(BASE + target.removeprefix(site))


def once(item: DictionaryObject | None) -> None:
    """Let each heading of an outline be there once: some come from the browser doubled."""
    while item is not None:
        item = item.get_object()
        title = str(item["/Title"])
        half = title[: len(title) // 2]
        if title == half + half:
            item[NameObject("/Title")] = TextStringObject(half)
        once(item.get("/First"))
        item = item.get("/Next")


def make(site: Path, target: Path, some: list[Path] | None = None) -> None:
    """Print the book in `site`, or some pages of it, into the file `target`.

    Raises
    ------
    ValueError
        If there is no book.
    NoBrowser
        If there is nothing that prints it.
    """
    files = [path.resolve() for path in some] if some else pages(site)
    marks = places(files)
    writer = PdfWriter()
    spots: dict[str, ArrayObject] = {}
    sheets: list[tuple[PageObject, str]] = []
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        path = found or playwright.chromium.executable_path
        if not Path(path).exists():
            raise NoBrowser(
                "no Chromium: install it, or run `python -m playwright install chromium`"
            )
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"], timeout=PATIENCE
        )
        page = browser.new_page(color_scheme="light", reduced_motion="reduce")
        page.set_default_timeout(PATIENCE)
        for address, ids in marks.items():
            start = len(writer.pages)
            reader = printed(page, address, ids, start + 1)
            writer.append(reader)
            here = writer.pages[start:]
            sheets += [(sheet, address) for sheet in here]
            top = [here[0].indirect_reference, NameObject("/Fit")]
            spots[address] = ArrayObject(top)
            for name, place in reader.named_destinations.items():
                sheet = here[reader.get_destination_page_number(place)]
                where = [NameObject("/XYZ"), NumberObject(0), place.top or NullObject()]
                spot = ArrayObject([sheet.indirect_reference, *where, NullObject()])
                spots[f"{address}#{name.removeprefix('/')}"] = spot
        browser.close()
    for sheet, address in sheets:
        connect(sheet, address, spots, f"{site.resolve().as_uri()}/")
    once(writer.get_outline_root().get("/First"))
    writer.add_metadata({"/Title": "A paper that can be run", "/Author": "The qwlib authors"})
    writer.compress_identical_objects()
    target.parent.mkdir(parents=True, exist_ok=True)
    writer.write(target)
    print(f"==> The book on {len(writer.pages)} sheets:\n{target.resolve()}")


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    try:
        make(*given, *[Path("_build/html"), Path("_build/qwlib-book.pdf")][len(given) :])
    except (ValueError, NoBrowser) as error:
        sys.exit(f"error: {error}")
