"""The chapters as plain notebooks: the same cells, and Markdown that every reader understands."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import NOTEBOOKS, ROOT, missing
from nbclient import NotebookClient

from qwlib.run.chapters import ThisInterpreter
from tools import plain


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory) -> dict[str, nbformat.NotebookNode]:
    if importlib.util.find_spec("sphinx_tojupyter") is None:
        missing("sphinx-tojupyter, which requirements.in names, is not installed")
    folder = tmp_path_factory.mktemp("plain")
    # In a process of its own, where the warnings of others are no errors.
    command = [sys.executable, ROOT / "tools" / "plain.py", ROOT, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {path.stem: nbformat.read(path, as_version=4) for path in folder.iterdir()}


def markdown(notebook: nbformat.NotebookNode) -> str:
    text = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_every_chapter_has_one_without_what_only_myst_knows(notebooks):
    assert set(notebooks) == {path.stem for path in NOTEBOOKS}
    for name, notebook in notebooks.items():
        text = markdown(notebook)
        for foreign in (r"\{glue", r":::", r"\{[\w:-]+\}`", r"^```\{", r"``|`\|", r"\.ipynb\b"):
            assert not re.search(foreign, text, re.MULTILINE), (name, foreign)


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_its_code_is_that_of_the_page_after_a_cell_that_brings_qwlib(notebooks, name):
    chapter = nbformat.read(ROOT / "book" / f"{name}.ipynb", as_version=4)
    shown = [
        cell.source.strip("\n")
        for cell in chapter.cells
        if cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", [])
    ]
    code = [cell.source for cell in notebooks[name].cells if cell.cell_type == "code"]
    assert code == [plain.INSTALL.rstrip(), *filter(None, shown)]
    assert notebooks[name].cells[1].source == code[0]


def test_figures_and_exercises_have_numbers_and_words(notebooks):
    text = markdown(notebooks["confinement"])
    assert re.search(
        r"^\*\*Fig\. \d+\.\*\* The paper’s Fig\. 2: the Fermi states", text, re.MULTILINE
    )
    assert re.search(r"^\*\*Exercise\s\d+ \(check your reading: what changes", text, re.MULTILINE)
    assert re.search(r"^\*\*Solution to\s+Exercise\s\d+", text, re.MULTILINE)
    assert "(https://qwlib.github.io/qwlib/book/model.html)" in text
    chapter = nbformat.read(ROOT / "book" / "confinement.ipynb", as_version=4)
    figures = sum("figure" in c.metadata.get("mystnb", {}) for c in chapter.cells)
    assert len(re.findall(r"^\*\*Fig\. \d+", text, re.MULTILINE)) == figures


def test_it_runs(notebooks, tmp_path):
    """As a reader runs it who has it alone in a folder."""
    notebook = notebooks["confinement"]
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(
        notebook, kernel_manager_class=ThisInterpreter, resources=resources, timeout=600
    ).execute()
    printed = "".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", []))
    assert "proven complete: True" in printed
    assert not Path(tmp_path, "qwlib").exists()
