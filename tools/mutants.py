"""The measure of the tests: change one thing at a time, and see whether a test notices.

    python tools/mutants.py [--list] [--unmutated] [--no-browser] [--only PATTERN ...] [--jobs N]
                            [--against DIRECTORY]

tests/mutants.toml lists the changes, each with the tests that should catch it.  All happens in
copies of the tree in a temporary folder; the tree itself is never written to.  First the named
tests run on a copy as it is, since a test that is red anyway catches nothing.  Then each change is
made, its tests run, and the copy is put back.  A test that is skipped has caught nothing either.
The exit status is 1 if a change survives, does not fit the tree any more, or was not tried.

This file is also the plugin of pytest that writes down what became of each test.
"""

import argparse
import contextlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import psutil
import pytest
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = "report_of_mutants"
LIMIT = 900  # s, after which a run is taken for one that hangs
BOOK = "the book"  # where tests/conftest.py builds it, in pytest's temporary folder
STATIC = "book/_static/"  # goes into the built book as it is
# Of the caller's environment: what these tests do elsewhere, or do otherwise.
HIDDEN = re.compile(r"CI|LIVE|SCREENSHOTS|PYTEST_.*|PYTHON.*|MPLBACKEND")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Mutation:
    """One change, and the tests that should catch it."""

    name: str
    reader: str  # what a reader would get
    file: str
    find: str  # occurs once in the file
    replace: str
    tests: list[str]  # as pytest takes them
    select: str = ""  # an expression for pytest's -k
    browser: bool = False  # whether the tests need one

    @property
    def arguments(self) -> list[str]:
        """What pytest is asked for."""
        return [*self.tests, *(["-k", self.select] if self.select else [])]

    def mutated(self, tree: Path) -> str:
        """Return the file of a tree with the change in it; raise ValueError where it is stale."""
        path = tree / self.file
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if (number := text.count(self.find)) != 1 or self.find == self.replace:
            raise ValueError(f"STALE: {number} times in {self.file}")
        return text.replace(self.find, self.replace)


def read(tree: Path = ROOT) -> list[Mutation]:
    """Return the mutations that a tree lists."""
    text = (tree / "tests" / "mutants.toml").read_text(encoding="utf-8")
    return [Mutation(**entry) for entry in tomllib.loads(text)["mutation"]]


# --- the plugin of pytest ------------------------------------------------------------------------

# One example that fails is enough: no smaller one is looked for, and no earlier one is kept.
PHASES = (Phase.explicit, Phase.generate)
settings.register_profile("mutants", phases=PHASES, database=None, deadline=None)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write down what became of a part of a test."""
    line = [report.nodeid, report.when, report.outcome]
    with open(os.environ["MUTANTS_REPORT"], "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Write down what cannot be imported."""
    if report.failed:
        pytest_runtest_logreport(report)


