"""Rerun a chapter, or the whole book, with other parameters.

The chapters say themselves what can be changed: the cell with the tag ``parameters`` holds one
literal a line.  A parameter that is a field of `Well`, or ``E_F``, needs no more, since its unit,
meaning and range are known.  Any other has a comment of three parts,

    d_max = 20.0  # nm; widest well of Fig. 6; > 1
    alpha_weak = 0.001  # eV nm^2; Rashba parameter of Fig. 6; like alpha_L

its unit, its meaning and its range: bounds (>, <, ≥, ≤ and a number, with commas between), the
parameter whose range it shares, or both, as in ``like d, > 1`` of the end of an axis, where the
bounds alone decide; the last may be missing.  What holds for a list holds for each of its elements.
What is like a parameter follows it too, by the paper's ratio, until it is given itself: half the
coupling of another material is half of that material's.

All checks come before anything is run or written.  A rerun works in a directory of its own beside
its place and is renamed at the end, so a place never holds half of one.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import grimp
import nbformat
import papermill
from filelock import FileLock, Timeout
from IPython.core.inputtransformer2 import TransformerManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from .. import __version__
from ..well import PARAMETERS, Well
from .chapters import ThisInterpreter, environment
from .chapters import execute as run_chapters
from .page import copy_book, listed, render
from .parameters import Parameter, check_well, hint
from .record import commit, files_hash, short_hash, versions

PACKAGES = ("numpy", "scipy", "xarray", "matplotlib", "papermill", "myst-nb", "ipykernel")
"""Those whose versions are recorded: what computes, draws and runs."""

RUN = {f"qwlib.run.{name}" for name in ("rerun", "parameters", "record", "chapters")}
"""Modules that decide what is in an executed chapter, beside those that its cells import."""

PAGE = {"qwlib.run.page", "qwlib.book.claims"}
"""Modules that make its page, the second by way of the extensions in ``book/_ext``."""


class ChapterFailed(Exception):
    """A cell raised an error, or its kernel died; `kept` is where what was done until then is."""

    def __init__(self, message: str, kept: Path):
        super().__init__(message)
        self.kept = kept


# --- What can be changed -------------------------------------------------------------------------


@dataclass(frozen=True)
class Chapter:
    """A page of the book that is a notebook: its place in ``_toc.yml`` and what it can change."""

    name: str
    page: str
    path: Path
    parameters: dict[str, Parameter]

    def checked(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return all parameters of this chapter: `values`, and the defaults of the others.

        Of a name that the chapter does not have the defaults of others may be multiples.  A
        `ValueError` if a value is not allowed, alone or beside the others.
        """
        result: dict[str, Any] = {
            name: parameter.checked(
                values[name] if name in values else parameter.default_for(values)
            )
            for name, parameter in self.parameters.items()
        }
        wells = {field.name for field in fields(Well)}
        shared = {name: value for name, value in result.items() if name in wells}
        check_well(shared, result.get("E_F"))
        for name, parameter in self.parameters.items():
            if parameter.like not in ("", name) and not parameter.bounds:
                several = isinstance(result[name], list)
                for value in result[name] if several else [result[name]]:
                    try:
                        check_well(shared | {parameter.like: value}, result.get("E_F"))
                    except ValueError as error:
                        raise ValueError(
                            str(error).replace(f"{parameter.like} must", f"{name} must", 1)
                        ) from None
        return result


def read_chapters(root: Path) -> dict[str, Chapter]:
    """Return the chapters of the book under `root` by name, in its order."""
    chapters = {}
    for page in listed(root / "_toc.yml"):
        path = root / f"{page}.ipynb"
        if path.is_file():
            parameters = {}
            for name, found in papermill.inspect_notebook(str(path)).items():
                parts = [part.strip() for part in found["help"].split(";")] + ["", ""]
                if name in PARAMETERS:
                    parts = [PARAMETERS[name].unit, PARAMETERS[name].meaning, ""]
                parameters[name] = Parameter(name, ast.literal_eval(found["default"]), *parts[:3])
            chapters[path.stem] = Chapter(path.stem, page, path, parameters)
    return chapters


# --- What was run --------------------------------------------------------------------------------


def imported(notebook: Path) -> set[str]:
    """Return the modules of `qwlib` that the cells of a notebook import, with all they import."""
    graph = grimp.build_graph("qwlib", cache_dir=None)
    found: set[str] = set()
    plain = TransformerManager().transform_cell  # IPython's own commands are no Python
    for cell in nbformat.read(notebook, as_version=4).cells:
        for node in ast.walk(ast.parse(plain(cell.source) if cell.cell_type == "code" else "")):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = (alias.name for alias in node.names)
                found |= {node.module, *(f"{node.module}.{name}" for name in names)}
    found &= graph.modules
    return found.union(*map(graph.find_upstream_modules, found))


