"""The first use of each symbol on a page leads to its row on the page of symbols.

What a symbol is comes from the tables of ``symbols.ipynb`` alone: the first cell of a row names
it and has the target, and a column "Where" confines it to the pages that it names.
"""

import re
from html import escape

from bs4 import BeautifulSoup
from docutils import nodes
from latex2mathml.converter import convert
from sphinx import addnodes

PAGE = "book/symbols"

# What ends the symbol that a formula is about: what it is equal to, below, one of …
RELATION = re.compile(r"=|<|>|,|\\(?:le|ge|ll|gg|to|in|approx|sim|propto|neq?)(?![a-zA-Z])")
GREEK = {r"\Delta": "Δ", r"\gamma": "γ", r"\chi": "χ", r"\zeta": "ζ", r"\Sigma": "Σ"}
# A letter in a sentence, not one within a word.
LETTER = re.compile(rf"(?<![\w_])[{''.join(GREEK.values())}](?![\w_])")
# Not sentences, links already, or out of sight until they are asked for.
NOT_PROSE = (
    nodes.title,
    nodes.caption,
    nodes.legend,
    nodes.table,
    nodes.reference,
    nodes.citation,
    addnodes.desc,
)
HIDDEN = {"quiz", "dropdown", "exercise", "second-reading", "statements"}


def head(formula: str) -> str:
    r"""Return what a formula is about: ``\alpha_L`` for ``\alpha_L = 0.046``.

    Bars, a sign before it and an argument in parentheses behind it are left out.
    """
    first = RELATION.split(formula)[0]
    first = re.sub(r"\\[,;!]|\s+", " ", first).replace(r"\lvert", "|").replace(r"\rvert", "|")
    first = re.sub(r"\\mathbf\s*\{?(\w)\}?", r"\\mathbf \1", first.strip())
    first = re.sub(r"^[+-]\s*", "", first).strip("| ")
    first = re.sub(r"^([^(]+)\([^()]*\)$", r"\1", first)
    return re.sub(r"(?<![a-zA-Z]) | (?![a-zA-Z])", "", first)


def spoken(row: nodes.row) -> list[str]:
    """Return the symbols that the first cell of a row names."""
    found = []
    for node in row[0].findall(lambda n: isinstance(n, nodes.math | nodes.Text)):
        if isinstance(node, nodes.math):
            found += [head(part) for part in re.split(r",\s*(?![^(]*\))", node.astext())]
        elif not isinstance(node.parent, nodes.math):
            found += LETTER.findall(node.astext())
    letters = {letter: name for name, letter in GREEK.items()}
    return [letters.get(name, name) for name in found]


def rows(doctree: nodes.document) -> list[tuple[str, list[str], set[str] | None]]:
    """Return target, symbols, and pages (None for all of them) of each row of the tables."""
    found = []
    for table in doctree.findall(nodes.table):
        head_row = next(table.findall(nodes.thead))[0]
        confined = head_row[-1].astext() == "Where"
        for row in next(table.findall(nodes.tbody)):
            target = next((name for n in row[0].findall(nodes.inline) for name in n["ids"]), None)
            if target is None:
                continue
            pages = {x["reftarget"].split("/")[-1] for x in row[-1].findall(addnodes.pending_xref)}
            found.append((target, spoken(row), pages if confined and pages else None))
    return found


def in_prose(node: nodes.Node) -> bool:
    """Tell whether a node is part of a sentence that is read from top to bottom."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, NOT_PROSE) or HIDDEN & set(node.get("classes", ())):
            return False
        # A title that opens a fold can hold no link.
        if type(node).__name__.startswith(("solution", "dropdown_title")):
            return False
    return True


def name_of(node: nodes.Node) -> str:
    """Return a symbol in letters: a screen reader does not take a formula for a link's name."""
    if not isinstance(node, nodes.math):
        return node.astext()
    letters = BeautifulSoup(convert(node.astext()), "html.parser").get_text()
    return re.sub(r"\s+", " ", letters).strip()


def link(app, doctree: nodes.document, docname: str) -> None:
    """Make the first use of each symbol in the prose of a page a link."""
    env = app.env
    if PAGE not in env.all_docs or docname == PAGE:
        return
    if not hasattr(app, "qwlib_symbols"):
        app.qwlib_symbols = rows(env.get_doctree(PAGE))
    here = docname.split("/")[-1]
    targets = {}
    for target, names, pages in app.qwlib_symbols:
        if pages is None or here in pages:
            # Where a letter has a meaning of its own on a page, that one counts there.
            for name in names:
                if pages is not None or name not in targets:
                    targets[name] = target
    letters = {letter: targets.get(name) for name, letter in GREEK.items()}
    address = app.builder.get_relative_uri(docname, PAGE)
    done = set()

    def linked(target: str, inside: nodes.Node) -> list[nodes.Node]:
        done.add(target)
        opening = (
            f'<a class="symbol reference internal" href="{address}#{target}"'
            f' aria-label="{escape(name_of(inside))}">'
        )
        return [nodes.raw("", opening, format="html"), inside, nodes.raw("", "</a>", format="html")]

    def is_use(node: nodes.Node) -> bool:
        if isinstance(node, nodes.math):
            return True
        prose = (nodes.paragraph, nodes.emphasis, nodes.strong)
        return isinstance(node, nodes.Text) and isinstance(node.parent, prose)

    for node in list(doctree.findall(is_use)):
        if not in_prose(node):
            continue
        if isinstance(node, nodes.math):
            target = targets.get(head(node.astext()))
            if target and target not in done:
                node.parent.replace(node, linked(target, node.deepcopy()))
            continue
        text, start, parts = node.astext(), 0, []
        for match in LETTER.finditer(text):
            target = letters[match[0]]
            if target and target not in done:
                parts.append(nodes.Text(text[start : match.start()]))
                parts += linked(target, nodes.Text(match[0]))
                start = match.end()
        if parts:
            node.parent.replace(node, [*parts, nodes.Text(text[start:])])


def setup(app) -> dict:
    """Register the step."""
    app.connect("doctree-resolved", link)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
