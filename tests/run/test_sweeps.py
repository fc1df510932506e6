"""Sweeps on workers: the same numbers to the bit, whatever dies, stops or fills up meanwhile."""

import _thread
import contextlib
import io
import itertools
import json
import math
import os
import platform
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import xarray as xr
import zarr
from conftest import PATIENCE
from distributed import Client, LocalCluster
from hypothesis import given
from hypothesis import strategies as st
from processes import wait_for

import qwlib
from qwlib import sweep
from qwlib.run import cli, parameters, sweeps

CHUNK = 16
GRID = """\
alpha_L: {linspace: [-0.02, 0.07, 15]}
exchange: [ferromagnet, everywhere]
d: {geomspace: [0.5, 3, 16]}
V_R: 6
"""
AXES = {
    "alpha_L": np.linspace(-0.02, 0.07, 15),
    "exchange": ["ferromagnet", "everywhere"],
    "d": np.geomspace(0.5, 3, 16),
}
CHUNKS = 15 * 2 * 16 // CHUNK

# What a reader types, but for the size of the chunks; a subprocess has it from here.
SMALL = f"import sys; from qwlib.run import cli, sweeps; sweeps.CHUNK = {CHUNK}; "
RUN = SMALL + "sys.exit(cli.main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def bare() -> xr.Dataset:
    return sweep(**AXES, V_R=6.0)


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A directory with a grid file, and chunks so small that there are many."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweeps, "CHUNK", CHUNK)
    (tmp_path / "grid.yml").write_text(GRID, encoding="utf-8")
    return tmp_path


def started(workers: int) -> LocalCluster:
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    )


@pytest.fixture(scope="module")
def cluster():
    with started(2) as cluster:
        yield cluster


def command(*options: str) -> int:
    return cli.main(["sweep", "-f", "grid.yml", "-o", "result.nc", *options])


def same_bits(path: Path | str, expected: xr.Dataset) -> None:
    with xr.open_dataset(path) as found:
        for name, value in expected.attrs.items():
            assert found.attrs[name] == value, name
        found.attrs = expected.attrs
        xr.testing.assert_identical(found, expected)
        for name in expected.data_vars:
            assert found[name].dtype == expected[name].dtype
            # −0 and 0 are equal, and not the same bits.
            assert found[name].values.tobytes() == expected[name].values.tobytes()


def only_result(place: Path) -> bool:
    return sorted(p.name for p in place.iterdir()) == ["grid.yml", "result.nc"]


def on_put(monkeypatch, at: int, act) -> list[int]:
    """Call `act` after chunk number `at` that is stored; return the list of all that are."""
    put, stored = sweeps.Parts.put, []

    def watched(parts, number, part):
        put(parts, number, part)
        stored.append(number)
        if len(stored) == at:
            act()

    monkeypatch.setattr(sweeps.Parts, "put", watched)
    return stored


# --- The same numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--scheduler"]], ids=str)
def test_file_has_the_numbers_of_sweep_to_the_bit(place, bare, cluster, capsys, options):
    if options == ["--scheduler"]:
        options = [*options, cluster.scheduler_address]
    assert command(*options) == 0
    assert capsys.readouterr() == (f"480 wells in {CHUNKS} chunks\nresult.nc\n", "")
    same_bits("result.nc", bare)
    assert only_result(place)


@pytest.mark.parametrize(
    ("grid", "axes"),
    [
        ("{}", {}),
        ("E_F: 2\n", dict(E_F=2.0)),
        ("E_F: [2]\n", dict(E_F=[2.0])),
        ("mass: [0.7, 0.9]\nE_F: {logspace: [-1, 0, 3]}\n", dict(mass=[0.7, 0.9], E_F="log")),
        ("Delta: [0.1, 0, -0.1]\nV_L: [4, 5]\n", dict(Delta=[0.1, 0.0, -0.1], V_L=[4.0, 5.0])),
    ],
)
def test_any_parameter_is_an_axis_and_any_number_of_them(place, grid, axes):
    (place / "grid.yml").write_text(grid, encoding="utf-8")
    if axes.get("E_F") == "log":
        axes = axes | {"E_F": np.logspace(-1, 0, 3)}
    assert command() == 0
    same_bits("result.nc", sweep(**axes))


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_how_a_grid_is_cut_changes_no_bit(place, bare, monkeypatch, chunk):
    monkeypatch.setattr(sweeps, "CHUNK", chunk)
    monkeypatch.setattr(sweeps, "FEWEST_CHUNKS", 8)
    assert command() == 0
    same_bits("result.nc", bare)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=4), st.integers(1, 20))
