"""Times and errors that the benchmarks measured, as the page on speed and that on reruns tell them.

The repository has their files, the package has not: each function is given what a file holds.
"""

from __future__ import annotations

import json
from pathlib import Path

from .tables import Table, number, table

ROUTES = (
    "qwlib.sweep",
    "qwlib.fermi_states",
    "scan, 200 points",
    "scan, 1000 points",
    "scan, 4000 points",
    "scan, no poles, 4000",
    "spectral elements",
    "spectral, quadratic",
    "differences, 0.02 nm",
    "differences, 0.005 nm",
    "Kwant 1.5, 0.02 nm",
)
"""In the order of the figure."""

SCAN, SPECTRAL, QUADRATIC = ROUTES[5], ROUTES[6], ROUTES[7]


def read(name: str) -> dict:
    """Return what a file of the benchmarks holds, seen from where the chapters are run."""
    file = Path("../benchmarks", name)
    if not file.exists():
        raise FileNotFoundError(
            f"There is no {file}, from which this page takes its times. It is benchmarks/{name} of "
            "https://github.com/qwlib/qwlib: open the page in a copy of the whole repository, "
            "or put the file there."
        )
    return json.loads(file.read_text(encoding="utf-8"))


def digits(value: float, n: int = 2) -> str:
    """Return a number with so many digits that count, and no power of ten."""
    value = float(f"{value:.{n}g}")
    return f"{value:.{n}g}" if abs(value) < 10 else f"{value:.0f}"


def routes(workload: dict) -> Table:
    """Return the table of a workload: times, states missed, states that are none, errors."""
    rows: list[list] = []
    for route, row in sorted(
        workload["routes"].items(), key=lambda item: item[1].get("time_per_well", 1e9)
    ):
        if "reason" in row:
            rows.append([f"{route}: {row['reason']}", *[None] * 6])
            continue
        of = workload["states" if route == "qwlib.sweep" else "sample_states"]
        times = (float(f"{x:.2g}") for x in (1e3 * row["time_per_well"], row["ratio"]))
        missed = f"{row['missed']}/{of}"
        errors = (row["k_error"], row["spin_error"])
        rows.append([route, *times, missed, row["spurious"], *errors])
    head = {"route": "", "ms for each well": "", "ratio": "", "missed": "", "extra": ""}
    return table(head | {"error of k": ".0e", "error of ∫S_y dz": ".0e"}, rows)


def of_one_well(results: dict, total: float) -> dict[str, str | int]:
    """Return the numbers that the page on speed tells of single wells, by name.

    Of what results.json holds, and the true ∫S_y dz of the first well, in nm⁻² per τeE/ħ.
    """
    work = results["workloads"]
    one, wide = work["one"]["routes"], work["wide"]["routes"]
    nearby = next(row for row in results["thickness"] if row["d"] == 20)
    wrong = one["scan, 200 points"]["spin_error"] / abs(total)
    told = {
        "couplings": work["couplings"]["wells"],
        "nearby": nearby["wells"],
        "one-ms": f"{1e3 * one['qwlib.fermi_states']['time_per_well']:.1f}",
        "one-scan-ratio": f"{one[SCAN]['ratio']:.1f}",
        "one-spectral-ratio": f"{one[SPECTRAL]['ratio']:.1f}",
        "one-quadratic-ratio": f"{one[QUADRATIC]['ratio']:.0f}",
        "one-states": work["one"]["states"],
        "one-digit": "first" if wrong > 0.05 else "second",
        "one-fd": number(100 * one["differences, 0.005 nm"]["k_error"], ".1f!| %"),
        "wide-states": work["wide"]["states"],
        "wide-spectral-ratio": f"{wide[SPECTRAL]['ratio']:.0f}",
        "wide-scan-ratio": f"{wide['scan, 4000 points']['ratio']:.0f}",
    }
    for name, rows in (("one", one), ("wide", wide)):
        for points in (200, 1000, 4000):
            told[f"{name}-missed-{points}"] = rows[f"scan, {points} points"]["missed"]
    return told


