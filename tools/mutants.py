"""The measure of the tests: change one thing at a time, and see whether a test notices.

    python tools/mutants.py [--list] [--unmutated] [--no-browser] [--only PATTERN ...]
                            [--jobs N] [--limit SECONDS] [--against DIRECTORY]

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
# Of the environment: what these tests do elsewhere, or do otherwise.
HIDDEN = re.compile(r"CI|LIVE|SCREENSHOTS|PYTEST_.*|PYTHON.*|MPLBACKEND")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


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

    def mutated(self, tree: Path) -> str:
        """Return the text of the file in `tree` with the change made.

        Raises
        ------
        ValueError
            If what is to be changed is not there, or more than once.
        """
        path = tree / self.file
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if (number := text.count(self.find)) != 1 or self.find == self.replace:
            raise ValueError(f"STALE: {number} times in {self.file}")
        return text.replace(self.find, self.replace)


def read(tree: Path = ROOT) -> list[Mutation]:
    """Return the mutations that a tree lists."""
    text = (tree / "tests" / "mutants.toml").read_text(encoding="utf-8")
    listed = tomllib.loads(text)["mutation"]
    return [Mutation(**(entry | {"tests": tuple(entry["tests"])})) for entry in listed]


# --- the plugin of pytest ------------------------------------------------------------------------

# An example that fails is enough; a smaller one, or one from an earlier run, is of no use here.
settings.register_profile(
    "mutants", phases=(Phase.explicit, Phase.generate), database=None, deadline=None
)


def note(**what: str) -> None:
    """Add a line to the report."""
    with open(os.environ["MUTANTS_REPORT"], "a", encoding="utf-8") as file:
        file.write(json.dumps(what) + "\n")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write down what became of a part of a test."""
    note(test=report.nodeid, part=report.when, outcome=report.outcome)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Write down what cannot be imported."""
    if report.failed:
        note(test=report.nodeid, part="import", outcome="failed")


@pytest.fixture(scope="session", autouse=True)
def ready_book(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give the tests a built book that differs in one file, where that was copied into it."""
    if not (ready := os.environ.get("MUTANTS_BOOK")):
        return
    book = tmp_path_factory.getbasetemp() / BOOK
    shutil.copytree(ready, book, copy_function=os.link)
    changed = Path(os.environ["MUTANTS_STATIC"])
    copied = book / "_build" / "html" / "_static" / changed.name
    copied.unlink()
    shutil.copy(changed, copied)


# --- a copy of the tree --------------------------------------------------------------------------


@dataclass
class Run:
    """What a run of pytest did."""

    status: int | None  # None after the limit
    report: list[dict[str, str]]
    output: str
    seconds: float

    def of(self, tests: tuple[str, ...]) -> list[dict[str, str]]:
        """Return what the report says of some tests."""

        def named(test: str) -> bool:
            return any(test == one or test.startswith((one + "[", one + "::")) for one in tests)

        return [line for line in self.report if named(line["test"])]

    def verdict(self) -> str:
        """Return whether the run caught a change."""
        if self.status is None:
            return "caught (hangs)"
        for line in self.report:
            if line["outcome"] == "failed":
                how = "" if line["part"] == "call" else f" ({line['part']})"
                return f"caught{how} by {line['test'].split('/')[-1]}"
        if self.status == 4 and "while loading conftest" in self.output:
            return "caught (import) by conftest.py"
        return "SURVIVED" if self.status == 0 and green(self.report) else "NOT RUN"


def green(report: list[dict[str, str]]) -> bool:
    """Tell whether there are tests, and all of them have run and passed."""
    return bool(report) and all(line["outcome"] == "passed" for line in report)


