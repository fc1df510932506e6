"""Time the same work by several routes, side by side, and write results.json.

    python benchmarks/run.py [--quick] [--kwant PYTHON]

The work is every Fermi state of a well, its k and its part of ∫S_y.  One thread; the routes take
turns, round after round, so that what else the machine does slows all of them alike.  A time is the
median of the rounds, in processor time.  A quick run prints its tables and stores nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
if __name__ == "__main__":
    os.environ.update(ONE_THREAD)  # before NumPy loads its BLAS
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks import directions  # noqa: E402
from benchmarks.routes import (  # noqa: E402
    KWANT,
    KWANT_SPACING,
    ROUTES,
    States,
    compare,
    largest_k,
)
from qwlib import Well, fermi_states, sweep  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results.json"
TABLE = ROOT / "tests" / "data" / "hard_wells.json"
E_F = 3.0  # eV

ONE, MANY = "qwlib.fermi_states", "qwlib.sweep"
PAPER = Well(d=2.2, V_L=5.0, V_R=5.0, Delta=0.25, alpha_L=0.046, alpha_R=0.0)
THICKNESS = PAPER.replace(alpha_L=0.001, alpha_R=-0.001)
THICKNESSES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)  # nm
NEARBY = 20_000  # states of all widths around each of them


class Workload(NamedTuple):
    """Wells to solve: `well`, or all values of one of its parameters."""

    title: str
    well: Well
    axis: str | None = None
    values: np.ndarray | None = None
    sample: tuple[int, int] = (1, 1)  # wells that the routes solve: full, quick
    rounds: tuple[int, int] = (9, 3)

    def wells(self, quick: bool) -> list[Well]:
        """Return the wells that are solved one by one: the middles of equal parts of the axis."""
        if self.axis is None:
            return [self.well]
        n = self.sample[quick]
        middles = ((np.arange(n) + 0.5) * self.values.size / n).astype(int)
        return [self.well.replace(**{self.axis: value}) for value in self.values[middles]]


WORKLOADS = {
    "one": Workload("one well, d = 2.2 nm", PAPER, rounds=(25, 7)),
    "couplings": Workload(
        "1000 couplings, alpha_L from 0.040 to 0.048",
        PAPER,
        "alpha_L",
        np.linspace(0.040, 0.048, 1000),
        sample=(5, 2),
    ),
    "widths": Workload(
        "500 widths, d from 0.04 to 20 nm",
        THICKNESS,
        "d",
        np.linspace(0.04, 20, 500),
        sample=(10, 4),
        rounds=(5, 1),
    ),
    "wide": Workload("one wide well, d = 20 nm", PAPER.replace(d=20.0), rounds=(7, 1)),
}


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"==> {text}", flush=True)


def rounded(value: float, digits: int = 3) -> float:
    """Return a number with so many digits."""
    return float(f"{value:.{digits}g}")


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Return the processor time of a call in seconds, and what it returns."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def by_qwlib(well: Well, E_F: float) -> States:
    """Return what `qwlib` says."""
    states = fermi_states(well, E_F)
    return States(states.k, states.contribution)


def truth(well: Well, E_F: float) -> tuple[States, bool]:
    """Return the true states, and whether they come from the table of 30 digits."""
    for case in json.loads(TABLE.read_text(encoding="utf-8")):
        if case["well"] == asdict(well) and case["E_F"] == E_F:
            return States(*(np.array(case[n], dtype=float) for n in ("k", "contribution"))), True
    return by_qwlib(well, E_F), False


def kwant_times(python: str, wells: list[Well], rounds: int) -> list[tuple[list[float], States]]:
    """Return times and states of each well from `kwant_route.py`, run by another Python."""
    job = {
        "E_F": E_F,
        "spacing": KWANT_SPACING,
        "repeats": rounds,
        "wells": [asdict(well) for well in wells],
    }
    done = subprocess.run(
        [python, ROOT / "benchmarks" / "kwant_route.py"],
        input=json.dumps(job),
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return [
        (times, States(np.array(k), np.array(contribution)))
        for times, k, contribution in json.loads(done.stdout)
    ]


def measure(workload: Workload, quick: bool, kwant: str | None) -> dict:
    """Return the times and errors of all routes for one workload."""
    wells, rounds = workload.wells(quick), workload.rounds[quick]
    total = 1 if workload.axis is None else workload.values.size
    names = [ONE, *ROUTES]
    routes = {ONE: by_qwlib, **ROUTES}
    times = {name: np.empty((len(wells), rounds)) for name in names}
    found = {name: [None] * len(wells) for name in names}
    for name in names:  # what is loaded or cached at a first call
        routes[name](PAPER, E_F)
    sweeps = []
    for turn in range(rounds):
        if workload.axis is not None:
            grid = asdict(workload.well) | {workload.axis: workload.values, "E_F": E_F}
            seconds, ds = timed(lambda grid=grid: sweep(**grid))
            sweeps.append(seconds)
        for i, well in enumerate(wells):
            for name in names:
                times[name][i, turn], found[name][i] = timed(
                    lambda name=name, well=well: routes[name](well, E_F)
                )
        say(f"{workload.title}: round {turn + 1} of {rounds}")
    if kwant is not None:
        say(f"{workload.title}: Kwant")
        results = kwant_times(kwant, wells, rounds)
        times[KWANT] = np.array([seconds for seconds, _ in results])
        found[KWANT] = [states for _, states in results]

    seconds = {name: np.median(t, axis=1).mean() for name, t in times.items()}
    exact = [truth(well, E_F) for well in wells]
    rows = {}
    if sweeps:
        seconds[MANY] = np.median(sweeps) / total
        rows[MANY] = {"missed": 0, "spurious": 0, "k_error": None, "spin_error": None}
    for name, states in found.items():
        errors = [compare(s, true) for s, (true, _) in zip(states, exact, strict=True)]
        own = name == ONE and not all(independent for _, independent in exact)
        rows[name] = {
            "missed": sum(e.missed for e in errors),
            "spurious": sum(e.spurious for e in errors),
            # Of itself, where the truth is its own, nothing is said.
            "k_error": None if own else rounded(max(e.k for e in errors), 2),
            "spin_error": None if own else rounded(max(e.spin for e in errors), 2),
        }
    reference = seconds[MANY if sweeps else ONE]
    for name, row in rows.items():
        row["time_per_well"] = rounded(seconds[name])
        row["ratio"] = rounded(seconds[name] / reference)
    if kwant is None:
        rows[KWANT] = {"reason": "not measured: no Python with Kwant was named (--kwant)"}
    return {
        "title": workload.title,
        "wells": total,
        "states": int(ds["n_states"].sum()) if sweeps else len(exact[0][0].k),
        "k_max": rounded(largest_k(workload.well, E_F), 8),
        "proven": bool(ds["certified"].all()) if sweeps else fermi_states(wells[0], E_F).certified,
        "sample": len(wells),
        "sample_states": sum(len(true.k) for true, _ in exact),
        "routes": rows,
    }


def measure_widths(quick: bool) -> list[dict]:
    """Return what a state costs in sweeps of nearby widths."""
    rows = []
    rounds = (5, 2)[quick]
    for d in THICKNESSES:
        # As many states in each: what a sweep costs besides them is then the same for all.
        wells = round(NEARBY / len(fermi_states(PAPER.replace(d=d), E_F)))
        axis = np.linspace(0.99 * d, 1.01 * d, wells)
        grid = asdict(PAPER) | {"d": axis, "E_F": E_F}
        results = [timed(lambda grid=grid: sweep(**grid)) for _ in range(rounds)]
        seconds = np.median([t for t, _ in results])
        states = int(results[0][1]["n_states"].sum())
        rows.append(
            {
                "d": d,
                "wells": wells,
                "states_per_well": rounded(states / wells),
                "time_per_well": rounded(seconds / wells),
                "time_per_state": rounded(seconds / states),
            }
        )
        say(f"{wells} widths around {d:g} nm")
    return rows


def show(results: dict) -> None:
    """Print the tables."""
    for work in results["workloads"].values():
        print(
            f"\n{work['title']}: {work['states']} states"
            + (f"; one by one {work['sample']} wells" if work["wells"] > 1 else "")
        )
        print(f"{'':22s} {'ms a well':>10s} {'ratio':>7s} {'missed':>10s} {'k':>8s} {'spin':>8s}")
        for name, row in sorted(
            work["routes"].items(), key=lambda item: item[1].get("time_per_well", np.inf)
        ):
            if "reason" in row:
                print(f"{name:22s} {row['reason']}")
                continue
            errors = (
                " ".join(f"{row[e]:8.0e}" for e in ("k_error", "spin_error"))
                if row["k_error"] is not None
                else ""
            )
            missed = f"{row['missed']}/{work['sample_states']}" if name != MANY else "0"
            spurious = f"  {row['spurious']} spurious" if row["spurious"] else ""
            print(
                f"{name:22s} {1e3 * row['time_per_well']:10.3g} {row['ratio']:7.3g} {missed:>10s} "
                f"{errors}{spurious}".rstrip()
            )
    print(f"\n{MANY}, {NEARBY} states of widths around d")
    print(f"{'d/nm':>5s} {'states':>7s} {'us a state':>11s}")
    for row in results["thickness"]:
        print(f"{row['d']:5g} {row['states_per_well']:7.3g} {1e6 * row['time_per_state']:11.3g}")
    row = results["directions"]
    print(
        f"\n{row['directions']} directions of m: {row['qwlib, per second']:g} a second, "
        f"{row['ratio']:g} times as many as finite elements, spins {row['difference']:.0e} apart"
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer wells and rounds; not stored")
    parser.add_argument("--kwant", metavar="PYTHON", help="a Python that has Kwant 1.5")
    options = parser.parse_args()
    results = {
        "setup": {
            "threads": 1,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "workloads": {
            name: measure(workload, options.quick, options.kwant)
            for name, workload in WORKLOADS.items()
        },
        "thickness": measure_widths(options.quick),
        "directions": directions.measure(options.quick),
    }
    show(results)
    if options.quick:
        return
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    RESULTS.write_text(text, encoding="utf-8")
    say(f"{RESULTS.relative_to(ROOT)} written; `make baseline` puts it into the book")


if __name__ == "__main__":
    main()
