"""Numbers in the text: what a computation gives is inserted by it, never typed.

A number with a decimal point, or of two digits and more, must be one that the paper states, or be
allowed for its page below.  Code, roles, links and places in the paper are not looked at.
"""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT

BOOK = ROOT / "book"
PAGES = sorted([*BOOK.glob("*.ipynb"), *BOOK.glob("*.md")])

# The paper's own parameters and figures: energies, widths, couplings, counts.
PAPER = {"0.25", "2.2", "0.046", "0.05", "0.025", "0.01", "0.001", "0.3"}
PAPER |= {"0.049", "0.062", "0.1", "0.52", "0.2", "10", "11", "14", "27"}

# What is chosen and not computed, page by page.
ALLOWED = {
    "intro.md": {"3.11", "3.12", "3.13", "1907.07116", "4.0"},  # versions, the paper, the licence
    # Settings of the benchmark: widths, grid points, steps, versions, digits of the table.
    "speed.ipynb": {"1.5", "20", "30", "200", "500", "1000", "4000", "0.005"},
    # Given in the exercises: a range of a coupling, parts of a limit in per cent.
    "chirality.ipynb": {"0.04", "97", "99.5"},
    "counting.ipynb": {"200"},  # grid points of a scan
    # Rashba parameters of two surfaces, measured; each stands beside its source.
    "open-problems.ipynb": {"0.033", "0.305"},
    # Minutes of the sheet, parts of a sum in per cent.
    "hour.ipynb": {"30", "50", "60"},
    # Minutes of the plans.
    "lecturer.md": {"20", "25", "30", "35", "40", "50", "60", "70", "75", "85", "90"},
    # What conventions choose, and the least number that rounds to 0.2.
    "conventions.ipynb": {"2.0", "0.15"},
    "laboratory.ipynb": {"0.5", "1.4"},  # an exponent that is assumed; the magnetisation of cobalt
}

NOT_PROSE = [
    r"^```\{glossary\}$",  # what follows is prose
    r"```.*?```",  # code
    r"\{[\w:-]+\}`[^`]*`",  # roles
    r"`[^`]*`",
    r"\]\([^)]*\)",  # where a link leads
    r"\{[#.][^}]*\}",  # attributes
    r"<[^>]*>",
    r"^- \*\*(?:Time|Paper)\*\*[^\n]*$",
    r"^\([\w-]+\)=$",  # labels
    r"\\(?:begin|end|label|tag)\{[^}]*\}",
    # Places in the paper: Figs. 3(b) and 4, Sec. III.A, Eq. (6)
    r"(?:Fig|Sec|Eq|Ref)s?\.[\s~]*\(?(?:[IVX]+(?:\.[A-Z])?|\d+)\)?(?:\([a-z]\))?"
    r"(?:(?:, | and |–)\(?(?:\d+|[IVX]+)?\)?(?:\([a-z]\))?)*",
]
NUMBER = re.compile(r"(?<![\w.^{_\-/])\d+(?:\.\d+)?(?!\w)")


def typed(text: str) -> list[str]:
    """Return the numbers of a text that could have come from a computation."""
    for pattern in NOT_PROSE:
        text = re.sub(pattern, " ", text, flags=re.DOTALL | re.MULTILINE)
    return [n for n in NUMBER.findall(text) if "." in n or int(n) >= 10]


def markdown(page: Path) -> str:
    if page.suffix == ".md":
        return page.read_text(encoding="utf-8")
    cells = nbformat.read(page, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_number_is_typed_that_should_be_glued(page):
    found = set(typed(markdown(page)))
    allowed = PAPER | ALLOWED.get(page.name, set())
    assert not found - allowed


@pytest.mark.parametrize("page", ALLOWED)
def test_nothing_is_allowed_that_is_not_there(page):
    assert ALLOWED[page] <= set(typed(markdown(BOOK / page)))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("the width is 0.1371 nm and $k = 12.3$", ["0.1371", "12.3"]),
        ("there are 13 states, 6 of them +", ["13"]),
        ("see Figs. 3(b) and 4, Sec. III.A and Eq. (6), in 2019-07", ["2019"]),
        ("a {glue:text}`x12` of `well.d = 3.5` and [a page](page-77.html)", []),
        ("- **Time**: 20 minutes.\nthen 42 of them", ["42"]),
        ("```{glossary}\nbottom\n  At 0.1371 eV, `E = 3.5`.\n```", ["0.1371"]),
        ("$10^{-12}$ and $\\hbar^2/2m$", ["10"]),
    ],
)
def test_numbers_are_seen(text, numbers):
    assert typed(text) == numbers


@pytest.mark.parametrize("page", sorted(BOOK.glob("*.ipynb")), ids=lambda page: page.name)
def test_code_does_not_drown_the_argument(page):
    """A cell that is not folded has 15 lines at most, and none is cut where the page ends."""
    folded = {"hide-input", "hide-cell", "remove-input", "remove-cell", "parameters"}
    for cell in nbformat.read(page, 4).cells:
        if cell.cell_type == "code":
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert max(map(len, lines)) <= 85, cell.source
            assert len(lines) <= 15 or folded & {*cell.metadata.get("tags", [])}, cell.source


