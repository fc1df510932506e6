"""Everything that a reader runs, with nothing but Python: what `make` calls too.

    python make.py book [--solutions no]   build the book afresh into _build/html/index.html
    python make.py serve                   show the built book at an address of this machine
    python make.py lab [chapter]           open the chapters in JupyterLab, which shows MyST
    python make.py pdf                     print the built book into _build/qwlib-book.pdf
    python make.py lint                    check style, format, types and imports
    python make.py test [arguments]        lint, and run pytest, all of it or what is named
    python make.py rerun chapter [-p …]    rerun a chapter with other numbers
    python make.py environment             make .venv alone; --find prints the interpreter for it

Each makes `.venv` first where it is missing or does not fit any more: exactly what requirements.txt
pins, then qwlib itself, editable.  PYTHON in the environment names the interpreter to make it with.
"""

from __future__ import annotations  # an older Python may be the one that looks for a newer

import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

WINDOWS = os.name == "nt"
BIN = Path(".venv", "Scripts" if WINDOWS else "bin")
PY = BIN / ("python.exe" if WINDOWS else "python")
LOG = Path(".venv", "install.log")

# Digits must not depend on the number of threads: a threaded BLAS adds up in another order on
# another machine, and stored outputs are compared to the letter.
SET = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# A caller's own settings must not reach the book: another Matplotlib backend draws no figures,
# another module path can hide the qwlib of this tree.  Nor may one that keeps Python from storing
# what it compiles: each of many processes would compile all that it imports again.
UNSET = ("MPLBACKEND", "PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE")

MINOR = """import sys
print("%d.%d" % sys.version_info[:2])
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"""
# A virtual environment's own interpreter stands for the one behind it: .venv itself may be the
# active one, and it is about to be removed.
BEHIND = """import os, sys
name = ["python.exe"] if os.name == "nt" else ["bin", "python%d.%d" % sys.version_info[:2]]
base = os.path.join(sys.base_prefix, *name)
print(base if sys.prefix != sys.base_prefix and os.path.exists(base) else sys.executable)"""
NO_VENV = (
    "cannot make a virtual environment: its venv or ensurepip module is missing "
    "(Debian and Ubuntu: apt install python3-venv)"
)


class Failed(Exception):
    """What was asked for could not be done."""


def say(text: str) -> None:
    """Tell the reader what happens."""
    print(f"==> {text}", flush=True)


def asked(*command: object) -> str | None:
    """Return what a command prints; None if it does not run or fails.

    An interpreter is run rather than looked up: a version manager's shim can be on the PATH and yet
    fail.
    """
    try:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def minor_of(python: object) -> str | None:
    """Return "3.11" and the like of an interpreter that runs and is one we support."""
    return asked(python, "-c", MINOR)


