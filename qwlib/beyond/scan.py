"""Fermi states as a scan of det M finds them, and why it misses some.

The determinant of the matching matrix along the Fermi parabola E = ε_F − c k² vanishes at each
Fermi state, and has a pole wherever κ_s d is a multiple of π.  A grid on which its sign is looked
at sees neither two roots nor a root and a pole that lie between two of its points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq

from ..matching import matching_matrix
from ..well import Well

if TYPE_CHECKING:
    from collections.abc import Callable


class Scan(NamedTuple):
    """What changes of sign on a grid lead to.

    Attributes
    ----------
    k : 1D float array
        The roots in 1/nm, ascending.
    rejected : int
        Changes of sign that led to a pole.
    """

    k: np.ndarray
    rejected: int

    def missed(self, k: np.ndarray) -> np.ndarray:
        """Return which of these wave numbers (1/nm) are not among the roots, to 1e-7."""
        away = np.abs(self.k - np.asarray(k)[:, None])
        return away.min(axis=1, initial=np.inf) > 1e-7


def determinant(well: Well, E_F: float, k: np.ndarray) -> np.ndarray:
    """Return det M on the Fermi parabola, in 1/nm⁴, at wave numbers in 1/nm."""
    return np.linalg.det(matching_matrix(well, E_F - well.c * k**2, k))


def without_poles(well: Well, E_F: float, k: np.ndarray) -> np.ndarray:
    """Return det M times sin(κd)/κ of both spins, in 1/nm², which vanish where it has poles."""
    spins = np.array([1, -1]) * well.Delta
    kappa = np.sqrt(((E_F - well.c * k**2)[..., None] - spins) / well.c + 0j)
    return determinant(well, E_F, k) * (np.sin(kappa * well.d) / kappa).real.prod(axis=-1)


def poles(well: Well, E_F: float) -> np.ndarray:
    """Return the k on the Fermi parabola, in 1/nm, at which det M has a pole."""
    m = np.arange(1, 1 + int(well.d * np.sqrt(max(E_F + abs(well.Delta), 0) / well.c) / np.pi))
    k2 = [(E_F - s * well.Delta) / well.c - (m * np.pi / well.d) ** 2 for s in (1, -1)]
    k2 = np.concatenate(k2)
    return np.sqrt(k2[k2 > 0])


def scan(
    well: Well,
    E_F: float,
    grid: np.ndarray,
    function: Callable = determinant,
    *,
    brent: bool = False,
) -> Scan:
    """Follow each change of sign on a grid, as a careful user would.

    A root is kept where the function gets smaller there than at both ends.

    Parameters
    ----------
    well : Well
    E_F : float
        Fermi energy in eV.
    grid : 1D float array
        Wave numbers in 1/nm, ascending.
    function : callable
        `determinant` or `without_poles`.
    brent : bool
        Whether Brent's method closes in on each, instead of bisection, which is faster for many.
        Where several roots and poles lie between two points, the two need not choose the same.

    Returns
    -------
    Scan
    """

    def f(k: np.ndarray) -> np.ndarray:
        return function(well, E_F, k)

    values = f(grid)
    i = np.flatnonzero(values[:-1] * values[1:] < 0)
    a, b = grid[i], grid[i + 1]
    if brent:
        roots = [brentq(lambda k: float(f(np.array(k))), *ends) for ends in zip(a, b, strict=True)]
        root = np.array(roots)
    else:
        for _ in range(48):
            middle = (a + b) / 2
            same = f(middle) * values[i] > 0
            a, b = np.where(same, middle, a), np.where(same, b, middle)
        root = (a + b) / 2
    small = np.abs(f(root)) < np.minimum(np.abs(values[i]), np.abs(values[i + 1]))
    return Scan(root[small], int((~small).sum()))