class Assigned(ast.NodeVisitor):
    """Collects the names that a cell assigns, those within functions and comprehensions aside."""

    def __init__(self):
        self.names = set()

    def visit_FunctionDef(self, node):
        self.names.add(node.name)

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Store):
            self.names.add(node.id)

    def visit_ListComp(self, node):
        pass

    visit_Lambda = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp


@pytest.mark.parametrize("page", sorted(BOOK.glob("*.ipynb")), ids=lambda page: page.name)
def test_no_cell_takes_the_name_of_what_was_imported(page):
    """A cell above it could then not be run once more."""
    imported = set()
    for cell in nbformat.read(page, 4).cells:
        if cell.cell_type == "code":
            body = ast.parse(cell.source).body
            assigned = Assigned()
            for node in body:
                assigned.visit(node)
            assert not assigned.names & imported, cell.source
            for node in body:
                if isinstance(node, ast.Import | ast.ImportFrom):
                    imported |= {(a.asname or a.name).split(".")[0] for a in node.names}


# --- Words before use ----------------------------------------------------------------------------

# Words that everybody knows, and that the glossary only makes sharper.
COMMON = {"count", "kind", "lost state"}


ORDER = re.findall(r"(?:file|root): book/(\S+)", (ROOT / "_toc.yml").read_text("utf-8"))


def in_order() -> dict[str, str]:
    """Return the prose of the pages in the order of reading, formulas included."""
    texts = {}
    for name in [one for one in ORDER if one not in {"glossary", "symbols", "api"}]:
        page = next(path for path in PAGES if path.stem == name)
        # Its head and lists of chapters lead elsewhere, and code has words of its own.
        text = re.sub(r"^- \*\*\w.*?\*\*:.*$", "", markdown(page), flags=re.MULTILINE)
        lists = r"^## (What you will learn|Exercises)$.*?(?=^## |\Z)"
        text = re.sub(lists, "", text, flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r"^```\{math\}\n(.*?)^```", r"$$\1$$", text, flags=re.DOTALL | re.MULTILINE)
        text = re.sub(r"^#.*$|\{(?!term)[\w:-]+\}`[^`]*`", "", text, flags=re.MULTILINE)
        texts[name] = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return texts


def test_a_word_of_the_glossary_is_marked_where_it_is_first_used():
    """In the order of reading: there it is defined, in italics, or leads to the glossary."""
    texts = {
        name: re.sub(r"\$\$.*?\$\$", "", text, flags=re.S) for name, text in in_order().items()
    }
    glossary = (BOOK / "glossary.md").read_text("utf-8").split("```{glossary}")[1]
    unmarked = []
    for word in re.findall(r"^(\w.*)$", glossary, flags=re.MULTILINE):
        stem = re.escape(word.replace("'", "’")).replace("state", "states?")
        for name, text in texts.items():
            if first := re.search(rf"(?<![\w-]){stem}(?![\w-])", text, re.IGNORECASE):
                before = text[: first.start()].rsplit("\n", 1)[1]
                lone = text[first.start() :].startswith(f"{word}\n: ")
                if not (before.count("*") % 2 or re.search(r"\{term\}`[^`]*$", before) or lone):
                    unmarked.append((name, word, before[-40:]))
                break
    left = [one for one in unmarked if one[1] not in COMMON]
    assert not left, str(left)


# A letter with what is above it, and its index below and above.
SYMBOL = re.compile(
    r"((?:\\(?:mathbf|hat|tilde|boldsymbol)\b[\s{]*)*(?:\\[a-zA-Z]+|[a-zA-Z])\}*)"
    r"(?:_(?:\{([^}]*)\}|(\\[a-z]+|[\w+-])))?(\^\\\w+)?"
)
GREEK = {"Δ": r"\Delta", "γ": r"\gamma", "χ": r"\chi", "ζ": r"\zeta", "Σ": r"\Sigma"}
GREEK |= {"θ": r"\theta", "φ": r"\varphi", "β": r"\beta", "τ": r"\tau"}
# Explained where it has no row for its page: the field of the first chapter, beside the energy.
ELSEWHERE_EXPLAINED = {"sym-field"}


def symbols(formula: str) -> list[tuple[str, ...]]:
    """Return the symbols of a formula, each with its index."""
    formula = re.sub(r"\\(?:begin|end|text|mathrm)\{[^}]*\}|^:label:.*", "", formula, flags=re.M)
    found = [(what, below or short, above) for what, below, short, above in SYMBOL.findall(formula)]
    return [tuple(re.sub(r"[{}\s]", "", part) for part in one) for one in found]


def uses(text: str) -> list[tuple[int, int, tuple[str, ...]]]:
    """Return beginning and end of each formula or Greek letter of a text, with its symbols."""
    found = []
    for part in re.finditer(r"\$\$(.+?)\$\$|\$([^$]+)\$", text, flags=re.DOTALL):
        found += [(part.start(), part.end(), one) for one in symbols(part[1] or part[2])]
    for part in re.finditer(rf"(?<![\w_\\$])[{''.join(GREEK)}](?![\w_])", text):
        found.append((part.start(), part.end(), (GREEK[part[0]], "", "")))
    return sorted(found)


