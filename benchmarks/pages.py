"""Time what a reader of the pages waits for, side by side with what it is made of.

    python benchmarks/pages.py [--rounds N] [--chapter NAME]

The book must have been built.  In each round a chapter is shown and an empty page; Python is
started by the button of the chapter, and alone in a worker with the same packages; its explorer
alone is started beside that, and a slider of it moved by a step, and that of the same explorer
here.  Printed are the times of the processors in seconds, the browser's among them, and the ratio
of the two in each round: minimum, median, maximum; of the explorer alone and of all cells also the
megabytes that come.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")})
    os.environ.setdefault("MPLBACKEND", "agg")
    sys.path[:0] = map(str, (ROOT, *(ROOT / "tests" / part for part in ("", "pages", "book"))))

import psutil  # noqa: E402
from conftest import Site, launched, served  # noqa: E402
from livepage import begin, here, open_page, press, settled  # noqa: E402
from playwright.sync_api import Browser, Page  # noqa: E402

from tools import live  # noqa: E402

PARTS = (
    "showing a chapter / an empty page",
    "starting Python / in a worker",
    "starting the explorer / all cells",
    "its step / here",
)
ALONE = """async ([url, packages]) => {
  const source = `importScripts("${url}pyodide.js");
    loadPyodide({ packages: ${JSON.stringify(packages)} }).then(async (python) => {
      await python.runPythonAsync("import numpy, matplotlib.pyplot");
      postMessage("ready");
    });`;
  const blob = new Blob([source], { type: "text/javascript" });
  const worker = new Worker(URL.createObjectURL(blob));
  await new Promise((resolve, reject) => { worker.onmessage = resolve; worker.onerror = reject; });
  worker.terminate();
}"""


SPENT: dict[psutil.Process, float] = {}
"""What each process had taken when it was last seen; some of the browser's end in between."""


def processors() -> float:
    """Return the processor time of this process and of all that it started, in seconds."""
    for process in [(own := psutil.Process()), *own.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            SPENT[process] = times.user + times.system
    return sum(SPENT.values())


def spent(work: Callable[[], object]) -> float:
    """Return the processor time that a piece of work takes, here and in the browser."""
    before = processors()
    work()
    return processors() - before


def shown(browser: Browser, address: str) -> None:
    """Open a page and wait until nothing more is loaded."""
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.close()


def measured(browser: Browser, site: str, chapter: str) -> list[tuple[float, float]]:
    """Return the two times of each part, from one round."""
    show = (
        spent(lambda: shown(browser, f"{site}/book/{chapter}.html")),
        spent(lambda: shown(browser, f"{site}/empty.html")),
    )
    page = open_page(browser, site, chapter)
    page.wait_for_load_state("networkidle")
    button = spent(lambda: press(page))
    native = here(chapter)
    moves = 5

    def same_here() -> None:
        for _ in range(moves):
            native.controls["d"].value += native.controls["d"].step

    page.close()
    page = browser.new_page()
    page.goto(f"{site}/empty.html")
    alone = spent(lambda: page.evaluate(ALONE, [f"{site}/live/pyodide/", live.PACKAGES]))
    page.close()
    page = open_page(browser, site, chapter)
    page.wait_for_load_state("networkidle")
    first = spent(lambda: begin(page))
    explorer = page.locator("qw-explorer")
    handle = explorer.get_by_role("slider").first

    def own_steps() -> None:
        for _ in range(moves):
            handle.press("ArrowRight")
            settled(explorer)

    follow = (spent(own_steps) / moves, spent(same_here) / moves)
    page.close()
    return [show, (button, alone), (first, button), follow]


def megabytes(
    browser: Browser, site: Site, pages: Path, chapter: str, start: Callable[[Page], object]
) -> float:
    """Return what a start loads from the folder that is served, uncompressed."""
    page = open_page(browser, site, chapter)
    page.wait_for_load_state("networkidle")
    seen = len(site.seen)
    start(page)
    page.close()
    loaded = {urlsplit(path).path.lstrip("/") for path in site.seen[seen:]}
    return sum((pages / path).stat().st_size for path in loaded) / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chapter", default="confinement", help="one with an explorer")
    options = parser.parse_args()
    html = ROOT / "_build" / "html"
    if not (html / "index.html").is_file():
        sys.exit(f"error: no book in {html}: run `make book` first")
    with tempfile.TemporaryDirectory(dir=ROOT / "_build") as folder:
        pages = Path(folder) / "html"
        shutil.copytree(html, pages, copy_function=os.link)
        live.install(pages, local=True)
        (pages / "empty.html").write_text("<!DOCTYPE html><title>empty</title>", encoding="utf-8")
        with served(pages) as site, launched() as browser:
            # What a first visit leaves in the caches.
            sizes = [
                megabytes(browser, site, pages, options.chapter, start) for start in (begin, press)
            ]
            rounds = [measured(browser, site, options.chapter) for _ in range(options.rounds)]
    print(f"{options.chapter}, {len(rounds)} rounds, processor seconds: {', '.join(PARTS)}")
    for part, times in zip(PARTS, zip(*rounds, strict=True), strict=True):
        ours, others = (statistics.median(some) for some in zip(*times, strict=True))
        ratios = sorted(one / other for one, other in times)
        low, middle, high = ratios[0], statistics.median(ratios), ratios[-1]
        print(f"{part:36s} {ours:7.3f} {others:7.3f}   {low:.2f} {middle:.2f} {high:.2f}")
    print(
        "{:36s} {:7.1f} {:7.1f}   {:.2f}".format(
            "megabytes of these two", *sizes, sizes[0] / sizes[1]
        )
    )


if __name__ == "__main__":
    main()
