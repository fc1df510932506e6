"""What it costs that certificates include rounding: on ordinary wells, and on hard ones.

    python benchmarks/hard_wells.py [--wells N]

Printed are, of ordinary sweeps and of the hard wells of tests/adversary.py, how many of the points
at which states are counted need more digits than doubles have; and of each hard well its processor
time beside that of the paper's well, solved in turn with it: median, the slowest, and which it is.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")})
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
from adversary import hard_well  # noqa: E402

from benchmarks.run import PAPER, THICKNESS, timed  # noqa: E402
from qwlib import UnboundedSpectrumWarning, fermi_states, precise, sweep  # noqa: E402
from qwlib.matching import Sector  # noqa: E402


def share(work: Callable[[], object]) -> tuple[int, int]:
    """Return at how many points states are counted, and at how many of them with more digits."""
    points = more = 0
    plain, exact = Sector.sturm, precise.sturm

    def counted(self, rule, kin, k, shift=None):
        nonlocal points
        points += np.size(k)
        return plain(self, rule, kin, k, shift)

    def decided(*arguments):
        nonlocal more
        more += 1
        return exact(*arguments)

    Sector.sturm, precise.sturm = counted, decided
    try:
        work()
    finally:
        Sector.sturm, precise.sturm = plain, exact
    return points, more


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wells", type=int, default=300, help="hard wells to solve")
    number = parser.parse_args().wells
    warnings.simplefilter("ignore", UnboundedSpectrumWarning)
    hard = [hard_well(np.random.default_rng([0, i])) for i in range(number)]
    for name, work in {
        "1000 couplings": lambda: sweep(PAPER, E_F=3.0, alpha_L=np.linspace(0.04, 0.048, 1000)),
        "500 widths": lambda: sweep(THICKNESS, E_F=3.0, d=np.linspace(0.04, 20, 500)),
        f"{number} hard wells": lambda: [fermi_states(*one) for one in hard],
    }.items():
        points, more = share(work)
        print(f"{name}: {more} of {points} points with more digits, {more / points:.1e}")

    slow = []
    for well, E_F in hard:
        seconds, states = timed(lambda well=well, E_F=E_F: fermi_states(well, E_F))
        beside, _ = timed(lambda: fermi_states(PAPER, 3.0))
        slow.append((seconds / beside, len(states), states.doubt or "certified", well, E_F))
    ratio = np.array([one[0] for one in slow])
    print(f"a hard well / the paper's: {np.median(ratio):.3g} in the median, 99 % below "
          f"{np.quantile(ratio, 0.99):.3g}")  # fmt: skip
    print("the slowest: {:.3g} times, {} states, {}: {!r} at {!r}".format(*max(slow)[:5]))


if __name__ == "__main__":
    main()
