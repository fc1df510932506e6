"""A page that runs: Python started in a real browser, cells edited and run, a slider moved.

Everything comes from files of the book, served from this machine; all else is refused.
"""

import http.server
import json
import os
import shutil
import threading
import time
import zipfile
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect, sync_playwright
from test_build import ROOT, build

import qwlib
from qwlib import Well, fermi_states
from tools import live

# Fetching and starting Python in a page takes minutes and a hundred megabytes.
pytestmark = pytest.mark.slow

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()

# Python and its packages are 40 MB to compile; a machine with other work takes this long.
PATIENCE = 300_000  # ms

# From one machine to the other: a sum of contributions is rounded differently by another libm.
SAME = 1e-9

CELLS = [
    (
        "import matplotlib.pyplot as plt\n"
        "from myst_nb import glue\n"
        "from qwlib import Well, fermi_states, sweep\n"
        "from qwlib.explore import explore_states\n"
        "from qwlib.figures import levels_and_contributions, use_style\n"
        "use_style()",
        {},
    ),
    ("d = 2.2\nE_F = 3.0", {"tags": ["parameters"]}),
    (
        "states = fermi_states(Well(d=d), E_F)\n"
        "glue('number', len(states), display=False)\n"
        "print(repr(float(states.contribution.sum())))",
        {},
    ),
    (
        "levels_and_contributions([('', states)])\nplt.show()",
        {
            "mystnb": {"figure": {"name": "fig-levels", "caption": "The levels."}},
            "image": {"alt": "Levels."},
        },
    ),
    (
        "explorer = explore_states(E_F, d=d)\nexplorer",
        {"tags": ["explorer", "nbval-ignore-output"]},
    ),
    ("print(explorer.states.well.alpha_L, repr(float(explorer.states.contribution.sum())))", {}),
    (
        "print(repr(float(sweep(d=[1.0, 2.2], E_F=E_F)['spin_density'].sum())),\n"
        "      sweep(d=[1.0, 2.2], E_F=E_F)['n_states'].sum().item())",
        {},
    ),
]
IMPORTS, PARAMETERS, STATES, FIGURE, EXPLORER, EXPLORED, SWEPT = range(len(CELLS))


def missing(what: str):
    """Skip, but never where all is meant to be there."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing("no Chromium or Chrome on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    """A book of one chapter under this book's configuration, as `make book` builds it."""
    directory = tmp_path_factory.mktemp("live")
    (directory / "book").mkdir()
    shutil.copy(ROOT / "_config.yml", directory)
    for folder in ("_static", "_ext"):
        shutil.copytree(ROOT / "book" / folder, directory / "book" / folder)
    shutil.copy(ROOT / "book" / "references.bib", directory / "book")
    (directory / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n", encoding="utf-8")
    cells = [nbformat.v4.new_markdown_cell("# Scratch")]
    for source, metadata in CELLS:
        cells.append(nbformat.v4.new_code_cell(source, metadata=metadata))
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(notebook, directory / "book" / "intro.ipynb")
    done = build(directory)
    assert done.returncode == 0, done.stdout + done.stderr
    return directory / "_build" / "html"


@pytest.fixture(scope="module")
def address(html):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(html))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def local_copies():
    ready = live.CACHE / "ready.json"
    if not ready.is_file() and shutil.which("npm") is None:
        missing("no copies of Thebe and Pyodide in .live, and no npm to fetch them with")
    live.fetch()
    return live.CACHE


@pytest.fixture
def page(browser, address):
    """A page whose network ends at this machine; `page.refused` lists what it asked for."""
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    page = context.new_page()
    page.refused = []

    def refuse(route):
        if route.request.url.startswith(address + "/"):
            route.continue_()
        else:
            page.refused.append(route.request.url)
            route.abort()

    context.route("**/*", refuse)
    yield page
    context.close()


def say(capsys, text: str) -> None:
    with capsys.disabled():
        print(f"\n    {text}")


