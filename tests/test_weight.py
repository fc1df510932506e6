"""What a page costs its reader before any button is pressed: octets and seconds.

The pages are those that are published, served from this machine with the network cut.
"""

import gzip
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from conftest import served
from playwright.sync_api import Page
from test_build import PAGES

TRANSFER = 2.5e6  # octets
PAINT = 2.0  # s
# The machine may have other work, which makes a page slower and never faster: the best counts.
TRIES = 5
SETTLED = "() => !window.MathJax || MathJax.startup.promise.then(() => true)"
PAINTED = "performance.getEntriesByName('first-contentful-paint').map((one) => one.startTime)"


@pytest.fixture(scope="module")
def site(html):
    with served(html) as address:
        yield address


@cache
def transferred(file: Path) -> int:
    """Return the octets of a file on its way, compressed as web servers do it.

    Servers do so for text; pictures and fonts are compressed by themselves.
    """
    data = file.read_bytes()
    text = file.suffix in (".html", ".css", ".js", ".json", ".svg", ".xml", ".txt", ".inv")
    return len(gzip.compress(data, 6)) if text else len(data)


def opened(browser, site, name: str, **options) -> Page:
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(120_000)
    page.outside = []
    page.on("request", lambda r: page.outside.append(r.url) if not r.url.startswith(site) else None)
    page.goto(f"{site}/{name}.html", **options)
    return page


def painted(page: Page) -> float:
    """Return when a page has painted something, in seconds, and close it."""
    (paint,) = page.wait_for_function(f"() => {PAINTED}[0] && {PAINTED}").json_value()
    page.close()
    return paint / 1000


@pytest.mark.parametrize("name", PAGES)
def test_page_is_light_and_soon_there(browser, site, html, name, capsys):
    del site.seen[:]
    page = opened(browser, site, name)
    page.evaluate(SETTLED)
    page.wait_for_load_state("networkidle")
    asked = list(site.seen)
    assert [url for url in page.outside if url[:5] != "data:"] == []
    assert sorted(set(asked)) == sorted(asked), "something is loaded twice"
    best = painted(page)
    for _ in range(TRIES - 1):
        if best < PAINT:
            break
        best = min(best, painted(opened(browser, site, name, wait_until="commit")))
    size = sum(transferred(html / unquote(urlsplit(path).path).lstrip("/")) for path in asked)
    with capsys.disabled():
        print(f"\n    {name}: {size / 1e6:.2f} MB in {len(asked)} files, {best:.2f} s")
    assert len(asked) > 5
    assert size < TRANSFER
    assert best < PAINT
