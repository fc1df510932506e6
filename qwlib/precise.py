"""What doubles cannot decide or resolve: counts by intervals, wave numbers with more digits.

Where a minor of the quantization rule is as small as its rounding error, its sign is found with the
parameters of the well taken as the exact binary numbers that they are, c included, in intervals
that hold the exact value; with more and more digits, until the sign is proven.  Near the bottom of
a subband k² is a small difference of large numbers, and near |α| = ħ²/m the velocity is: there k
too is found so.  `mpmath` does the arithmetic; it is loaded when it is needed, which is rarely.
"""

from __future__ import annotations

import functools

import numpy as np

from .matching import Count, Given, Layers, Rule, Sector
from .waves import Layer, interior_exactly

BITS = (106, 212, 424, 848)
"""Precisions that are tried one after the other."""

CLOSE = 1e-12
"""A wave number is proven to be so close, relative to itself, to that of a state."""


def sturm(
    sector: Sector, rule: Rule, i: int, k: float, kin: float | None = None
) -> tuple[int, float] | None:
    """Return N and F of `matching.Count` at one point of one well, proven, or None.

    Parameters
    ----------
    sector : Sector
    rule : Rule
    i : int
        Which of its wells.
    k : float
        1/nm, an exact number.
    kin : float, optional
        (ε − E)/c in nm⁻², an exact number; k² without rounding if it is not given.
    """
    from mpmath import iv

    exact = rule.exact[int(rule.columns[12, i])].tolist()  # `origin` of this column alone
    for bits in BITS:
        old, iv.prec = iv.prec, bits
        try:
            found = _interval_sturm(iv, sector, exact, k, kin)
        finally:
            iv.prec = old
        if found is not None:
            return found
    return None


def decide(sector: Sector, rule: Rule, found: Count, points, k, kin=None) -> None:
    """Count some points with more digits, and put what is proven in place of what was found.

    Parameters
    ----------
    sector : Sector
    rule : Rule
        Of one well, or of one for each point.
    found : Count
        Of all points; changed.
    points : iterable of int
        Which of them.
    k, kin : (n,) float arrays
        As `sturm`, of all points.
    """
    for i in points:
        well = i if rule.d.size > 1 else 0
        one = sturm(sector, rule, well, float(k[i]), None if kin is None else float(kin[i]))
        if one is not None:
            found.N[i], found.F[i] = one
            found.sure[i] = found.exact[i] = True


def _sign(x) -> int | None:
    """Return the sign of an interval, None where it holds zero beside other numbers."""
    if x.a > 0:
        return 1
    if x.b < 0:
        return -1
    return 0 if x.a == 0 and x.b == 0 else None


def _interval_sturm(iv, sector: Sector, exact: list[float], k: float, kin: float | None):
    """Return what `sturm` does with the digits that there are."""
    given, tilt = Given.of([iv.mpf(x) for x in exact])
    energy, c, d, V_L, V_R, Delta, barrier, alpha_L, alpha_R = given
    k = iv.mpf(k)
    kin = k * k if kin is None else iv.mpf(kin)
    d = sector.width(d)
    layers = np.empty((4, 2), dtype=object)  # κ², S, C, t by spin
    q = np.empty((2, 2), dtype=object)
    y, signs = np.empty(2), np.empty(2)
    for s, sign in enumerate((1, -1)):
        x = (energy - sign * Delta) / c - kin
        known = _sign(x)
        if known is None:
            return None
        *found, y[s] = interior_exactly(iv, x, known, d)
        layers[:, s], signs[s] = (x, *found), known
        for side, V in enumerate((V_L, V_R)):
            q2 = (V + sign * barrier - energy) / c + kin
            above = _sign(q2)
            if above is None:
                return None
            q[side, s] = iv.sqrt(q2) if above > 0 else iv.mpf(0)
    left, right = k * alpha_L / c, -k * alpha_R / c
    part = sector.part
    if tilt:  # in a sector without a tilt, cos β or the coupling is zero
        q += np.array([[left], [right]]) * np.array([tilt[0], -tilt[0]])
        left, right = left * tilt[1], right * tilt[1]
    if sector.sign and not sector.tilt:
        q += np.array([[left], [right]]) * sector.sign
    inner = Layer(*layers[:, part[1]])
    minors = sector.minors(Layers(inner, q[part], left * left, right * right, left * right))
    # Of κ² the sign is enough.
    column = (np.atleast_1d(v[part[1]])[:, None] for v in (signs, y))
    J = np.ravel(sector.clamped(*column))
    negative: list[bool | None] = [False]
    for poles, minor in zip(sector.poles, minors, strict=True):
        odd = sum(map(int, J[:poles])) % 2 == 1
        known = _sign(minor)
        negative.append((known < 0) ^ odd if known else None)
    N = int(J.sum())
    for i in range(1, len(negative)):
        if negative[i] is None:
            # A minor between two of different signs is counted once, whatever its own.
            if i + 1 == len(negative) or None in (negative[i - 1], negative[i + 1]):
                return None
            if negative[i - 1] == negative[i + 1]:
                return None
            negative[i] = negative[i - 1]
        N += negative[i - 1] != negative[i]
    return N, float(minors[-1].mid)


def sharpened(
    sector: Sector, rule: Rule, i: int, k: float, blur: float, bracket: tuple[float, float]
) -> float | None:
    """Return k of the one state in a bracket, proven to `CLOSE`, or None.

    Parameters
    ----------
    sector, rule, i : Sector, Rule, int
        As `sturm`.
    k : float
        Where it is about, in 1/nm.
    blur : float
        About the relative error of that.
    bracket : pair of float
        Two k at which F has different signs.
    """

    @functools.cache
    def F(k: float) -> float:
        found = sturm(sector, rule, i, k)
        return 0.0 if found is None else found[1]

    width = CLOSE / 2 if blur < CLOSE else min(8 * blur, 1.0)
    for _ in range(8):
        a, b = max(bracket[0], k * (1 - width)), min(bracket[1], k * (1 + width))
        if F(a) * F(b) < 0:
            k = a - F(a) * (b - a) / (F(b) - F(a))
            if width <= CLOSE / 2:
                return k
            width = CLOSE / 2
        else:
            width = min(32 * width, 1.0)
    if F(bracket[0]) * F(bracket[1]) < 0:
        from scipy.optimize import brentq

        k = brentq(F, *bracket, xtol=5e-324, rtol=CLOSE / 4)
        a, b = max(bracket[0], k * (1 - CLOSE / 2)), min(bracket[1], k * (1 + CLOSE / 2))
        return k if F(a) * F(b) < 0 else None
    return None
