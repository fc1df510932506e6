"""Sweeps beyond one core: many workers, stopped and gone on with, into one netCDF file.

The grid is cut into boxes of successive wells, the chunks of a zarr store.  They are solved here,
by processes of this machine, or by the workers of a Dask cluster, as they are free; each gives the
numbers of `sweep` to the bit, since it calls the same function on the same blocks of wells.  A
worker that reaches the store writes its chunks itself, so that the client, which hears of each that
it is done, is soon ready for the next; from others the client takes the numbers and writes them.

Beside the target ``result.nc`` is a directory ``result.nc.parts``, with the store unless that has a
place of its own.  Both go when the target is there, and until then a sweep of the same grid by the
same solver goes on from the chunks that are finished.  Never more than a few are in memory.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json
import logging
import math
import os
import platform
import re
import shutil
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, NamedTuple

import dask
import fsspec
import numpy as np
import zarr
from distributed import Client, LocalCluster, as_completed
from filelock import FileLock, Timeout
from fsspec.implementations.local import LocalFileSystem
from tqdm import tqdm
from zarr.codecs import Crc32cCodec, ZstdCodec

from .. import __version__
from ..grid import ATTRIBUTES, CHUNK, PER_WELL, VARIABLES, Grid, about, full, solve_columns
from .interrupts import first_interrupt
from .record import files_hash, versions

WELL_BYTES = sum(
    np.dtype(kind).itemsize * (1 if name == "certified" else math.prod(PER_WELL))
    for name, kind in VARIABLES.items()
)
LARGEST_BLOCKS = 8
"""Blocks of `CHUNK` wells in the largest chunk: about a second, long beside what it costs to ask
for one, short beside the patience of somebody who stops a sweep."""

FEWEST_CHUNKS = 64
"""A grid is cut into as many where it can be, so that a few workers end together."""

AT_ONCE = 32
"""Chunks that are in memory when the file is written."""

IN_ADVANCE = 2
"""Chunks that wait for each thread of a cluster, so that none is idle while results travel."""

LOOK = 1
"""Seconds after which the threads of a cluster are counted again, since workers come and go."""

GLANCE = 0.01
"""Seconds between two looks whether a chunk is solved."""

PATIENCE = 60
"""Seconds to wait for a scheduler that is gone to be back."""

WINDOWS = os.name == "nt"

DEAF = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
"""What workers here run first: Ctrl-C is for the client, which ends them."""

KEPT_MEMORY = {-1: 2**27, -3: 2**25}
"""What `mallopt` of the GNU C library is told on a worker, in bytes: M_TRIM_THRESHOLD and
M_MMAP_THRESHOLD of its malloc.h."""


class SweepFailed(Exception):
    """A sweep could not go on.  The finished chunks are kept; `then` says what another run does."""

    def __init__(self, message: str, then: str = "goes on from them"):
        super().__init__(message)
        self.then = then


# --- What decides the numbers --------------------------------------------------------------------


@functools.cache
def code() -> dict[str, str]:
    """Return what computes: a hash of the solver and the Kubo sum, and the versions of packages.

    What figures or pages show is no part of it, so that a change there keeps finished chunks.
    """
    package = Path(__file__).parent.parent
    solver = [path for path in package.glob("*.py") if not path.stem.startswith("__")]
    return {
        "qwlib": __version__,
        "qwlib_sha256": files_hash(package, solver),
        **versions(("numpy", "scipy")),
    }


def fingerprint(grid: Grid, size: int) -> str:
    """Return a hash of everything that decides what chunks of `size` wells hold."""
    digest = hashlib.sha256(json.dumps([code(), list(grid.axes), size]).encode())
    for name, column in grid.columns.items():
        digest.update(f"{name} {column.dtype} {column.shape} ".encode() + column.tobytes())
    return digest.hexdigest()


def chunk_size(grid: Grid) -> int:
    """Return the most wells of a chunk; it depends on the grid alone, so that one can go on."""
    return CHUNK * min(max(grid.total // (FEWEST_CHUNKS * CHUNK), 1), LARGEST_BLOCKS)


# --- The finished chunks -------------------------------------------------------------------------


def box(shape: tuple[int, ...], room: int) -> tuple[int, ...]:
    """Return the shape of boxes that cut a grid into at most `room` successive wells each.

    All axes but one have one value or all, so that the wells of a box follow each other.
    """
    lengths: list[int] = []
    for size in reversed(shape):
        lengths.append(min(size, room))
        room = room // size if lengths[-1] == size else 1
    return tuple(reversed(lengths))


def cut(shape: tuple[int, ...], room: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shape of the boxes, and how many there are along each axis."""
    lengths = box(shape, room)
    return lengths, tuple(-(-n // length) for n, length in zip(shape, lengths, strict=True))


class Chunk(NamedTuple):
    """One box of a grid: where it is, and its first well and the one after its last."""

    place: tuple[slice, ...]
    start: int
    stop: int


def chunk(grid: Grid, size: int, number: int) -> Chunk:
    """Return one of the chunks of at most `size` wells; they are numbered as the wells are."""
    lengths, counts = cut(grid.shape, size)
    index = (int(i) for i in np.unravel_index(number, counts))
    low = [i * n for i, n in zip(index, lengths, strict=True)]
    high = [min(a + n, end) for a, n, end in zip(low, lengths, grid.shape, strict=True)]
    start = int(np.ravel_multi_index(low, grid.shape)) if low else 0
    wells = math.prod(b - a for a, b in zip(low, high, strict=True))
    return Chunk(tuple(map(slice, low, high)), start, start + wells)


def store_chunk(arrays: dict[str, Any], here: Chunk, part: tuple[np.ndarray, ...]) -> None:
    """Write a solved chunk; it is finished when the last of its arrays is there."""
    lengths = tuple(axis.stop - axis.start for axis in here.place)
    for name, values in zip(VARIABLES, part, strict=True):
        shaped = values.astype(VARIABLES[name]).reshape((*lengths, *values.shape[1:]))
        arrays[name][*here.place, ...] = shaped


def opened(address: str, fingerprint: str) -> dict[str, Any] | None:
    """Return the arrays of a store, to be written to; None if there is none of this sweep."""
    # A chunk of nothing but zeros is finished too.
    with zarr.config.set({"array.write_empty_chunks": True}):
        try:
            group = zarr.open_group(address, mode="r+", zarr_format=3)
            if group.attrs.get("fingerprint") == fingerprint:
                return {name: group[name] for name in VARIABLES}
        except (OSError, KeyError, ValueError):
            pass
    return None


class Parts:
    """The chunks of a sweep that are finished, in a store of their own.

    Attributes
    ----------
    grid : Grid
    target : Path
        The file that is to be.
    commit : str, optional
        What git says of the code, for the file.
    address : str
        Where the store is: a path, or a URL as fsspec takes it.
    size : int
        The most wells of a chunk.
    done : bool array
        Which chunks are finished.
    """

    def __init__(
        self, grid: Grid, target: Path, commit: str | None = None, store: str | None = None
    ):
        self.grid, self.target, self.commit = grid, target, commit
        self.folder = target.parent / f"{target.name}.parts"
        self.shown = store or self.folder
        self.files, self.root = fsspec.core.url_to_fs(store or str(self.folder / "chunks.zarr"))
        is_here = isinstance(self.files, LocalFileSystem)
        self.address = self.root if is_here else self.files.unstrip_protocol(self.root)
        self.size = chunk_size(grid)
        self.lengths, self.counts = cut(grid.shape, self.size)
        self.done = np.zeros(math.prod(self.counts), dtype=bool)
        self.lock = FileLock(self.folder / "lock")
        self.fingerprint = fingerprint(grid, self.size)

    def chunk(self, number: int) -> Chunk:
        """Return a chunk by its number."""
        return chunk(self.grid, self.size, number)

    def pieces(self, name: str) -> tuple[int, ...]:
        """Return the shape of what a chunk has of one of `VARIABLES`."""
        return (*self.lengths, *self.grid.shape_of(name)[len(self.lengths) :])

    def check(self) -> None:
        """Look for finished chunks.

        A `ValueError` if the target cannot be written or is no file that may be replaced, has not
        enough space, or has chunks of another sweep.
        """
        shown, parent = self.target, self.target.parent
        try:
            str(shown).encode()  # netCDF4 takes no other name
            if self.target.is_dir():
                raise ValueError(f"{shown} is a directory")
            if not parent.is_dir():
                raise ValueError(f"{shown} cannot be written: there is no directory {parent}")
            if self.target.is_symlink():
                raise ValueError(f"{shown} is a link: name the file that it leads to")
            if self.target.exists() and not self.target.is_file():
                raise ValueError(f"{shown} is not a file: a device or a pipe is not replaced")
            # A link in the place of what is ours leads to what is not.
            for ours in (self.folder, self.folder / "lock", self.folder / "chunks.zarr"):
                if ours.is_symlink():
                    raise ValueError(f"{ours} is a link: remove it")
            if self.folder.exists() and not self.folder.is_dir():
                raise ValueError(f"{self.folder} is in the way")
        except UnicodeEncodeError:
            raise ValueError(f"{shown} cannot be written: its name is not UTF-8") from None
        except OSError as error:
            raise ValueError(f"{shown} cannot be written: {error.strerror}") from None
        self.look()
        stored = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        needed, free = space(self.grid) - stored, shutil.disk_usage(parent).free
        if needed > free:
            raise ValueError(
                f"{shown} may need {needed / 1e9:.3g} GB until it is finished, and its disk has "
                f"{free / 1e9:.3g} GB"
            )

    def look(self) -> None:
        """Find out which chunks are finished; raise ValueError if they are of another sweep."""
        self.done[:] = False
        try:
            group = zarr.open_group(self.address, mode="r", zarr_format=3)
            found = dict(group.attrs)
        except (OSError, ValueError):
            return
        if found.get("fingerprint") == self.fingerprint:
            if not self._fits(group):
                raise ValueError(f"{self.shown} was changed, and is no longer a store: remove it")
            self.done[:] = True
            for name in VARIABLES:
                self.done &= self._stored(name)
        elif number := found and len(self._keys("certified")):
            raise ValueError(
                f"{self.shown} has {number} finished chunks of another sweep or of another "
                "solver: continue that one, or remove them"
            )

    def _fits(self, group: zarr.Group) -> bool:
        """Whether the arrays of a store are as `open` makes them."""
        for name in VARIABLES:
            array = group.get(name)
            if not isinstance(array, zarr.Array):
                return False
            layout = array.shape, array.chunks, array.dtype
            if layout != (self.grid.shape_of(name), self.pieces(name), np.dtype(VARIABLES[name])):
                return False
        return True

    def _keys(self, name: str) -> list[list[str]]:
        """Return the indices of the chunks of an array that are in the store."""
        top = f"{self.root}/{name}/c"
        paths = [path for path in self.files.find(top) if "partial" not in path]
        return [path[len(top) :].strip("/").split("/") for path in paths]

    def _stored(self, name: str) -> np.ndarray:
        """Return which chunks of an array are in the store."""
        stored = np.zeros(self.done.size, dtype=bool)
        n = len(self.counts)
        for key in self._keys(name):
            if len(key) >= n and all(part.isdecimal() for part in key[:n]):
                index = tuple(map(int, key[:n]))
                if all(i < count for i, count in zip(index, self.counts, strict=True)):
                    stored[int(np.ravel_multi_index(index, self.counts)) if n else 0] = True
        return stored

    def _drop_damaged(self) -> None:
        """Take chunks for unfinished whose checksums are wrong, as after a loss of power."""
        arrays = opened(self.address, self.fingerprint) or {}
        for number in np.flatnonzero(self.done).tolist():
            place = self.chunk(number).place
            try:
                for array in arrays.values():
                    array[*place, ...]
            except Exception:  # of many kinds, from those who read and unpack
                self.done[number] = False

    def hold(self) -> None:
        """Make the directory, and hold it against other processes until `release`.

        A `ValueError` if it cannot be made, or another process holds it.
        """
        try:
            self.folder.mkdir(exist_ok=True)
            self.lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(f"another process is writing {self.target}") from None
        except OSError as error:
            raise ValueError(f"{self.target} cannot be written: {error.strerror}") from None
        self.look()  # again, since a process that held it may have gone on
        self._drop_damaged()

    def release(self) -> None:
        """Let others have the directory, or remove what is left of it."""
        self.lock.release()
        if WINDOWS and not (self.folder / "chunks.zarr").exists():
            with suppress(OSError):  # another process may have it by now
                (self.folder / "lock").unlink()
                self.folder.rmdir()

    def open(self) -> None:
        """Open the store, a new one if no chunk is finished."""
        if not self.done.any():
            if self.files.exists(self.root):
                self.files.rm(self.root, recursive=True)
            group = zarr.create_group(self.address)
            for name in VARIABLES:
                group.create_array(
                    name,
                    shape=self.grid.shape_of(name),
                    chunks=self.pieces(name),
                    dtype=VARIABLES[name],
                    dimension_names=self.grid.dims(name),
                    # The last one, so that whoever reads what another has written learns of damage.
                    compressors=[ZstdCodec(level=1), Crc32cCodec()],
                )
            # Last: a store without a fingerprint does not exist.
            group.attrs["fingerprint"] = self.fingerprint
        arrays = opened(self.address, self.fingerprint)
        if arrays is None:
            raise SweepFailed(f"the store in {self.shown} cannot be opened")
        self.arrays = arrays

    def put(self, number: int, part: tuple[np.ndarray, ...] | None) -> None:
        """Store a solved chunk, or take note that a worker has."""
        if part is not None:
            store_chunk(self.arrays, self.chunk(number), part)
        self.done[number] = True

    def write(self) -> None:
        """Make the target of the finished chunks, at once, and remove them.

        A `SweepFailed` if a chunk is not finished, or the file cannot be written.
        """
        if not self.done.all():
            raise SweepFailed(f"{(~self.done).sum()} chunks are missing")
        new = self.folder / "result.nc"
        new.unlink(missing_ok=True)
        try:
            write_netcdf(self, new)
        except (RuntimeError, ValueError) as error:  # so netCDF4 says that a disk is full
            new.unlink(missing_ok=True)
            raise SweepFailed(f"the file could not be written: {error}") from None
        with new.open("r+b") as file:  # Windows syncs only what may be written
            os.fsync(file.fileno())
        new.replace(self.target)
        self.files.rm(self.root, recursive=True)
        # Windows keeps what is open, the lock; it goes when it is released.
        shutil.rmtree(self.folder, ignore_errors=WINDOWS)


def write_netcdf(parts: Parts, path: Path) -> None:
    """Write the chunks of a store to a new file, some of them at a time."""
    import xarray as xr  # no worker needs it

    grid = parts.grid
    room, at_once = AT_ONCE, {}
    for axis, length, count in reversed(
        [*zip(grid.axes, parts.lengths, parts.counts, strict=True)]
    ):
        times = min(count, room)
        at_once[axis], room = min(grid.axes[axis].size, times * length), max(room // times, 1)
    # One after the other, variables and their pieces: the same sweep then gives the same file.
    with (
        dask.config.set(scheduler="synchronous"),
        xr.open_zarr(parts.address, consolidated=False, chunks=at_once) as stored,
    ):
        ds = stored[list(VARIABLES)].assign_coords(grid.coordinates())
        ds.attrs = about() | code() | ({"qwlib_commit": parts.commit} if parts.commit else {})
        for name in VARIABLES:
            ds[name].attrs = ATTRIBUTES[name]
            one = ds[[name]]
            encoding: dict[str, dict] = {
                known: {"_FillValue": None}
                for known, v in one.variables.items()
                if v.dtype.kind == "f"
            }
            if pieces := parts.pieces(name):
                own = encoding.setdefault(name, {})
                own |= {"zlib": True, "complevel": 1, "chunksizes": pieces}
                own |= {"fletcher32": True}  # whoever reads it learns of a damaged disk
            mode = "a" if path.exists() else "w"
            one.to_netcdf(path, mode, "NETCDF4", engine="netcdf4", encoding=encoding)


def space(grid: Grid) -> int:
    """Return how many bytes a sweep needs at most, chunks and file, if nothing is compressed."""
    return 2 * WELL_BYTES * grid.total + 16 * sum(grid.shape) + 2**21


# --- Solving them --------------------------------------------------------------------------------


def solve_chunk(columns: dict[str, np.ndarray], block: int) -> tuple[np.ndarray, ...]:
    """Solve the wells of a chunk, as `Grid.columns_of` gives them, in blocks as `sweep` does."""
    columns = full(columns)
    n = columns["E_F"].size
    blocks = [
        solve_columns({name: column[start : start + block] for name, column in columns.items()})
        for start in range(0, n, block)
    ]
    return tuple(np.concatenate(parts) for parts in zip(*blocks, strict=True))


class Job(NamedTuple):
    """What a worker has to know of a sweep."""

    grid: Grid
    size: int  # of a chunk
    block: int  # wells that are solved together
    address: str
    fingerprint: str
    code: dict[str, str]


def solve_on_worker(job: Job, number: int) -> tuple[np.ndarray, ...] | None:
    """Solve a chunk on a worker, which may be another machine, and store it if it can be there.

    The numbers, if the store is not in this worker's reach, and else None.  A `RuntimeError` if
    `code` returns there something else than in the job.
    """
    if code() != job.code:
        differing = ", ".join(name for name in job.code if code()[name] != job.code[name])
        raise RuntimeError(f"a worker has another version of {differing}")
    keep_memory()
    here = chunk(job.grid, job.size, number)
    part = solve_chunk(job.grid.columns_of(here.start, here.stop), job.block)
    arrays = opened(job.address, job.fingerprint)
    if arrays is None:
        return part
    store_chunk(arrays, here, part)
    return None


@functools.cache
def keep_memory() -> None:
    """Let a worker keep the memory that it frees, up to some hundred MB, for the next arrays.

    Dask starts its workers so that they give it back to the system at once.  Arrays as small as
    ours then take about twice the time.  Only the GNU C library can be told.
    """
    if platform.libc_ver()[0] == "glibc":
        for parameter, size in KEPT_MEMORY.items():
            ctypes.CDLL(None).mallopt(parameter, size)


def solved_here(parts: Parts) -> Generator[tuple[int, tuple[np.ndarray, ...] | None]]:
    """Yield the number and the results of each chunk that is not finished."""
    for number in np.flatnonzero(~parts.done).tolist():
        try:
            here = parts.chunk(number)
            part = solve_chunk(parts.grid.columns_of(here.start, here.stop), CHUNK)
        except Exception as error:
            raise chunk_failed(number, error) from error
        yield number, part


def chunk_failed(number: int, error: BaseException) -> SweepFailed:
    """Return what says that a chunk failed."""
    return SweepFailed(
        f"chunk {number} failed: {type(error).__name__}: {error}", "tries that one again"
    )


def solved_by_cluster(
    parts: Parts, address: str
) -> Generator[tuple[int, tuple[np.ndarray, ...] | None]]:
    """Yield the number and the results of each chunk that is not finished, in any order.

    The scheduler gives the chunk of a worker that dies to another, and chunks to workers that come
    late.  If the scheduler itself goes and is back, what is left is given to it again; if it stays
    away, or a chunk fails, that is a `SweepFailed`.
    """
    todo = deque(np.flatnonzero(~parts.done).tolist())
    while todo:
        try:
            client = Client(address, timeout=PATIENCE, set_as_default=False)
        except OSError:
            raise SweepFailed(f"no scheduler at {address} for {PATIENCE} s") from None
        with client:
            yield from _solved_until_lost(parts, client, todo)


class Workers:
    """The workers of a cluster: which of them compute as this process does, and what others have.

    By address, `fit` has the threads of each that has the same `code`, and `other` says in words
    what each of the others has.
    """

    def __init__(self, client: Client):
        self.client = client
        self.fit: dict[str, int] = {}
        self.other: dict[str, str] = {}
        self.said = ""
        self.looked = -math.inf

    def look(self) -> None:
        """See who came and who went, and say what is waited for, once."""
        threads = self.client.nthreads()
        new = [worker for worker in threads if worker not in self.fit | self.other]
        found = self.client.run(code, workers=new, on_error="return") if new else {}
        for worker, there in found.items():
            if isinstance(there, OSError):
                continue  # it is gone, or does not answer yet
            if reason := lacks(there):
                self.other[worker] = reason
            else:
                self.fit[worker] = threads[worker]
        self.fit = {worker: n for worker, n in self.fit.items() if worker in threads}
        self.other = {worker: reason for worker, reason in self.other.items() if worker in threads}
        self.looked = time.monotonic()
        self._say()

    def _say(self) -> None:
        """Tell of workers that are not used, and that there is no other."""
        others = Counter(self.other.values())
        told = "; ".join(f"{n} {reason}" for reason, n in sorted(others.items()))
        if not self.fit:
            have = ", ".join(f"{n} {v}" for n, v in code().items() if n != "qwlib_sha256")
            text = f"waiting for a worker with {have}: {told or 'there is none yet'}"
        else:
            text = f"workers that are not used: {told}" if told else ""
        if text and text != self.said:
            tqdm.write(text, file=sys.stderr)
        self.said = text


def lacks(there: dict[str, str] | Exception) -> str:
    """Return what is other on a worker than here, in words; empty if nothing is."""
    if isinstance(there, Exception):
        # Dask may have made a text of it.
        if missing := re.search(r"No module named \W*([\w.]+)", str(there)):
            return f"without {missing[1]}"
        return f"failed with {type(there).__name__}: {there}"
    differing = [name for name, value in code().items() if there.get(name) != value]
    if differing == ["qwlib_sha256"]:
        return f"with another {__version__}"
    named = [name for name in differing if name != "qwlib_sha256"]
    return ", ".join(f"with {name} {there.get(name)}" for name in named)


def _solved_until_lost(
    parts: Parts, client: Client, todo: deque[int]
) -> Generator[tuple[int, tuple[np.ndarray, ...] | None]]:
    """Take chunks from `todo` and yield what is solved; put back what a lost connection loses.

    They go to workers that are known to be fit alone: one without qwlib ends when it is given one.
    """
    running: dict = {}
    # With results, so that they travel while others are awaited, not one after the other.
    completed = as_completed(loop=client.loop, with_results=True, raise_errors=False)
    about_it = parts.grid, parts.size, CHUNK, parts.address, parts.fingerprint, code()
    job, its = None, set[str]()
    workers = Workers(client)
    try:
        while todo or running:
            if time.monotonic() - workers.looked > LOOK:
                workers.look()
                if job is not None and not its & workers.fit.keys():
                    # Nobody is left of those who may have it: all of it is given out again.
                    todo.extendleft(sorted(running.values(), reverse=True))
                    client.cancel([job, *running])
                    running, job = {}, None
                elif job is not None and job.done() and workers.fit.keys() - its:
                    # Dask gives a task to those alone who have what it needs.
                    with suppress(TimeoutError):
                        client.replicate([job], workers=[*workers.fit], callback_timeout=PATIENCE)
                        its |= workers.fit.keys()
            fit = [*workers.fit]
            while todo and fit and len(running) < IN_ADVANCE * (sum(workers.fit.values()) + 1):
                if job is None:
                    # By a task, so that it is made again if its worker dies.
                    its = set(fit)
                    job = client.submit(Job, *about_it, pure=False, workers=fit)
                number = todo.popleft()
                future = client.submit(solve_on_worker, job, number, pure=False, workers=fit)
                running[future] = number
                completed.add(future)
            if not completed.has_ready():
                time.sleep(GLANCE)
            for future, result in completed.next_batch(block=False):
                if future not in running:
                    continue  # it was given out again
                if isinstance(result, CancelledError):
                    raise result
                if future.status == "error":
                    raise chunk_failed(running[future], result[1]) from result[1]
                yield running.pop(future), result
    except (CancelledError, OSError):  # the scheduler is gone
        todo.extendleft(sorted(running.values(), reverse=True))


def check_scheduler(address: str) -> None:
    """Raise ValueError if no Dask scheduler is at an address like ``tcp://host:8786``."""
    quiet()
    try:
        Client(address, timeout=10, set_as_default=False).close()
    except Exception as error:  # of many kinds: what is no address, who is no scheduler
        raise ValueError(f"no Dask scheduler at {address}: {error}") from None


def quiet() -> None:
    """Keep Dask from writing of dead workers and lost connections, which are dealt with."""
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in ("distributed", "tornado"):  # each has a level of its own
            logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def solver(parts: Parts, jobs: int, scheduler: str | None) -> Iterator[Generator]:
    """Give an iterator over solved chunks, from `jobs` processes or the cluster of `scheduler`."""
    if scheduler is not None:
        yield solved_by_cluster(parts, scheduler)
    elif jobs == 1:
        yield solved_here(parts)
    else:
        quiet()
        with local_cluster(jobs, str(parts.folder)) as cluster:
            yield solved_by_cluster(parts, cluster.scheduler_address)


@contextmanager
def local_cluster(jobs: int, folder: str) -> Iterator[LocalCluster]:
    """Give a cluster of `jobs` processes that are deaf to Ctrl-C.

    The first Ctrl-C while they start is heard when they have started: a cluster that has some of
    its workers only cannot be closed.
    """
    heard: list[bool] = []
    with first_interrupt(lambda: heard.append(True)), deaf():
        cluster = LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
            local_directory=folder,
            preload=[DEAF],
        )
    with cluster:
        if heard:
            signal.raise_signal(signal.SIGINT)
        yield cluster


@contextmanager
def deaf() -> Iterator[None]:
    """Have no thread that is started meanwhile, nor a process that it starts, hear Ctrl-C."""
    if WINDOWS:
        yield
        return
    resource_tracker.ensure_running()  # where it is started later, it unblocks the signal
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def solve_grid(parts: Parts, jobs: int = 1, scheduler: str | None = None) -> None:
    """Solve what is not yet solved of a sweep that `Parts` holds, and write its target.

    By `jobs` processes of this machine, or by the workers of the Dask scheduler at that address.
    The parts are released at the end, whatever happens.  A `SweepFailed` if a chunk fails, the
    scheduler stays away, or the disk is full.
    """
    try:
        parts.open()
        # Closing: the client goes before the cluster it talks to, whatever ends the loop.
        with (
            solver(parts, jobs, scheduler) as chunks,
            closing(chunks),
            progress(parts) as advance,
        ):
            for number, part in chunks:
                parts.put(number, part)
                advance(number)
        parts.write()
    except OSError as error:
        raise SweepFailed(f"{error.strerror or error}") from None
    finally:
        parts.release()


@contextmanager
def progress(parts: Parts) -> Iterator[Callable[[int], None]]:
    """Show a bar, if somebody is at a terminal; give what tells it that a chunk is finished."""
    total, before = parts.done.size, int(parts.done.sum())
    solved, begin = 0, time.monotonic()
    with tqdm(total=total, initial=before, unit="chunk", disable=None) as bar:

        def advance(number: int) -> None:
            nonlocal solved
            here = parts.chunk(number)
            solved += here.stop - here.start
            rate = solved / (time.monotonic() - begin)
            bar.set_postfix_str(f"{rate:,.0f} wells/s", refresh=False)
            bar.update()

        yield advance
