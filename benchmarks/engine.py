"""Time sweeps of many wells, here and on workers, and write engine.json.

    python benchmarks/engine.py [--wells N] [--rounds N] [--large N] [--quick]

The same grid goes through `sweep`, through the engine in one process, and through it with one
worker and two.  Each is a process of its own, so that its peak memory is its own.  In each round
they take turns, so that a disturbance slows all alike; what is stored are medians of the rounds.
Times are of the clock, which other work on the machine makes longer, and of the processor, which it
hardly does.  At the end a grid of `--large` wells, four times as many if not given, goes through
two workers.  A quick run stores nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    # Before NumPy loads its BLAS; the workers inherit it.
    os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")})
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

RESULTS = ROOT / "benchmarks" / "engine.json"
WAYS = {"bare": "qwlib.sweep", "here": "engine, no worker", "1": "1 worker", "2": "2 workers"}
PROCESSES = {"bare": 1, "here": 1, "1": 1, "2": 2}
"""How many solve in each."""

WORKERS, MANY = 100, 10_000_000
"""Workers and wells that are extrapolated to."""


def parameters(wells: int) -> dict[str, object]:
    """Return a grid of about so many wells, as many couplings as widths."""
    side = math.isqrt(wells)
    return {"alpha_L": np.linspace(0, 0.07, side), "d": np.linspace(0.5, 10, side)}


def measure(way: str, wells: int) -> dict[str, float]:
    """Sweep once, in this process and the workers it starts, and return times and memory."""
    from distributed import Client, LocalCluster

    from qwlib import sweep
    from qwlib.run import sweeps

    spent, more = {"put": 0.0, "write": 0.0}, {}
    for name in spent:
        setattr(sweeps.Parts, name, timed(getattr(sweeps.Parts, name), spent, name))
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=ROOT))
        parts = sweeps.Parts(sweeps.Grid.of(parameters(wells)), Path(folder) / "result.nc")
        address = None
        if way in "12":  # a cluster is there before, and what its start costs is not counted
            cluster = LocalCluster(
                n_workers=int(way),
                threads_per_worker=1,
                dashboard_address=":0",
                local_directory=folder,
                silence_logs=logging.CRITICAL,
            )
            address = stack.enter_context(cluster).scheduler_address
            client = stack.enter_context(Client(address, set_as_default=False))
            client.run(sweeps.code)  # imports it
            before = client.run(time.process_time).values()
            more["workers"] = len(before)
        begin, own = time.perf_counter(), time.process_time()
        if way == "bare":
            sweep(**parameters(wells))
        else:
            parts.hold()
            sweeps.solve_grid(parts, scheduler=address)
        clock, processor = time.perf_counter() - begin, time.process_time() - own
        if address:
            more["processor_workers"] = sum(client.run(time.process_time).values()) - sum(before)
            more["memory_worker"] = max(client.run(peak_memory).values())
        if way != "bare":
            more["file_bytes"] = parts.target.stat().st_size
            more["chunks"] = parts.done.size
    return {
        "wells": parts.grid.total,
        "clock": clock,
        "processor": processor,
        "memory": peak_memory(),
        **{f"processor_{name}": seconds for name, seconds in spent.items()},
        **more,
    }


def peak_memory() -> int:
    """Return the most bytes that this process had in memory, or its parent when it started it."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def timed(method, spent: dict[str, float], name: str):
    """Return `method`, adding to `spent` the processor time that it takes."""

    def call(*arguments):
        begin = time.process_time()
        method(*arguments)
        spent[name] += time.process_time() - begin

    return call


def summary(rounds: list[dict[str, dict]]) -> dict[str, dict]:
    """Return the median over rounds of what each way took, and what it took more than `sweep`.

    Overheads are in per cent, medians of those of the rounds: that of the clock compares its time,
    times the number of processes that solve, and that of the processor the time of all processes.
    """
    ways = {}
    for way in WAYS:
        runs = [each[way] for each in rounds]
        row = {name: statistics.median_high(run[name] for run in runs) for name in runs[0]}
        row["wells_per_second"] = row["wells"] / row["clock"]
        if way != "bare":
            for name, cost in (
                ("clock", lambda run, n=PROCESSES[way]: n * run["clock"]),
                ("processor", lambda run: run["processor"] + run.get("processor_workers", 0)),
            ):
                ratios = [cost(each[way]) / each["bare"][name] for each in rounds]
                row[f"overhead_{name}"] = 100 * (statistics.median_high(ratios) - 1)
        ways[way] = row
    return ways


def extrapolate(bare: dict, run: dict) -> dict[str, float | str]:
    """Return what `MANY` wells on `WORKERS` workers should take, in seconds.

    The workers are as fast as the one here and have a core each.  The client and the scheduler have
    another core together, as here.  There they take one chunk after the other, with what they spent
    on each here, and at the end the client writes the file.  The network is not counted.
    """
    from qwlib.run import sweeps

    chunk = run["wells"] / run["chunks"]
    chunks = MANY / chunk
    per_chunk = (run["processor"] - run["processor_write"]) / run["chunks"]
    solving = MANY / WORKERS * run["processor_workers"] / run["wells"]
    writing = MANY * run["processor_write"] / run["wells"]
    return {
        "wells": MANY,
        "workers": WORKERS,
        "chunk": chunk,
        "per_chunk": per_chunk,
        "solving": solving,
        "client": chunks * per_chunk,
        "limit": "workers" if solving > chunks * per_chunk else "client",
        "writing": writing,
        "together": max(solving, chunks * per_chunk) + writing,
        "one_core": MANY * bare["processor"] / bare["wells"],
        "busy_workers": WORKERS * solving / (chunks * per_chunk),
        "bytes": MANY * sweeps.WELL_BYTES,
    }


def rounded(values: dict) -> dict:
    """Return numbers with three digits; whole ones and words as they are."""
    return {k: float(f"{v:.3g}") if isinstance(v, float) else v for k, v in values.items()}


def run(way: str, wells: int) -> dict[str, float]:
    """Measure in a process of its own."""
    print(f"==> {wells} wells, {WAYS[way]}", flush=True)
    done = subprocess.run(
        [sys.executable, __file__, "--way", way, "--wells", str(wells)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    result = json.loads(done.stdout)
    print(json.dumps(rounded(result)), flush=True)
    return result


def main() -> None:
    """Measure all ways and store what they give."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--wells", type=int, default=250_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        json.dump(measure(arguments.way, arguments.wells), sys.stdout)
        return
    if arguments.quick:
        arguments.wells, arguments.rounds = 20_000, 1
    rounds = [{way: run(way, arguments.wells) for way in WAYS} for _ in range(arguments.rounds)]
    ways = summary(rounds)
    large = run("2", arguments.large or 4 * arguments.wells)
    results = {
        "setup": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "rounds": arguments.rounds,
        },
        "ways": {way: rounded(row) for way, row in ways.items()},
        "large": rounded(large),
        "extrapolated": rounded(extrapolate(ways["bare"], large)),
    }
    text = json.dumps(results, indent=1)
    print(text)
    if not arguments.quick:
        RESULTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
