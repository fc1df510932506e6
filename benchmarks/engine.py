"""Time sweeps of many wells, here and on workers, and write engine.json.

    python benchmarks/engine.py [--wells N] [--large N] [--quick]

The same grid goes through `sweep`, through the engine in one process, and through it with one
worker and two.  Each is a process of its own, so that its peak memory is its own.  Times are of the
clock, which other work on the machine makes longer, and of the processor, which it hardly does.
`--large` adds a grid of so many wells on two workers.  A quick run stores nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import resource
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
WORKERS = 100
"""What is extrapolated to."""


def parameters(wells: int) -> dict[str, object]:
    """Return a grid of about so many wells, as many couplings as widths."""
    side = math.isqrt(wells)
    return {"alpha_L": np.linspace(0, 0.07, side), "d": np.linspace(0.5, 10, side)}


def measure(way: str, wells: int) -> dict[str, float]:
    """Sweep once, in this process and the workers it starts, and return times and memory."""
    from distributed import Client, LocalCluster

    from qwlib import engine, sweep

    spent, more = {"put": 0.0, "write": 0.0}, {}
    for name in spent:
        setattr(engine.Parts, name, timed(getattr(engine.Parts, name), spent, name))
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=ROOT))
        parts = engine.Parts(engine.Grid.of(parameters(wells)), Path(folder) / "result.nc")
        address = None
        if way in "12":  # a cluster is there before, and what its start costs is not counted
            cluster = LocalCluster(
                int(way), threads_per_worker=1, dashboard_address=":0", local_directory=folder
            )
            address = stack.enter_context(cluster).scheduler_address
            client = stack.enter_context(Client(address, set_as_default=False))
            client.run(engine.code)  # imports it
            before = sum(client.run(time.process_time).values())
        begin, own = time.perf_counter(), time.process_time()
        if way == "bare":
            sweep(**parameters(wells))
        else:
            parts.hold()
            engine.solve_grid(parts, scheduler=address)
        clock, processor = time.perf_counter() - begin, time.process_time() - own
        if address:
            more["processor_workers"] = sum(client.run(time.process_time).values()) - before
            more["memory_worker"] = max(client.run(peak_memory).values())
        if way != "bare":
            more["file_bytes"] = parts.target.stat().st_size
    return {
        "wells": math.isqrt(wells) ** 2,
        "clock": clock,
        "processor": processor,
        "memory": peak_memory(),
        **{f"processor_{name}": seconds for name, seconds in spent.items()},
        **more,
    }


def peak_memory() -> int:
    """Return the most bytes that this process ever had in memory."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def timed(method, spent: dict[str, float], name: str):
    """Return `method`, adding to `spent` the processor time that it takes."""

    def call(*arguments):
        begin = time.process_time()
        method(*arguments)
        spent[name] += time.process_time() - begin

    return call


def extrapolate(bare: dict, one: dict) -> dict[str, float]:
    """Return what ten million wells on `WORKERS` workers should take.

    The workers are as fast as the one here and have a core each.  The client, on a core of its own,
    takes the results in turn, with what it spent on each well here, and then writes the file.
    """
    wells = 10_000_000
    solving = wells / WORKERS * one["processor_workers"] / one["wells"]
    client = wells * (one["processor"] - one["processor_write"]) / one["wells"]
    writing = wells * one["processor_write"] / one["wells"]
    return {
        "wells": wells,
        "workers": WORKERS,
        "solving": solving,
        "client": client,
        "writing": writing,
        "together": max(solving, client) + writing,
        "one_core": wells * bare["processor"] / bare["wells"],
        "busy_workers": WORKERS * solving / client,
    }


def rounded(values: dict[str, float]) -> dict[str, float]:
    """Return numbers with three digits; whole ones as they are."""
    return {k: v if isinstance(v, int) else float(f"{v:.3g}") for k, v in values.items()}


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
    parser.add_argument("--wells", type=int, default=1_000_000)
    parser.add_argument("--large", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        json.dump(measure(arguments.way, arguments.wells), sys.stdout)
        return
    runs = {way: run(way, 20_000 if arguments.quick else arguments.wells) for way in WAYS}
    results = {
        "setup": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "runs": {way: rounded(values) for way, values in runs.items()},
        "extrapolated": rounded(extrapolate(runs["bare"], runs["1"])),
    }
    if arguments.large:
        results["large"] = rounded(run("2", arguments.large))
    if arguments.quick:
        print(json.dumps(results["extrapolated"], indent=1))
    else:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
