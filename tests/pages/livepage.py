"""What the tests of live pages share: a page that is opened, started, read and measured."""

import ast
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import nbformat
from bs4 import BeautifulSoup
from conftest import ROOT, Site, watched
from playwright.sync_api import Browser, Locator, Page, Route, expect

from qwlib import Well, fermi_states
from qwlib.book.widgets import Explorer
from qwlib.kubo import KINDS
from tools import live

BOOK = ROOT / "book"


def code(chapter: str) -> list:
    """Return the cells of code in a chapter."""
    notebook = nbformat.read(BOOK / f"{chapter}.ipynb", as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def has(cell, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def of_page(chapter: str) -> list:
    """Return the cells of code that the page of a chapter has; nothing of others can run there."""
    gone = ("remove-cell", "remove-input")
    return [cell for cell in code(chapter) if not any(has(cell, tag) for tag in gone)]


def stored(cell) -> str:
    """Return what the book stores as printed by a cell, with the cells of its tables below."""
    text = "".join(out.text for out in cell.outputs if out.output_type == "stream")
    pages = [out.data["text/html"] for out in cell.outputs if "text/html" in out.get("data", {})]
    cells = [one for page in pages for one in BeautifulSoup(page, "html.parser").select("th, td")]
    return "\n".join([text.strip(), *(one.get_text() for one in cells)])


def printed(output: Locator) -> str:
    """Return the same of what a page shows as the output of a cell."""
    text = "".join(output.locator("[data-mime-type*=stdout]").all_text_contents())
    cells = output.locator("table :is(th, td)").all_text_contents()
    return "\n".join([text.strip(), *cells])


CHAPTERS = sorted(path.stem for path in BOOK.glob("*.ipynb"))
EXPLORED = [name for name in CHAPTERS if any(has(cell, "explorer") for cell in code(name))]

THOROUGH = "confinement"
"""The chapter that test_live.py starts for all that is asked of a page."""

# From one machine to the other: a sum of contributions is rounded differently by another libm.
SAME = 1e-9


def open_page(browser: Browser, site: str, name: str) -> Page:
    """Open a page; what goes wrong from now on is in `page.wrong`."""
    page = watched(browser.new_page(viewport={"width": 1200, "height": 1000}))
    page.goto(f"{site}/book/{name}.html")
    return page


def press(page: Page) -> None:
    """Press the button and wait until the page is live."""
    page.get_by_role("button", name="Edit the cells").click()
    page.wait_for_selector(".qw-live[data-state=live], .qw-live[data-state=failed]")
    assert page.get_attribute(".qw-live", "data-state") == "live", page.inner_text(".qw-live")


def totals(explorer: Locator) -> dict[str, float]:
    """Read ∫S_y dz of each kind off the table, in 10⁻³ nm⁻² with all digits."""
    rows = explorer.locator("table tr:has(td)")
    return {
        row.locator("td").first.inner_text(): float(row.locator("data").last.get_attribute("value"))
        for row in rows.all()
    }


def computed(values: dict) -> dict[str, float]:
    """Return the same, computed here."""
    values = values.copy()
    E_F = values.pop("E_F")
    states = fermi_states(Well(**values), E_F)
    sums = {kind: 1e3 * states[states.kind == kind].contribution.sum() for kind in KINDS}
    return sums | {"all": 1e3 * states.contribution.sum()}


def cell_of(page: Page, number: int) -> Locator:
    return page.locator("article div.cell:has(.CodeMirror)").nth(number)


def write(cell: Locator, source: str) -> Locator:
    """Write a cell anew, press its button and return where its output comes."""
    for fold in cell.locator("details.above-input:not([open]) > summary").all():
        fold.click()
    cell.locator(".CodeMirror").evaluate("(node, text) => node.CodeMirror.setValue(text)", source)
    cell.get_by_role("button", name="run", exact=True).click()
    return cell.locator("[data-output]")


MOVE = "Move every parameter"
"""The button of an explorer."""

RUNS = count()

# What the page says while Python starts: the stage, and how long is left.
SAID = """() => {
  window.said = [];
  const [bar, words, left] = ["", "-message", "-left"].map((part) =>
    document.querySelector(part ? `.qw-run${part}` : ".qw-live"));
  new MutationObserver(() => {
    if (bar.dataset.state === "loading") said.push([words.textContent, left.textContent]);
  }).observe(bar, { childList: true, subtree: true });
}"""


def run(page: Page, number: int, source: str) -> str:
    """Run other code in a cell and return what it prints, with the cells of its tables below."""
    end = f"run {next(RUNS)} is done"
    # What is the last expression of a cell is shown, and here a line follows it.
    *_, last = ast.parse(source).body or [None]
    if isinstance(last, ast.Expr):
        lines = source.splitlines()
        before, value = lines[: last.lineno - 1], ast.get_source_segment(source, last)
        source = "\n".join([*before, f"if (last := {value}) is not None: display(last)"])
    output = write(cell_of(page, number), f"{source}\nprint({end!r})")
    page.wait_for_function(
        "([node, end]) => node.innerText.includes(end) || /^\\w*Error/m.test(node.innerText)",
        arg=[output.element_handle(), end],
    )
    text = printed(output)
    assert end in text, output.inner_text()
    return text.replace(end, "", 1)


def complaints(page: Page) -> list[str]:
    return page.locator("article [data-mime-type*=stderr]").all_text_contents()


def run_all(page: Page, chapter: str) -> int:
    """Press "Run all cells", and compare what the page then shows with what the book stores.

    Returns how many cells print something.
    """
    page.get_by_role("button", name="Run all cells").click()
    expect(page.get_by_role("button", name="Run all cells")).to_be_enabled()
    said = page.inner_text(".qw-live")
    assert complaints(page) == []
    cells = of_page(chapter)
    assert page.locator("article div.cell:has(.CodeMirror)").count() == len(cells)
    assert f"All {len(cells)} cells have run" in said
    said_something = 0
    for number, cell in enumerate(cells):
        if has(cell, "explorer"):  # it shows what the page makes of it
            continue
        text = stored(cell)
        assert printed(cell_of(page, number).locator("[data-output]")) == text, cell.source
        said_something += bool(text)
    # A figure drawn anew keeps its caption.
    for figure in page.locator("article div.cell figure:has(.jp-OutputArea)").all():
        assert figure.locator("img").get_attribute("src").startswith("data:image/png")
        assert figure.locator("figcaption .caption-number").count() == 1
        assert figure.locator("img").get_attribute("alt")
    return said_something


def started(
    browser: Browser, site: Site, chapter: str, copies: Path | None = None
) -> Iterator[SimpleNamespace]:
    """Start a chapter: give the page, and what was loaded for it.

    A page that takes Thebe and Pyodide from their public addresses gets the local copies there.
    """
    del site.seen[:]
    page = open_page(browser, site, chapter)
    public, urls = set(), []

    def answer(route: Route) -> None:
        urls.append(route.request.url.partition("?")[0])
        for name, prefix in live.PUBLIC.items():
            if route.request.url.startswith(prefix):
                public.add(name)
                file = route.request.url.removeprefix(prefix).partition("?")[0]
                route.fulfill(
                    path=copies / live.LOCAL[name] / file,
                    headers={"Access-Control-Allow-Origin": "*"},
                )
                return
        route.fallback()

    if copies:
        page.context.route("**/*", answer)
    page.wait_for_load_state("networkidle")
    before, idle = list(site.seen), page.inner_text(".qw-run-message")
    page.evaluate(SAID)
    press(page)
    yield SimpleNamespace(
        site=site,
        chapter=chapter,
        page=page,
        before=before,
        idle=idle,
        loaded=site.seen[len(before) :],
        public=public,
        said=page.evaluate("said"),
        urls=urls,
    )
    page.close()


def here(chapter: str) -> Explorer:
    """Return the explorer of a chapter as this Python makes it."""
    names = {}
    for cell in code(chapter):
        if has(cell, "parameters"):
            exec(cell.source, names)
    (cell,) = [cell for cell in code(chapter) if has(cell, "explorer")]
    *before, last = ast.parse(cell.source).body
    exec(compile(ast.Module(before, []), chapter, "exec"), names)
    return eval(compile(ast.Expression(last.value), chapter, "eval"), names)


def begin(page: Page) -> Locator:
    """Press the button of the sliders at the top and wait until they are live."""
    page.get_by_role("button", name=MOVE).first.click()
    explorer = page.locator("qw-explorer")
    bar = explorer.locator(".qw-bar:is([data-state=live], [data-state=failed])")
    bar.wait_for()
    assert bar.get_attribute("data-state") == "live", bar.inner_text()
    return explorer


def settled(explorer: Locator) -> Locator:
    """Wait until what is shown belongs to the sliders."""
    explorer.locator(".shown:not([data-stale])").wait_for()
    return explorer
