"""Each chapter once more as a notebook in plain Markdown, for Colab, Kaggle, VS Code and Lab alone.

Numbers, references, captions, admonitions and exercises are written out as the page has them, links
lead to the published pages, the second cell installs qwlib where it is missing, and no cell needs
MyST.  They go to ``notebooks/`` beside the pages.
"""

import ast
import re
from pathlib import Path
from urllib.parse import urljoin

from docutils import nodes
from nbformat import NotebookNode
from sphinx_book_theme.header_buttons import get_repo_parts
from sphinx_exercise.nodes import is_extension_node
from sphinx_markdown_builder.contexts import IndentContext, WrappedContext
from sphinx_markdown_builder.translator import MarkdownTranslator, pushing_context, pushing_status

from qwlib.run import chapters

FOLDER = "notebooks"
INSTALL = """\
# The page of this notebook is {page}
try:
    import qwlib
except ImportError:
    %pip install --quiet "qwlib[explore] @ {repository}/archive/HEAD.zip"
    import qwlib  # if that did not work, it ends here, below the reason\
"""
# Stands where a cell of code stood, or where a new cell of text begins; no chapter holds it.
CUT = "\x00{}\x00"
QUIZ = {
    "<legend>(.*)</legend>": r"**\1**",
    "<label": "- ",
    "<summary>.*</summary>": r"<details>\g<0>",
    "<strong>(.*)</strong>": r"→ **\1** ",
    "</details>": r"\g<0>",
}


