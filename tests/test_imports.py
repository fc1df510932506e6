"""What importing qwlib costs, in a process of its own, where nothing was imported before."""

import ast
import json
import subprocess
import sys

import pytest
from conftest import ROOT

LOADED = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(*modules: str) -> set[str]:
    """Return the packages that are there after these imports."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *modules], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout)) - set(sys.stdlib_module_names)


def test_an_explorer_of_a_page_needs_numpy_alone():
    assert loaded("qwlib.book.steer") - loaded("numpy") == {"qwlib"}


def test_a_command_begins_before_numpy_is_there():
    assert loaded("qwlib.__main__", "qwlib.run.cli") - loaded() == {"qwlib"}


@pytest.fixture(scope="module")
def base() -> set[str]:
    """NumPy and SciPy, with all that these two load themselves."""
    return loaded("numpy", "scipy.constants", "scipy.linalg")


@pytest.mark.parametrize(
    "module",
    [
        "qwlib.grid",
        "qwlib.beyond.fem",
        # What reads and checks parameters needs no notebook, and the command for one well
        # nothing else either.
        "qwlib.run.parameters",
        "qwlib.run.states",
    ],
)
def test_numpy_and_scipy_are_all_that_is_loaded(base, module):
    assert loaded(module) - base == {"qwlib"}


def test_a_name_of_the_physics_has_one_meaning():
    """What a module of the core or of `beyond` defines, no other module defines again."""
    where: dict[str, set[str]] = {}
    for file in sorted((ROOT / "qwlib").rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            names = [one.id for x in targets if x for one in ast.walk(x) if hasattr(one, "id")]
            for name in {*names, getattr(node, "name", "_")}:
                where.setdefault(name, set()).add(file.relative_to(ROOT / "qwlib").as_posix())
    twice = {
        name: files
        for name, files in where.items()
        if len(files) > 1
        and not name.startswith("_")
        and any(not file.startswith(("book/", "run/", "__main__")) for file in files)
    }
    assert twice == {}
