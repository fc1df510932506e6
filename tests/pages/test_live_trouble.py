"""What a live page says when something goes wrong, and what stands beside the pages."""

import ast
import json
import re
import zipfile
from pathlib import Path

import pytest
from conftest import Plain, served
from livepage import CHAPTERS, code, has, open_page
from playwright.sync_api import Page, expect

import qwlib
from tools import build, live

# --- what can go wrong ----------------------------------------------------------------------------


def says(page: Page, text: str | re.Pattern) -> None:
    """Press the button and expect a message."""
    page.get_by_role("button", name="Edit the cells").click()
    expect(page.locator(".qw-live[data-state=failed] .qw-run-message")).to_contain_text(text)


def test_without_a_network_the_button_says_so_and_can_be_pressed_again(browser, html):
    with served(html, Plain) as address:
        page = open_page(browser, address, "confinement")
        says(page, "did not deliver https://cdn.jsdelivr.net/")
        assert "Check the connection" in page.inner_text(".qw-live")
        expect(page.get_by_role("button", name="Edit the cells")).to_be_enabled()
        page.close()


class Cut(Plain):
    """Serves one file to its middle only."""

    half = ""

    def copyfile(self, source, target):
        if self.half and self.half in self.path:
            octets = source.read()
            target.write(octets[: len(octets) // 2])
        else:
            super().copyfile(source, target)


@pytest.mark.parametrize(
    "file",
    [
        "thebe/index.js",
        "thebe-lite/545.",
        "thebe-lite/51.",
        "pyodide.asm.js",
        "pyodide.asm.wasm",
        "scipy-",
        "/qwlib-",
    ],
)
def test_a_network_that_breaks_off_is_told(browser, local_html, monkeypatch, file):
    monkeypatch.setattr(Cut, "half", file)
    with served(local_html, Cut) as address:
        page = open_page(browser, address, "symbols")
        says(page, re.compile(f"did not deliver .*{re.escape(file)}"))
        assert "try again" in page.inner_text(".qw-live")
        page.close()


def test_python_that_never_comes_is_given_up(browser, local_site):
    page = open_page(browser, local_site, "symbols")
    page.context.route("**/pyodide.asm.wasm", lambda route: None)
    page.clock.install()
    with page.expect_request("**/pyodide.asm.wasm"):
        page.get_by_role("button", name="Edit the cells").click()
    page.clock.fast_forward("10:00")
    bar = page.locator(".qw-live[data-state=failed]")
    expect(bar).to_contain_text("did not start within 10 minutes. Reload the page first.")
    page.close()


@pytest.mark.parametrize("lacks", ["WebAssembly", "Worker"])
def test_a_browser_that_cannot_is_told(browser, local_site, lacks):
    page = browser.new_page()
    page.add_init_script(f"delete window.{lacks}")
    page.goto(f"{local_site}/book/confinement.html")
    says(page, "This browser cannot run Python: it lacks WebAssembly or web workers.")
    page.close()


def test_a_page_opened_as_a_file_says_what_to_do(browser, html):
    page = browser.new_page()
    page.goto((html / "book" / "confinement.html").as_uri())
    says(page, "make serve")
    page.close()


# --- without a browser ----------------------------------------------------------------------------


def names(source: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell reads, and those that it gives a meaning to."""
    read, made = set(), set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                read.add(name)
            case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.arg(arg=name):
                made.add(name)
            case ast.alias(name=name, asname=other):
                made.add((other or name).split(".")[0])
    return read, made


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_cells_of_a_page_need_none_that_the_page_lacks(chapter):
    shown, hidden = set(), set()
    for cell in code(chapter):
        read, made = names(cell.source)
        if has(cell, "remove-cell") or has(cell, "remove-input"):
            hidden |= made
        else:
            assert not (read - made - shown) & hidden, cell.source
            shown |= made


def test_make_book_takes_the_copies_when_asked_to(monkeypatch, tmp_path):
    asked = []

    def render(book):
        (book / "_build" / "html").mkdir(parents=True)
        return True

    (tmp_path / "_toc.yml").touch()
    monkeypatch.setattr(build, "render", render)
    monkeypatch.setattr(build.live, "install", lambda html, local: asked.append(local))
    monkeypatch.setattr(build.slides, "add", lambda html, toc: "")
    for value in ("local", ""):
        monkeypatch.setenv("LIVE", value)
        build.build(tmp_path, stored=True)
    assert asked == [True, False]


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
                package = Path(qwlib.__file__).parent
                shown = [*package.glob("[!_]*.py"), *package.glob("b*/*.py")]
                for path in shown:
                    inside = path.relative_to(package.parent).as_posix()
                    assert archive.read(inside) == path.read_bytes()
                assert len(shown) > 15 and not [n for n in archive.namelist() if "run" in n]
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
