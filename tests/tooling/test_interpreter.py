"""make.py: which interpreter it takes, and when .venv is made again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

# Answers what the script asks an interpreter, makes a `.venv` that holds itself, and notes what it
# is told to install; nothing is.
FAKE = """#!/bin/sh
case "$*" in
*sys.version_info*sys.exit*) echo {version} ;;
*sys.base_prefix*) echo "{path}" ;;
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
*--requirement*) echo packages >>log ;;
*--editable*) echo qwlib >>log ;;
*jupyterlab*) echo "$*" >>log ;;
esac
"""


@pytest.fixture
def place(tmp_path) -> Path:
    """A tree of what the script reads, and nobody's own interpreters."""
    shutil.copy(ROOT / "make.py", tmp_path)
    (tmp_path / "requirements.txt").write_text("one==1\n")
    (tmp_path / "pyproject.toml").write_text("one\n")
    interpreter(tmp_path / "bin" / "uv")  # it notes what it is told, too
    return tmp_path


def interpreter(path: Path, version: str = "3.12") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(FAKE.format(version=version, path=path))
    path.chmod(0o755)
    return path


def environment(place: Path, *options: str, **variables: object) -> tuple[int, str, str]:
    return make(place, "environment", *options, **variables)


def make(place: Path, *command: str, **variables: object) -> tuple[int, str, str]:
    found = os.pathsep.join((str(place / "bin"), "/usr/bin", "/bin"))
    done = subprocess.run(
        [sys.executable, "make.py", *command],
        cwd=place,
        env={"PATH": found, **{name: str(value) for name, value in variables.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_interpreter_that_is_named_is_taken(place):
    interpreter(place / "bin" / "python3.11")
    other = interpreter(place / "elsewhere" / "mine")
    assert environment(place, "--find", PYTHON=other) == (0, f"{other}\n", "")
    # Without a name the one behind .venv, once there is one.
    assert environment(place, "--find") == (0, f"{place}/bin/python3.11\n", "")
    assert environment(place, PYTHON=other)[0] == 0
    assert environment(place, "--find") == (0, f"{other}\n", "")


def test_jupyterlab_is_installed_when_it_is_first_asked_for(place):
    interpreter(place / "bin" / "python3.11")
    (place / "requirements-lab.txt").write_text("lab==1\n")
    (place / "book").mkdir()
    (place / "book" / "one.ipynb").touch()
    opened = "-m jupyterlab book/one.ipynb"
    assert make(place, "lab", "one")[0] == 0
    assert (place / "log").read_text().splitlines() == ["packages", "qwlib", "packages", opened]
    # And what serves the other commands stays as it is.
    assert environment(place) == (0, "", "")
    assert make(place, "lab", "one") == (0, "", "")
    assert (place / "log").read_text().splitlines()[4:] == [opened]
    status, out, err = make(place, "lab", "two")
    assert (status, out, err) == (1, "", "error: no chapter is called two; there are one\n")


def test_what_there_is_to_run_is_listed(place):
    make = [sys.executable, "make.py"]
    page = place / "_build" / "html" / "index.html"
    page.parent.mkdir(parents=True)
    page.touch()
    asked = ([], ["--help"], ["book", "--help"], ["lab", "-h"])
    for arguments, status in (*((each, 0) for each in asked), (["boook"], 2)):
        done = subprocess.run([*make, *arguments], cwd=place, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (status, "")
        for name in ("book", "serve", "lab", "pdf", "lint", "test", "rerun", "environment"):
            assert f"python make.py {name}" in done.stdout
    assert page.is_file() and not (place / ".venv").exists()


# One that is not there, a version manager's shim of one that is not set, and an older one.
NONE = {
    "": "does not run: No such file or directory",
    "echo 'pyenv: mine: command not found\n\nIt exists in 3.13.0' >&2; exit 127": (
        "does not run: pyenv: mine: command not found"
    ),
    "echo 3.10; exit 1": "is Python 3.10; it must be 3.11, 3.12 or 3.13",
}


@pytest.mark.parametrize("script", NONE)
def test_one_that_does_not_run_is_refused_in_one_line(place, script):
    interpreter(place / "bin" / "python3.11")
    mine = place / "mine"
    if script:
        interpreter(mine).write_text(f"#!/bin/sh\n{script}\n")
    assert environment(place, PYTHON=mine) == (1, "", f"error: PYTHON={mine} {NONE[script]}\n")
    assert not (place / ".venv").exists()


def test_it_is_made_again_when_what_it_holds_has_changed_and_not_otherwise(place):
    python = interpreter(place / "bin" / "mine")
    log = place / "log"

    def installed(**variables) -> list[str]:
        log.write_text("")
        status, _, err = environment(place, **variables)
        assert status == 0, err
        return log.read_text().split()

    both = ["packages", "qwlib"]
    assert installed(PYTHON=python) == both
    assert installed() == []
    (place / "pyproject.toml").write_text("two\n")
    assert installed() == ["qwlib"]
    (place / "requirements.txt").write_text("one==2\n")
    assert installed() == both
    assert installed(PYTHON=interpreter(place / "bin" / "newer", "3.13")) == both
    # An installation that was interrupted.
    (place / ".venv" / "ready").unlink()
    assert installed() == both
