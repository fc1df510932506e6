"""Draw which module of qwlib imports which into ARCHITECTURE.md.

    python tools/architecture.py

An arrow that follows from others is left out, and so is what the page of `well` would get: nearly
all of them.
"""

from pathlib import Path

import grimp

PAGE = Path(__file__).resolve().parent.parent / "ARCHITECTURE.md"
BEGIN, END = "```mermaid\n", "```\n"
FLOORS = {
    "qwlib/book: what the pages show": "qwlib.book",
    "qwlib/run: what people run": "qwlib.run",
    "qwlib/beyond: physics past the paper, and the witnesses": "qwlib.beyond",
    "qwlib: the solver and the Kubo sum": "qwlib",
}


def diagram() -> str:
    """Return the imports between modules in the language of Mermaid, which GitHub draws."""
    graph = grimp.build_graph("qwlib", cache_dir=None)
    packages = set(FLOORS.values())
    modules = sorted(graph.modules - packages - {"qwlib.__main__"})
    lines = ["flowchart TD"]
    for title, package in FLOORS.items():
        lines.append(f'  subgraph {package.replace(".", "_")}["{title}"]')
        inside = [m for m in modules if m.rpartition(".")[0] == package]
        lines += [f"    {m.rpartition('.')[2]}" for m in inside]
        lines.append("  end")
    for module in modules:
        used = graph.find_modules_directly_imported_by(module) - packages
        implied = set().union(*(graph.find_upstream_modules(one) for one in used))
        names = (one.rpartition(".")[2] for one in sorted(used - implied - {"qwlib.well"}))
        lines += [f"  {module.rpartition('.')[2]} --> {name}" for name in names]
    return "\n".join(lines) + "\n"


def drawn(text: str) -> str:
    """Return the page with the diagram as it is now."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + diagram() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
