"""How hypothesis draws its examples, and the book and the browser that several modules use."""

import os

# As in the Makefile, and before NumPy loads its BLAS: digits must not depend on the threads, and
# workers that each start several take many times as long.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from coverage import Coverage
from filelock import FileLock
from hypothesis import settings
from matplotlib.axes import Axes
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    expect,
    sync_playwright,
)

from qwlib.run.page import copy_book, listed
from tools import live

ROOT = Path(__file__).parent.parent
PAGES = listed(ROOT / "_toc.yml")
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))

# What a shell starts in the background is deaf to Ctrl-C, and so would be all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# In CI the same examples every time, so that a red run is about the change at hand;
# elsewhere new ones each time, so that the search goes on.
# No deadline: how long one example takes says more about the machine than about the code.
settings.register_profile("ci", derandomize=True, print_blob=True, deadline=None)
settings.register_profile("local", print_blob=True, deadline=None)
IN_CI = bool(os.environ.get("CI"))
settings.load_profile("ci" if IN_CI else "local")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed here, before hypothesis reads the option, so that it can be told."""
    if not IN_CI and config.getoption("hypothesis_seed") is None:
        config.option.hypothesis_seed = str(random.SystemRandom().randrange(2**32))


# No worker is left with one of these at the end, and the second needs no book while the first is
# building it.
LONG = ("build", "rerun", "pages", "sliders", "live", "published", "engine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the modules that take long, and have no kernel measured."""
    # nbval would measure in its kernels, by a module that pytest-cov has no more.
    config.option.cov_source = None
    first = {f"test_{name}.py": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: first.get(item.path.name, len(first)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure what the tests of the solver run, and leave alone those that would take longer."""
    measuring = Coverage.current()
    # Sectors with a tilt are used for other directions of m alone.
    solver = item.path.parent == ROOT / "tests" or item.path.name == "test_direction.py"
    if measuring is None or solver:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()


def pytest_report_header(config: pytest.Config) -> str:
    """Say how to draw the same examples again."""
    seed = config.getoption("hypothesis_seed")
    return "hypothesis: " + (
        f"random examples, again with --hypothesis-seed={seed}"
        if seed is not None
        else "the same examples every time (CI is set)"
    )


def build(directory: Path, *options: str) -> subprocess.CompletedProcess:
    """Run in `directory` what `make book` runs, with the qwlib found there."""
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "build.py", directory, *options],
        # As it is published, whatever this run of make was asked for; where the folder has no qwlib
        # of its own, with the one that is tested.
        env={**os.environ, "PYTHONPATH": f"{directory}{os.pathsep}{ROOT}", "LIVE": ""},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def missing(what: str) -> None:
    """Skip a test for want of a program, but fail where all is meant to be there."""
    if IN_CI:
        pytest.fail(what)
    pytest.skip(what)


class Handler(SimpleHTTPRequestHandler):
    """Serves files without a word, and keeps a list of the paths that were asked for."""

    def __init__(self, *args, seen: list[str], **options):
        self.seen = seen
        super().__init__(*args, **options)

    def do_GET(self):
        self.seen.append(self.path)
        super().do_GET()

    def log_message(self, *args):
        pass


class Plain(Handler):
    """Serves pages on which nobody sets the formulas, since that is most of the work on a page."""

    def do_GET(self):
        if "/mathjax/" not in self.path:
            return super().do_GET()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/javascript")
        self.end_headers()


class Site(str):
    """The address of a folder that is served on this machine; `seen` lists what was fetched."""

    seen: list[str]


@contextmanager
def served(pages: Path, handler: type[Handler] = Handler) -> Iterator[Site]:
    """Serve a folder on this machine, quietly, and give its address."""
    seen = []
    handle = partial(handler, directory=pages, seen=seen)
    with ThreadingHTTPServer(("127.0.0.1", 0), handle) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        site = Site(f"http://127.0.0.1:{server.server_port}")
        site.seen = seen
        try:
            yield site
        finally:  # or a test that fails would keep the run from its end
            server.shutdown()
            thread.join()


def common(tmp_path_factory) -> Path:
    """Return a folder that all workers share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture
def placed_legends(monkeypatch) -> None:
    """Refuse a legend without a place: Matplotlib warns where a machine is slow to find one."""
    legend = Axes.legend

    def placed(axes: Axes, *args, loc: str, **options):
        return legend(axes, *args, loc=loc, **options)

    monkeypatch.setattr(Axes, "legend", placed)


@pytest.fixture(scope="session")
def html(tmp_path_factory) -> Path:
    """The pages of the whole book, built once for all modules and workers.

    They show the stored outputs, which nbval compares with fresh ones; `make book` runs all.
    """
    # The space is there because a reader's folder may have one.
    directory = common(tmp_path_factory) / "the book"
    pages = directory / "_build" / "html"
    with FileLock(directory.with_suffix(".lock")):
        if not (pages / "index.html").is_file():
            shutil.rmtree(directory, ignore_errors=True)
            # A build that needs anything else fails.
            copy_book(ROOT, directory)
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / "qwlib", directory / "qwlib", ignore=ignored)
            done = build(directory, "--stored")
            assert done.returncode == 0, done.stdout + done.stderr
            assert Path(done.stdout.splitlines()[-1]) == pages / "index.html"
    return pages


@pytest.fixture(scope="session")
def local_copies(tmp_path_factory) -> Path:
    """Thebe and Pyodide as `LIVE=local` has them, fetched and verified once."""
    with FileLock(common(tmp_path_factory) / "copies.lock"):
        try:
            live.fetch()
        except live.Unreachable as error:
            missing(
                f"python tools/live.py, with npm and a network, fetches what is missing; {error}"
            )
    return live.CACHE


@pytest.fixture(scope="session")
def local_html(tmp_path_factory, html, local_copies) -> Path:
    """The same pages with all that runs them beside them, as `make book LIVE=local` leaves them."""
    pages = common(tmp_path_factory) / "the local book"
    with FileLock(pages.with_suffix(".lock")):
        if not (pages / "live" / "config.json").is_file():
            shutil.rmtree(pages, ignore_errors=True)
            shutil.copytree(html, pages, copy_function=os.link)
            live.install(pages, local=True)
    return pages


@pytest.fixture(scope="module")
def local_site(local_html) -> Iterator[Site]:
    """The address of those pages."""
    with served(local_html, Plain) as address:
        yield address


PATIENCE = int(os.environ.get("PATIENCE", 600))  # s
"""When to give up waiting for something: only what hangs takes so long, on a slow machine too."""

# `SLOWER=4 make test` has a browser that is four times as slow as this machine lets it be.
SLOWER = float(os.environ.get("SLOWER", 1))

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# The last one cuts the network: no name is found, and only this machine has none.
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def patient(make: Callable) -> Callable:
    """Return `browser.new_page` or `browser.new_context` with this patience and speed."""

    def slow(page: Page) -> None:
        rate = {"rate": SLOWER}
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", rate)

    def made(**options) -> Page | BrowserContext:
        one = make(**options)
        # And what a page opens, such as the window of a speaker.
        context = one.context if isinstance(one, Page) else one
        context.set_default_timeout(1000 * PATIENCE)
        if SLOWER > 1:
            for page in context.pages:
                slow(page)
            context.on("page", slow)
        return one

    return made


@contextmanager
def launched() -> Iterator[Browser]:
    """Start Chromium or Chrome, or the one that Playwright downloaded."""
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        path = found or playwright.chromium.executable_path
        if not Path(path).exists():
            missing("no Chromium: install it, or run `python -m playwright install chromium`")
        browser = playwright.chromium.launch(
            executable_path=path, args=OPTIONS, timeout=1000 * PATIENCE
        )
        browser.new_page, browser.new_context = map(
            patient, (browser.new_page, browser.new_context)
        )
        expect.set_options(timeout=1000 * PATIENCE)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def watched(page: Page, site: str = "") -> Page:
    """Note in `page.wrong` what goes wrong on a page from now on, and what it asks others for."""
    page.wrong = wrong = []
    inside = (site, "data:", "blob:")

    def asked(request: Request) -> None:
        if not request.url.startswith(inside):
            wrong.append(f"asks for {request.url}")

    page.on("request", asked)
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda r: wrong.append(f"failed: {r.url}"))
    page.on("response", lambda r: wrong.append(f"{r.status}: {r.url}") if not r.ok else None)
    return page