def module_files(root: Path, modules: Iterable[str]) -> set[Path]:
    """Return the files of modules of `qwlib`, with the data that lie beside them."""
    files = set()
    for module in modules:
        place = root.joinpath(*module.split("."))
        names = (place / "__init__.py", place.with_suffix(".py"), place.with_suffix(".toml"))
        files |= {file for file in names if file.is_file()}
    return files


def book_files(root: Path) -> set[Path]:
    """Return what the pages of the book under `root` are made of, beside the code of `qwlib`."""
    files = {root / name for name in ("_config.yml", "_toc.yml")}
    files.update((root / "benchmarks").glob("*.json"))
    files.update(path for path in (root / "book").rglob("*.*") if path.suffix != ".pyc")

    def is_hidden(path: Path) -> bool:  # as `copy_book` leaves it out, and what lies in it
        return any(part.startswith(".") for part in path.relative_to(root).parts)

    return {path for path in files if path.is_file() and not is_hidden(path)}


def chapter_hashes(root: Path, chapter: Chapter) -> dict[str, str]:
    """Return hashes of what decides the outputs of a chapter, and its page beside them."""
    text = chapter.path.read_text(encoding="utf-8")
    read = {path for path in (root / "benchmarks").glob("*.json") if path.name in text}
    modules = imported(chapter.path) | RUN
    # Of the looks and scripts of the site a page that stands alone has one style sheet.
    static, data = root / "book" / "_static", root / "benchmarks"
    shown = {p for p in book_files(root) if not {static, data} & set(p.parents)}
    shown |= {static / "onepage.css"} | module_files(root, PAGE)
    return {
        "code": files_hash(root, {chapter.path} | read | module_files(root, modules)),
        "page": files_hash(root, shown),
    }


def book_hash(root: Path) -> str:
    """Return a hash of what decides the whole book."""
    made_by = {root / "tools" / f"{name}.py" for name in ("build", "live", "slides")}
    shown = grimp.build_graph("qwlib", cache_dir=None).modules
    shown = {module for module in shown if not module.startswith("qwlib.run")}
    return files_hash(root, book_files(root) | made_by | module_files(root, shown | RUN | PAGE))


def provenance(root: Path, parameters: dict[str, Any], **hashes: str) -> dict:
    """Return what decides the outcome, as `chapter_hashes` or `book_hash` has it for the code.

    ``commit`` is there for people; two reruns are the same if all else is.
    """
    return {
        "parameters": parameters,
        "qwlib": __version__,
        "commit": commit(root),
        **hashes,
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": versions(PACKAGES),
    }


def same(one: dict | None, other: dict, but: Iterable[str] = ("commit",)) -> bool:
    """Whether two records, of which the first may be missing, agree in all `but` some entries."""
    gone = dict.fromkeys(but)
    return one is not None and {**one, **gone} == {**other, **gone}


