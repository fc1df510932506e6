"""Write the chapters as plain notebooks, which run and read well anywhere.

    python tools/plain.py DIRECTORY FOLDER

DIRECTORY holds _config.yml and _toc.yml.  FOLDER gets a notebook of each chapter: numbers,
references, captions and exercises are Markdown, outputs are left out, and the second cell brings
qwlib where it is missing.  It needs sphinx-tojupyter.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

import nbformat

from qwlib.run.page import copy_book, make_pages

INSTALL = """\
# Where qwlib is missing, as on Colab, this brings it.
try:
    import qwlib
except ImportError:
    %pip install -q "qwlib[explore] @ git+https://github.com/qwlib/qwlib" myst-nb
"""
LINK = re.compile(r"\]\((?:book/)?([\w-]+)\.ipynb(#[^)\s]*)?\)")
"""A link to another page, which need not be there as a notebook."""

SETTINGS = {
    # What MyST-NB calls the language of a cell.
    "tojupyter_lang_synonyms": ["ipython3", "ipython", "python"],
    "tojupyter_drop_solutions": False,
}


def write(source: Path, folder: Path) -> list[Path]:
    """Write the chapters of the book in `source` into a folder; return their notebooks.

    Raises
    ------
    RuntimeError
        If Sphinx fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        book = Path(place) / "book"
        copy_book(source, book)
        for path in book.glob("book/*.ipynb"):
            show_inputs(path)
        config = book / "_config.yml"
        text = config.read_text(encoding="utf-8")
        text = text.replace(
            "    - sphinx_exercise\n", "    - sphinx_exercise\n    - sphinx_tojupyter\n"
        )
        text = text.replace(
            "  local_extensions:\n", "  local_extensions:\n    notebooks: book/_ext\n"
        )
        config.write_text(text, encoding="utf-8")
        pages = re.findall(r"baseurl: *(\S+)", text)[0] + "book/"
        try:
            status = make_pages(book, SETTINGS, builder="jupyter")
        except SystemExit as ended:  # with which this builder ends, well or not
            status = ended.code
        if status:
            raise RuntimeError("the notebooks could not be made")
        toc = (book / "_toc.yml").read_text(encoding="utf-8")
        written = []
        for page in re.findall(r"(?:root|file): *(\S+)", toc):
            if (book / f"{page}.ipynb").is_file():
                made = book / "_build" / "html" / f"{page}.ipynb"
                written.append(folder / made.name)
                nbformat.write(finished(nbformat.read(made, as_version=4), pages), written[-1])
    return written


def show_inputs(path: Path) -> None:
    """Let a chapter show the cells of which the page has the output alone."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata["tags"] = [tag for tag in tags if tag != "remove-input"]
    nbformat.write(notebook, path)


def finished(notebook: nbformat.NotebookNode, pages: str) -> nbformat.NotebookNode:
    """Return a notebook that brings qwlib, and whose links lead to the published pages."""
    install = nbformat.v4.new_code_cell(INSTALL.rstrip(), id="install-qwlib")
    cells = [notebook.cells[0], install, *notebook.cells[1:]]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number:03d}"
        cell.metadata = {}
        cell.source = cell.source.strip("\n")
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(rf"]({pages}\1.html\2)", cell.source)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.validate(made)
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    try:
        for path in write(arguments.directory.resolve(), arguments.folder.resolve()):
            print(path)
    except RuntimeError as error:
        sys.exit(f"error: {error}")
