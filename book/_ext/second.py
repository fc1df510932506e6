"""A directive that folds the rest of a section, for a second reading.

    :::{second-reading} the proof, by Weyl's inequalities
    :::

What follows it, up to the end of its section, is closed until a reader opens it or comes by a link
to a place within.  Cells of code and subsections may be in it, which no directive could hold.
"""

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.transforms import SphinxTransform


class second_reading(nodes.General, nodes.Element):
    """What is folded: a summary, and the rest of a section."""


class summary(nodes.Part, nodes.TextElement):
    """The line that is always shown."""


class SecondReading(Directive):
    """Mark the place where the fold begins."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return a fold that holds its summary only."""
        line = f"For a second reading: {self.arguments[0]}"
        return [second_reading("", summary("", line), classes=["second-reading"])]


class Fold(SphinxTransform):
    """Moves the rest of a section into the fold."""

    default_priority = 400

    def apply(self, **options) -> None:
        for fold in list(self.document.findall(second_reading)):
            section = fold.parent
            rest = section.children[section.index(fold) + 1 :]
            for node in rest:
                section.remove(node)
            fold += rest


def setup(app) -> dict:
    """Register the directive; other formats than HTML show all of it."""
    tags = [
        (second_reading, "<details class='second-reading'>", "</details>"),
        (summary, "<summary>", "</summary>"),
    ]
    for node, start, end in tags:
        app.add_node(
            node,
            html=(
                lambda self, _, start=start: self.body.append(start),
                lambda self, _, end=end: self.body.append(end),
            ),
        )
    app.add_directive("second-reading", SecondReading)
    app.add_transform(Fold)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
