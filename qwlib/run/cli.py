"""The command line, ``qwlib`` or ``python -m qwlib``.

Exit status: 0 done, 1 a cell or a chunk failed, 2 refused before anything ran, 130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import re
import signal
import sys
import warnings
from pathlib import Path

from .. import __version__

ROOT = Path(__file__).resolve().parent.parent.parent
"""The tree of the book, which `qwlib` lies in."""

LONGEST_NAME = 50
"""Letters of a name that is to be a folder: at most 255 octets with all that is added to it."""

NAME = re.compile(rf"\w[\w-]{{0,{LONGEST_NAME - 1}}}")

BOOK = "the book needs what requirements.txt lists, which make book installs"

LONGEST_LINE = 500
"""Letters of an error."""

HOME = "https://github.com/qwlib/qwlib"

SWEEP = f"pip install 'qwlib[sweep] @ {HOME}/archive/HEAD.zip'"
"""What brings the packages of a sweep: no registry has qwlib."""


def states(arguments: argparse.Namespace) -> int:
    """Show the Fermi states of one well."""
    from ..kubo import fermi_states
    from . import parameters
    from .states import as_json, as_table

    try:
        values = parameters.read_values(arguments.parameters, arguments.files)
        found = fermi_states(*parameters.read_well(values))
    except ValueError as error:
        return refused(error)
    say(as_json(found) if arguments.json else as_table(found))
    return 0


def chapters(arguments: argparse.Namespace) -> int:
    """List the chapters and their parameters."""
    from .rerun import read_chapters

    found = read_chapters(ROOT)
    if arguments.json:
        keys = ("default", "unit", "meaning", "allowed", "follows")
        about = {
            chapter.name: {
                p.name: {key: getattr(p, key) for key in keys} for p in chapter.parameters.values()
            }
            for chapter in found.values()
        }
        say(json.dumps(about, indent=1))
        return 0
    for chapter in found.values():
        say(chapter.name if chapter.parameters else f"{chapter.name}: no parameters")
        for p in chapter.parameters.values():
            unit = f" {p.unit}" if p.unit else ""
            allowed = f"{p.allowed}; follows {p.follows}" if p.follows else p.allowed
            say(f"  {p.name} = {p.default}{unit}: {p.meaning or 'see the chapter'}; {allowed}")
    return 0


def rerun(arguments: argparse.Namespace) -> int:
    """Rerun a chapter or the whole book."""
    from . import parameters
    from . import rerun as reruns

    try:
        known = reruns.read_chapters(ROOT)
        if (arguments.chapter is None) != arguments.all:
            raise ValueError("rerun takes the name of one chapter, or --all")
        if arguments.name is not None and not arguments.all:
            raise ValueError("--name goes with --all; a chapter's place is named by its parameters")
        if arguments.name is not None and not NAME.fullmatch(arguments.name):
            raise ValueError(
                f"--name takes letters, digits, _ and -, {LONGEST_NAME} at most, "
                f"got {arguments.name!r}"
            )
        if arguments.chapter is not None and arguments.chapter not in known:
            close = parameters.hint(arguments.chapter, known)
            raise ValueError(f"{arguments.chapter} is not a chapter" + close)
        values: dict = parameters.read_values(arguments.parameters, arguments.files)
        if arguments.all:
            values = reruns.checked_book(known, values)
            reruns.refuse_other(ROOT, arguments.name, values, arguments.force)
        else:
            left = reruns.unused(known, arguments.chapter, values)
            values = known[arguments.chapter].checked(values)
            if left:
                print(f"not used here: {', '.join(left)}", file=sys.stderr)
    except ValueError as error:
        return refused(error)
    try:
        if arguments.all:
            target, new = reruns.rerun_book(ROOT, known, values, arguments.name, arguments.force)
        else:
            chapter = known[arguments.chapter]
            target, new = reruns.rerun_chapter(ROOT, chapter, values, arguments.force)
    except reruns.ChapterFailed as failure:
        print(f"error: {failure}\nkept: {shown(failure.kept)}", file=sys.stderr)
        return 1
    if not new:
        before = "with the same parameters, code and packages (--force runs it again)"
        say(f"nothing to do: it was run before {before}")
    page = "html/index.html" if arguments.all else f"{arguments.chapter}.html"
    say(shown(target / page))
    return 0


def run_sweep(arguments: argparse.Namespace) -> int:
    """Solve a grid of wells into a file."""
    from ..grid import Grid
    from . import parameters, record, sweeps

    try:
        if arguments.jobs is None:
            arguments.jobs = "1"
        elif arguments.scheduler is not None:
            raise ValueError("--jobs and --scheduler exclude each other")
        if not re.fullmatch("[1-9][0-9]{0,3}", arguments.jobs or ""):
            raise ValueError(f"--jobs takes a whole number from 1, got {arguments.jobs!r}")
        grid = Grid.of(parameters.read_grid(arguments.file))
        target, commit = Path(arguments.output), record.commit(ROOT)
        parts = sweeps.Parts(grid, target, commit, arguments.store)
        parts.check()
        if arguments.scheduler is not None:
            sweeps.check_scheduler(arguments.scheduler)
        parts.hold()
    except ValueError as error:
        return refused(error)
    before = f", {parts.done.sum()} of them finished before" if parts.done.any() else ""
    say(f"{grid.total} wells in {parts.done.size} chunks{before}")
    try:
        sweeps.solve_grid(parts, int(arguments.jobs), arguments.scheduler)
    except (sweeps.SweepFailed, KeyboardInterrupt) as error:
        stopped = isinstance(error, KeyboardInterrupt)
        then = getattr(error, "then", "goes on from them")
        parts.look()  # workers may have stored what they had not yet told of
        print(
            "interrupted" if stopped else f"error: {error}",
            f"{parts.done.sum()} of {parts.done.size} chunks are kept in {shown(parts.shown)}; "
            f"the same command {then}",
            sep=": " if stopped else "\n",
            file=sys.stderr,
        )
        return 130 if stopped else 1
    say(shown(parts.target))
    return 0


def refused(error: ValueError) -> int:
    """Say in one line what is not allowed; return the exit status."""
    text = " ".join(str(error).split())
    # What a file or a name holds may be long, and may be no text.
    text = text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]} …"
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    print("error:", text, file=sys.stderr)
    return 2


def say(line: object) -> None:
    """Print a line at once; where nobody reads any more, go on in silence."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def shown(path: Path | str) -> Path | str:
    """Return a path as it is shown: from here, where that is shorter."""
    here = Path.cwd()
    if isinstance(path, Path) and path.is_relative_to(here):
        return path.relative_to(here)
    return path


