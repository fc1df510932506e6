"""Chapters as notebooks of plain Markdown, for places that know nothing of MyST.

`sphinx-tojupyter` writes the resolved text of a page, with its numbers and references.  What it
leaves out or does not know is made plain before: captions of figures that a cell draws, exercises
and their solutions, questions that need a script.
"""

from collections.abc import Iterator

from docutils import nodes
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node, solution_node


def number_of(app, docname: str, kind: str, node: nodes.Element) -> str:
    """Return the number of a figure or an exercise, as the pages have it."""
    numbers = app.env.toc_fignumbers.get(docname, {}).get(kind, {})
    found = next((numbers[name] for name in node["ids"] if name in numbers), ())
    return ".".join(map(str, found))


def headed(head: str, *text: nodes.Node) -> nodes.paragraph:
    """Return a paragraph with words in bold before it."""
    return nodes.paragraph("", "", nodes.strong("", head), nodes.Text(" "), *text)


def parents(node: nodes.Node) -> Iterator[nodes.Node]:
    """Give what a node is in, from the inside out."""
    while node.parent is not None:
        node = node.parent
        yield node


def simplify(app, doctree, docname) -> None:
    """Put plain text in the place of what the writer of notebooks does not know."""
    if app.builder.name != "jupyter":
        return
    for output in list(doctree.findall(nodes.container)):
        classes = output["classes"]
        if "quiz" in classes:
            output.parent.remove(output)
        if "cell_output" not in classes:
            continue
        captions = []
        for figure in output.findall(nodes.figure):
            head = f"Fig. {number_of(app, docname, 'figure', figure)}."
            text = [caption.children for caption in figure.findall(nodes.caption)]
            captions.append(headed(head, *(text[0] if text else [])))
            for legend in figure.findall(nodes.legend):
                captions += [p for p in legend if "figure-data" not in p["classes"]]
        output.parent.replace(output, captions)
    for code in list(doctree.findall(nodes.literal)):
        if any(isinstance(above, nodes.table) for above in parents(code)):
            code.parent.replace(code, nodes.Text(code.astext()))  # its marks would go astray
    for kind in (exercise_node, exercise_enumerable_node, solution_node):
        for node in list(doctree.findall(kind)):
            plain(app, docname, node)


def plain(app, docname: str, node: nodes.Element) -> None:
    """Put a line in bold, and what follows it, in the place of an exercise or a solution."""
    title = node[0] if isinstance(node[0], nodes.title) else None
    text = " ".join(title.astext().split()) if title is not None else ""
    if not isinstance(node, solution_node):
        text = f"Exercise {number_of(app, docname, 'exercise', node)} {text}".strip()
    content = [child for child in node.children if child is not title]
    node.parent.replace(node, [headed(f"{text}."), *content])


def allow(app) -> None:
    """Say for sphinx-tojupyter what it does not: pages may be read side by side."""
    app.extensions["sphinx_tojupyter"].parallel_read_safe = True


def setup(app) -> dict:
    """Register it with Sphinx."""
    app.connect("builder-inited", allow)
    app.connect("doctree-resolved", simplify, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
