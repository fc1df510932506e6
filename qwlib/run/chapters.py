"""Execute chapters of the book side by side, each by a kernel of its own.

A chapter is a notebook, executed in its own folder and then replaced by what `make baseline`
stores: the same for the same cells and results, whatever runs beside it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from .interrupts import first_interrupt

TIMEOUT = 600
"""How long a cell may take, in s."""

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

# IPython colours its tracebacks, which makes them unreadable and unsearchable in a log.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


# --- What is stored ------------------------------------------------------------------------------


def read(path: Path) -> NotebookNode:
    """Read a notebook; a cell that has no id gets one made of the file's name and its place."""
    # nbformat's own reader makes up random ids, and another set at each run.
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for number, cell in enumerate(notebook["cells"]):
        cell.setdefault("id", f"{path.stem}-{number:03d}")
    notebook["nbformat_minor"] = 5
    return nbformat.reads(json.dumps(notebook), as_version=4)


def normalise(notebook: NotebookNode) -> str:
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


# --- The kernel ----------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    """Return the environment of a run: as in the Makefile, and with the qwlib that is running."""
    hidden = ("MPLBACKEND", "PYTHONHOME", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**kept, **threads, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}


class ThisInterpreter(AsyncKernelManager):
    """Starts kernels with this interpreter, whatever kernels the user has installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The kernel of this interpreter's own ipykernel."""
        return KernelSpec(**get_kernel_dict())

    async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]  # async there too
        """Start it so that it imports this qwlib, and none of the user's settings reach it."""
        # What cells print does not come this way; what does is the kernel talking to itself.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        await super().start_kernel(**options, **quiet, env=environment())


class Client(NotebookClient):
    """Leaves signals alone: that of nbclient ends one kernel, the one that started last."""

    @asynccontextmanager
    async def async_setup_kernel(self, **options) -> AsyncIterator[None]:
        """Give a kernel that is gone afterwards, whatever happens."""
        self.create_kernel_manager()
        try:
            await self.async_start_new_kernel(**options)
            await self.async_start_new_kernel_client()
            yield
        finally:
            if self.km is not None:  # None where it did not get ready
                await self._async_cleanup_kernel()


# --- Side by side --------------------------------------------------------------------------------


class Failed(Exception):
    """A chapter that did not run to its end.

    Attributes
    ----------
    notebook : NotebookNode
        What there is of it.
    reason : str
        The last line of the traceback.
    """

    def __init__(self, error: Exception, notebook: NotebookNode):
        own = f"{type(error).__name__}: {error}"
        in_cell = isinstance(error, CellExecutionError)
        super().__init__(COLOUR.sub("", str(error) if in_cell else own))
        self.notebook = notebook
        self.reason = own
        if isinstance(error, CellExecutionError):
            self.reason = f"{error.ename}: {error.evalue}".strip().splitlines()[-1]


def cores() -> int:
    """Return how many kernels can work at a time."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def execute(
    paths: Iterable[Path], say: Callable[[str], None] = print, jobs: int | None = None
) -> dict[Path, Failed]:
    """Execute notebooks in place, and return those that failed, which are left as they were.

    `jobs` run at a time, by default one for each core; `say` gets a line as each of them ends.
    """
    try:
        return asyncio.run(_execute(list(paths), say, jobs or cores()))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _execute(paths: list[Path], say: Callable[[str], None], jobs: int) -> dict[Path, Failed]:
    notebooks = {path: read(path) for path in paths}
    gate = asyncio.Semaphore(jobs)
    failed: dict[Path, Failed] = {}
    ended = 0

    async def run(path: Path) -> None:
        nonlocal ended
        async with gate:
            start, word = time.monotonic(), "executed in"
            try:
                await _execute_one(path, notebooks[path])
            except Failed as error:
                failed[path], word = error, "failed after"
            ended += 1
            seconds = time.monotonic() - start
            say(f"==> {path.stem}: {word} {seconds:.0f} s ({ended} of {len(paths)})")

    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # this is a coroutine

    def cancel() -> None:
        # A kernel that the same Ctrl-C has ended is no news.
        logging.disable(logging.CRITICAL)
        loop.call_soon_threadsafe(task.cancel)

    # asyncio does so only where Python's own handler stands, and the command line has another: an
    # exception that comes at any place of any task would leave tasks that nobody ends.
    with first_interrupt(cancel):
        async with asyncio.TaskGroup() as group:
            for path in paths:
                group.create_task(run(path))
    return {path: failed[path] for path in paths if path in failed}


async def _execute_one(path: Path, notebook: NotebookNode) -> None:
    """Execute one notebook and replace it; raise `Failed` if that does not work."""
    client = Client(
        notebook,
        kernel_manager_class=ThisInterpreter,
        # Not None: nbclient then waits without end for a reply it has missed.
        timeout=TIMEOUT,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        # It has nothing to put in order, and may be busy.
        shutdown_kernel="immediate",
        # Otherwise how the output of a cell is cut into pieces depends on timing.
        coalesce_streams=True,
    )
    try:
        await client.async_execute()
    except (CellExecutionError, RuntimeError, TimeoutError) as error:
        # What nbclient makes of Ctrl-C.
        task = asyncio.current_task()
        if isinstance(error, DeadKernelError) and task and task.cancelling():
            raise asyncio.CancelledError from None
        raise Failed(error, notebook) from None
    # An empty cell is not executed; nbval would take the missing number for a cell never run.
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.execution_count is None:
            cell.execution_count = 0
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(normalise(notebook), encoding="utf-8")
    os.replace(temporary, path)
