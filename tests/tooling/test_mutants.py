"""The list of `make mutants` fits the tree; whether the changes are caught is not asked here."""

import re
from collections import Counter

from conftest import ROOT

from tools import mutants

LISTED = mutants.read()

# Every part of the tree that a reader meets.
AREAS = [
    *(
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "qwlib").rglob("*.py")
        if not path.stem.startswith("__")
    ),
    "qwlib/book/claims.toml",
    *(f"book/_static/{path.name}" for path in (ROOT / "book" / "_static").glob("*.js")),
    *(f"book/_ext/{path.name}" for path in (ROOT / "book" / "_ext").glob("*.*")),
    "book/_static/qwlib.css",
    "book/_static/sliders.css",
    "_config.yml",
    *(f"tools/{name}.py" for name in ("build", "live", "slides", "baseline", "release")),
    "make.py",
]


def complaint(mutation: mutants.Mutation) -> str | None:
    """Return what is wrong with an entry, in words, or nothing."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mutation.name):
        return "has a name that is not in kebab case"
    if not (mutation.reader.endswith(".") and mutation.tests):
        return "does not say what a reader would get, or which tests catch it"
    try:
        mutation.mutated(ROOT)
    except ValueError as error:
        return str(error)
    for file, *names in (test.split("::") for test in mutation.tests):
        if not (ROOT / file).is_file():
            return f"names {file}, which is not there"
        functions = [f"def {name.partition('[')[0]}(" for name in names if file.endswith(".py")]
        if not all(function in (ROOT / file).read_text("utf-8") for function in functions):
            return f"names a test that is not in {file}"
    return None


def test_what_is_changed_is_there_once_and_so_are_its_tests():
    assert {one.name: said for one in LISTED if (said := complaint(one))} == {}


def test_every_mutation_has_a_name_of_its_own():
    assert [name for name, n in Counter(one.name for one in LISTED).items() if n > 1] == []


def test_every_part_of_the_tree_has_its_mutations():
    assert len(LISTED) >= 60
    changed = {one.file for one in LISTED}
    assert set(AREAS) - changed == set()
    assert any(file.endswith(".ipynb") for file in changed)