def recorded(target: Path) -> dict | None:
    """Return the record of a finished rerun; None if there is none that can be read."""
    try:
        return json.loads((target / "provenance.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


NOTE = """\
:::{{admonition}} This is a rerun
:class: important
Every table, figure and inserted number below was computed for the parameters here.
A dash stands for a number that there is not.
The sentences were written for those of the book; where they draw a conclusion, check it.
:::

| parameter | here | in the book | unit |
|---|---|---|---|
{rows}
"""

FRONT = """
:::{{admonition}} This is a rerun of the book
:class: important
With {changes}, in each chapter that has them.
:::
"""

RECORD = """\
## How this was computed

| | |
|---|---|
{rows}
"""


def annotate(notebook: nbformat.NotebookNode, chapter: Chapter, values: dict, record: dict) -> None:
    """Say at the top what was changed and at the end with what it was run, and record both."""
    rows = []
    for name, parameter in chapter.parameters.items():
        changed = values[name] != parameter.default
        here = f"**{values[name]}**" if changed else f"{values[name]}"
        rows.append(f"| `{name}` | {here} | {parameter.default} | {parameter.unit} |")
    top = nbformat.v4.new_markdown_cell(NOTE.format(rows="\n".join(rows)), id="rerun-note")
    entries = {
        "qwlib": record["qwlib"],
        **({"commit": f"`{record['commit']}`"} if record["commit"] else {}),
        "hash of the code": f"`{record['code'][:16]}`",
        "Python": record["python"],
        **record["packages"],
    }
    text = RECORD.format(rows="\n".join(f"| {key} | {value} |" for key, value in entries.items()))
    end = nbformat.v4.new_markdown_cell(text, id="rerun-record")
    # A chapter without parameters, such as that of stored timings, does not depend on them.
    note = [top] if chapter.parameters else []
    notebook.cells = [notebook.cells[0], *note, *notebook.cells[1:], end]
    notebook.metadata["qwlib"] = {name: of for name, of in record.items() if name != "page"}


def parametrised(chapter: Chapter, values: dict, record: dict) -> nbformat.NotebookNode:
    """Return the chapter with its parameters replaced, not yet run."""
    notebook = load_notebook_node(str(chapter.path))
    if values:
        notebook = parameterize_notebook(notebook, values, kernel_name="python3")
        for cell in notebook.cells:
            if "injected-parameters" in cell.metadata.get("tags", []):
                cell.id = "injected-parameters"  # papermill makes up another each time
    annotate(notebook, chapter, values, record)
    forget(notebook)
    return notebook


def forget(notebook: nbformat.NotebookNode) -> None:
    """Take out of a notebook what papermill notes of times and places."""
    for owner in (notebook, *notebook.cells):
        owner.metadata.pop("papermill", None)
        owner.metadata.pop("execution", None)


# --- Running it ----------------------------------------------------------------------------------


def execute(notebook: nbformat.NotebookNode, output: Path, folder: Path) -> None:
    """Run a notebook in `folder` with papermill and write it to `output`, cell by cell.

    If a cell fails `output` holds the cells up to it, and the error is papermill's.
    """
    source = output.with_suffix(".source.ipynb")
    nbformat.write(notebook, source)
    try:
        papermill.execute_notebook(
            str(source),
            str(output),
            kernel_name="python3",
            cwd=str(folder),
            progress_bar={"desc": output.stem} if sys.stderr.isatty() else False,
            kernel_manager_class=ThisInterpreter,
            coalesce_streams=True,
        )
    finally:
        source.unlink()
        if output.is_file():
            executed = nbformat.read(output, as_version=4)
            forget(executed)
            nbformat.write(executed, output)


def failed(target: Path) -> Path:
    """Return where the notebooks of a run that failed are kept."""
    return target.with_name(f"{target.name}-failed")


@contextmanager
def place(target: Path, record: dict, force: bool) -> Iterator[Path | None]:
    """Give a new directory that becomes `target` if all goes well; None if nothing is to do.

    One process at a time has a place; another waits for it.  What a killed one left is removed.
    If the body raises `ChapterFailed`, the directory is kept beside `target` for inspection.
    """
    target.parent.mkdir(exist_ok=True)
    lock = FileLock(target.parent / f".{target.name}.lock")
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for another rerun of {target.name}", file=sys.stderr)
        held = lock.acquire()
    with held:
        old = target.parent / f".{target.name}.old"
        if old.exists() and not target.exists():  # killed between the two renames below
            old.rename(target)
        for left in target.parent.glob(f".{target.name}.*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
        if same(recorded(target), record) and not force:
            yield None
            return
        new = target.parent / f".{target.name}.{os.getpid()}"
        new.mkdir()
        try:
            yield new
            text = json.dumps(record, indent=2, ensure_ascii=False)
            (new / "provenance.json").write_text(text + "\n", encoding="utf-8")
            if target.exists():
                target.rename(old)
            new.rename(target)
            shutil.rmtree(failed(target), ignore_errors=True)
        except ChapterFailed:
            shutil.rmtree(failed(target), ignore_errors=True)
            new.rename(failed(target))
            raise
        finally:
            if old.exists() and not target.exists():  # interrupted between the two renames
                old.rename(target)
            shutil.rmtree(new, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def rerun_chapter(
    root: Path, chapter: Chapter, values: dict, force: bool = False
) -> tuple[Path, bool]:
    """Rerun one chapter; return the directory of its notebook and page, and whether it is new.

    It goes to ``_reruns`` in the tree of the book, `root`; `values` are all parameters, as
    `Chapter.checked` returns them.  Where only its page would be another, that alone is made anew,
    and all of it with `force`.  A `ChapterFailed` if a cell fails, or its page cannot be made.
    """
    record = provenance(root, values, **chapter_hashes(root, chapter))
    target = root / "_reruns" / f"{chapter.name}-{short_hash(values)}"
    with place(target, record, force) as new:
        if new is None:
            return target, False
        output = new / f"{chapter.name}.ipynb"
        kept = failed(target) / output.name
        try:
            if same(recorded(target), record, but=("commit", "page")) and not force:
                shutil.copy(target / output.name, output)
            else:
                execute(parametrised(chapter, values, record), output, chapter.path.parent)
            render(root, chapter.page, output, new / f"{chapter.name}.html", new / "work")
        except (PapermillExecutionError, DeadKernelError) as error:
            raise ChapterFailed(last_line(error), kept) from None
        except RuntimeError as error:
            raise ChapterFailed(str(error), kept) from None
        shutil.rmtree(new / "work")
    return target, True


def last_line(error: Exception) -> str:
    """Return the last line of a traceback, as Python would print it."""
    if isinstance(error, PapermillExecutionError):
        return f"{error.ename}: {error.evalue}".strip().splitlines()[-1]
    return f"{type(error).__name__}: {error}"


def unused(chapters: dict[str, Chapter], name: str, values: dict[str, Any]) -> list[str]:
    """Return which of `values` mean nothing to a chapter, so that one file serves them all.

    A `ValueError` if no chapter knows one of them.
    """
    check_parameters(chapters, values)
    own = chapters[name].parameters
    led = {parameter.follows for parameter in own.values() if parameter.name not in values}
    return [other for other in values if other not in own and other not in led]


def check_parameters(chapters: dict[str, Chapter], values: dict[str, Any]) -> None:
    """Raise ValueError if no chapter has a parameter of that name, or of that kind of value."""
    known: dict[str, Parameter] = {}
    for chapter in chapters.values():
        known = chapter.parameters | known
    for name, value in values.items():
        if name not in known:
            raise ValueError(
                f"{name} is not a parameter of any chapter" + hint(name, sorted(known))
            )
        known[name].checked(value)
        if name == "exchange":  # a word is checked by the well that gets it, here by none perhaps
            check_well({name: value}, None)


def checked_book(chapters: dict[str, Chapter], values: dict[str, Any]) -> dict[str, dict]:
    """Return all parameters of all chapters; `values` go to each that has them.

    A `ValueError` if no chapter has a parameter of that name, or one that has does not allow it.
    """
    check_parameters(chapters, values)
    return {chapter.name: chapter.checked(values) for chapter in chapters.values()}


def rerun_book(
    root: Path, chapters: dict[str, Chapter], values: dict, name: str | None, force: bool = False
) -> tuple[Path, bool]:
    """Build the whole book with other parameters; return its directory, and whether it is new.

    It goes to ``_reruns`` in the tree of the book, under `name` or one made of the parameters;
    these are all of each chapter, as `checked_book` returns them.  With `force` it is built also if
    the same was built before, or if something else has that name.  A `ChapterFailed` if it cannot
    be built.
    """
    target = root / "_reruns" / (name or f"book-{short_hash(values)}")
    record = provenance(root, values, code=book_hash(root))
    with place(target, record, force) as new:
        if new is None:
            return target, False
        stage = new / "book"
        copy_book(root, stage)
        outputs = [stage / chapter.path.relative_to(root) for chapter in chapters.values()]
        for chapter, output in zip(chapters.values(), outputs, strict=True):
            nbformat.write(parametrised(chapter, values[chapter.name], record), output)
        errors = run_chapters(outputs, progress)
        for output, error in errors.items():
            nbformat.write(error.notebook, output)
        if errors:
            message = "; ".join(f"{path.stem}: {error.reason}" for path, error in errors.items())
            raise ChapterFailed(message, failed(target) / next(iter(errors)).relative_to(new))
        say_on_front(stage, chapters, values)
        done = subprocess.run(
            [sys.executable, root / "tools" / "build.py", stage, "--stored"],
            env=environment(),
            # It names a place that the book will leave, so it is shown only where it fails.
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            raise ChapterFailed(done.stdout.rstrip(), failed(target) / stage.name)
        (stage / "_build" / "html").rename(new / "html")
        shutil.rmtree(stage)
    return target, True


def progress(line: str) -> None:
    """Say how far a run is, to somebody who watches."""
    if sys.stderr.isatty():
        print(line, file=sys.stderr)


def say_on_front(stage: Path, chapters: dict[str, Chapter], values: dict[str, dict]) -> None:
    """Say on the first page of the copy in `stage` what is not as in the book."""
    changed = {
        name: f"`{name} = {value}`"
        for chapter in chapters.values()
        for name, value in values[chapter.name].items()
        if value != chapter.parameters[name].default
    }
    toc = (stage / "_toc.yml").read_text(encoding="utf-8")
    (root,) = re.findall(r"root: *(\S+)", toc)
    page = stage / f"{root}.md"
    title, _, text = page.read_text(encoding="utf-8").partition("\n")
    note = FRONT.format(changes=", ".join(changed.values()) or "the parameters of the book")
    page.write_text(f"{title}\n{note}{text}", encoding="utf-8")


def refuse_other(root: Path, name: str | None, values: dict, force: bool) -> None:
    """Raise ValueError if the book's name is taken by something made with other parameters."""
    target = root / "_reruns" / (name or "")
    if force or name is None or not target.exists():
        return
    if (recorded(target) or {}).get("parameters") != values:
        raise ValueError(
            f"{name} was made with other parameters: choose another name, or --force to replace it"
        )
