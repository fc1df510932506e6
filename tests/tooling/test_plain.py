"""The chapters as notebooks in plain Markdown, for places that know nothing of MyST."""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import NOTEBOOKS
from IPython.core.interactiveshell import InteractiveShell

from qwlib.run import chapters

BASE = "https://qwlib.github.io/qwlib/"
# A role, a directive, a fence of MyST, a mark of the translation, HTML other than a fold.
MARKUP = r"\{[\w:-]+\}|:::|\x00|<(?!/?(?:details|summary)>)/?[a-z]"
# Within a formula or code braces and signs mean something else.
FORMULA = r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]+\$"


def text_of(notebook: nbformat.NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def code_of(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def plain(request, html) -> tuple[Path, nbformat.NotebookNode]:
    path = html / "notebooks" / request.param.name
    return request.param, nbformat.read(path, as_version=4)


def test_plain_notebook_needs_and_shows_no_myst(plain):
    _, notebook = plain
    nbformat.validate(notebook)
    text = re.sub(FORMULA, "", text_of(notebook), flags=re.DOTALL)
    assert not re.findall(MARKUP, text)
    assert all(link.startswith("https://") for link in re.findall(r"\]\(([^)]*)\)", text))
    code = code_of(notebook)
    assert notebook.cells[1] is code[0] and "import qwlib" in code[0].source
    assert '%pip install --quiet "qwlib[' in code[0].source
    assert not any(re.search(r"myst|\bglue\b", cell.source) for cell in code)
    shown = [output.get("data", {}) for cell in code for output in cell.get("outputs", [])]
    assert not any("text/markdown" in data for data in shown)


def test_where_qwlib_cannot_be_installed_the_cell_that_tries_ends_the_run(html, monkeypatch):
    notebook = nbformat.read(html / "notebooks" / "model.ipynb", as_version=4)
    asked = []
    shell = InteractiveShell()
    shell.register_magic_function(asked.append, magic_name="pip")  # which fails so, in silence
    monkeypatch.setitem(sys.modules, "qwlib", None)
    ran = shell.run_cell(code_of(notebook)[0].source, store_history=False)
    assert isinstance(ran.error_in_exec, ImportError) and ran.error_in_exec.name == "qwlib"
    (line,) = asked
    # Of an archive, since a machine that runs notebooks may have no git.
    assert re.search(r'"qwlib\[explore\] @ https://\S+\.zip"', line)


def letters(text: str) -> str:
    return re.sub(r"\W", "", text)


def test_plain_notebook_says_what_the_page_says(plain, html):
    source, notebook = plain
    article = BeautifulSoup((html / f"book/{source.stem}.html").read_text("utf-8"), "html.parser")
    article = article.find("article")
    # A cell's outputs are compared below; the others are formulas, code and words of the page.
    for other in article.select(".math, noscript, code, .output, summary, svg, .headerlink"):
        other.decompose()
    # Links have an address behind the words.
    text = re.sub(r"\]\([^)]*\)", "]", text_of(notebook))
    said = letters(re.sub(FORMULA, "", text, flags=re.DOTALL))
    paragraphs = article.select("p, figcaption .caption-text, h1, h2, h3, .admonition-title")
    assert len(paragraphs) > 20
    for paragraph in paragraphs:
        words = letters(paragraph.get_text())
        assert words in said, paragraph.get_text()
    # A formula that has a number on the page has it here.
    numbered = BeautifulSoup((html / f"book/{source.stem}.html").read_text("utf-8"), "html.parser")
    numbers = [number.get_text()[1:-2] for number in numbered.select("article .eqno")]
    assert numbers == re.findall(r"\\tag\{(\d+)\}", text)


def test_plain_notebook_has_the_cells_of_the_page(plain):
    source, notebook = plain
    hidden = {"remove-cell", "remove-input"}
    shown = [
        cell
        for cell in code_of(nbformat.read(source, as_version=4))
        if not hidden & set(cell.metadata.get("tags", []))
    ]
    here = code_of(notebook)[1:]
    # The cells that are left are counted anew.
    for output in (output for cell in [*shown, *here] for output in cell.outputs):
        output.pop("execution_count", None)
    assert [cell.outputs for cell in here] == [cell.outputs for cell in shown]
    kept = [
        [line for line in cell.source.splitlines() if "glue" not in line and line.strip()]
        for cell in shown
    ]
    assert [[line for line in cell.source.splitlines() if line.strip()] for cell in here] == kept


def test_plain_notebook_runs_where_there_is_no_myst(html, tmp_path, monkeypatch):
    hide = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("myst_nb", "myst_parser", "sphinx", "jupyter_book"):
            raise ModuleNotFoundError(f"{name} is hidden", name=name)
sys.meta_path.insert(0, Hidden())
"""
    (tmp_path / "sitecustomize.py").write_text(hide, encoding="utf-8")
    inherited = chapters.environment()
    path = f"{tmp_path}{os.pathsep}{inherited['PYTHONPATH']}"
    monkeypatch.setattr(chapters, "environment", lambda: inherited | {"PYTHONPATH": path})
    place = tmp_path / "interband.ipynb"
    # The one whose open cells glue.
    place.write_bytes((html / "notebooks" / place.name).read_bytes())
    failed = chapters.execute([place])
    assert not failed, failed
    # What is hidden is: the chapter itself does not run so.
    other = tmp_path / "chapter.ipynb"
    other.write_text(
        nbformat.writes(
            nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("from myst_nb import glue")])
        ),
        encoding="utf-8",
    )
    assert "is hidden" in chapters.execute([other])[other].reason
