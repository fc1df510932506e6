"""Where a Fermi state changes its kind, and where a subband enters: conditions in closed form.

A threshold is a point where a count of states changes although no state appears or disappears, or
where the bottom of a subband meets ε_F.  Neither needs the Fermi states themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..matching import matching_matrix
from ..search import count_states
from ..well import Well, checked_number, written

if TYPE_CHECKING:
    from collections.abc import Iterable


def rashba_at(well: Well, E_F: float, E: float) -> np.ndarray:
    """Return the α_L at which a Fermi state of the well has the energy E along z, both in eV.

    With the right interface eliminated from M u = 0 at α_L = 0, a symmetric 2×2 matrix A is left
    for the spinor at the left interface, to which α_L adds (k α_L/c) σ_x.  The determinant
    vanishes where (A₁₂ + k α_L/c)² = A₁₁ A₂₂.

    The two values in eV·nm², ascending, whatever the well's own α_L; none where A₁₁A₂₂ < 0, so that
    no coupling moves a state there, and for E ≥ ε_F, where none can be.  A `ValueError` if `E_F` is
    not below `Well.continuum_edge`, or `E` is no number.
    """
    E_F, E = well.checked_fermi_energy(E_F), checked_number("E", E, "eV")
    if E >= E_F:
        return np.empty(0)
    k = np.sqrt((E_F - E) / well.c)
    M = matching_matrix(well.replace(alpha_L=0.0), E, k)
    A = M[:2, :2] - M[:2, 2:] @ np.linalg.solve(M[2:, 2:], M[2:, :2])
    square = A[0, 0] * A[1, 1]
    if square < 0:
        return np.empty(0)
    return (np.array([-1.0, 1.0]) * np.sqrt(square) - A[0, 1]) * well.c / k


def entry_width(well: Well, E_F: float, s: int, n: int = 0) -> float:
    """Return the width in nm at which a subband starts at the Fermi energy: wider, it starts below.

    At k = 0 the spins are those of two finite square wells: κd = nπ + arctan(q_L/κ) + arctan(q_R/κ)
    for the level of spin s = ±1 with n ≥ 0 nodes, here at E = ε_F; width and Rashba parameters of
    the well do not matter.  NaN where ε_F is not above the floor of that spin, so that no width
    will do.  A `ValueError` if `E_F` is not below `Well.continuum_edge`, or s or n is another.
    """
    E_F = well.checked_fermi_energy(E_F)
    if s not in (1, -1):
        raise ValueError(f"s must be 1 or -1, got {written(s)}")
    if not isinstance(n, (int, np.integer)) or n < 0:
        raise ValueError(f"n must be a whole number >= 0, got {written(n)}")
    kappa2 = (E_F - s * well.Delta) / well.c
    if kappa2 <= 0:
        return float("nan")
    kappa = np.sqrt(kappa2)
    barriers = [(V + s * well.Delta_barrier - E_F) / well.c for V in (well.V_L, well.V_R)]
    phase = sum(np.arctan(np.sqrt(q2) / kappa) for q2 in barriers)
    return float((n * np.pi + phase) / kappa)


def length_unit(well: Well, E_F: float) -> float:
    """Return 1, 2 or 5 times a power of ten in nm, as √(c/ε_F) is to that of the paper's well.

    So what is looked at from 0.1 to 4 nm in the paper's well goes from 2 to 80 nm in one whose
    electrons are thirty times as long; 1 nm where ε_F is not above the floor.
    """
    if E_F <= 0:
        return 1.0
    wanted = np.log10(np.sqrt(well.c / E_F) / np.sqrt(Well().c / 3.0))
    power = np.floor(wanted)
    steps = [float(f"{first}e{power + more:.0f}") for more in (0, 1) for first in (1, 2, 5)]
    return min(steps, key=lambda step: abs(np.log10(step) - wanted))


def one_subband(well: Well, E_F: float) -> float:
    """Return a width in nm, of two digits, at which without exchange one subband has started.

    It is four tenths of the way from the width at which that one enters to that of the next; the
    width of the well where ε_F is not above its floor, so that none ever does.
    """
    if E_F <= 0:
        return well.d
    first, second = (entry_width(well.replace(Delta=0.0), E_F, 1, n) for n in (0, 1))
    return float(f"{0.6 * first + 0.4 * second:.2g}")


def net_number(well: Well, E_F: float, E: float) -> int:
    """Return the number of Fermi states above E in eV, those with dε/dk < 0 counted as −1.

    The number of bound states below ε_F − c k² falls by sgn(dε/dk) at each Fermi state, so that
    their net number between k = 0 and the k where ε_F − c k² = E is a difference of two counts.
    0 for E ≥ ε_F, where none can be; errors are those of `rashba_at`.
    """
    E_F, E = well.checked_fermi_energy(E_F), checked_number("E", E, "eV")
    if E >= E_F:
        return 0
    k = np.sqrt((E_F - E) / well.c)
    return int(count_states(well, E_F, 0.0)) - int(count_states(well, E, k))


def changes(
    x: np.ndarray, number: np.ndarray, exact: Iterable[float] = ()
) -> list[tuple[float, int]]:
    """Return where a number of states changes along a grid that ascends, and by how much.

    A place is one of the `exact` ones, where a change is known to be, if it lies between the two
    points, and else the middle between them.
    """
    found = []
    for i in np.flatnonzero(np.diff(number)):
        inside = [float(place) for place in exact if x[i] <= place <= x[i + 1]]
        middle = float(x[i] + x[i + 1]) / 2
        found.append(((inside or [middle])[0], int(number[i + 1] - number[i])))
    return found