class Plain(MarkdownTranslator):
    """Writes the text of a page as Markdown that any notebook shows, and marks its cells."""

    def __init__(self, doctree: nodes.document, builder, docname: str):
        super().__init__(doctree, builder)
        self.docname = docname

    def address(self, uri: str) -> str:
        """Return the address on the published site of what is named relative to this page."""
        page = self.builder.get_target_uri(self.docname)
        return urljoin(self.config.html_baseurl or "", urljoin(page, uri))

    def cut(self, what: object = "") -> None:
        """Begin a new cell."""
        self.add(CUT.format(what), prefix_eol=2, suffix_eol=2)

    def label(self, text: str) -> None:
        """Add a line in bold."""
        self.add(f"**{text}**", prefix_eol=2, suffix_eol=2)

    # --- cells and what they show -----------------------------------------------------------------

    def visit_container(self, node: nodes.container) -> None:
        if node.get("nb_element") != "cell_code":
            return
        if "tag_remove-input" in node["classes"]:  # what it shows is text, with roles in it
            self.cut()
            return
        self.cut(node["cell_index"])
        for figure in node.findall(nodes.figure):
            self.figure(figure)
        raise nodes.SkipNode

    def number(self, kind: str, node: nodes.Element) -> str:
        """Return the number that a node has in the whole book, nothing if it has none."""
        numbers = self.builder.env.toc_fignumbers.get(self.docname, {}).get(kind, {})
        found = (numbers[name] for name in node["ids"] if name in numbers)
        return ".".join(map(str, next(found, ())))

    def name(self, kind: str, node: nodes.Element) -> str:
        """Return "Fig. 3" and the like, nothing for what has no number."""
        number = self.number(kind, node)
        return self.config.numfig_format[kind] % number if number else ""

    def figure(self, figure: nodes.figure) -> None:
        """Write the caption of a figure, whose picture is an output of the cell above."""
        self.label(self.name("figure", figure))
        for part in figure.findall(lambda one: isinstance(one, nodes.caption | nodes.legend)):
            part.walkabout(self)
            self.ensure_eol(2)

    def visit_caption(self, _node: nodes.caption) -> None:
        pass

    visit_legend = visit_caption

    @pushing_status
    def visit_section(self, node: nodes.section) -> None:
        box = node.parent
        is_box = box.tagname == "exercise_fold" or is_extension_node(box)
        if not (is_box or isinstance(box, nodes.document)):
            self.cut()
        super().visit_section(node)

    # --- links ------------------------------------------------------------------------------------

    def _fetch_ref_uri(self, node: nodes.reference) -> str:
        fragment = f"#{node['refid']}" if "refid" in node else ""
        return self.address(node.get("refuri", "") or fragment)

    def visit_download_reference(self, node: nodes.Element) -> None:
        address = urljoin(self.config.html_baseurl or "", f"_downloads/{node['filename']}")
        self._push_context(WrappedContext("[", f"]({address})"))

    def depart_download_reference(self, _node: nodes.Element) -> None:
        self._pop_context()

    def _add_anchor(self, anchor: str) -> None:
        """Leave them out: links lead to the page."""

    # --- formulas ---------------------------------------------------------------------------------

    def visit_math(self, node: nodes.math) -> None:
        tex = node.astext()
        if isinstance(self.ctx_of_table(node), nodes.entry):
            tex = re.sub(r"\\?\|", lambda bar: r"\Vert " if bar[0] != "|" else r"\vert ", tex)
        self.add(f"${tex}$")
        raise nodes.SkipNode

    @staticmethod
    def ctx_of_table(node: nodes.Node) -> nodes.Node | None:
        """Return the cell of a table that a node is in."""
        while node is not None and not isinstance(node, nodes.entry):
            node = node.parent
        return node

    def visit_math_block(self, node: nodes.math_block) -> None:
        tex = node.astext().strip()
        if r"\\" in tex and r"\begin" not in tex:
            tex = f"\\begin{{split}}\n{tex}\n\\end{{split}}"
        number = self.number("displaymath", node)
        tag = f"\n\\tag{{{number}}}" if number else ""
        self.add(f"$$\n{tex}{tag}\n$$", prefix_eol=2, suffix_eol=2)
        raise nodes.SkipNode

    # --- boxes ------------------------------------------------------------------------------------

    def visit_admonition(self, node: nodes.Element) -> None:
        if "dropdown" in node["classes"]:
            self.add("<details>", prefix_eol=2, suffix_eol=1)
        else:
            self._push_context(IndentContext("> ", empty=True))

    def depart_admonition(self, node: nodes.Element) -> None:
        if "dropdown" in node["classes"]:
            self.add("</details>", prefix_eol=2, suffix_eol=2)
        else:
            self._pop_context()
            self.ensure_eol(2)

    visit_exercise_fold, depart_exercise_fold = visit_admonition, depart_admonition

    def visit_exercise_summary(self, node: nodes.Element) -> None:
        self.label(f"{self.name('exercise', node.parent)} {' '.join(node.astext().split())}")
        raise nodes.SkipNode

    # A solution and what is folded hold cells of code, which no box can.
    def visit_solution_node(self, _node: nodes.Element) -> None:
        self.cut()

    depart_solution_node = visit_solution_node

    def visit_second_reading(self, _node: nodes.Element) -> None:
        pass

    def visit_summary(self, node: nodes.Element) -> None:
        self.label(node.astext())
        raise nodes.SkipNode

    def visit_dropdown_main(self, _node: nodes.Element) -> None:
        self.add("<details>", prefix_eol=2, suffix_eol=1)

    def depart_dropdown_main(self, _node: nodes.Element) -> None:
        self.add("</details>", prefix_eol=2, suffix_eol=2)

    def visit_dropdown_title(self, node: nodes.Element) -> None:
        texts = (one for one in node.findall(nodes.Text) if not isinstance(one.parent, nodes.raw))
        words = " ".join(text for one in texts for text in one.astext().split())
        self.add(f"<summary>{words}</summary>", suffix_eol=2)
        raise nodes.SkipNode

    def visit_term(self, _node: nodes.term) -> None:
        self.add("**", prefix_eol=2)

    def depart_term(self, _node: nodes.term) -> None:
        self.add("**", suffix_eol=2)

    def visit_definition(self, _node: nodes.definition) -> None:
        """Leave it as it is: plain Markdown has no such lists."""

    def depart_definition(self, _node: nodes.definition) -> None:
        self.ensure_eol(2)

    @pushing_context
    def visit_title(self, node: nodes.title) -> None:
        box = node.parent
        text = " ".join(node.astext().split())
        if isinstance(box, nodes.section):
            super().visit_title(node)
            return
        if isinstance(box, nodes.admonition) and "dropdown" in box["classes"]:
            self.add(f"<summary>{text}</summary>", suffix_eol=2)
        else:
            self.label(text)
        raise nodes.SkipNode

    def visit_toctree(self, _node: nodes.Element) -> None:
        """Leave out which pages follow the first one: a notebook stands alone."""
        raise nodes.SkipNode

    def visit_raw(self, node: nodes.raw) -> None:
        """Take from the HTML of a question what it has in Markdown."""
        inline = 0 if isinstance(node.parent, nodes.paragraph) else 2
        for pattern, text in QUIZ.items():
            if found := re.search(pattern, node.astext()):
                self.add(found.expand(text), prefix_eol=inline, suffix_eol=inline)
        raise nodes.SkipNode