def take_parameters(command: argparse.ArgumentParser) -> None:
    """Let a command take parameters, of which each is given once."""
    for flag, dest, metavar, words in (
        ("-p", "parameters", "name=value", "a parameter; may be repeated"),
        ("-f", "files", "file.yml", "parameters, one `name: value` a line"),
    ):
        several: dict = {"action": "append", "default": []}
        command.add_argument(flag, dest=dest, metavar=metavar, help=words, **several)


def parser() -> argparse.ArgumentParser:
    """Return the parser; each command is a function that takes the arguments."""
    top = argparse.ArgumentParser(
        prog="qwlib", description="Solve a well, sweep many, and rerun the book."
    )
    top.add_argument("--version", action="version", version=f"qwlib {__version__}")
    top.set_defaults(here="")
    commands = top.add_subparsers(required=True, metavar="command")

    single = commands.add_parser("states", help="show the Fermi states of one well")
    take_parameters(single)
    single.add_argument("--json", action="store_true", help="all digits, for a program")
    single.set_defaults(run=states, needs=f"a file of parameters needs {SWEEP}")

    listing = commands.add_parser("chapters", help="list the chapters and their parameters")
    listing.add_argument("--json", action="store_true", help="for a program")
    listing.set_defaults(run=chapters, needs=BOOK, here="listed")

    one = commands.add_parser("rerun", help="rerun a chapter, or the whole book, into _reruns/")
    one.add_argument("chapter", nargs="?", help="its name, as `chapters` lists it")
    one.add_argument("--all", action="store_true", help="the whole book")
    take_parameters(one)
    one.add_argument("--name", help="with --all: the name of the book's directory")
    one.add_argument("--force", action="store_true", help="also if it was run before")
    one.set_defaults(run=rerun, needs=BOOK, here="rerun")

    grid = commands.add_parser("sweep", help="solve a grid of wells into a netCDF file")
    grid.add_argument(
        "-f",
        dest="file",
        metavar="grid.yml",
        required=True,
        help="parameters; a list, or linspace: [first, last, number], is an axis",
    )
    grid.add_argument(
        "-o", dest="output", metavar="result.nc", required=True, help="the file to make"
    )
    grid.add_argument("--jobs", metavar="N", help="processes of this machine; 1 if not given")
    grid.add_argument("--scheduler", metavar="tcp://host:port", help="that of a Dask cluster")
    grid.add_argument(
        "--store",
        metavar="URL",
        help="where workers put finished chunks: a path, or a URL as fsspec takes it; "
        "beside the file if not given",
    )
    grid.set_defaults(run=run_sweep, needs=f"a sweep needs {SWEEP}")
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = parser().parse_args(argv)
    warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
    if arguments.here and not (ROOT / "_toc.yml").is_file():
        place = f"in a copy of the repository, which has the chapters: {HOME}"
        return refused(ValueError(f"chapters are {arguments.here} {place}"))
    try:
        return arguments.run(arguments)
    except ImportError as error:
        if HEARD:  # NumPy, while it is imported, makes this of it
            raise KeyboardInterrupt from None
        missing = isinstance(error, ModuleNotFoundError) and error.name
        if not missing or missing.startswith("qwlib"):
            raise
        return refused(ValueError(f"{arguments.needs}: there is no {missing}"))
    except OSError as error:  # as in a copy that belongs to another user, or on a full disk
        place = f"{error.filename}: " if error.filename else ""
        return refused(ValueError(f"{place}{error.strerror or error}"))


HEARD: list[int] = []
"""The signals that came to stop this process."""


def interrupt(number: int, _: object) -> None:
    """Stop as Ctrl-C does, and keep what runs a notebook from telling that its kernel is gone."""
    HEARD.append(number)
    logging.disable(logging.CRITICAL)
    raise KeyboardInterrupt


def start() -> None:
    """Run the command that this process was started for."""
    # What a shell has closed would be the next file that is opened.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))
    # A place where α or a file's name cannot be written gets its number, and no traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # What a shell starts in the background is deaf to Ctrl-C, and stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    sys.exit(main())