def start(page: Page, address: str) -> float:
    """Press the button, wait until the page is live, and return the seconds that it took."""
    page.goto(f"{address}/book/intro.html")
    began = time.perf_counter()
    page.get_by_role("button", name="Run this page").click()
    page.wait_for_selector(
        ".qw-live[data-state=live], .qw-live[data-state=failed]", timeout=PATIENCE
    )
    seconds = time.perf_counter() - began
    assert page.get_attribute(".qw-live", "data-state") == "live", page.inner_text(".qw-live")
    return seconds


def run(page: Page, number: int) -> str:
    """Press the run button of a cell and return what it prints."""
    cell = page.locator("article div.cell").nth(number)
    output = cell.locator("[data-output]")
    output.evaluate("node => { node.querySelector('.jp-OutputArea').innerHTML = ''; }")
    cell.get_by_role("button", name="run", exact=True).click()
    page.wait_for_function(
        "node => node.innerText.trim().length > 0", arg=output.element_handle(), timeout=PATIENCE
    )
    return output.inner_text().strip()


def test_a_page_at_rest_loads_nothing_and_says_what_the_button_does(page, address):
    errors = []
    page.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else 0
    )
    page.goto(f"{address}/book/intro.html")
    expect(page.get_by_role("button", name="Run this page")).to_be_enabled()
    expect(page.locator(".qw-run-message")).to_contain_text("starts Python in your browser")
    # In the place of the explorer there is a line of text, not a widget without a manager.
    explorer = page.locator("article div.cell.tag_explorer .cell_output")
    expect(explorer).to_contain_text("Sliders stand here while Python runs")
    page.wait_for_load_state("networkidle")
    assert all("mathjax" in url for url in page.refused), page.refused
    assert not [text for text in errors if "require" in text or "widget" in text.lower()]


def test_a_running_page(page, address, html, local_copies, capsys):
    live.install(html, local=True)
    seconds = start(page, address)
    say(capsys, f"from click to usable: {seconds:.1f} s (load {os.getloadavg()[0]:.1f})")
    assert all("mathjax" in url for url in page.refused), page.refused

    # The imports, the parameters and the explorer have run.
    printed = run(page, EXPLORED)
    native = fermi_states(Well(d=2.2), 3.0).contribution.sum()
    assert float(printed.split()[1]) == pytest.approx(native, rel=SAME)

    picture = page.locator("img.widget-image")
    handle = page.locator(".widget-slider", has_text="α_L").locator(".noUi-handle")
    steps = []
    for _ in range(5):
        before = picture.get_attribute("src")
        began = time.perf_counter()
        handle.press("ArrowRight")
        page.wait_for_function(
            "src => document.querySelector('img.widget-image').src !== src",
            arg=before,
            timeout=PATIENCE,
        )
        steps.append(time.perf_counter() - began)
    listed = ", ".join(f"{step:.2f}" for step in steps)
    say(capsys, f"steps of a slider: {listed} s (load {os.getloadavg()[0]:.1f})")
    alpha, total = map(float, run(page, EXPLORED).split())
    assert alpha == pytest.approx(0.046 + 5 * 0.001, abs=1e-12)  # five steps of the slider
    native = fermi_states(Well(d=2.2, alpha_L=alpha), 3.0).contribution.sum()
    assert total == pytest.approx(native, rel=SAME)

    # A cell is edited, and the cells below it follow.
    editor = page.locator("article div.cell").nth(PARAMETERS).locator(".CodeMirror")
    editor.click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text("d = 1.9\nE_F = 2.8\nprint('set')")
    assert run(page, PARAMETERS) == "set"
    native = fermi_states(Well(d=1.9), 2.8).contribution.sum()
    assert float(run(page, STATES)) == pytest.approx(native, rel=SAME)

    # What only a sweep needs comes when a sweep is asked for.
    wells = [fermi_states(Well(d=d), 2.8) for d in (1.0, 2.2)]
    printed = run(page, SWEPT)
    assert len(printed.split()) == 2, printed
    total, number = printed.split()
    native = sum(states.contribution.sum() for states in wells)
    assert float(total) == pytest.approx(native, rel=SAME)
    assert int(number) == sum(map(len, wells))

    # A figure drawn anew keeps its caption.
    page.get_by_role("button", name="Run all cells").click()
    expect(page.get_by_role("button", name="Run all cells")).to_be_enabled(timeout=PATIENCE)
    expect(page.locator("figure figcaption")).to_contain_text("The levels.")
    assert page.locator("figure img").get_attribute("src").startswith("data:image/png")
    assert page.locator("article .jp-RenderedText[data-mime-type*=stderr]").count() == 0