def of_code(source: str) -> str:
    """Return a cell of code without what glues numbers into a page."""
    if "glue" not in source:
        return source
    lines = source.splitlines()
    for one in reversed(ast.parse(source).body):
        text = ast.get_source_segment(source, one)
        if text == "from myst_nb import glue" or text.startswith("glue("):
            del lines[one.lineno - 1 : one.end_lineno]
    return "\n".join(lines).strip()


def notebook(app, doctree: nodes.document, docname: str) -> str:
    """Return the notebook of a page as text."""
    source = chapters.read(Path(app.env.doc2path(docname)))
    translator = Plain(doctree, app.builder, docname)
    doctree.walkabout(translator)
    pieces = re.split(CUT.format("(.*?)"), translator.astext())
    cells = []

    def add(kind: str, text: str, **more: object) -> None:
        if text:
            name = f"{Path(docname).name}-{len(cells):03d}"
            cells.append({"cell_type": kind, "id": name, "metadata": {}, "source": text, **more})

    for index, text in zip(["", *pieces[1::2]], pieces[::2], strict=True):
        if index:
            cell = source.cells[int(index)]
            more = {"outputs": cell.outputs, "execution_count": cell.execution_count}
            metadata = {"tags": cell.metadata.get("tags", [])}
            add("code", of_code(cell.source), metadata=metadata, **more)
        add("markdown", text.strip())
    host, user, name, _ = get_repo_parts(app.config.html_context)
    page = urljoin(app.config.html_baseurl or "", app.builder.get_target_uri(docname))
    install = INSTALL.format(page=page, repository=f"{host}/{user}/{name}")
    add("code", install, outputs=[], execution_count=None)
    cells.insert(1, cells.pop())
    source.cells = [NotebookNode(cell) for cell in cells]
    return chapters.normalise(source)


def write(app, doctree: nodes.document, docname: str) -> None:
    """Write the notebook of a chapter beside the pages."""
    if app.builder.name == "html" and app.env.doc2path(docname).endswith(".ipynb"):
        target = Path(app.outdir, FOLDER, f"{Path(docname).name}.ipynb")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(notebook(app, doctree, docname), encoding="utf-8")


def offer(app, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Let the buttons of a chapter that download it and open it elsewhere take the notebook."""
    if doctree is None or not app.env.doc2path(pagename).endswith(".ipynb"):
        return
    name = f"{Path(pagename).name}.ipynb"
    for group in context.get("header_buttons", []):
        buttons = group.get("buttons", [])
        for button in buttons:
            if button.get("label") == "download-source-button":
                button["url"] = context["pathto"](f"{FOLDER}/{name}", 1)
            if button["text"] == "Colab":
                # The workflow puts them into a branch of this name: neither reads from a site.
                host, user, repository, _ = get_repo_parts(app.config.html_context)
                path = f"{user}/{repository}/blob/{FOLDER}/{name}"
                button["url"] = f"https://colab.research.google.com/github/{path}"
                kaggle = {"text": "Kaggle", "tooltip": "Launch on Kaggle", "icon": "fab fa-kaggle"}
                kaggle["url"] = f"https://www.kaggle.com/kernels/welcome?src={host}/{path}"
                buttons.append(kaggle | {"type": "link"})
                break


def setup(app) -> dict:
    """Register the steps."""
    app.setup_extension("sphinx_markdown_builder")  # for its settings
    # Before what only serves a page: links of symbols, and what keeps a formula on its line.
    app.connect("doctree-resolved", write, priority=100)
    # After the theme has made its buttons.
    app.connect("html-page-context", offer, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
