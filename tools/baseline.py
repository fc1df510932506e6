"""Rerun chapters and store their outputs, so that a second run changes nothing.

    python tools/baseline.py book/*.ipynb

A chapter is written only if all of it ran.
"""

import json
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook; a cell that has no id gets one made of the file's name and its place."""
    # nbformat's own reader makes up random ids, and another set at each run.
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for number, cell in enumerate(notebook["cells"]):
        cell.setdefault("id", f"{path.stem}-{number:03d}")
    notebook["nbformat_minor"] = 5
    return nbformat.reads(json.dumps(notebook), as_version=4)


def normalise(notebook: nbformat.NotebookNode) -> str:
    """Return the text to store: the same for the same sources and results.

    Dropped are the times of the run, the version of Python, and the views and states of
    widgets, which have random names; what a widget says of itself in text stays.
    """
    metadata = notebook.metadata
    metadata.pop("widgets", None)
    metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata.language_info = {"name": "python"}
    count = 0
    for cell in notebook.cells:
        for key in ("execution", "ExecuteTime"):
            cell.metadata.pop(key, None)
        if cell.cell_type != "code":
            continue
        if cell.execution_count is not None:
            count += 1
            cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = cell.execution_count
            output.get("data", {}).pop(WIDGET_VIEW, None)
    text = nbformat.writes(notebook)
    return text if text.endswith("\n") else text + "\n"


def rerun(path: Path) -> None:
    """Execute the notebook in `path`, in its own folder as the book does, and replace it."""
    notebook = read(path)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        # As in _config.yml.  Not None: nbclient then waits without end for a reply it has missed.
        timeout=600,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        # Otherwise how the output of a cell is cut into pieces depends on timing.
        coalesce_streams=True,
    )
    client.execute()
    # An empty cell is not executed; nbval would take the missing number for a cell never run.
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.execution_count is None:
            cell.execution_count = 0
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(normalise(notebook), encoding="utf-8")
    os.replace(temporary, path)


def main(paths: list[Path]) -> int:
    """Rerun each notebook; return 1 if one of them failed."""
    failed = []
    for path in paths:
        print(f"==> {path}", flush=True)
        try:
            rerun(path)
        except CellExecutionError as error:
            print(f"{error}\nerror: {path} failed and was left as it was", file=sys.stderr)
            failed.append(path)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
