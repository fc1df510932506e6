"""Kwant: it builds the matrices of the grid, and the eigenproblem is that of the differences.

    PYTHONPATH=. PYTHON benchmarks/kwant_route.py < wells.json

`run.py --kwant PYTHON` calls it so, with a Python that has Kwant, NumPy and SciPy.
It is not in `routes.py` because Kwant is not in this project's environment.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import numpy as np

from benchmarks.routes import States, from_grid, grid_of, on_grid
from qwlib import Well

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of a linear solver that is not used here
    import kwant

IDENTITY, SIGMA_X, SIGMA_Z = np.eye(2), np.array([[0, 1], [1, 0]]), np.diag([1, -1])


def kwant_states(well: Well, E_F: float, spacing: float) -> States:
    """Solve on a grid whose matrices Kwant builds, with k as the parameter of the system."""
    grid = grid_of(well, E_F, spacing)
    hop = well.c / grid.h**2
    V = on_grid(grid, well.V_L, 0.0, well.V_R) + 2 * hop
    Delta = on_grid(grid, well.Delta_barrier, well.Delta, well.Delta_barrier)
    coupling = np.zeros(grid.size)
    coupling[grid.left], coupling[grid.right] = well.alpha_L / grid.h, -well.alpha_R / grid.h

    def onsite(site, k):
        (i,) = site.tag
        return V[i] * IDENTITY + Delta[i] * SIGMA_Z + k * coupling[i] * SIGMA_X

    lattice = kwant.lattice.chain(grid.h, norbs=2)
    system = kwant.Builder()
    system[(lattice(i) for i in range(grid.size))] = onsite
    system[lattice.neighbors()] = -hop * IDENTITY
    system = system.finalized()
    H, H_1 = (system.hamiltonian_submatrix(params={"k": k}, sparse=True).real for k in (0.0, 1.0))
    H, W = H.tocsr(), (H_1 - H).tocsr()
    return from_grid(well, E_F, grid, H[::2, ::2], H[1::2, 1::2], W[::2, 1::2])


def main() -> None:
    """Read wells, a Fermi energy and a spacing; write times and states."""
    job = json.load(sys.stdin)
    kwant_states(Well(), job["E_F"], 0.1)  # what is loaded at the first call
    results = []
    for fields in job["wells"]:
        times = []
        for _ in range(job["repeats"]):
            start = time.process_time()
            states = kwant_states(Well(**fields), job["E_F"], job["spacing"])
            times.append(time.process_time() - start)
        results.append([times, states.k.tolist(), states.contribution.tolist()])
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