# Formulas are boxes of MathJax, and code and signatures are a box for each word, thousands on a
# page.  Of a formula its text stays, which may be the name of a link, and of words that differ from
# their line by a look alone the first of each look on each ground: others have the same contrast.
THIN = """() => {
  document.querySelectorAll("mjx-math").forEach(one => one.replaceChildren());
  document.querySelectorAll("mjx-assistive-mml").forEach(one => one.append(one.textContent));
  document.querySelectorAll("mjx-assistive-mml > math").forEach(one => one.remove());
  const ground = box => {
    const colour = getComputedStyle(box).backgroundColor;
    return colour !== "rgba(0, 0, 0, 0)" || !box.parentElement ? colour : ground(box.parentElement);
  };
  const seen = new Set();
  const again = [...document.querySelectorAll(
    ".highlight pre span[class], dt.sig span[class], .bd-article :is(em, strong, code, span.pre)"
  )].filter(one => {
    const { color, fontSize, fontWeight } = getComputedStyle(one);
    const look = [one.className, color, fontSize, fontWeight, ground(one)].join();
    return seen.has(look) || !seen.add(look);
  });
  again.forEach(one => one.replaceWith(...one.childNodes));
}"""


def violations(page: Page, context: dict | str, **options) -> list[dict]:
    """Return what axe-core finds in a part of a page, which is thinned for it and stays so."""
    page.evaluate(THIN)
    # Without preload, since axe-core takes an @import of a style sheet for one of the page, and
    # what it would fetch so fails.
    options = {"resultTypes": ["violations"], "preload": False} | options
    return Axe().run(page, context, options).response["violations"]


def told(found: list[dict], impacts: tuple[str, ...] = ("serious", "critical")) -> list[str]:
    """Return the violations of such impacts with the first places, for a message."""
    return [
        f"{each['id']}: {[node['html'][:200] for node in each['nodes'][:5]]}"
        for each in found
        if each["impact"] in impacts
    ]