def test_the_published_page_takes_the_rest_from_public_addresses(
    page, address, html, local_copies, capsys
):
    live.install(html, local=False)
    served = set()

    def public(route):
        for name, prefix in live.PUBLIC.items():
            if route.request.url.startswith(prefix):
                served.add(name)
                rest = route.request.url.removeprefix(prefix).partition("?")[0]
                route.fulfill(
                    path=local_copies / live.LOCAL[name] / rest,
                    headers={"Access-Control-Allow-Origin": "*"},
                )
                return
        route.fallback()

    page.context.route("**/*", public)
    seconds = start(page, address)
    say(capsys, f"the same from other addresses: {seconds:.1f} s")
    assert served == set(live.PUBLIC)
    native = fermi_states(Well(d=2.2), 3.0).contribution.sum()
    assert float(run(page, EXPLORED).split()[1]) == pytest.approx(native, rel=SAME)


def test_without_a_network_the_button_says_so_and_can_be_pressed_again(page, address, html):
    live.install(html, local=False)
    page.goto(f"{address}/book/intro.html")
    page.get_by_role("button", name="Run this page").click()
    expect(page.locator(".qw-live[data-state=failed]")).to_contain_text("Check the connection")
    expect(page.get_by_role("button", name="Run this page")).to_be_enabled()


def test_a_page_opened_as_a_file_says_what_to_do(browser, html):
    page = browser.new_page()
    page.goto((html / "book" / "intro.html").as_uri())
    page.get_by_role("button", name="Run this page").click()
    expect(page.locator(".qw-live[data-state=failed]")).to_contain_text("make serve")
    page.close()


# --- without a browser ----------------------------------------------------------------------------


def test_wheels_hold_what_is_installed_and_are_listed_with_their_checksums(tmp_path):
    live.install(tmp_path, local=False)
    config = json.loads((tmp_path / "live" / "config.json").read_text(encoding="utf-8"))
    listed = json.loads((tmp_path / "live" / "wheels" / "all.json").read_text(encoding="utf-8"))
    for wanted in config["wheels"] + config["late"]:
        if wanted in live.LATE_PACKAGES:
            continue
        name, version = wanted.split("==")
        (entry,) = listed[name]["releases"][version]
        wheel = tmp_path / "live" / "wheels" / entry["filename"]
        assert live.sha256(wheel.read_bytes()) == entry["digests"]["sha256"]
        with zipfile.ZipFile(wheel) as archive:
            assert f"{name}-{version}.dist-info/METADATA" in archive.namelist()
            if name == "qwlib":
                for path in Path(qwlib.__file__).parent.glob("*.py"):
                    assert archive.read(f"qwlib/{path.name}") == path.read_bytes()
    first = (tmp_path / "live" / "config.json").read_bytes()
    live.install(tmp_path, local=False)
    assert (tmp_path / "live" / "config.json").read_bytes() == first


def test_a_file_that_is_not_what_it_should_be_stops_the_build(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=r"thebe@0\.9\.3 does not have the checksum"):
        live.check(False, "thebe@0.9.3")
    monkeypatch.setattr(live, "CACHE", tmp_path / "none")
    monkeypatch.setattr(live.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="npm, which is not there"):
        live.fetch()


def test_scripts_from_elsewhere_are_those_that_were_verified(local_copies):
    for source, file in (
        ("thebe", "thebe.css"),
        ("thebe", "index.js"),
        ("thebeLite", "thebe-lite.min.js"),
    ):
        data = (local_copies / live.LOCAL[source] / file).read_bytes()
        assert live.integrity(data, "sha384") == live.INTEGRITY[file]