def stems(text: str) -> set[str]:
    """Return the beginnings of the longer words of a text, which its forms share."""
    return {word[:5].lower() for word in re.findall(r"[A-Za-z]{4,}", text)}


def unexplained(table: str, texts: dict[str, str]) -> list[str]:
    """Return which symbols of a table are first used in a sentence with nothing of their meaning.

    A formula on a line of its own counts with the paragraphs before and after it.
    A row whose last column names pages is about these alone.
    """
    found = []
    used = {name: uses(text) for name, text in texts.items()}
    for names, target, rest in re.findall(r"^\| \[(.*?)\]\{#([\w-]+)\} \| (.*) \|$", table, re.M):
        meaning, *_, where = rest.split(" | ")
        pages = re.findall(r"\{doc\}`([\w-]+)`", where) or texts
        formulas = re.split(r",\s*(?![^({]*[)}])", ", ".join(re.findall(r"\$(.*?)\$", names)))
        formulas += [GREEK[one] for one in re.sub(r"\$.*?\$", "", names) if one in GREEK]
        if target in ELSEWHERE_EXPLAINED or "/" in names or "int" in names:
            continue  # explained by its parts
        for symbol in [one for formula in formulas for one in symbols(formula)[:1]]:
            name, first = next((n, u) for n in pages for u in used.get(n, []) if u[2] == symbol)
            before, after = texts[name][: first[0]], texts[name][first[1] :]
            if texts[name].startswith("$$", first[0]):
                sentence = before.rstrip().rsplit("\n\n", 1)[-1] + after.lstrip().split("\n\n")[0]
            else:
                sentence = before.rsplit("\n", 1)[-1] + after.split("\n", 1)[0]
            formula = texts[name][first[0] : first[1]]
            said = [one for one in re.findall(r"\$(.*?)\$", meaning) if one in formula]
            if not said and not stems(meaning) & stems(sentence):
                found.append(f"{name}: {''.join(symbol)}, {meaning}: {sentence}")
    return found


def test_a_symbol_is_explained_where_it_is_first_used():
    """In the order of reading, by a word or a formula of its row on the page of symbols."""
    assert unexplained(markdown(BOOK / "symbols.ipynb"), in_order()) == []


def test_a_symbol_that_comes_too_early_is_seen():
    table = "| [$d$]{#sym-d} | width of the well | nm | `well.d` |"
    told, early = "Its width is $d = 2$ nm.", "Take $E = 1/d$.\n"
    assert unexplained(table, {"model": told + "\n" + early}) == []
    assert len(unexplained(table, {"model": early + told})) == 1


# What is so in the paper's well and not in another: a rerun of the chapter would say it of a well
# in which it is false.  Each phrase stands in a sentence that says which well it is about, or that
# has what a cell has found.
ELSEWHERE_FALSE = {
    "laboratory": [
        "small against",
        "weight at a high barrier",
        "both make it small",
        "faster than linearly",
        "the other sign beyond it",
        "one subband is left",
        "outside the range of the formula",
        "one mass",
        "no optimum",
        "maxima of all states lie",
        "it matters where the exchange acts.",
        "of the order of 1 mT",
        "at weak and fixed coupling",
    ],
    "thickness": [
        "is the number of propagating states; its 27",
        "the same seen from both sides",
        "is the symmetric well",
        "the last two columns fall",
        "smaller than the paper's",
    ],
    "confinement": ["not silent", "exactly these numbers", "hold from there up"],
    "ends": ["near that limit", "not a good approximation", "more than anything else"],
}
SAYS_WHERE = re.compile(r"paper's (?:well|parameters)|equal barriers|barriers are equal|{glue")


@pytest.mark.parametrize("name", ELSEWHERE_FALSE)
def test_what_another_well_would_make_false_says_of_which_well_it_is(name):
    lines = markdown(BOOK / f"{name}.ipynb").splitlines()
    for phrase in ELSEWHERE_FALSE[name]:
        (sentence,) = (line for line in lines if phrase in line)
        assert SAYS_WHERE.search(sentence), sentence


OF_THE_PAPER = re.compile(r"^The paper's \d|paper's (?:well|parameters|Fig\.)")


@pytest.mark.parametrize("page", sorted(BOOK.glob("*.ipynb")), ids=lambda page: page.stem)
def test_no_number_that_a_rerun_changes_is_said_of_the_paper(page):
    if '"parameters"' not in page.read_text(encoding="utf-8"):
        return
    for line in markdown(page).splitlines():
        inserted = re.sub(r"\{glue:text\}`[^`]*`", "INSERTED", line)
        for clause in re.split(r"[;:]|\.\s(?=[A-Z])|, (?:where|which)", inserted):
            assert "INSERTED" not in clause or not OF_THE_PAPER.search(clause), clause