@pytest.fixture(scope="session", autouse=True)
def ready_book(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give the tests a built book that differs in one file, where there is one."""
    if ready := os.environ.get("MUTANTS_BOOK"):
        book, changed = tmp_path_factory.getbasetemp() / BOOK, Path(os.environ["MUTANTS_STATIC"])
        shutil.copytree(ready, book, copy_function=os.link)
        copied = book / "_build" / "html" / "_static" / changed.name
        copied.unlink()
        shutil.copy(changed, copied)


# --- a copy of the tree --------------------------------------------------------------------------


def green(report: list[list[str]], tests: list[str]) -> bool:
    """Tell whether tests, of any parameters, are in a report and have all run and passed."""
    starts = tuple(test + more for test in tests for more in ("[", "::"))
    outcomes = [outcome for test, _, outcome in report if f"{test}[".startswith(starts)]
    return bool(outcomes) and set(outcomes) == {"passed"}


class Copy:
    """The files of a tree that git knows, as they are now, in a repository of their own."""

    def __init__(self, source: Path, folder: Path, stop: threading.Event) -> None:
        self.tree, self.folder, self.stop = folder / "tree", folder, stop
        listed = subprocess.check_output(["git", "-C", source, "ls-files", "-z"], text=True)
        for name in listed.split("\0"):
            if (source / name).is_file():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source / name, self.tree / name)
        if (source / ".live").is_dir():
            shutil.copytree(source / ".live", self.tree / ".live")
        shutil.copy(__file__, folder / f"{PLUGIN}.py")
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "copy")

    def git(self, *command: str) -> None:
        """Run git in the copy."""
        subprocess.run(["git", "-C", self.tree, *command], check=True)

    def pytest(
        self, *arguments: str, limit: float, **variables: str
    ) -> tuple[int | None, list[list[str]], str]:
        """Run tests of the copy; return status, None after the limit, report and output."""
        report, output = self.folder / "report", self.folder / "output"
        report.write_text("")
        kept = {name: value for name, value in os.environ.items() if not HIDDEN.fullmatch(name)}
        variables |= {
            # Before the tree that is installed, in kernels and other processes too.
            "PYTHONPATH": os.pathsep.join(map(str, (self.tree, self.folder))),
            # Byte code is chosen by time and size, which a change may leave as they are.
            "PYTHONDONTWRITEBYTECODE": "1",
            "MUTANTS_REPORT": str(report),
            # What a change makes wait for ever is given up sooner than a slow machine.
            "PATIENCE": "90",
            "TMPDIR": str(self.folder),  # where a browser that is ended leaves its things
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", PLUGIN, "-p", "no:cacheprovider"]
        command += ["--basetemp", self.folder / "tmp", "--hypothesis-seed=0"]
        command += ["--hypothesis-profile=mutants", *arguments]
        options = {"cwd": self.tree, "env": kept | ONE_THREAD | variables}
        with output.open("wb") as said:
            process = psutil.Popen(command, stdout=said, stderr=subprocess.STDOUT, **options)
            try:
                last = time.monotonic() + limit
                while (status := process.poll()) is None and time.monotonic() < last:
                    if self.stop.wait(0.1):
                        break
            finally:
                end(process, str(report))
        lines = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
        return status, lines, output.read_text(encoding="utf-8", errors="replace")

    def tried(self, mutation: Mutation, book: Path) -> str:
        """Return what became of a mutation."""
        try:
            text = mutation.mutated(self.tree)
        except ValueError as error:
            return str(error)
        changed, ready = self.tree / mutation.file, {}
        changed.write_text(text, encoding="utf-8")
        if mutation.file.startswith(STATIC) and book.is_dir():
            ready = {"MUTANTS_BOOK": str(book), "MUTANTS_STATIC": str(changed)}
        try:
            status, report, said = self.pytest("-x", *mutation.arguments, limit=LIMIT, **ready)
        finally:
            self.git("reset", "-q", "--hard")
            self.git("clean", "-qxdff", "-e", ".live")
        if status is None:
            return "caught (hangs)"
        for test, part, outcome in report:
            if outcome == "failed":
                how = {"call": "", "collect": " (import)"}.get(part, f" ({part})")
                return f"caught{how} by {test.removeprefix('tests/')}"
        if "while loading conftest" in said:
            return "caught (import) by conftest.py"
        return "SURVIVED" if status == 0 and green(report, mutation.tests) else "NOT RUN"


def end(process: psutil.Popen, report: str) -> None:
    """End a run and all that it has started, wherever that has gone in the meantime."""
    left = []
    with contextlib.suppress(psutil.Error):
        left = [process, *process.children(recursive=True)]
    for other in psutil.process_iter():  # some have no parent any more; all know the report
        with contextlib.suppress(psutil.Error, OSError):
            if other.environ().get("MUTANTS_REPORT") == report:
                left.append(other)
    for other in left:
        with contextlib.suppress(psutil.Error):
            other.kill()
    psutil.wait_procs(left, timeout=10)


# --- all of them ---------------------------------------------------------------------------------


def not_green(copy: Copy, mutations: list[Mutation], book: Path) -> list[str]:
    """Return the mutations whose tests do not all pass on the copy as it is; keep its book."""

    def place(test: str) -> tuple[str, int]:
        file, _, name = test.partition("[")[0].partition("::")
        return file, (copy.tree / file).read_text(encoding="utf-8").find(f"def {name}(")

    plain = [one for one in mutations if not one.select]
    # In the order of their files, in which those of a module may build on each other.
    together = sorted({test for one in plain for test in one.tests}, key=place)
    runs = [(together, plain)] if plain else []
    runs += [(one.arguments, [one]) for one in mutations if one.select]
    bad = []
    for arguments, some in runs:
        status, report, said = copy.pytest(*arguments, limit=LIMIT * len(some))
        bad += [one.name for one in some if not green(report, one.tests)]
        if status != 0:
            print(said)
        if (copy.folder / "tmp" / BOOK).is_dir() and not book.exists():
            shutil.move(copy.folder / "tmp" / BOOK, book)
    return bad


def main() -> int:
    """Try what was asked for; return the exit status."""
    parser = argparse.ArgumentParser(description="Change one thing at a time, and run tests.")
    parser.add_argument("--list", action="store_true", help="show the changes and try none")
    parser.add_argument("--unmutated", action="store_true", help="only run the named tests once")
    parser.add_argument("--no-browser", action="store_true", help="leave out what needs a browser")
    parser.add_argument("--only", nargs="+", metavar="PATTERN", default=["*"], help="names, files")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="changes tried at once")
    parser.add_argument("--against", type=Path, default=ROOT, metavar="DIRECTORY", help="a tree")
    asked = parser.parse_args()
    mutations = [
        one
        for one in read(asked.against)
        if any(fnmatch(one.name, each) or fnmatch(one.file, each) for each in asked.only)
        and not (asked.no_browser and one.browser)
    ]
    if asked.list or not mutations:
        print(*(f"{one.name} ({one.file}): {one.reader}" for one in mutations), sep="\n")
        return 0 if mutations else 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as name:
        book, stop, free = Path(name) / "book", threading.Event(), queue.SimpleQueue()
        for n in range(asked.jobs):
            free.put(Copy(asked.against.resolve(), Path(name) / f"copy-{n}", stop))

        def tried(mutation: Mutation) -> tuple[str, float]:
            copy, began = free.get(), time.monotonic()
            said = copy.tried(mutation, book)
            free.put(copy)
            return said, time.monotonic() - began

        print("==> The named tests, nothing changed", flush=True)
        copy = free.get()
        found = dict.fromkeys(not_green(copy, mutations, book), "NOT GREEN with nothing changed")
        free.put(copy)
        print(f"==> {len(mutations) - len(found)} of {len(mutations)} can be tried", flush=True)
        mutations = [] if asked.unmutated else [one for one in mutations if one.name not in found]
        with ThreadPoolExecutor(asked.jobs) as pool:
            try:
                said = pool.map(tried, mutations)
                for n, (one, (verdict, seconds)) in enumerate(zip(mutations, said, strict=True), 1):
                    found[one.name] = verdict
                    place = f"[{n:3}/{len(mutations)}] {one.name}"
                    print(f"{place} … {verdict} ({seconds:.0f} s)", flush=True)
            finally:
                stop.set()
                pool.shutdown(cancel_futures=True)
    caught = [name for name, said in found.items() if said.startswith("caught")]
    others = [f"; {name}: {said}" for name, said in found.items() if name not in caught]
    print(f"==> {len(caught)} of {len(found)} caught", *others, sep="")
    return 1 if others else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
