"""Rerun a chapter, or the whole book, with other parameters.

The chapters say themselves what can be changed: the cell with the tag ``parameters`` holds one
literal a line.  A parameter that is a field of `Well`, or ``E_F``, needs no more, since its unit,
meaning and range are known.  Any other has a comment of three parts,

    d_max = 20.0  # nm; widest well of Fig. 6; > 1
    alpha_weak = 0.001  # eV nm^2; Rashba parameter of Fig. 6; like alpha_L

its unit, its meaning and its range: bounds (>, <, ≥, ≤ and a number, with commas between), or the
parameter whose range it shares; the last may be missing.  What holds for a list holds for each of
its elements.

All checks come before anything is run or written.  A rerun works in a directory of its own beside
its place and is renamed at the end, so a place never holds half of one.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nbformat
import papermill
from filelock import FileLock, Timeout
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from .. import __version__
from ..well import EXCHANGE, LONG_NAMES, POSITIVE, UNITS, Well, checked_number
from .chapters import ThisInterpreter, environment
from .chapters import execute as run_chapters
from .page import PARTS, copy_book, render

PACKAGES = ("numpy", "scipy", "xarray", "matplotlib", "papermill", "myst-nb", "ipykernel")
"""Those whose versions are recorded: what computes, draws and runs."""

BOUND = re.compile(r"([<>≤≥])\s*([^\s,]+)")
COMPARE = {
    "<": lambda value, bound: value < bound,
    ">": lambda value, bound: value > bound,
    "≤": lambda value, bound: value <= bound,
    "≥": lambda value, bound: value >= bound,
}


class ChapterFailed(Exception):
    """A cell raised an error, or its kernel died.

    Attributes
    ----------
    kept : Path
        Where what was done until then is kept.
    """

    def __init__(self, message: str, kept: Path):
        super().__init__(message)
        self.kept = kept


# --- What can be changed -------------------------------------------------------------------------


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: name, default, unit, meaning, and range in words."""

    name: str
    default: object
    unit: str
    meaning: str
    range: str

    @property
    def like(self) -> str:
        """The field of `Well`, or E_F, whose rule this parameter obeys; empty if none."""
        if self.name in UNITS:
            return self.name
        return self.range.removeprefix("like ") if self.range.startswith("like ") else ""

    @property
    def allowed(self) -> str:
        """The range in words, also where `Well` decides."""
        if self.like in POSITIVE:
            return "> 0"
        if self.like == "exchange":
            return " or ".join(EXCHANGE)
        if self.like == "E_F":
            return "below the lower barrier edge"
        return "any" if self.like or not self.range else self.range

    def checked(self, value: object) -> object:
        """Return `value` as the chapter needs it.

        Raises
        ------
        ValueError
            If its type is not that of the default, or it lies outside the bounds of the comment.
        """
        if not isinstance(self.default, list):
            return self._checked_one(value, self.default)
        if not isinstance(value, (list, tuple)) or not value:
            raise ValueError(f"{self.name} must be a list, like {self.default}, got {value!r}")
        return [self._checked_one(element, self.default[0]) for element in value]

    def _checked_one(self, value: object, example: object) -> object:
        if isinstance(example, str):
            if not isinstance(value, str):
                raise ValueError(f"{self.name} must be a word, like {example!r}, got {value!r}")
            return value
        number = checked_number(self.name, value, self.unit)
        for sign, bound in BOUND.findall("" if self.like else self.range):
            if not COMPARE[sign](number, float(bound)):
                raise ValueError(
                    f"{self.name} must be {self.range} {self.unit}".rstrip() + f", got {value!r}"
                )
        if isinstance(example, float):
            return number
        if not number.is_integer():
            raise ValueError(f"{self.name} must be a whole number, got {value!r}")
        return int(number)


@dataclass(frozen=True)
class Chapter:
    """A page of the book that is a notebook: its place in ``_toc.yml`` and what it can change."""

    name: str
    page: str
    path: Path
    parameters: dict[str, Parameter]

    def checked(self, values: dict[str, object]) -> dict[str, object]:
        """Return all parameters of this chapter: `values`, and the defaults of the others.

        Raises
        ------
        ValueError
            If there is no parameter of that name, or a value is not allowed, alone or beside the
            others.
        """
        for name in values:
            if name not in self.parameters:
                raise ValueError(
                    f"{name} is not a parameter of {self.name}" + hint(name, self.parameters)
                )
        result = {
            name: parameter.checked(values.get(name, parameter.default))
            for name, parameter in self.parameters.items()
        }
        wells = {field.name for field in fields(Well)}
        shared = {name: value for name, value in result.items() if name in wells}
        check_well(shared, result.get("E_F"))
        for name, parameter in self.parameters.items():
            if parameter.like and parameter.like != name:
                several = isinstance(result[name], list)
                for value in result[name] if several else [result[name]]:
                    try:
                        check_well(shared | {parameter.like: value}, result.get("E_F"))
                    except ValueError as error:
                        raise ValueError(
                            str(error).replace(f"{parameter.like} must", f"{name} must", 1)
                        ) from None
        return result