def of_sweeps(results: dict) -> dict[str, str | int]:
    """Return the numbers that the page on speed tells of many wells, by name."""
    loads = {name: results["workloads"][name] for name in ("couplings", "widths")}
    several = {name: load["routes"] for name, load in loads.items()}
    widths = several["widths"]
    told = {name: results["setup"][name] for name in ("threads", "numpy")}
    for name, rows in several.items():
        told |= {
            f"{name}-sample": loads[name]["sample"],
            f"{name}-sample-states": loads[name]["sample_states"],
            f"{name}-missed": rows["scan, 4000 points"]["missed"],
            f"{name}-missed-best": rows[SCAN]["missed"],
            f"{name}-scan-ratio": f"{rows[SCAN]['ratio']:.0f}",
            f"{name}-spectral-ratio": f"{rows[SPECTRAL]['ratio']:.0f}",
            f"{name}-quadratic-ratio": f"{rows[QUADRATIC]['ratio']:.0f}",
        }
    for name, route, decimals in (
        ("", "qwlib.sweep", 2),
        ("-spectral", SPECTRAL, 0),
        ("-fd", "differences, 0.005 nm", 0),
    ):
        told[f"widths{name}-seconds"] = f"{500 * widths[route]['time_per_well']:.{decimals}f}"

    def missed(route: str) -> int:
        return sum(rows[route]["missed"] for rows in several.values())

    def ratios(route: str) -> str:
        both = sorted(rows[route]["ratio"] for rows in several.values())
        return " to ".join(f"{ratio:.0f}" for ratio in both)

    others = [
        route
        for route, row in widths.items()
        if not route.startswith("qwlib") and "reason" not in row and not missed(route)
    ]
    fastest = min(others, key=lambda route: widths[route]["ratio"])
    told |= {
        "best-route": fastest,
        "best-ratios": ratios(fastest),
        "incomplete": "The scan without poles is slower than qwlib by a factor of "
        f"{ratios(SCAN)} and missed {missed(SCAN) or 'none'} of the sampled states.",
    }
    return told


def of_engine(engine: dict) -> dict[str, str]:
    """Return the numbers of the section "What it costs" in clusters.md, from engine.json."""
    large, future = engine["large"], engine["extrapolated"]
    told = {
        "wells": engine["ways"]["bare"]["wells"],
        "rounds": engine["setup"]["rounds"],
        "cores": engine["setup"]["cores"],
        "large-wells": large["wells"],
        "large-memory": digits(large["memory"] / 1e6, 3),
        "large-worker": digits(large["memory_worker"] / 1e6, 3),
        "large-file": digits(large["file_bytes"] / 1e6),
        "workers": future["workers"],
        "millions": digits(future["wells"] / 1e6),
        "per-chunk": digits(1e3 * future["per_chunk"]),
        "chunk": digits(future["chunk"]),
        "gigabytes": digits(future["bytes"] / 1e9),
        "limit": {"client": "the client", "workers": "the number of workers"}[future["limit"]],
        "busy": digits(future["busy_workers"]),
    }
    for way, row in engine["ways"].items():
        told[f"rate-{way}"] = digits(row["wells_per_second"])
        told[f"memory-{way}"] = digits(row["memory"] / 1e6, 3)
        if way != "bare":
            told[f"file-{way}"] = digits(row["file_bytes"] / 1e6)
            for kind in ("clock", "processor"):
                told[f"{kind}-{way}"] = number(row[f"overhead_{kind}"], ".0f!")
        if way in ("1", "2"):
            told[f"worker-{way}"] = digits(row["memory_worker"] / 1e6, 3)
    for name in ("solving", "client", "writing", "together", "one_core"):
        told[name.replace("_", "-")] = digits(future[name])
    return {name: str(value) for name, value in told.items()}
