"""What importing qwlib costs, in a process of its own, where nothing was imported before."""

import json
import subprocess
import sys

import pytest

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
