"""How `.venv` is made, with installers that stand for the real ones and need no network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

# What builds qwlib, without the packages that it is built with.
BACKEND = """\
import zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    wheel = "small-1-py3-none-any.whl"
    info = "small-1.dist-info"
    with zipfile.ZipFile(f"{folder}/{wheel}", "w") as archive:
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1\\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel
"""
PROJECT = """\
[project]
name = "small"
version = "1"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


@pytest.fixture
def tree(tmp_path) -> Path:
    """A tree that pins nothing."""
    # The space is there because a reader's folder may have one.
    tree = tmp_path / "a tree"
    tree.mkdir()
    shutil.copy(ROOT / "make.py", tree)
    (tree / "requirements.txt").write_text("# nothing\n")
    (tree / "pyproject.toml").write_text(PROJECT)
    (tree / "backend.py").write_text(BACKEND)
    return tree


def make(tree: Path) -> subprocess.CompletedProcess:
    """Make `.venv` where the uv of the PATH fails; `said` in the tree holds what it was asked."""
    (tree / "bin").mkdir(exist_ok=True)
    script = tree / "bin" / "uv"
    script.write_text('#!/bin/sh\necho "$@" >>said\necho chatter\n[ "$1" = --version ]\n')
    script.chmod(0o755)
    changed = {
        "PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "PIP_NO_INDEX": "1",
    }
    return subprocess.run(
        [sys.executable, "make.py", "environment"],
        cwd=tree,
        env=os.environ | changed,
        capture_output=True,
        text=True,
        check=False,
    )


def test_pip_installs_where_uv_fails_and_the_reader_hears_of_it_in_a_line(tree):
    done = make(tree)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("uv failed") == 1 and "chatter" not in done.stdout
    # Asked once, not again for qwlib.
    asked = "pip install --no-deps --requirement requirements.txt --python .venv/bin/python"
    assert (tree / "said").read_text().splitlines() == ["--version", asked]
    assert list(tree.glob(".venv/lib/python*/site-packages/small-1.dist-info"))
    # All is there: nothing is asked or said again.
    again = make(tree)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_what_the_installers_say_is_shown_where_both_fail_and_the_rest_does_not_count(tree):
    (tree / "requirements.txt").write_text("no-such-package==1\n")
    done = make(tree)
    assert done.returncode != 0
    assert "chatter" in done.stderr and "no-such-package" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: neither uv nor pip could install")
    assert not (tree / ".venv" / "ready").exists()
