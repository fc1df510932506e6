"""Sweeps beyond one core: many workers, stopped and gone on with, into one netCDF file.

The wells of a grid are numbered and cut into chunks.  Chunks are solved here, by processes of this
machine, or by the workers of a Dask cluster, as they are free; each gives the numbers of `sweep`
to the bit, since it calls the same function on the same blocks of wells.

Next to the target ``result.nc`` is a directory ``result.nc.parts`` with a zarr store of the chunks
that are finished.  It goes when the target is there, and until then a sweep of the same grid by
the same code goes on from it.  Never more than a few chunks are in memory.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import itertools
import json
import logging
import math
import os
import platform
import shutil
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import zarr
from distributed import Client, LocalCluster, as_completed
from filelock import FileLock, Timeout
from netCDF4 import Dataset
from tqdm import tqdm

from .. import __version__
from ..grid import (
    CHUNK,
    PER_WELL,
    VARIABLES,
    Grid,
    about,
    description,
    full,
    solve_columns,
)
from .record import files_hash, versions

TYPES = {"n_states": "i8", "spin_density": "f8", "current": "f8", "certified": "i1"}
"""How `VARIABLES` are stored; netCDF has no truth values."""

WELL_BYTES = sum(
    np.dtype(kind).itemsize * (1 if name == "certified" else math.prod(PER_WELL))
    for name, kind in TYPES.items()
)
LARGEST_BLOCKS = 8
"""Blocks of `CHUNK` wells in the largest chunk: about a second, long beside what it costs to send
one, short beside the patience of somebody who stops a sweep."""

FEWEST_CHUNKS = 64
"""A grid is cut into as many where it can be, so that a few workers end together."""

SLAB = 2**14
"""Wells that are written to the file at once; the file is compressed in pieces of this size."""

AHEAD = 2
"""Chunks that wait for each thread of a cluster, so that none is idle while results travel."""

LOOK = 1
"""Seconds after which the threads of a cluster are counted again, since workers come and go."""

PATIENCE = 60
"""Seconds to wait for a scheduler that is gone to be back."""

DEAF = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
"""What workers here run first: Ctrl-C is for the client, which ends them."""

KEPT_MEMORY = {-1: 2**27, -3: 2**25}
"""What `mallopt` of the GNU C library is told on a worker, in bytes: M_TRIM_THRESHOLD and
M_MMAP_THRESHOLD of its malloc.h."""


class SweepFailed(Exception):
    """A sweep could not go on.  The finished chunks are kept."""


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
    """Return how many wells a chunk has; it depends on the grid alone, so that one can go on."""
    return CHUNK * min(max(grid.total // (FEWEST_CHUNKS * CHUNK), 1), LARGEST_BLOCKS)


# --- The finished chunks -------------------------------------------------------------------------


class Parts:
    """The chunks of a sweep that are finished, on disk.

    Attributes
    ----------
    grid : Grid
    target : Path
        The file that is to be.
    commit : str, optional
        What git says of the code, for the file.
    size : int
        Wells in a chunk; the last may have fewer.
    checksums : int array
        Those of the finished chunks, −1 for the others.
    """

    def __init__(self, grid: Grid, target: Path, commit: str | None = None):
        self.commit = commit
        self.grid, self.target, self.size = grid, target, chunk_size(grid)
        self.checksums = np.full(-(-grid.total // self.size), -1)
        self.folder = target.parent / f"{target.name}.parts"
        self.path = self.folder / "chunks.zarr"
        self.lock = FileLock(self.folder / "lock")
        self.fingerprint = fingerprint(grid, self.size)

    @property
    def done(self) -> np.ndarray:
        """Which chunks are finished, a bool array."""
        return self.checksums >= 0

    def check(self) -> None:
        """Look for finished chunks.

        Raises
        ------
        ValueError
            If the target cannot be written, has not enough space, or has chunks of another sweep.
        """
        shown, parent = self.target, self.target.parent
        if self.target.is_dir():
            raise ValueError(f"{shown} is a directory")
        if not parent.is_dir():
            raise ValueError(f"{shown} cannot be written: there is no directory {parent}")
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"{self.folder} is in the way")
        self._look()
        stored = sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())
        needed, free = space(self.grid) - stored, shutil.disk_usage(parent).free
        if needed > free:
            raise ValueError(
                f"{shown} may need {needed / 1e9:.3g} GB until it is finished, and its disk has "
                f"{free / 1e9:.3g} GB"
            )

    def _look(self) -> None:
        """Find out which chunks are finished; raise ValueError if they are of another sweep."""
        self.checksums[:] = -1
        if self.path.is_dir():
            group = zarr.open_group(self.path, mode="r")
            checksums = group["checksums"][:]
            if group.attrs["fingerprint"] == self.fingerprint:
                self.checksums = checksums
            elif (checksums >= 0).any():
                raise ValueError(
                    f"{self.folder} has {(checksums >= 0).sum()} finished chunks of another sweep "
                    "or of other code: go on with that one, or remove them"
                )

    def _drop_damaged(self) -> None:
        """Take chunks for unfinished that are not what was stored, as after a loss of power."""
        if not self.done.any():
            return
        arrays = dict(zarr.open_group(self.path, mode="r").arrays())
        for number in np.flatnonzero(self.done).tolist():
            here = slice(*self.bounds(number))
            try:
                found = checksum([arrays[name][here] for name in VARIABLES])
            except Exception:  # of many kinds, from those who read and unpack
                found = None
            if found != self.checksums[number]:
                self.checksums[number] = -1

    def hold(self) -> None:
        """Make the directory, and hold it against other processes until `release`.

        Raises
        ------
        ValueError
            If it cannot be made, or another process holds it.
        """
        try:
            self.folder.mkdir(exist_ok=True)
            self.lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(f"another process is writing {self.target}") from None
        except OSError as error:
            raise ValueError(f"{self.target} cannot be written: {error.strerror}") from None
        self._look()  # again, since a process that held it may have gone on
        self._drop_damaged()

    def release(self) -> None:
        """Let others have the directory."""
        self.lock.release()

    def open(self) -> None:
        """Open the arrays of the chunks, new ones if no chunk is finished."""
        if not self.done.any():
            # Complete before it gets its name: a store without a fingerprint does not exist.
            new = self.folder / "new.zarr"
            for old in (new, self.path):
                shutil.rmtree(old, ignore_errors=True)
            group = zarr.create_group(new, attributes={"fingerprint": self.fingerprint})
            for name in VARIABLES:
                per_well = self.grid.shape_of(name)[len(self.grid.shape) :]
                group.create_array(
                    name,
                    shape=(self.grid.total, *per_well),
                    chunks=(self.size, *per_well),
                    dtype=TYPES[name],
                )
            everyone = self.checksums.shape
            group.create_array(
                "checksums", shape=everyone, chunks=everyone, dtype="i8", fill_value=-1
            )
            new.rename(self.path)
        self.arrays = dict(zarr.open_group(self.path, mode="r+").arrays())

    def bounds(self, number: int) -> tuple[int, int]:
        """Return the first well of a chunk and the one after its last."""
        return number * self.size, min((number + 1) * self.size, self.grid.total)

    def put(self, number: int, part: tuple[np.ndarray, ...]) -> None:
        """Store a finished chunk; it counts as finished when all of it is there."""
        start, stop = self.bounds(number)
        part = [values.astype(TYPES[name]) for name, values in zip(VARIABLES, part, strict=True)]
        for name, values in zip(VARIABLES, part, strict=True):
            self.arrays[name][start:stop] = values
        self.checksums[number] = checksum(part)
        self.arrays["checksums"][:] = self.checksums

    def write(self) -> None:
        """Make the target of the finished chunks, at once, and remove them.

        Raises
        ------
        SweepFailed
            If a chunk is not finished, or the file cannot be written.
        """
        if not self.done.all():
            raise SweepFailed(f"{(~self.done).sum()} chunks are missing")
        new = self.folder / "result.nc"
        new.unlink(missing_ok=True)
        try:
            write_netcdf(self.grid, self.arrays, new, self.commit)
        except RuntimeError as error:  # so netCDF4 says that a disk is full
            new.unlink(missing_ok=True)
            raise SweepFailed(f"the file could not be written: {error}") from None
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.replace(self.target)
        shutil.rmtree(self.folder)


def checksum(part: list[np.ndarray]) -> int:
    """Return a number that is another one, almost surely, if a bit of a chunk is."""
    return zlib.crc32(b"".join(values.tobytes() for values in part))


def space(grid: Grid) -> int:
    """Return how many bytes a sweep needs at most, chunks and file, if nothing is compressed."""
    return 2 * WELL_BYTES * grid.total + 16 * sum(grid.shape) + 2**21


# --- Solving them --------------------------------------------------------------------------------


def solve_chunk(columns: dict[str, np.ndarray], block: int) -> tuple[np.ndarray, ...]:
    """Solve the wells of a chunk, block by block as `sweep` does.

    Parameters
    ----------
    columns : dict
        As `Grid.columns_of` returns them.
    block : int
        Wells that are solved together.
    """
    columns = full(columns)
    n = columns["E_F"].size
    blocks = [
        solve_columns({name: column[start : start + block] for name, column in columns.items()})
        for start in range(0, n, block)
    ]
    return tuple(np.concatenate(parts) for parts in zip(*blocks, strict=True))


def solve_on_worker(
    columns: dict[str, np.ndarray], block: int, expected: dict[str, str]
) -> tuple[np.ndarray, ...]:
    """Solve a chunk on a worker, which may be another machine.

    Raises
    ------
    RuntimeError
        If `code` returns there something else than `expected`.
    """
    if code() != expected:
        differing = ", ".join(name for name in expected if code()[name] != expected[name])
        raise RuntimeError(f"a worker has another version of {differing}")
    keep_memory()
    return solve_chunk(columns, block)


@functools.cache
def keep_memory() -> None:
    """Let a worker keep the memory that it frees, up to some hundred MB, for the next arrays.

    Dask starts its workers so that they give it back to the system at once.  Arrays as small as
    ours then take about twice the time.  Only the GNU C library can be told.
    """
    if platform.libc_ver()[0] == "glibc":
        for parameter, size in KEPT_MEMORY.items():
            ctypes.CDLL(None).mallopt(parameter, size)


def solved_here(parts: Parts) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
    """Yield the number and the results of each chunk that is not finished.

    Raises
    ------
    SweepFailed
        If a chunk fails.
    """
    for number in np.flatnonzero(~parts.done).tolist():
        try:
            part = solve_chunk(parts.grid.columns_of(*parts.bounds(number)), CHUNK)
        except Exception as error:
            raise chunk_failed(number, error) from error
        yield number, part


def chunk_failed(number: int, error: BaseException) -> SweepFailed:
    """Return what says that a chunk failed."""
    return SweepFailed(f"chunk {number} failed: {type(error).__name__}: {error}")


def solved_by_cluster(parts: Parts, address: str) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
    """Yield the number and the results of each chunk that is not finished, in any order.

    The scheduler gives the chunk of a worker that dies to another, and chunks to workers that come
    late.  If the scheduler itself goes and is back, what is left is given to it again.

    Raises
    ------
    SweepFailed
        If a chunk fails, or the scheduler stays away.
    """
    todo = deque(np.flatnonzero(~parts.done).tolist())
    while todo:
        try:
            client = Client(address, timeout=PATIENCE, set_as_default=False)
        except OSError:
            raise SweepFailed(f"no scheduler at {address} for {PATIENCE} s") from None
        with client:
            yield from _solved_until_lost(parts, client, todo)


def _solved_until_lost(
    parts: Parts, client: Client, todo: deque[int]
) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
    """Take chunks from `todo` and yield what is solved; put back what a lost connection loses."""
    running, completed = {}, as_completed(loop=client.loop)
    wanted, looked = 0, -math.inf
    try:
        while todo or running:
            if time.monotonic() - looked > LOOK:
                wanted = AHEAD * (sum(client.nthreads().values()) + 1)
                looked = time.monotonic()
            while todo and len(running) < wanted:
                number = todo.popleft()
                columns = parts.grid.columns_of(*parts.bounds(number))
                future = client.submit(solve_on_worker, columns, CHUNK, code(), pure=False)
                running[future] = number
                completed.add(future)
            future = next(completed)
            if future.status == "error":
                error = future.exception()
                raise chunk_failed(running[future], error) from error
            result = future.result()
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
def solver(parts: Parts, jobs: int, scheduler: str | None) -> Iterator[Iterator]:
    """Give an iterator over solved chunks, from `jobs` processes or the cluster of `scheduler`."""
    if scheduler is not None:
        yield solved_by_cluster(parts, scheduler)
    elif jobs == 1:
        yield solved_here(parts)
    else:
        quiet()
        with LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
            local_directory=str(parts.folder),
            preload=[DEAF],
        ) as cluster:
            yield solved_by_cluster(parts, cluster.scheduler_address)


def solve_grid(parts: Parts, jobs: int = 1, scheduler: str | None = None) -> None:
    """Solve what is not yet solved of a sweep that `Parts` holds, and write its target.

    Parameters
    ----------
    parts : Parts
        Released at the end, whatever happens.
    jobs : int
        Processes of this machine.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers are then used instead.

    Raises
    ------
    SweepFailed
        If a chunk fails, the scheduler stays away, or the disk is full.
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
            start, stop = parts.bounds(number)
            solved += stop - start
            rate = solved / (time.monotonic() - begin)
            bar.set_postfix_str(f"{rate:,.0f} wells/s", refresh=False)
            bar.update()

        yield advance