def check_well(values: dict[str, object], E_F: object) -> None:
    """Raise the ValueError of `Well`, or of its Fermi energy, if these do not fit together."""
    if "E_F" in values:
        E_F = values["E_F"]
    well = Well(**{name: value for name, value in values.items() if name != "E_F"})
    if E_F is not None:
        well.checked_fermi_energy(E_F)


def hint(name: str, names: Collection[str]) -> str:
    """Return how to go on after a name that does not exist."""
    folded = [other for other in names if other.lower() == name.lower()]
    close = folded or difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(names) or 'none'}"


def read_chapters(root: Path) -> dict[str, Chapter]:
    """Return the chapters of the book under `root` by name, in its order.

    Raises
    ------
    ValueError
        If there is no book.
    """
    if not (root / "_toc.yml").is_file():
        raise ValueError("the chapters are not beside qwlib: run this in a copy of the repository")
    chapters = {}
    toc = (root / "_toc.yml").read_text(encoding="utf-8")
    for page in re.findall(r"(?:root|file): *(\S+)", toc):
        path = root / f"{page}.ipynb"
        if path.is_file():
            parameters = {}
            for name, found in papermill.inspect_notebook(str(path)).items():
                parts = [part.strip() for part in found["help"].split(";")] + ["", ""]
                if name in UNITS:
                    parts = [UNITS[name], LONG_NAMES[name], ""]
                parameters[name] = Parameter(name, ast.literal_eval(found["default"]), *parts[:3])
            chapters[path.stem] = Chapter(path.stem, page, path, parameters)
    return chapters


# --- What to change it to ------------------------------------------------------------------------