def why_not(python: str) -> str:
    """Return why an interpreter is none: its version, or what it or its shim says first."""
    try:
        done = subprocess.run([python, "-c", MINOR], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"does not run: {error.strerror}"
    if done.stdout:
        return f"is Python {done.stdout.strip()}; it must be 3.11, 3.12 or 3.13"
    return f"does not run: {(done.stderr.strip() or 'it says nothing').splitlines()[0]}"


def find_python() -> str:
    """Return the interpreter to use; one once chosen stays chosen until PYTHON names another."""
    named = os.environ.get("PYTHON")
    if named and not minor_of(named):
        raise Failed(f"PYTHON={named} {why_not(named)}")
    names = ("python3.11", "python3.12", "python3.13", "python3")
    without = None
    for candidate in [named] if named else [PY, *names, sys.executable]:
        if minor_of(candidate):
            if asked(candidate, "-c", "import ensurepip, venv") is not None:
                return asked(candidate, "-c", BEHIND) or str(candidate)
            without = without or candidate
    if without:
        raise Failed(f"{without} {NO_VENV}")
    raise Failed("no Python 3.11, 3.12 or 3.13 found; name one: PYTHON=/path/to/python3.11")


class Installer:
    """Puts packages into .venv: with uv, which takes seconds, or pip, which takes a minute."""

    uv: str | None = None

    def find(self) -> None:
        """Take the uv of the PATH, whatever its version, or else the one that Makefile pins."""
        if asked("uv", "--version") is not None:
            self.uv = "uv"
            return
        own = BIN / ("uv.exe" if WINDOWS else "uv")
        if not own.exists():
            pin = re.search("^UV = (.+)$", said(Path("Makefile")), re.MULTILINE)
            self._run([PY, "-m", "pip", "install", "--no-deps", pin[1] if pin else "uv", *QUIET])
        self.uv = str(own)

    def _run(self, command: list) -> bool:
        """Run a command; what it says is not the reader's business unless all fails."""
        with LOG.open("a", encoding="utf-8") as log:
            try:
                done = subprocess.run([*map(str, command)], stdout=log, stderr=log, check=False)
            except OSError as error:
                log.write(f"{error}\n")
                return False
        return done.returncode == 0

    def pip(self, *arguments: object) -> bool:
        """Run `pip` as uv has it, or pip itself."""
        if self.uv:
            return self._run([self.uv, "pip", *arguments, "--python", PY])
        return self._run([PY, "-m", "pip", *arguments, *QUIET])

    def install(self, *what: object) -> None:
        """Put exactly what the arguments name into .venv.

        uv does not read the settings of pip, which may be the only ones that name the index or the
        proxy of this machine.
        """
        if self.uv is None:
            self.find()
        if self.pip("install", "--no-deps", *what):
            return
        if self.uv:
            self.uv = ""
            say(f"uv failed ({LOG.as_posix()} says why); trying pip, which takes a minute or two")
            if self.pip("install", "--no-deps", *what):
                return
        self.fail(f"neither uv nor pip could install {' '.join(map(str, what))}")

    def fail(self, reason: str) -> None:
        """Show what the installers said."""
        print(LOG.read_text(encoding="utf-8"), file=sys.stderr)
        raise Failed(reason)


QUIET = ("--disable-pip-version-check", "--no-input")


def environment() -> None:
    """Make .venv, if it is not there or does not fit any more."""
    python = find_python()
    minor = minor_of(python)
    # The path is part of it because an editable install and the scripts of .venv hold it: a moved
    # tree needs a new .venv.
    pins = zlib.crc32(Path("requirements.txt").read_bytes())
    want = f"{minor}\n{pins}\n{Path.cwd()}\n"
    ready, ready_qwlib = Path(".venv", "ready"), Path(".venv", "ready-qwlib")
    installer = Installer()
    if said(ready) != want or not minor_of(PY):
        say(f"Making .venv with Python {minor}")
        try:
            if Path(".venv").exists():
                shutil.rmtree(".venv")
        except OSError as error:  # as on Windows, where what runs is not removed
            raise Failed(f".venv cannot be removed: {error}; is a Python in it running?") from None
        if asked(python, "-m", "venv", ".venv") is None:
            raise Failed(f"{python} {NO_VENV}")
        say("Installing the pinned packages of requirements.txt")
        installer.install("--requirement", "requirements.txt")
        # What requirements.txt does not pin is not installed, so something may be missing.
        if not installer.pip("check"):
            installer.fail("requirements.txt does not fit together")
        ready.write_text(want, encoding="utf-8")
    # qwlib is editable, so only its metadata can go stale: this step alone is redone then.
    project = str(zlib.crc32(Path("pyproject.toml").read_bytes()))
    if said(ready_qwlib) != project:
        say("Installing qwlib")
        installer.install("--editable", ".")
        ready_qwlib.write_text(project, encoding="utf-8")


def lab(chapter: str = "model", *arguments: str) -> None:
    """Open a chapter in JupyterLab, which is installed when it is first asked for."""
    notebook = Path("book", f"{Path(chapter).stem}.ipynb")
    if not notebook.is_file():
        names = ", ".join(sorted(path.stem for path in Path("book").glob("*.ipynb")))
        raise Failed(f"no chapter is called {chapter}; there are {names}")
    ready, pins = Path(".venv", "ready-lab"), Path("requirements-lab.txt")
    want = str(zlib.crc32(pins.read_bytes()))
    if said(ready) != want:
        say(f"Installing JupyterLab, as {pins} pins it")
        Installer().install("--requirement", pins)
        ready.write_text(want, encoding="utf-8")
    run(PY, "-m", "jupyterlab", notebook, *arguments)


def said(path: Path) -> str:
    """Return what a file says, nothing if it is not there."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def run(*command: object) -> None:
    """Run a command of .venv; end with its status if that is not 0."""
    process = subprocess.Popen([*map(str, command)])
    while process.returncode is None:
        try:
            process.wait()
        except KeyboardInterrupt:  # the terminal has told it too, and it ends in its own way
            continue
    if process.returncode:
        sys.exit(process.returncode if process.returncode > 0 else 130)


def lint() -> None:
    """Check style, format, types and the order of the floors."""
    say("Checking style and format")
    folders = ("qwlib", "tests", "tools", "benchmarks", "make.py")
    run(PY, "-m", "ruff", "check", "--quiet", "--output-format=concise", *folders)
    run(PY, "-m", "ruff", "format", "--check", "--quiet", *folders)
    run(PY, "-m", "mypy", "--no-error-summary")
    if asked(BIN / "lint-imports", "--no-cache") is None:
        run(BIN / "lint-imports", "--no-cache")


def main(arguments: list[str]) -> None:
    """Do what the first argument names."""
    what, rest = (arguments or ["help"])[0], arguments[1:]
    # `rerun` and `test` hand on what they are given to commands that have a help of their own.
    helps = {"--help", "-h"}.intersection([what] if what in ("rerun", "test") else arguments)
    known = what in ("book", "serve", "lab", "pdf", "lint", "test", "rerun", "environment")
    if helps or not known:
        print(__doc__)
        sys.exit(0 if helps or what == "help" else 2)
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ.update(SET)
    if (what, rest) == ("environment", ["--find"]):
        print(find_python())
        return
    if what == "book":
        # The old book goes first: whatever fails below, no old page is left to look fresh.
        shutil.rmtree("_build", ignore_errors=True)
    environment()
    if what == "book":
        run(PY, Path("tools", "build.py"), ".", *rest)
    elif what == "serve":
        # A page opened as a file may not start Python; one that comes from an address may.
        run(PY, Path("tools", "serve.py"), *rest)
    elif what == "lab":
        lab(*rest)
    elif what == "pdf":
        run(PY, Path("tools", "pdf.py"), *rest)
    elif what == "rerun":
        run(PY, "-m", "qwlib", "rerun", *rest)
    elif what in ("lint", "test"):
        lint()
        if what == "test":
            say("Testing qwlib and the chapters")
            spread = ("-n", 2, "--dist", "loadfile", "--no-loadscope-reorder")
            # Some of the tests alone do not run all of the solver.
            run(PY, "-m", "pytest", *spread, *(rest or ["--cov"]))


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent)
    try:
        main(sys.argv[1:])
    except Failed as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