# --- The file ------------------------------------------------------------------------------------


def slabs(shape: tuple[int, ...]) -> Iterator[tuple[tuple[slice, ...], int, int]]:
    """Yield boxes of at most `SLAB` wells that fill the grid, with their first and last + 1 well.

    In each box all axes but one have one value or all, so that its wells follow each other.
    """
    box = slab_shape(shape)
    steps = [range(0, size, length) for size, length in zip(shape, box, strict=True)]
    for low in itertools.product(*steps):
        high = [min(a + n, size) for a, n, size in zip(low, box, shape, strict=True)]
        first = int(np.ravel_multi_index(low, shape)) if shape else 0
        count = math.prod(b - a for a, b in zip(low, high, strict=True))
        yield tuple(map(slice, low, high)), first, first + count


def slab_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of such a box."""
    box, room = [], SLAB
    for size in reversed(shape):
        box.append(min(size, room))
        room = room // size if box[-1] == size else 1
    return tuple(reversed(box))


def write_netcdf(grid: Grid, arrays: dict, path: Path, commit: str | None) -> None:
    """Write a sweep to a new file, slab by slab.

    Parameters
    ----------
    grid : Grid
    arrays : dict
        `VARIABLES` over the wells one after the other; anything that can be sliced.
    path : Path
    commit : str, optional

    Raises
    ------
    OSError, RuntimeError
        If it cannot be written.
    """
    with Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts({**about(), **code(), **({"qwlib_commit": commit} if commit else {})})
        for name, (dims, values, attributes) in grid.coordinates().items():
            for dim in dims:
                file.createDimension(dim, len(values))
            kind = np.asarray(values).dtype.kind
            of = str if kind == "U" else np.asarray(values).dtype
            variable = file.createVariable(name, of, dims)
            variable[...] = np.array(values, dtype=object) if kind == "U" else values
            variable.setncatts(attributes)
        for name in VARIABLES:
            dims = grid.dims(name)
            variable = file.createVariable(
                name,
                TYPES[name],
                dims,
                compression="zlib" if dims else None,
                complevel=1,
                chunk_cache=2**21,  # each piece is written once and whole, so one is enough
                fletcher32=bool(dims),  # whoever reads it learns of a damaged disk
                chunksizes=(*slab_shape(grid.shape), *grid.shape_of(name)[len(grid.shape) :])
                if dims
                else None,
            )
            variable.setncatts(description(*VARIABLES[name]))
            if grid.fixed:
                variable.coordinates = " ".join(grid.fixed)
            if name == "certified":
                variable.setncattr("dtype", "bool")  # so xarray knows truth values
        for box, first, last in slabs(grid.shape):
            for name in VARIABLES:
                values = arrays[name][first:last]
                lengths = tuple(part.stop - part.start for part in box)
                file[name][(*box, ...)] = values.reshape((*lengths, *values.shape[1:]))