def read_values(pairs: Iterable[str], files: Iterable[str]) -> dict[str, object]:
    """Return the values that the command line gives, one for each name.

    Parameters
    ----------
    pairs : iterable of str
        ``name=value``, the value a Python literal; what is not one stays a string.
    files : iterable of str
        YAML files that hold a mapping from names to values.

    Raises
    ------
    ValueError
        If one of them is something else, or a name has two values.
    """
    found: list[tuple[str, object]] = []
    for file in files:
        try:
            mapping = YAML(typ="safe", pure=True).load(Path(file).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise ValueError(f"cannot read {file}: {reason}") from None
        except YAMLError as error:
            reason = getattr(error, "problem", None) or "it is not YAML"
            raise ValueError(f"cannot read {file}: {reason}") from None
        if not isinstance(mapping, dict):
            raise ValueError(f"{file} must hold a mapping, lines like `alpha_L: 0.05`")
        found += [(str(name), value) for name, value in mapping.items()]
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if not (name and equals and text):
            raise ValueError(f"-p takes name=value, got {pair!r}")
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = text
        found.append((name, value))
    values: dict[str, object] = {}
    for name, value in found:
        if name in values:
            raise ValueError(f"{name} is given two values, {values[name]!r} and {value!r}")
        values[name] = value
    return values


# --- What was run --------------------------------------------------------------------------------


def code_hash(root: Path, sources: Iterable[Path]) -> str:
    """Return a hash of `qwlib` and of `sources`; of notebooks the cells, whatever their outputs."""
    digest = hashlib.sha256()
    for path in [*sorted((root / "qwlib").rglob("*.py")), *sources]:
        content = path.read_bytes()
        if path.suffix == ".ipynb":
            cells = nbformat.reads(content.decode("utf-8"), as_version=4).cells
            content = json.dumps([(c.cell_type, c.source, c.metadata) for c in cells]).encode()
        digest.update(path.name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()


def commit(root: Path) -> str | None:
    """Return what `git describe` says of the tree; None if it is no repository."""
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", root, "describe", "--always", "--dirty", "--tags"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() or None


def provenance(root: Path, sources: list[Path], parameters: dict[str, object]) -> dict:
    """Return what decides the outcome: parameters, code and packages, and nothing of who or where.

    `sources` are the files beside `qwlib` that it is made from.

    ``commit`` is there for people; two reruns are the same if all else is.
    """
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "parameters": parameters,
        "qwlib": __version__,
        "commit": commit(root),
        "code": code_hash(root, sources),
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": packages,
    }


def same(one: dict, other: dict) -> bool:
    """Whether two records are of the same parameters, code and packages."""
    return {**one, "commit": None} == {**other, "commit": None}


def short_hash(value: object) -> str:
    """Return eight hexadecimal digits that stand for `value`."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


NOTE = """\
:::{{admonition}} This is a rerun
:class: important
Every table, figure and inserted number below was computed for the parameters here.
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
    versions = {"Python": record["python"], **record["packages"]}
    entries = {
        "qwlib": record["qwlib"],
        **({"commit": f"`{record['commit']}`"} if record["commit"] else {}),
        "hash of the code": f"`{record['code'][:16]}`",
        **versions,
    }
    text = RECORD.format(rows="\n".join(f"| {key} | {value} |" for key, value in entries.items()))
    end = nbformat.v4.new_markdown_cell(text, id="rerun-record")
    # A chapter without parameters, such as that of stored timings, does not depend on them.
    note = [top] if chapter.parameters else []
    notebook.cells = [notebook.cells[0], *note, *notebook.cells[1:], end]
    notebook.metadata["qwlib"] = record


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

    Raises
    ------
    PapermillExecutionError, DeadKernelError
        If a cell fails.  `output` holds the cells up to it.
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
        try:
            done = json.loads((target / "provenance.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            done = None
        if done and same(done, record) and not force:
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


def rerun_chapter(root: Path, chapter: Chapter, values: dict, force: bool = False) -> Path | None:
    """Rerun one chapter; return the directory of its notebook and page, or None if it was there.

    Parameters
    ----------
    root : Path
        The tree of the book; the result goes to ``_reruns`` in it.
    chapter : Chapter
    values : dict
        All its parameters, as `Chapter.checked` returns them.
    force : bool
        Run also if the same was run before.

    Raises
    ------
    ChapterFailed
        If a cell fails, or its page cannot be made.
    """
    record = provenance(root, [chapter.path], values)
    target = root / "_reruns" / f"{chapter.name}-{short_hash(values)}"
    with place(target, record, force) as new:
        if new is None:
            return None
        output = new / f"{chapter.name}.ipynb"
        kept = failed(target) / output.name
        try:
            execute(parametrised(chapter, values, record), output, chapter.path.parent)
            render(root, chapter.page, output, new / f"{chapter.name}.html", new / "work")
        except (PapermillExecutionError, DeadKernelError) as error:
            raise ChapterFailed(last_line(error), kept) from None
        except RuntimeError as error:
            raise ChapterFailed(str(error), kept) from None
        shutil.rmtree(new / "work")
    return target


def last_line(error: Exception) -> str:
    """Return the last line of a traceback, as Python would print it."""
    if isinstance(error, PapermillExecutionError):
        return f"{error.ename}: {error.evalue}".strip().splitlines()[-1]
    return f"{type(error).__name__}: {error}"


def checked_book(chapters: dict[str, Chapter], values: dict[str, object]) -> dict[str, dict]:
    """Return all parameters of all chapters; `values` go to each that has them.

    Raises
    ------
    ValueError
        If no chapter has a parameter of that name, or a value is not allowed in one that has.
    """
    known = {name for chapter in chapters.values() for name in chapter.parameters}
    for name in values:
        if name not in known:
            raise ValueError(
                f"{name} is not a parameter of any chapter" + hint(name, sorted(known))
            )
    return {
        chapter.name: chapter.checked({k: v for k, v in values.items() if k in chapter.parameters})
        for chapter in chapters.values()
    }


def rerun_book(
    root: Path, chapters: dict[str, Chapter], values: dict, name: str | None, force: bool = False
) -> Path | None:
    """Build the whole book with other parameters; return its directory, or None if it was there.

    Parameters
    ----------
    root : Path
        The tree of the book; the result goes to ``_reruns`` in it.
    chapters : dict
        What `read_chapters` returns.
    values : dict
        All parameters of each chapter, as `checked_book` returns them.
    name : str, optional
        The name of the directory; by default one made of the parameters.
    force : bool
        Build also if the same was built before, or if something else has that name.

    Raises
    ------
    ChapterFailed
        If the book cannot be built.
    """
    target = root / "_reruns" / (name or f"book-{short_hash(values)}")
    files = [path for part in PARTS for path in sorted((root / part).glob("[!.]*"))]
    pages = [path for path in files if path.is_file()]
    record = provenance(root, [root / "_config.yml", root / "_toc.yml", *pages], values)
    with place(target, record, force) as new:
        if new is None:
            return None
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
    return target


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
    page = stage / (re.search(r"root: *(\S+)", toc)[1] + ".md")
    title, _, text = page.read_text(encoding="utf-8").partition("\n")
    note = FRONT.format(changes=", ".join(changed.values()) or "the parameters of the book")
    page.write_text(f"{title}\n{note}{text}", encoding="utf-8")


def refuse_other(root: Path, name: str | None, values: dict, force: bool) -> None:
    """Raise ValueError if the book's name is taken by something made with other parameters."""
    target = root / "_reruns" / (name or "")
    if force or name is None or not target.exists():
        return
    try:
        done = json.loads((target / "provenance.json").read_text(encoding="utf-8"))["parameters"]
    except (OSError, ValueError, KeyError):
        done = None
    if done != values:
        raise ValueError(
            f"{name} was made with other parameters: choose another name, or --force to replace it"
        )