class Copy:
    """The files of a tree that git knows, as they are now, in a repository of their own."""

    def __init__(self, source: Path, folder: Path, stop: threading.Event):
        self.tree, self.folder, self.stop = folder / "tree", folder, stop
        listed = subprocess.run(
            ["git", "-C", source, "ls-files", "-z"], check=True, capture_output=True, text=True
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (source / name).is_file():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source / name, self.tree / name)
        if (source / ".live").is_dir():
            shutil.copytree(source / ".live", self.tree / ".live")
        shutil.copy(__file__, folder / f"{PLUGIN}.py")
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "copy")

    def git(self, *arguments: str) -> None:
        """Run git in the copy."""
        subprocess.run(["git", "-C", self.tree, *arguments], check=True, stdout=subprocess.DEVNULL)

    def restore(self) -> None:
        """Put everything back, and remove what was made: caches of byte code among it."""
        self.git("reset", "-q", "--hard")
        self.git("clean", "-qxdff", "-e", ".live")

    def pytest(self, *arguments: str, limit: float = LIMIT, **environment: str) -> Run:
        """Run tests of the copy, which import the modules of the copy."""
        report, began = self.folder / "report", time.monotonic()
        report.write_text("")
        kept = {name: value for name, value in os.environ.items() if not HIDDEN.fullmatch(name)}
        environment |= dict.fromkeys(THREADS, "1") | {
            # Before the tree that is installed, in kernels and other processes too.
            "PYTHONPATH": os.pathsep.join(map(str, (self.tree, self.folder))),
            # Byte code is chosen by time and size, which a change may leave as they are.
            "PYTHONDONTWRITEBYTECODE": "1",
            "MUTANTS_REPORT": str(report),
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", PLUGIN, "-p", "no:cacheprovider"]
        command += ["--basetemp", str(self.folder / "tmp"), "--hypothesis-seed=0"]
        command += ["--hypothesis-profile=mutants", *arguments]
        with open(self.folder / "output", "w+", encoding="utf-8") as output:
            process = subprocess.Popen(
                command,
                cwd=self.tree,
                env=kept | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                while process.poll() is None and not self.stop.is_set():
                    if time.monotonic() - began > limit:
                        break
                    time.sleep(0.1)
            finally:
                status = process.poll()
                end(process, report)
            output.seek(0)
            said = output.read()
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        return Run(status, lines, said, time.monotonic() - began)

    def try_(self, mutation: Mutation, book: Path, limit: float) -> tuple[str, float]:
        """Return what became of a mutation, and after how many seconds."""
        try:
            text = mutation.mutated(self.tree)
        except ValueError as error:
            return str(error), 0.0
        (self.tree / mutation.file).write_text(text, encoding="utf-8")
        ready = {}
        if mutation.file.startswith(STATIC) and book.is_dir():
            changed = str(self.tree / mutation.file)
            ready = {"MUTANTS_BOOK": str(book), "MUTANTS_STATIC": changed}
        try:
            run = self.pytest("-x", *arguments_of(mutation), limit=limit, **ready)
        finally:
            self.restore()
        return run.verdict(), run.seconds


def arguments_of(mutation: Mutation) -> list[str]:
    """Return what pytest is to be asked for."""
    return [*mutation.tests, *(["-k", mutation.select] if mutation.select else [])]


def end(process: subprocess.Popen, report: Path) -> None:
    """End a run and all that it has started, wherever that has gone in the meantime."""
    left = []
    if process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            left = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    # Some have no parent any more; all have the name of the report.
    for other in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if other.environ().get("MUTANTS_REPORT") == str(report):
                left.append(other)
    for other in left:
        with contextlib.suppress(psutil.Error):
            other.kill()
    psutil.wait_procs(left, timeout=10)


# --- all of them ---------------------------------------------------------------------------------


def not_green(copy: Copy, mutations: list[Mutation], limit: float) -> list[str]:
    """Return the mutations whose tests do not all pass on the copy as it is."""
    plain = [one for one in mutations if not one.select]
    tests = sorted({test for one in plain for test in one.tests})
    bad = []
    if tests:
        run = copy.pytest(*tests, limit=limit * len(plain))
        bad += [one.name for one in plain if not green(run.of(one.tests))]
        if run.status:
            print(run.output)
    built = copy.folder / "tmp" / BOOK
    if built.is_dir():
        shutil.move(built, copy.folder.parent / "book")
    for arguments in {tuple(arguments_of(one)) for one in mutations if one.select}:
        run = copy.pytest(*arguments, limit=limit)
        if not green(run.report):
            print(run.output)
            bad += [one.name for one in mutations if tuple(arguments_of(one)) == arguments]
    copy.restore()
    return bad


def main(arguments: list[str] | None = None) -> int:
    """Try what was asked for; return the exit status."""
    parser = argparse.ArgumentParser(description="Change one thing at a time, and run tests.")
    parser.add_argument("--list", action="store_true", help="show the changes and try none")
    parser.add_argument("--unmutated", action="store_true", help="run the named tests once only")
    parser.add_argument("--no-browser", action="store_true", help="leave out what needs a browser")
    parser.add_argument(
        "--only", nargs="+", metavar="PATTERN", help="names or files, as in a shell"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="changes tried at once")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="SECONDS", help="of a hang")
    parser.add_argument("--against", type=Path, default=ROOT, metavar="DIRECTORY", help="a tree")
    asked = parser.parse_args(arguments)
    source = asked.against.resolve()
    wanted = asked.only or ["*"]
    mutations = [
        one
        for one in read(source)
        if any(fnmatch(one.name, each) or fnmatch(one.file, each) for each in wanted)
        and not (asked.no_browser and one.browser)
    ]
    if asked.list or not mutations:
        print(*(f"{one.name}: {one.file}: {one.reader}" for one in mutations), sep="\n")
        return 0 if mutations else 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stop = threading.Event()
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        jobs = range(1 if asked.unmutated else asked.jobs)
        copies = [Copy(source, folder / f"copy-{n}", stop) for n in jobs]
        print("The named tests, nothing changed …", flush=True)
        if bad := not_green(copies[0], mutations, asked.limit):
            print("not green, or not run, with nothing changed:", *bad)
            return 1
        print("all green", flush=True)
        return 0 if asked.unmutated else try_all(mutations, copies, folder / "book", asked.limit)


def try_all(mutations: list[Mutation], copies: list[Copy], book: Path, limit: float) -> int:
    """Try mutations in as many copies as there are, tell of each, and return the exit status."""
    free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
    for copy in copies:
        free.put(copy)

    def tried(mutation: Mutation) -> tuple[str, float]:
        copy = free.get()
        try:
            return copy.try_(mutation, book, limit)
        finally:
            free.put(copy)

    found = {}
    with ThreadPoolExecutor(len(copies)) as pool:
        try:
            for number, (one, (verdict, seconds)) in enumerate(
                zip(mutations, pool.map(tried, mutations), strict=True), 1
            ):
                found[one.name] = verdict
                place = f"[{number:{len(str(len(mutations)))}}/{len(mutations)}]"
                print(f"{place} {one.name} … {verdict} ({seconds:.0f} s)", flush=True)
        except BaseException:
            copies[0].stop.set()  # which all of them have
            pool.shutdown(cancel_futures=True)
            raise
    caught = sum(verdict.startswith("caught") for verdict in found.values())
    print(f"{caught} of {len(found)} caught", end="")
    for word, start in (("survived", "SURV"), ("not run", "NOT"), ("stale", "STALE")):
        if names := [name for name, verdict in found.items() if verdict.startswith(start)]:
            print(f"; {word}: {', '.join(names)}", end="")
    print()
    return 0 if caught == len(found) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
