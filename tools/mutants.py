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
from types import SimpleNamespace

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
    tests: tuple[str, ...]  # as pytest takes them
    select: str = ""  # an expression for pytest's -k
    browser: bool = False  # whether the tests need one

    @property
    def arguments(self) -> tuple[str, ...]:
        """What pytest is asked for."""
        return (*self.tests, *(("-k", self.select) if self.select else ()))

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
    return [Mutation(**m | {"tests": tuple(m["tests"])}) for m in tomllib.loads(text)["mutation"]]


# --- the plugin of pytest ------------------------------------------------------------------------

# One example that fails is enough: no smaller one is looked for, and no earlier one is kept.
PHASES = (Phase.explicit, Phase.generate)
settings.register_profile("mutants", phases=PHASES, database=None, deadline=None)


def note(report: pytest.TestReport | pytest.CollectReport, part: str) -> None:
    """Write down what became of a test, or of a part of it."""
    line = {"test": report.nodeid, "part": part, "outcome": report.outcome}
    with open(os.environ["MUTANTS_REPORT"], "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note each part of each test."""
    note(report, report.when)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note what cannot be imported."""
    if report.failed:
        note(report, "import")


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


def green(report: list[dict[str, str]], tests: tuple[str, ...]) -> bool:
    """Tell whether tests, of any parameters, are in a report and have all run and passed."""
    starts = tuple(test + more for test in tests for more in ("[", "::"))
    of = [line for line in report if f"{line['test']}[".startswith(starts)]
    return bool(of) and all(line["outcome"] == "passed" for line in of)


def verdict(run: SimpleNamespace, tests: tuple[str, ...]) -> str:
    """Return whether a run of pytest caught a change."""
    if run.status is None:
        return "caught (hangs)"
    for line in run.report:
        if line["outcome"] == "failed":
            how = "" if line["part"] == "call" else f" ({line['part']})"
            return f"caught{how} by {line['test'].removeprefix('tests/')}"
    if "while loading conftest" in run.output:
        return "caught (import) by conftest.py"
    return "SURVIVED" if run.status == 0 and green(run.report, tests) else "NOT RUN"


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
        author = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        for command in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "copy"]):
            self.git(*command)

    def git(self, *command: str) -> None:
        """Run git in the copy."""
        subprocess.run(["git", "-C", self.tree, *command], check=True, stdout=subprocess.DEVNULL)

    def pytest(self, *arguments: str, limit: float, **environment: str) -> SimpleNamespace:
        """Run tests of the copy, which import the modules of the copy; end all that they start."""
        report, began = self.folder / "report", time.monotonic()
        report.write_text("")
        kept = {name: value for name, value in os.environ.items() if not HIDDEN.fullmatch(name)}
        environment |= kept | ONE_THREAD | {
            # Before the tree that is installed, in kernels and other processes too.
            "PYTHONPATH": os.pathsep.join(map(str, (self.tree, self.folder))),
            # Byte code is chosen by time and size, which a change may leave as they are.
            "PYTHONDONTWRITEBYTECODE": "1",
            "MUTANTS_REPORT": str(report),
        }  # fmt: skip
        command = [sys.executable, "-m", "pytest", "-q", "-p", PLUGIN, "-p", "no:cacheprovider"]
        command += ["--basetemp", self.folder / "tmp", "--hypothesis-seed=0"]
        command += ["--hypothesis-profile=mutants", *arguments]
        streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        with open(self.folder / "output", "w+", encoding="utf-8") as output:
            process = psutil.Popen(
                command, cwd=self.tree, env=environment, stdout=output, **streams
            )
            try:
                while (status := process.poll()) is None and not self.stop.is_set():
                    if time.monotonic() - began > limit:
                        break
                    time.sleep(0.1)
            finally:
                end(process, str(report))
            output.seek(0)
            said = output.read()
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        seconds = time.monotonic() - began
        return SimpleNamespace(status=status, report=lines, output=said, seconds=seconds)

    def tried(self, mutation: Mutation, book: Path) -> tuple[str, float]:
        """Return what became of a mutation, and after how many seconds."""
        try:
            text = mutation.mutated(self.tree)
        except ValueError as error:
            return str(error), 0.0
        changed, ready = self.tree / mutation.file, {}
        changed.write_text(text, encoding="utf-8")
        if mutation.file.startswith(STATIC) and book.is_dir():
            ready = {"MUTANTS_BOOK": str(book), "MUTANTS_STATIC": str(changed)}
        try:
            run = self.pytest("-x", *mutation.arguments, limit=LIMIT, **ready)
        finally:
            self.git("reset", "-q", "--hard")
            self.git("clean", "-qxdff", "-e", ".live")
        return verdict(run, mutation.tests), run.seconds


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
    process.wait()


# --- all of them ---------------------------------------------------------------------------------


def not_green(copy: Copy, mutations: list[Mutation]) -> list[str]:
    """Return the mutations whose tests do not all pass on the copy as it is."""
    plain = [one for one in mutations if not one.select]
    asked = {one.arguments for one in mutations if one.select}
    together = tuple(sorted({test for one in plain for test in one.tests}))
    bad = []
    for arguments in [*([together] if together else []), *sorted(asked)]:
        run = copy.pytest(*arguments, limit=LIMIT * len(mutations))
        of = plain if arguments == together else [m for m in mutations if m.arguments == arguments]
        bad += [one.name for one in of if not green(run.report, one.tests)]
        if run.status:
            print(run.output)
        built, book = copy.folder / "tmp" / BOOK, copy.folder.parent / "book"
        if built.is_dir() and not book.exists():
            shutil.move(built, book)
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
    source = asked.against.resolve()
    mutations = [
        one
        for one in read(source)
        if any(fnmatch(one.name, each) or fnmatch(one.file, each) for each in asked.only)
        and not (asked.no_browser and one.browser)
    ]
    if asked.list or not mutations:
        print(*(f"{one.name} ({one.file}): {one.reader}" for one in mutations), sep="\n")
        return 0 if mutations else 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder, stop, free = Path(name), threading.Event(), queue.SimpleQueue()
        copies = [Copy(source, folder / f"copy-{n}", stop) for n in range(asked.jobs)]
        print("==> The named tests, nothing changed", flush=True)
        if bad := not_green(copies[0], mutations):
            print("not green, or not run, with nothing changed:", *bad)
            return 1
        if asked.unmutated:
            return 0
        for copy in copies:
            free.put(copy)

        def tried(mutation: Mutation) -> tuple[str, float]:
            copy = free.get()
            try:
                return copy.tried(mutation, folder / "book")
            finally:
                free.put(copy)

        found = []
        with ThreadPoolExecutor(asked.jobs) as pool:
            try:
                for one, (said, seconds) in zip(mutations, pool.map(tried, mutations), strict=True):
                    found.append((one.name, said))
                    place = f"[{len(found):3}/{len(mutations)}]"
                    print(f"{place} {one.name} … {said} ({seconds:.0f} s)", flush=True)
            finally:
                stop.set()
                pool.shutdown(cancel_futures=True)
    caught = sum(said.startswith("caught") for _, said in found)
    print(f"==> {caught} of {len(found)} caught", end="")
    for word, start in (("survived", "SURV"), ("not run", "NOT"), ("stale", "STALE")):
        if names := [name for name, said in found if said.startswith(start)]:
            print(f"; {word}: {', '.join(names)}", end="")
    print()
    return 0 if caught == len(found) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
