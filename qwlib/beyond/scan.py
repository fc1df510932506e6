"""Fermi states as a scan of det M finds them, and why it misses some.

The determinant of the matching matrix along the Fermi parabola E = ε_F − c k² vanishes at each
Fermi state, and has a pole wherever κ_s d is a multiple of π.  A grid on which its sign is looked
at sees neither two roots nor a root and a pole that lie between two of its points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import precise
from ..matching import FULL, Rule, matching_matrix
from ..well import Well

if TYPE_CHECKING:
    from collections.abc import Callable


class Closest(NamedTuple):
    """The state that is closest to a pole, that pole, and the closest two states; k in 1/nm."""

    state: float
    pole: float
    pair: tuple[float, float]


class Scan(NamedTuple):
    """What changes of sign on a grid lead to."""

    k: np.ndarray  # the roots in 1/nm, ascending
    rejected: int  # changes of sign that led to a pole

    def missed(self, k: np.ndarray) -> np.ndarray:
        """Return which of these wave numbers (1/nm) are not among the roots, to 1e-7."""
        away = np.abs(self.k - np.asarray(k)[:, None])
        return away.min(axis=1, initial=np.inf) > 1e-7


def determinant(well: Well, E_F: float, k: np.ndarray) -> np.ndarray:
    """Return det M on the Fermi parabola, in 1/nm⁴, at wave numbers in 1/nm."""
    return np.linalg.det(matching_matrix(well, E_F - well.c * k**2, k))


def smooth(well: Well, E_F: float, k: np.ndarray) -> np.ndarray:
    """Return F, which has the roots of det M on the Fermi parabola and none of its poles."""
    rule = Rule.of_well(well, E_F).take(np.zeros(k.size, dtype=np.intp))
    return FULL.sturm(rule, k * k, k).F


def poles(well: Well, E_F: float) -> np.ndarray:
    """Return the k on the Fermi parabola, in 1/nm, at which det M has a pole."""
    m = np.arange(1, 1 + int(well.d * np.sqrt(max(E_F + abs(well.Delta), 0) / well.c) / np.pi))
    k2 = np.concatenate(
        [(E_F - s * well.Delta) / well.c - (m * np.pi / well.d) ** 2 for s in (1, -1)]
    )
    return np.sqrt(k2[k2 > 0])


def scan(
    well: Well,
    E_F: float,
    grid: np.ndarray,
    function: Callable = determinant,
    *,
    brent: bool = False,
) -> Scan:
    """Follow each change of sign on a grid of ascending k in 1/nm, as a careful user would.

    A root is kept where the function, `determinant` or `smooth`, gets smaller there than at both
    ends.  Bisection closes in on it, which is faster for many, or else Brent's method: of several
    roots and poles between two points, the two need not choose the same.
    """

    def f(k: np.ndarray) -> np.ndarray:
        return function(well, E_F, k)

    values = f(grid)
    i = np.flatnonzero(values[:-1] * values[1:] < 0)
    a, b = grid[i], grid[i + 1]
    if brent:
        from scipy.optimize import brentq

        found = [brentq(lambda k: f(np.array([k]))[0], *ends) for ends in zip(a, b, strict=True)]
        root = np.array(found)
    else:
        for _ in range(48):
            middle = (a + b) / 2
            same = f(middle) * values[i] > 0
            a, b = np.where(same, middle, a), np.where(same, b, middle)
        root = (a + b) / 2
    small = np.abs(f(root)) < np.minimum(np.abs(values[i]), np.abs(values[i + 1]))
    return Scan(root[small], int((~small).sum()))


def closest(well: Well, E_F: float, k: np.ndarray) -> Closest | None:
    """Return what a scan has to part of Fermi states at k (1/nm), or None if that is nothing."""
    k, at = np.sort(k), poles(well, E_F)
    if k.size < 2 or at.size == 0:
        return None
    i, j = np.unravel_index(np.abs(k[:, None] - at).argmin(), (k.size, at.size))
    pair = np.diff(k).argmin()
    return Closest(float(k[i]), float(at[j]), (float(k[pair]), float(k[pair + 1])))


def in_doubles(well: Well, E_F: float, k: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return F in doubles, the bound of its rounding error, and F with 32 digits, (n,) each.

    Of the rule without a symmetry, on the Fermi parabola at wave numbers k in 1/nm.
    """
    rule = Rule.of_well(well, E_F)
    many = rule.take(np.zeros(k.size, dtype=np.intp))
    exact = [precise.sturm(FULL, rule, 0, x) for x in k.tolist()]
    values = np.array([np.nan if one is None else one[1] for one in exact])
    return FULL.determinant(many, k * k, k), FULL.rounding(many, k * k, k), values
