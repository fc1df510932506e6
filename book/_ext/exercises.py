"""A table of all exercises, what only the lecturer should see, and the folds of the exercises.

    ::::{key}
    ```{exercises}
    ```
    ::::

puts the table there.  Titles and grades are those of the chapters; minutes and the aim of an
exercise come from ``exercises.yml``, which also gives the order.  The build without solutions
leaves out what is in a ``key``.

In a chapter an exercise is its title, which opens it; qwlib.css shows its solution only then.
"""

import re
from pathlib import Path

import nbformat
from docutils import nodes
from docutils.statemachine import StringList
from ruamel.yaml import YAML
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx_exercise.nodes import is_exercise_node

EXERCISE = re.compile(r"^[`:]{3,}\{exercise(?:-start)?\} (.*): (.*)\n:label: (\S+)$", re.MULTILINE)


def titles(page: Path) -> dict[str, tuple[str, str]]:
    """Return grade and title of each exercise of a chapter by its label."""
    cells = nbformat.read(page, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return {label: (grade, title) for grade, title, label in EXERCISE.findall(text)}


def table(book: Path) -> list[str]:
    """Return the lines of the table, in MyST.

    Raises
    ------
    ValueError
        If the chapters and the file do not have the same exercises.
    """
    told = YAML(typ="safe").load((book / "exercises.yml").read_text(encoding="utf-8"))
    found = {k: v for page in sorted(book.glob("*.ipynb")) for k, v in titles(page).items()}
    if told.keys() ^ found.keys():
        names = ", ".join(sorted(told.keys() ^ found.keys()))
        raise ValueError(f"only one of exercises.yml and the chapters has {names}")
    rows = [
        f"| {{ref}}`{label}` | {found[label][1]} | {found[label][0]} | {minutes} | {after} |"
        for label, (minutes, after) in told.items()
    ]
    return ["| | Title | Grade | Minutes | Aim |", "|--|--|--|--:|--|", *rows]


class Exercises(SphinxDirective):
    """Show the table."""

    def run(self) -> list[nodes.Node]:
        """Return the table in a block of its own class."""
        source, _ = self.get_source_info()
        book = Path(source).parent
        for path in [book / "exercises.yml", *book.glob("*.ipynb")]:
            self.env.note_dependency(str(path))
        try:
            lines = table(book)
        except ValueError as error:
            raise self.error(str(error)) from None
        block = nodes.container(classes=["exercises"])
        self.state.nested_parse(StringList(lines, source=source), self.content_offset, block)
        return [block]


class Key(SphinxDirective):
    """Show what it holds, in the book with solutions alone."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return what it holds in a block of its own class."""
        block = nodes.container(classes=["key"])
        self.state.nested_parse(self.content, self.content_offset, block)
        return [block]


class exercise_fold(nodes.General, nodes.Element):
    """An exercise: its title, which is always shown, and the rest."""


class exercise_summary(nodes.Part, nodes.TextElement):
    """The title of an exercise."""


class FoldExercises(SphinxPostTransform):
    """Make a fold of each exercise, once sphinx-exercise has set its title."""

    default_priority = 900
    formats = ("html",)

    def run(self, **options) -> None:
        for exercise in list(self.document.findall(is_exercise_node)):
            title, *rest = exercise.children
            classes = [*exercise["classes"], "admonition"]
            fold = exercise_fold("", ids=exercise["ids"], classes=classes)
            fold.exercise = exercise  # of which Sphinx knows the number
            fold += exercise_summary("", "", *title.children, classes=["admonition-title"])
            fold += rest
            exercise.replace_self(fold)


def visit_fold(self, node: exercise_fold) -> None:
    self.body.append(self.starttag(node, "details"))


def visit_summary(self, node: exercise_summary) -> None:
    self.body.append(self.starttag(node, "summary", ""))
    self.add_fignumber(node.parent.exercise)


def setup(app) -> dict:
    """Register the directives and the folds."""
    app.add_directive("exercises", Exercises)
    app.add_directive("key", Key)
    for node, visit, end in (
        (exercise_fold, visit_fold, "</details>\n"),
        (exercise_summary, visit_summary, "</summary>\n"),
    ):
        app.add_node(node, html=(visit, lambda self, _, end=end: self.body.append(end)))
    app.add_post_transform(FoldExercises)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
