"""Build the book afresh, and fail unless all of it is there.

    python tools/build.py DIRECTORY

DIRECTORY holds _config.yml and _toc.yml; the book goes to _build/html in it.
With LIVE=local in the environment its pages run Python from files of the book alone.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import live

# IPython colours its tracebacks, which makes them unreadable and unsearchable in a log.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def build(source: Path) -> int:
    """Build the book in `source` and return the exit status."""
    html = source / "_build" / "html"
    index = html / "index.html"
    # Old pages must not outlive a build that fails.
    if (source / "_build").exists():
        shutil.rmtree(source / "_build")
    print(f"==> Building the book in {source}", flush=True)
    # A failing chapter is only a warning to Jupyter Book, so warnings are errors (-W);
    # all of them are shown (--keep-going), and a reference to nothing is one too (-n).
    command = "from jupyter_book.cli.main import main; main()"
    options = ["--all", "-W", "-n", "--keep-going"]
    status = subprocess.run(
        [sys.executable, "-c", command, "build", str(source), *options], check=False
    ).returncode
    for report in sorted(html.glob("reports/**/*.err.log")):
        chapter = report.relative_to(html / "reports").with_suffix("").with_suffix("")
        traceback = COLOUR.sub("", report.read_text(encoding="utf-8"))
        print(f"\n==> {chapter} failed:\n{traceback}", file=sys.stderr)
    if status == 0 and not index.is_file():
        print("error: the build ended without a word but wrote no index.html", file=sys.stderr)
        status = 1
    if status != 0:
        # With --keep-going the pages are there, the front page among them; a reader
        # must not take them for the book.
        index.unlink(missing_ok=True)
        print("error: the book was not built; the cause is above", file=sys.stderr)
        return status
    live.install(html, local=os.environ.get("LIVE") == "local")
    print(f"==> The book is built, every chapter run afresh:\n{index}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(build(Path(sys.argv[1]).resolve()))