def test_chunks_are_boxes_of_successive_wells_that_fill_the_grid(shape, room):
    lowest = {"d": 1.0, "V_L": 5.0, "V_R": 5.0, "E_F": 2.0}
    axes = {x: lowest[x] + 0.1 * np.arange(n) for x, n in zip(lowest, shape, strict=False)}
    grid = sweeps.Grid.of(axes)
    wells, seen, number = np.arange(grid.total).reshape(grid.shape), [], 0
    while len(seen) < grid.total:
        place, start, stop = sweeps.chunk(grid, room, number)
        assert wells[place].ravel().tolist() == list(range(start, stop))
        assert stop - start <= room
        seen += range(start, stop)
        number += 1
    assert seen == wells.ravel().tolist()
    lengths = sweeps.box(grid.shape, room)
    assert number == math.prod(-(-n // m) for n, m in zip(shape, lengths, strict=True))


def test_chunks_are_of_whole_blocks_and_depend_on_the_grid_alone():
    sizes = []
    for side in (1, 10, 300, 400, 3000):
        grid = sweeps.Grid.of({"alpha_L": np.linspace(0, 0.07, side), "d": np.linspace(1, 2, side)})
        sizes.append(sweeps.chunk_size(grid) / 1024)
    assert sizes == [1, 1, 1, 2, 8]


# --- The file ------------------------------------------------------------------------------------


def test_file_follows_cf_and_says_how_it_was_made(place):
    assert command() == 0
    with xr.open_dataset("result.nc") as ds:
        assert ds.attrs["Conventions"].startswith("CF-1.")
        for name in ("title", "source", "references"):
            assert ds.attrs[name]
        for name, variable in ds.variables.items():
            assert variable.attrs["long_name"] and variable.attrs["units"], name
        # Only what UDUNITS reads.
        units = {variable.attrs["units"] for variable in ds.variables.values()}
        assert units == {"1", "nm", "eV", "nm^-2", "eV nm^2"}
        assert [ds[name].item() for name in ("V_R", "V_L", "E_F")] == [6.0, 5.0, 3.0]
        assert "V_R" in ds.coords and "V_R" not in ds.dims
        assert ds.attrs["qwlib_sha256"] == sweeps.code()["qwlib_sha256"]
        assert ds.attrs["numpy"] == np.__version__
        assert ds.attrs["qwlib_commit"]
        assert all(ds[name].encoding["fletcher32"] for name in ds.data_vars)
    content = Path("result.nc").read_bytes()
    for secret in (str(place), sys.prefix, str(Path.home()), socket.gethostname()):
        assert len(secret) < 3 or secret.encode() not in content, secret


def test_numbers_of_mass_have_no_unit_that_udunits_does_not_know(place):
    (place / "grid.yml").write_text("mass: [0.5, 1]\n", encoding="utf-8")
    assert command() == 0
    with xr.open_dataset("result.nc") as ds:
        assert ds["mass"].attrs["units"] == "1"


def test_same_sweep_gives_the_same_file(place, cluster):
    assert command() == 0
    first = Path("result.nc").read_bytes()
    assert command("--scheduler", cluster.scheduler_address) == 0
    assert Path("result.nc").read_bytes() == first


def test_jobs_are_processes(place, bare, monkeypatch):
    started = []

    class Watched(sweeps.LocalCluster):
        def __enter__(self):
            started.append(len({worker.pid for worker in self.workers.values()}))
            return super().__enter__()

    monkeypatch.setattr(sweeps, "LocalCluster", Watched)
    assert command("--jobs", "2") == 0
    assert started == [2]
    same_bits("result.nc", bare)
    Path("result.nc").unlink()
    assert command() == 0
    assert started == [2]  # one is this process


def handed_over(monkeypatch) -> list[bool]:
    """Return a list that tells of each chunk whether the client was given its numbers."""
    put, given = sweeps.Parts.put, []

    def watched(parts, number, part):
        given.append(part is not None)
        put(parts, number, part)

    monkeypatch.setattr(sweeps.Parts, "put", watched)
    return given


@pytest.mark.parametrize("where", ["beside", "shared", "url", "out of reach"])
def test_workers_write_what_they_solve_where_they_can(
    place, bare, cluster, monkeypatch, tmp_path_factory, where
):
    shared = tmp_path_factory.mktemp("shared") / "chunks.zarr"
    store = {"shared": [f"--store={shared}"], "url": [f"--store=file://{shared}"]}.get(where, [])
    given = handed_over(monkeypatch)
    if where == "out of reach":
        job = sweeps.Job
        monkeypatch.setattr(sweeps, "Job", lambda *a: job(*a)._replace(address="/nowhere"))
    assert command("--scheduler", cluster.scheduler_address, *store) == 0
    assert given == [where == "out of reach"] * CHUNKS
    same_bits("result.nc", bare)
    assert only_result(place) and not shared.exists()


@pytest.mark.parametrize("kind", ["path", "url", "memory"])
def test_a_store_elsewhere_is_gone_on_with(
    place, bare, monkeypatch, capsys, tmp_path_factory, kind
):
    shared = tmp_path_factory.mktemp("elsewhere") / "chunks.zarr"
    # What is in the memory of this process is no file, as what is in the cloud.
    start = {"path": "", "url": "file://", "memory": "memory:/"}[kind]
    store = f"--store={start}{shared}"
    stop_after(monkeypatch, 3, store)
    assert f"3 of {CHUNKS} chunks are kept in {store[8:]};" in capsys.readouterr().err
    assert command(store) == 0
    assert "3 of them finished before" in capsys.readouterr().out
    same_bits("result.nc", bare)


# --- What dies, and what comes late --------------------------------------------------------------


def test_killed_worker_loses_nothing(place, bare, monkeypatch):
    solve, died = sweeps.solve_on_worker, place / "died"

    def dying(*arguments):
        part = solve(*arguments)
        try:
            died.touch(exist_ok=False)
        except FileExistsError:
            return part
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(sweeps, "solve_on_worker", dying)
    with started(2) as cluster:
        assert command("--scheduler", cluster.scheduler_address) == 0
    assert died.exists()
    same_bits("result.nc", bare)


def executed(cluster: LocalCluster) -> list[int]:
    """How many tasks each worker has done."""
    with Client(cluster, set_as_default=False) as client:
        return list(client.run(lambda dask_worker: dask_worker.state.executed_count).values())


def on_submit(monkeypatch, act) -> list[sweeps.Client]:
    """Call `act` with the number of chunks submitted so far; return the list of clients."""
    clients, numbers = [], itertools.count(1)

    class Watched(sweeps.Client):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            clients.append(self)

        def submit(self, function, *arguments, **options):
            future = super().submit(function, *arguments, **options)
            if function is not sweeps.Job:
                act(next(numbers))
            return future

    monkeypatch.setattr(sweeps, "Client", Watched)
    return clients


def test_workers_that_come_late_get_their_part(place, bare, monkeypatch):
    waiting, stored = [], []
    with started(0) as cluster:
        on_word(monkeypatch, {"there is none yet": lambda: cluster.scale(1)})

        def second():
            assert len(cluster.scheduler.workers) == 1
            cluster.scale(2)
            cluster.wait_for_workers(2)
            # All chunks take less time than a worker's first import of qwlib.
            with Client(cluster, set_as_default=False) as client:
                client.run(sweeps.code)

        monkeypatch.setattr(sweeps, "LOOK", 0)
        on_submit(monkeypatch, lambda number: waiting.append(number - len(stored)))
        stored = on_put(monkeypatch, 3, second)
        assert command("--scheduler", cluster.scheduler_address) == 0
        counts = executed(cluster)
    assert len(counts) == 2 and min(counts) >= 3 and sum(counts) == CHUNKS + 1  # and the job
    # Four for one worker, and six for two.
    assert (waiting[:4], max(waiting)) == ([1, 2, 3, 4], 6)
    same_bits("result.nc", bare)


def test_no_more_chunks_wait_than_the_workers_need(place, cluster, monkeypatch):
    submitted, waiting = [], []
    on_submit(monkeypatch, submitted.append)
    put = sweeps.Parts.put
    stored = itertools.count(1)

    def counted(parts, number, part):
        put(parts, number, part)
        waiting.append(len(submitted) - next(stored))

    monkeypatch.setattr(sweeps.Parts, "put", counted)
    assert command("--scheduler", cluster.scheduler_address) == 0
    assert len(submitted) == CHUNKS
    assert 2 <= max(waiting) < sweeps.IN_ADVANCE * 3


def dask(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_scheduler_that_dies_and_is_back_loses_nothing(place, bare, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, processes = f"tcp://127.0.0.1:{port}", []

    def start():
        options = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
        processes.append(dask("scheduler", *options))
        processes.append(dask("worker", address, "--no-nanny", "--no-dashboard"))

    def restart():
        processes[0].kill()
        processes[0].wait()
        start()

    try:
        start()
        with Client(address, timeout=PATIENCE, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=PATIENCE)
        monkeypatch.setattr(sweeps, "PATIENCE", PATIENCE)
        stored = on_put(monkeypatch, 4, restart)
        assert command("--scheduler", address) == 0
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert sorted(stored) == list(range(CHUNKS))
    same_bits("result.nc", bare)


def test_scheduler_that_stays_away_is_told_and_chunks_are_kept(place, monkeypatch, capsys):
    with started(1) as cluster:

        def close():
            cluster.close()
            monkeypatch.setattr(sweeps, "PATIENCE", 1)  # what connects before has all its time

        stored = on_put(monkeypatch, 4, close)
        assert command("--scheduler", cluster.scheduler_address) == 1
    error = capsys.readouterr().err
    assert f"error: no scheduler at {cluster.scheduler_address} for 1 s\n" in error
    kept = finished(place)  # some perhaps that the client did not hear of any more
    assert len(stored) <= kept < CHUNKS
    assert f"{kept} of {CHUNKS} chunks are kept in result.nc.parts" in error


def test_worker_that_has_changed_since_solves_nothing():
    other = sweeps.code() | {"qwlib_sha256": "other"}
    job = sweeps.Job(sweeps.Grid.of({}), 1, 1, "nowhere", "", other)
    with pytest.raises(RuntimeError, match="a worker has another version of qwlib_sha256"):
        sweeps.solve_on_worker(job, 0)


# What a worker runs first: then it says of itself that it has another version, or has none.
OLDER = "from qwlib.run import sweeps\nreal = sweeps.code()\n" + (
    "sweeps.code = lambda: {**real, 'qwlib': '0.0.9'}\n"
)
CHANGED = OLDER.replace("'qwlib': '0.0.9'", "'qwlib_sha256': 'other'")
WITHOUT = """\
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "qwlib":
            raise ModuleNotFoundError(f"No module named {name}", name="qwlib")
sys.meta_path.insert(0, Missing())
"""


@pytest.fixture
def helpers():
    """Start workers as another machine would; each call gives a process."""
    processes = []

    def start(address: str, first: str = "") -> subprocess.Popen:
        options = ["--no-nanny", "--no-dashboard"]
        processes.append(
            dask("worker", address, *options, *(["--preload", first] if first else []))
        )
        return processes[-1]

    # Who waits for a worker waits without end.
    giving_up = threading.Timer(PATIENCE, _thread.interrupt_main)
    giving_up.start()
    yield start
    giving_up.cancel()
    for process in processes:
        process.kill()
        process.wait()


def on_word(monkeypatch, acts: dict) -> list[str]:
    """Call an act when the client first says what its name is in; return all that it says."""
    said = []

    def write(text, file):
        said.append(text)
        for word in [word for word in acts if word in text]:
            acts.pop(word)()

    monkeypatch.setattr(sweeps.tqdm, "write", write)
    return said


def test_without_a_usable_worker_it_says_what_it_waits_for(place, bare, monkeypatch, helpers):
    told = f"1 with another {qwlib.__version__}; 2 with qwlib 0.0.9; 1 without qwlib"
    with started(0) as cluster:
        address = cluster.scheduler_address
        useless = (OLDER, CHANGED, WITHOUT, OLDER)
        acts = {
            "there is none yet": lambda: [helpers(address, first) for first in useless],
            told: lambda: helpers(address),
        }
        said = on_word(monkeypatch, acts)
        monkeypatch.setattr(sweeps, "LOOK", 0.05)
        assert command("--scheduler", address) == 0
        counts = executed(cluster)
    need = f"waiting for a worker with qwlib {qwlib.__version__}, numpy {np.__version__}"
    assert all(text.startswith(need) for text in said[:-1]) and len(said) >= 3
    # Said as it is, and not again.
    assert said[-1] == f"workers that are not used: {told}"
    assert len(set(said)) == len(said)
    assert max(counts) >= CHUNKS
    same_bits("result.nc", bare)


def test_worker_of_another_version_that_comes_late_takes_nothing(place, bare, monkeypatch, helpers):
    with started(1) as cluster:
        address = cluster.scheduler_address

        def late():
            helpers(address, OLDER)
            with Client(cluster, set_as_default=False) as client:
                client.wait_for_workers(2, timeout=PATIENCE)

        said = on_word(monkeypatch, {})
        monkeypatch.setattr(sweeps, "LOOK", 0)
        stored = on_put(monkeypatch, 3, late)
        assert command("--scheduler", address) == 0
    assert sorted(stored) == list(range(CHUNKS))
    assert said == ["workers that are not used: 1 with qwlib 0.0.9"]
    same_bits("result.nc", bare)


def test_the_last_usable_worker_dies_and_another_comes(place, bare, monkeypatch, helpers):
    with started(0) as cluster:
        address, good = cluster.scheduler_address, []

        def ready(count):
            with Client(cluster, set_as_default=False) as client:
                client.wait_for_workers(count, timeout=PATIENCE)

        helpers(address, OLDER)
        good.append(helpers(address))
        ready(2)
        waiting = "waiting for a worker with"
        said = on_word(monkeypatch, {waiting: lambda: good.append(helpers(address))})
        monkeypatch.setattr(sweeps, "LOOK", 0.05)
        stored = on_put(monkeypatch, 3, lambda: good[0].kill())
        assert command("--scheduler", address) == 0
    assert len(good) == 2
    assert set(stored) == set(range(CHUNKS))
    assert [text.startswith(waiting) for text in said] == [False, True, False]
    same_bits("result.nc", bare)


@pytest.mark.parametrize("options", [[], ["--scheduler"]], ids=str)
def test_chunk_that_fails_ends_the_sweep_and_is_told(
    place, bare, cluster, monkeypatch, capsys, options
):
    if options:
        options = [*options, cluster.scheduler_address]
    with monkeypatch.context() as patch:
        name = "solve_on_worker" if options else "solve_chunk"
        solve = getattr(sweeps, name)

        def failing(first, *others):
            columns = first
            if options:
                here = sweeps.chunk(first.grid, first.size, *others)
                columns = first.grid.columns_of(here.start, here.stop)
            if np.any((columns["alpha_L"] > 0.03) & (columns["d"] > 2.9)):
                raise ArithmeticError("no such well")
            return solve(first, *others)

        patch.setattr(sweeps, name, failing)
        assert command(*options) == 1
    # α_L is above 0.03 from the eighth value on; each has two chunks, and d is the last axis.
    error = capsys.readouterr().err
    assert "Traceback" not in error and error.count("\n") == 2
    if options:
        assert ": ArithmeticError: no such well\n" in error
    assert error.endswith("kept in result.nc.parts; the same command tries that one again\n")
    if not options:
        assert error.startswith("error: chunk 16 failed: ArithmeticError: no such well\n16 of 30 ")
    assert not (place / "result.nc").exists()
    assert command() == 0
    same_bits("result.nc", bare)


def test_chunk_that_is_lost_is_missed(place, bare, monkeypatch, capsys):
    solved = sweeps.solved_here
    with monkeypatch.context() as patch:
        patch.setattr(
            sweeps, "solved_here", lambda parts: (c for c in solved(parts) if c[0] not in (7, 29))
        )
        assert command() == 1
    error = capsys.readouterr().err
    assert error.startswith("error: 2 chunks are missing\n28 of 30 chunks are kept")
    assert not (place / "result.nc").exists()
    assert command() == 0
    same_bits("result.nc", bare)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_workers_keep_the_memory_that_they_free(cluster):
    job = sweeps.Job(sweeps.Grid.of({}), 1, 1, "nowhere", "", sweeps.code())

    def faults():
        assert sweeps.solve_on_worker(job, 0)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(50):
            np.ones(2**16)  # half a megabyte
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    with Client(cluster, set_as_default=False) as client:
        # What is given back to the system comes with a fault for each page.
        assert client.submit(faults).result() < 25 * 2**19 / resource.getpagesize()


# --- Stopped and gone on with --------------------------------------------------------------------


def finished(place: Path) -> int:
    return len([*(place / "result.nc.parts/chunks.zarr/certified/c").glob("*/*/*")])


def start(*options: str, code: str = RUN) -> subprocess.Popen:
    arguments = [sys.executable, "-c", code, "sweep", "-f", "grid.yml", "-o", "result.nc"]
    return subprocess.Popen(
        [*arguments, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


# So slow that it can be stopped.
SLOW = SMALL + (
    "import time; put = sweeps.Parts.put; "
    "sweeps.Parts.put = lambda *a: (put(*a), time.sleep(0.2)); "
    "sys.exit(cli.main(sys.argv[1:]))"
)


@pytest.mark.parametrize(
    ("how", "options"),
    [(signal.SIGINT, []), (signal.SIGINT, ["--jobs", "2"]), (signal.SIGKILL, ["--jobs", "2"])],
    ids=str,
)
def test_stopped_sweep_goes_on_from_its_finished_chunks(
    place, bare, monkeypatch, capsys, how, options
):
    Path("result.nc").write_text("precious")
    process = start(*options, code=SLOW)
    wait_for(lambda: finished(place) >= 3, process)
    # As Ctrl-C does, to the workers too.
    (os.killpg if how == signal.SIGINT else os.kill)(process.pid, how)
    _, err = process.communicate(timeout=PATIENCE)
    kept = finished(place)
    assert 3 <= kept < CHUNKS
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert err == (
            f"interrupted: {kept} of {CHUNKS} chunks are kept in result.nc.parts; "
            "the same command goes on from them\n"
        )
    assert Path("result.nc").read_text() == "precious"
    solved = on_put(monkeypatch, 0, None)
    # On workers in one case: starting them takes seconds.
    assert command(*(options if how == signal.SIGKILL else [])) == 0
    assert f"{CHUNKS} chunks, {kept} of them finished before" in capsys.readouterr().out
    assert len(solved) == CHUNKS - kept
    same_bits("result.nc", bare)
    assert only_result(place)


def test_sweep_that_is_stopped_while_its_workers_start_says_so_alone(place, bare):
    process = start("--jobs", "2")
    workers = psutil.Process(process.pid).children
    wait_for(
        lambda: any("spawn_main" in str(one.cmdline()) for one in workers(recursive=True)), process
    )
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does, to the workers too
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err == (
        f"interrupted: 0 of {CHUNKS} chunks are kept in result.nc.parts; "
        "the same command goes on from them\n"
    )
    assert command() == 0
    same_bits("result.nc", bare)
    assert only_result(place)


# A process of its own: Dask's client forgets a socket when it is closed while it connects again.
BREAKS = SMALL + (
    "clients, stored, Client, put = [], [], sweeps.Client, sweeps.Parts.put; "
    "sweeps.Client = lambda *a, **k: clients.append(Client(*a, **k)) or clients[-1]; "
    "cut = lambda: clients[-1].loop.add_callback(clients[-1].scheduler_comm.comm.abort); "
    "sweeps.Parts.put = lambda *a: (put(*a), stored.append(a[1]), len(stored) == 4 and cut()); "
    "status = cli.main(sys.argv[1:]); print(len(clients), sorted(stored)); sys.exit(status)"
)


def test_client_whose_connection_breaks_comes_back(place, bare, cluster):
    process = start("--scheduler", cluster.scheduler_address, code=BREAKS)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    # One client that looks for the scheduler, and two that work.
    assert out.splitlines()[-1] == f"3 {list(range(CHUNKS))}"
    same_bits("result.nc", bare)


def stop_after(monkeypatch, chunks: int, *options: str) -> None:
    def stop():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        on_put(patch, chunks, stop)
        assert command(*options) == 130


def test_chunk_that_is_half_stored_is_solved_again(place, bare, monkeypatch, capsys):
    stop_after(monkeypatch, 3)
    # Something of the fourth chunk, and not the array that is written last.
    arrays = zarr.open_group("result.nc.parts/chunks.zarr", mode="r+")
    arrays["spin_density"][1, 1] = 1e9
    assert command() == 0
    same_bits("result.nc", bare)


def test_chunk_without_a_state_is_finished_too(place, monkeypatch, capsys):
    (place / "grid.yml").write_text("E_F: {linspace: [-4, -3, 40]}\n", encoding="utf-8")
    stop_after(monkeypatch, 2)
    capsys.readouterr()
    assert command() == 0
    assert "3 chunks, 2 of them finished before" in capsys.readouterr().out


@pytest.mark.parametrize("harm", ["removed", "cut short", "changed"])
def test_chunk_that_was_damaged_is_solved_again(place, bare, monkeypatch, capsys, harm):
    stop_after(monkeypatch, 5)
    store = place / "result.nc.parts/chunks.zarr"
    file = store / "spin_density/c/1/1/0/0/0"
    content = file.read_bytes()
    if harm == "removed":
        file.unlink()
    elif harm == "cut short":
        file.write_bytes(content[:20])
    else:
        file.write_bytes(content[:30] + bytes([content[30] ^ 1]) + content[31:])
    capsys.readouterr()
    stored = on_put(monkeypatch, 0, None)
    assert command() == 0
    assert "30 chunks, 4 of them finished before" in capsys.readouterr().out
    assert stored[0] == 3
    same_bits("result.nc", bare)


@pytest.mark.parametrize("name", sweeps.VARIABLES)
def test_store_of_another_layout_is_refused(place, monkeypatch, capsys, name):
    stop_after(monkeypatch, 3)
    array = place / "result.nc.parts/chunks.zarr" / name / "zarr.json"
    text = array.read_text(encoding="utf-8")
    bytes_of = {"int64": "float64", "float64": "int64", "bool": "int8"}
    kind = json.loads(text)["data_type"]
    array.write_text(text.replace(f'"{kind}"', f'"{bytes_of[kind]}"'), encoding="utf-8")
    capsys.readouterr()
    assert command() == 2
    assert "result.nc.parts was changed, and is no longer a store" in capsys.readouterr().err


def test_files_that_are_no_chunks_are_not_counted(place, bare, monkeypatch, capsys):
    stop_after(monkeypatch, 3)
    for name in sweeps.VARIABLES:
        top = place / "result.nc.parts/chunks.zarr" / name / "c"
        for strange in ("<b>x</b>/0/0/0/0", "99/0/0/0/0", "1", "-1/0/0/0/0"):
            (top / strange).parent.mkdir(parents=True, exist_ok=True)
            if not (top / strange).exists():
                (top / strange).write_text("x")
    capsys.readouterr()
    assert command() == 0
    assert "3 of them finished before" in capsys.readouterr().out
    same_bits("result.nc", bare)


def test_store_that_could_hold_code_is_not_read(place, bare, monkeypatch):
    """A store of zarr's second format may name Python's pickle as a codec."""
    parts = sweeps.Parts(sweeps.Grid.of(parameters.read_grid("grid.yml")), Path("result.nc"))
    parts.folder.mkdir()
    zarr.create_group(parts.address, zarr_format=2).attrs["fingerprint"] = parts.fingerprint
    parts.check()
    assert not parts.done.any()
    assert command() == 0
    same_bits("result.nc", bare)


def test_store_without_a_finished_chunk_stops_nobody(place, bare):
    other = sweeps.Parts(sweeps.Grid.of({"d": [1.0, 2.0]}), Path("result.nc"))
    other.hold()
    other.open()
    other.release()
    assert command() == 0
    other.folder.mkdir()  # and one that was being made
    zarr.create_group(other.address)
    Path("result.nc").unlink()
    assert command() == 0
    same_bits("result.nc", bare)


def test_who_waits_for_another_goes_on_from_its_chunks(place, monkeypatch):
    waiting = sweeps.Parts(sweeps.Grid.of(parameters.read_grid("grid.yml")), Path("result.nc"))
    waiting.check()
    stop_after(monkeypatch, 3)
    assert not waiting.done.any()
    waiting.hold()
    waiting.release()
    assert waiting.done.sum() == 3


@pytest.mark.parametrize("other", ["grid", "code", "cut"])
def test_chunks_of_another_sweep_or_code_are_not_mixed_in(place, monkeypatch, capsys, other):
    stop_after(monkeypatch, 3)
    capsys.readouterr()
    if other == "grid":
        (place / "grid.yml").write_text(GRID.replace("V_R: 6", "V_R: 6.5"), encoding="utf-8")
    elif other == "code":
        changed = sweeps.code() | {"qwlib_sha256": "0"}
        monkeypatch.setattr(sweeps, "code", lambda: changed)
    else:
        monkeypatch.setattr(sweeps, "CHUNK", CHUNK // 2)
    before = contents(place)
    assert command() == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: result.nc.parts has 3 finished chunks of another sweep")
    assert (out, err.count("\n")) == ("", 1)
    assert contents(place) == before


@pytest.mark.parametrize(
    ("file", "decides"),
    [
        ("matching.py", True),
        ("grid.py", True),
        ("book/figures.py", False),
        ("book/claims.toml", False),
        ("beyond/fem.py", False),
        ("run/sweeps.py", False),
        ("run/rerun.py", False),
        ("__main__.py", False),
    ],
)
def test_chunks_depend_on_the_solver_alone(tmp_path, monkeypatch, file, decides):
    copy = tmp_path / "qwlib"
    shutil.copytree(Path(sweeps.__file__).parent.parent, copy)
    monkeypatch.setattr(sweeps, "__file__", str(copy / "run" / "sweeps.py"))
    before = sweeps.code.__wrapped__()
    with (copy / file).open("a") as changed:
        changed.write("\n")
    assert (sweeps.code.__wrapped__() != before) == decides


def test_order_of_the_axes_is_part_of_the_sweep(place):
    one = sweeps.Grid.of({"d": [1.0, 2.0], "E_F": [1.0, 2.0]})
    other = sweeps.Grid.of({"E_F": [1.0, 2.0], "d": [1.0, 2.0]})
    assert sweeps.fingerprint(one, 8) != sweeps.fingerprint(other, 8)


def test_two_at_once_do_not_get_into_each_others_way(place, bare, monkeypatch, capsys):
    second = []
    on_put(monkeypatch, 2, lambda: second.append(start().communicate(timeout=PATIENCE)))
    assert command() == 0
    assert second == [("", "error: another process is writing result.nc\n")]
    same_bits("result.nc", bare)


# --- What is refused -----------------------------------------------------------------------------

REFUSED = {
    "alpha_l: [0, 1]": "alpha_l is not a parameter of a well; did you mean alpha_L?",
    "nonsense: 1": "nonsense is not a parameter of a well; there are d, V_L",
    "d: wide": "d must be a finite real number in nm, got 'wide'",
    "d: true": "d must be a finite real number in nm, got True",
    "d: [1, yes, 3]": "d must be a finite real number in nm, got 'yes'",
    "d: [1, true]": "d must be a finite real number in nm, got True",
    "d: [1, [2]]": "d must be a finite real number in nm, got [2]",
    "d:": "d must be a finite real number in nm, got None",
    "d: []": "d must have at least one value",
    "d: .nan": "d must be a finite real number in nm, got nan",
    "d: [1, .nan]": "d must be a finite real number in nm, got nan",
    "d: [1, -.inf]": "d must be a finite real number in nm, got -inf",
    "d: [1, 0]": "d must be > 0 nm, got 0.0",
    "d: [1, 3, 2]": "d must rise or fall from each value to the next",
    "d: [1, 1]": "d must rise or fall",
    "d: {linspace: [1, 1, 2]}": "d must rise or fall",
    "d: {linspace: [1, 2]}": "linspace of d must be [first, last, number of values], got [1, 2]",
    "d: {linspace: 3}": "linspace of d must be [first, last, number of values], got 3",
    "d: {linspace: [1, 2, 3.0]}": "linspace of d must have a whole number of values",
    "d: {linspace: [1, 2, 0]}": "linspace of d must have a whole number of values",
    "d: {linspace: [1, 2, true]}": "linspace of d must have a whole number of values",
    "d: {linspace: [1, 2, 1000000000000]}": "linspace of d must have a whole number of values",
    "d: {linspace: [1, .nan, 3]}": "linspace of d must be a finite real number in nm, got nan",
    "d: {linspace: [a, 2, 3]}": "linspace of d must be a finite real number in nm, got 'a'",
    "d: {logspace: [0, 999, 3]}": "d must be a finite real number in nm, got inf",
    "d: {geomspace: [0, 1, 3]}": "geomspace of d must have ends of one sign",
    "d: {linspce: [1, 2, 3]}": "d must be a value, a list, or one of linspace, logspace",
    "d: {linspace: [1, 2, 3], logspace: [1, 2, 3]}": "d must be a value, a list, or one of",
    "d: {}": "d must be a value, a list, or one of",
    "exchange: nowhere": "exchange must be one of",
    "exchange: [everywhere, everywhere]": "exchange must rise or fall",
    "exchange: [everywhere, [ferromagnet]]": "exchange must be one of",
    "exchange: {linspace: [0, 1, 2]}": "exchange must be a value, a list, got",
    "E_F: 5": "E_F must be below the lower barrier edge, 4.75 eV",
    "E_F: [1, 5]": "E_F must be below the lower barrier edge",
    "V_L: {linspace: [5, 2, 4]}": "E_F must be below the lower barrier edge, 1.75 eV",
    "d: 1\nd: 2": 'duplicate key "d"',
    "d: {linspace: [1, 2, 3], linspace: [1, 2, 4]}": 'duplicate key "linspace"',
    "- d": "grid.yml must hold a mapping",
    "": "grid.yml must hold a mapping",
    "d: [1": "cannot read grid.yml",
    # What would take long, or fail when it is under way.
    "d: " + 3000 * "[" + 3000 * "]": "cannot read grid.yml: lists are nested more than 4 deep",
    "a: &a [1, 1]\nd: [*a, *a]": "cannot read grid.yml: it has an alias",
    "\n".join(f"{name}: {{linspace: [1, 2, 100000000]}}" for name in ("d", "E_F", "mass")): (
        "grid.yml must stand for at most 1e+12 wells, got 1e+24"
    ),
    "d: 1e25": "this E_F make about 5.64e+25 states, and at most 100000 can be found",
    "d: [1, 1e4]\nmass: [1, 10]\nE_F: [0.1, 3]": "make about 1.78e+05 states",
    "d: {linspace: [-1e308, 1e308, 3]}": "d must be a finite real number in nm, got nan",
    "Delta: [1e308, -1e308, 0]": "Delta must rise or fall",
    f"d: [{'1, ' * 10_000}[2]]": "d must be a finite real number in nm, got [2]",
    f"d: {{x: [{'1, ' * 10_000}]}}": "d must be a value, a list, or one of linspace",
    '"d\\e[31m": 1': "d\\x1b[31m is not a parameter",
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


@pytest.fixture
def refused(place, capsys, monkeypatch):
    """Run the command: it must say why not, in one line, and write and start nothing."""

    def check(*options: str, reason: str) -> None:
        before = contents(place)
        assert command(*options) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert err.startswith("error: ") and reason in err
        # No page of numbers, and nothing that a terminal obeys.
        assert len(err) < 2 * cli.LONGEST_LINE and err.strip().isprintable()
        assert contents(place) == before

    monkeypatch.setattr(sweeps, "solve_grid", None)
    return check


@pytest.mark.parametrize("grid", REFUSED)
def test_nonsense_is_refused_in_one_line_and_nothing_is_written(place, refused, grid):
    (place / "grid.yml").write_text(grid + "\n", encoding="utf-8")
    refused(reason=REFUSED[grid])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--jobs", "0"], "--jobs takes a whole number from 1, got '0'"),
        (["--jobs="], "--jobs takes a whole number from 1, got ''"),
        (["--jobs", "two"], "--jobs takes a whole number from 1, got 'two'"),
        (["--jobs", "2", "--scheduler", "tcp://x:1"], "--jobs and --scheduler exclude each other"),
        (["--scheduler", "nonsense://x:1"], "no Dask scheduler at nonsense://x:1"),
        (["-f", "none.yml"], "cannot read none.yml: No such file or directory"),
        (["-o", "."], ". is a directory"),
        (["-o", "nowhere/result.nc"], "there is no directory nowhere"),
        (["-o", "grid.yml/result.nc"], "there is no directory grid.yml"),
        (["-o", "x" * 250], "x cannot be written: File name too long"),
        (["-o", "\udcff.nc"], "\\udcff.nc cannot be written: its name is not UTF-8"),
    ],
    ids=str,
)
def test_what_cannot_work_is_refused_before_anything_is_solved(refused, options, reason):
    refused(*options, reason=reason)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")
def test_what_is_no_file_is_not_replaced_by_one(place, refused):
    # A pipe stands for a device, which nobody should try.
    os.mkfifo("pipe.nc")
    refused("-o", "pipe.nc", reason="pipe.nc is not a file: a device or a pipe is not replaced")
    assert Path("pipe.nc").is_fifo()


@pytest.mark.parametrize("to", ["there.nc", "nowhere.nc"])
def test_a_link_is_not_replaced(place, refused, to):
    Path("there.nc").write_text("precious")
    Path("link.nc").symlink_to(to)
    refused("-o", "link.nc", reason="link.nc is a link: name the file that it leads to")
    assert Path("link.nc").is_symlink()


@pytest.mark.parametrize("ours", ["", "lock", "chunks.zarr"])
def test_chunks_do_not_go_where_a_link_leads(place, refused, ours):
    (place / "others").mkdir()
    link = Path("result.nc.parts", ours)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(place / "others")
    refused(reason=f"{link} is a link: remove it")


@contextlib.contextmanager
def ordinary_user():
    """Be nobody in particular where this is root, who may read and write everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users of this kind")
def test_what_a_user_may_not_read_or_write_is_told_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(sweeps, "solve_grid", None)
    with tempfile.TemporaryDirectory() as folder:  # not within what belongs to root alone
        monkeypatch.chdir(folder)
        file, parts = Path(folder, "grid.yml"), Path(folder, "result.nc.parts")
        file.write_text(GRID, encoding="utf-8")
        Path(folder).chmod(0o555)
        with ordinary_user():
            assert command() == 2
        file.chmod(0)
        with ordinary_user():
            assert command() == 2
        Path(folder).chmod(0o777)
        file.chmod(0o644)
        parts.mkdir()
        parts.chmod(0)
        with ordinary_user():
            assert command() == 2
    assert capsys.readouterr() == (
        "",
        "error: result.nc cannot be written: Permission denied\n"
        "error: cannot read grid.yml: Permission denied\n"
        "error: result.nc cannot be written: Permission denied\n",
    )


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc")
def test_directory_that_takes_no_file_is_refused(refused, monkeypatch):
    # Nobody can write there, not even root.
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    refused("-o", "/proc/result.nc", reason="/proc/result.nc cannot be written: ")


def test_full_disk_is_seen_before_anything_is_solved(refused, monkeypatch):
    needed = sweeps.space(sweeps.Grid.of(AXES))
    usage = shutil.disk_usage(".")._replace(free=needed - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    refused(reason="result.nc may need 0.00231 GB until it is finished, and its disk has 0.00231")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=needed))
    with pytest.raises(TypeError):  # it goes on to solve_grid, which is None here
        command()


def test_finished_chunks_need_no_space_again(place, monkeypatch):
    stop_after(monkeypatch, 20)
    parts = sweeps.Parts(sweeps.Grid.of(parameters.read_grid("grid.yml")), Path("result.nc"))
    stored = sum(p.stat().st_size for p in parts.folder.rglob("*") if p.is_file())
    assert stored > 1000
    for free, enough in ((-stored, True), (-stored - 1, False)):
        usage = shutil.disk_usage(".")._replace(free=sweeps.space(parts.grid) + free)
        monkeypatch.setattr(shutil, "disk_usage", lambda path, usage=usage: usage)
        with contextlib.nullcontext() if enough else pytest.raises(ValueError, match="may need"):
            parts.check()


def test_estimate_of_the_space_is_not_too_small(place, monkeypatch):
    # Noise, which nothing can compress, and enough of it to be more than what the files say of it.
    grid = "alpha_L: {linspace: [0, 0.07, 200]}\nd: {linspace: [1, 2, 100]}\n"
    (place / "grid.yml").write_text(grid, encoding="utf-8")
    monkeypatch.setattr(sweeps, "CHUNK", 1024)
    random = np.random.default_rng(1)

    def noise(columns, block):
        n = columns["d"].size
        shapes = {name: (n, *sweeps.PER_WELL) for name in sweeps.VARIABLES} | {"certified": (n,)}
        return tuple(
            np.frombuffer(
                random.bytes(math.prod(shapes[name]) * np.dtype(kind).itemsize), kind
            ).reshape(shapes[name])
            for name, kind in sweeps.VARIABLES.items()
        )

    monkeypatch.setattr(sweeps, "solve_chunk", noise)
    needed, most = [], []
    write = sweeps.write_netcdf

    def weighed(parts, path):
        write(parts, path)
        needed.append(sweeps.space(parts.grid))
        most.append(sum(p.stat().st_size for p in path.parent.rglob("*") if p.is_file()))

    monkeypatch.setattr(sweeps, "write_netcdf", weighed)
    assert command() == 0
    assert 0.8 * needed[0] < most[0] <= needed[0]


# From where it solves: git, which was asked before, may write its own files.
LIMIT = SMALL + (
    "import resource; solve = sweeps.solve_grid; "
    "sweeps.solve_grid = lambda *a: "
    "(resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})), solve(*a)); "
    "sys.exit(cli.main(sys.argv[1:]))"
)


# A chunk here has files of 200 to 1000 bytes, the result one of some 50 000.
@pytest.mark.parametrize(("limit", "kept"), [(100, 0), (20_000, CHUNKS)])
def test_disk_that_fills_up_meanwhile_leaves_what_was_there(place, bare, limit, kept):
    Path("result.nc").write_text("precious")
    process = start(code=LIMIT.format(limit))
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, err
    assert out == f"480 wells in {CHUNKS} chunks\n"
    assert err.startswith("error: ") and err.count("\n") == 2
    if kept:
        assert f"{kept} of {CHUNKS} chunks are kept in result.nc.parts; the same command" in err
    assert Path("result.nc").read_text() == "precious"
    assert command() == 0
    same_bits("result.nc", bare)


def test_past_the_end_of_the_model_is_allowed_with_one_warning(place, capsys):
    (place / "grid.yml").write_text("alpha_L: [0.05, 0.08]\n", encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert command() == 0
    error = capsys.readouterr().err
    assert error.startswith("warning: |alpha_L| = 0.08") and error.count("\n") == 1


# --- The bar -------------------------------------------------------------------------------------


def terminal_of(monkeypatch) -> io.StringIO:
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_bar_shows_chunks_rate_and_time_left_at_a_terminal(place, monkeypatch):
    terminal = terminal_of(monkeypatch)
    assert command() == 0
    last = terminal.getvalue().split("\r")[-1]
    assert f"{CHUNKS}/{CHUNKS} [" in last and "chunk/s" in last and "<00:00" in last
    assert " wells/s]" in last


def test_bar_of_a_resumed_sweep_counts_what_is_solved_now(place, monkeypatch):
    stop_after(monkeypatch, 20)
    terminal = terminal_of(monkeypatch)
    seconds = itertools.count()  # one look at the clock at the start, one at each chunk
    monkeypatch.setattr(sweeps, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    assert command() == 0
    shown = terminal.getvalue().split("\r")
    assert f" 20/{CHUNKS} [" in shown[1]
    assert f", {CHUNK} wells/s]" in shown[-1]
