"""A directive for the statements of the paper without their verdicts, to be filled in.

    ```{statements}
    ```

puts a table of them there, from ``qwlib/book/claims.toml``, with room for what a reader expects.
"""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from qwlib.book import claims


def table() -> list[str]:
    """Return the lines of the table, in MyST."""
    rows = [
        f"| {number} | {claim.where} | {claims.typeset(claim.wording)} | |"
        for number, claim in enumerate(claims.claims(), 1)
    ]
    return ["| | In the paper | What it says | What I expect, and why |", "|--|--|--|--|", *rows]


class Statements(SphinxDirective):
    """Show the table."""

    def run(self) -> list[nodes.Node]:
        """Return the table in a block of its own class."""
        block = nodes.container(classes=["statements"])
        source, _ = self.get_source_info()
        self.state.nested_parse(StringList(table(), source=source), self.content_offset, block)
        return [block]


def setup(app) -> dict:
    """Register the directive."""
    app.add_directive("statements", Statements)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
