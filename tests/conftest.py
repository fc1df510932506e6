"""How hypothesis draws its examples, and the book that several modules look at."""

import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from qwlib.onepage import copy_book, use_outputs

ROOT = Path(__file__).parent.parent

# In CI the same examples every time, so that a red run is about the change at hand;
# elsewhere new ones each time, so that the search goes on.
# No deadline: how long one example takes says more about the machine than about the code.
settings.register_profile("ci", derandomize=True, print_blob=True, deadline=None)
settings.register_profile("local", print_blob=True, deadline=None)
IN_CI = bool(os.environ.get("CI"))
settings.load_profile("ci" if IN_CI else "local")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed here, before hypothesis reads the option, so that it can be told."""
    if not IN_CI and config.getoption("hypothesis_seed") is None:
        config.option.hypothesis_seed = str(random.SystemRandom().randrange(2**32))


def pytest_report_header(config: pytest.Config) -> str:
    """Say how to draw the same examples again."""
    seed = config.getoption("hypothesis_seed")
    return "hypothesis: " + (
        f"random examples, again with --hypothesis-seed={seed}"
        if seed is not None
        else "the same examples every time (CI is set)"
    )


def build(directory: Path) -> subprocess.CompletedProcess:
    """Run in `directory` what `make book` runs, with the qwlib found there."""
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "build.py", directory],
        env={**os.environ, "PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@contextmanager
def served(pages: Path) -> Iterator[str]:
    """Serve a folder on this machine, quietly, and give its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=pages)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def html(tmp_path_factory) -> Path:
    """The pages of the whole book, built once for all modules and workers.

    They show the stored outputs, which nbval compares with fresh ones; `make book` runs all.
    """
    # Workers have folders of their own in one that is common.
    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    # The space is there because a reader's folder may have one.
    directory = base / "the book"
    pages = directory / "_build" / "html"
    with FileLock(base / "book.lock"):
        if not (pages / "index.html").is_file():
            shutil.rmtree(directory, ignore_errors=True)
            # A build that needs anything else fails.
            copy_book(ROOT, directory)
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / "qwlib", directory / "qwlib", ignore=ignored)
            use_outputs(directory)
            done = build(directory)
            assert done.returncode == 0, done.stdout + done.stderr
            assert Path(done.stdout.splitlines()[-1]) == pages / "index.html"
    return pages
