"""What is proven of a cell, an interval of k: how many Fermi states it holds.

monotonicity
    where dM/dk along the Fermi parabola is positive definite all velocities are positive, N cannot
    rise, and a cell holds exactly N(k₁) − N(k₂) states; the same follows, near the bottom of a
    subband, from M with one spin eliminated;
exclusion
    bounding E by the ends of the cell and the coupling by its middle, ± half the width, bounds N
    from both sides; where the bounds agree no subband touches ε_F;
tail
    beyond some K either N is zero and cannot rise, or the matrix M is positive but for one negative
    eigenvalue at each interface whose Rashba parameter is past ħ²/m, whatever k; between two k
    the same argument settles a cell (`settled`), and close to ħ²/m so does `far.signs`;
drift
    for large k, where M/k varies slowly, N is proven to go one way only (`far.way`);
simplicity
    where the determinant changes by more than its curvature can, it has one root or none.

Every inequality leaves room for rounding.  NumPy's functions are trusted to a few units in the last
place.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import far
from .matching import BELOW_DIFFERENCE, FACTORS, SMALL, Rule, Sector
from .waves import (
    UNIT_ROUNDOFF,
    barrier,
    decay_over_k,
    deep_rates,
    gram_beyond,
    gram_ratio,
    slopes_over_k,
    wave_rates,
)

BELOW_SUM = 1 - 2.0**-47
"""What a float is multiplied with to be a lower bound, if none of its digits cancelled: 64 units in
the last place, more than the operations here make."""


class Cells(NamedTuple):
    """Intervals [k1, k2] of k of one well each, with the count and the determinant at the ends."""

    well: np.ndarray
    k1: np.ndarray
    k2: np.ndarray
    N1: np.ndarray
    N2: np.ndarray
    F1: np.ndarray
    F2: np.ndarray
    exact1: np.ndarray
    exact2: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """By how much N falls in each."""
        return self.N1 - self.N2

    def inside(self, k: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return k where it lies in its cell, and elsewhere the other, which does."""
        return np.where((k >= self.k1) & (k <= self.k2) & (k > 0), k, other)

    def take(self, index: np.ndarray | slice) -> Cells:
        """Return some of them, by a mask, a slice or by numbers."""
        return Cells(*[column[index] for column in self])


def monotonic(rule: Rule, k1: np.ndarray, k2: np.ndarray) -> np.ndarray:
    """Return where dM/dk along the Fermi parabola is proven positive definite on [k1, k2].

    dM/dk = 2k G + diag(a_L, a_R)⊗σ_φ with the Gram matrix G = −c ∂M/∂E, which is at least
    diagonal with `gram_ratio` + 1/2q in it; both fall along the parabola.
    """
    return beats(rule, 2 * k1 * lower_gram(rule, k2 * k2))


def lower_gram(rule: Rule, kin: np.ndarray) -> np.ndarray:
    """Return a diagonal matrix below −c ∂M/∂E, (2, 2, n), there and at smaller `kin`."""
    kin = kin + rule.slack(kin)
    return gram_ratio(rule.kappa2 - kin, rule.d) + 0.5 / barrier(rule.q2, kin)


def joint_sign(
    rule: Rule, diagonal: np.ndarray, factor: np.ndarray | float = BELOW_DIFFERENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Return where det(diagonal + a σ_φ) is proven > 0 at each interface, and where < 0.

    `diagonal` is (2, 2, n), by interface and spin, and > 0: one eigenvalue at most is negative.
    `factor` is below 1 by what rounding may have added.
    """
    up, down = diagonal[:, 0], diagonal[:, 1]
    product, aa = up * down, rule.a * rule.a
    if rule.field is None:
        return product * factor > aa, product < aa * factor
    room = (1 - factor) * (product + aa + np.abs(rule.field) * (up + down))
    aa = aa + rule.field * (up - down)
    return product > aa + room, product < aa - room


def beats(rule: Rule, *diagonal) -> np.ndarray:
    """Return where the matrix of `joint_sign` is proven positive definite at both interfaces.

    Where there is no coupling the diagonal may be zero, as at k = 0.
    """
    return (joint_sign(rule, *diagonal)[0] | (rule.a == 0)).all(axis=0)


def spin_monotonic(sector: Sector, rule: Rule, k1: np.ndarray, k2: np.ndarray) -> np.ndarray:
    """Return where N(k) is proven not to rise on [k1, k2], one spin eliminated from M.

    Nowhere if the spins have a coupling of first order each, as along a tilted magnetisation, or
    one is conserved.
    Near the bottom of a subband `monotonic` fails, since there the coupling k a is first order in k
    but what it does to a single spin's subband is of second order.  For the spins p and r, and
    s = k², N is that of p without coupling and that of X = M_r − s a M_p⁻¹ a together.  Where the
    former is equal at both ends of the cell, M_p⁻¹ falls with s, and X rises if G_r > a M_p⁻¹ a
    with M_p⁻¹ at k1 and G_r at k2.
    """
    n, kin2 = k1.size, k2 * k2
    found = sector.inverse(twice(rule), np.concatenate([k1 * k1, kin2]))
    if found is None:
        return np.zeros(n, dtype=bool)
    N1, at_L, across, at_R, error = (column[:, :n] for column in found)
    N2 = found[0][:, n:]
    with np.errstate(all="ignore"):  # a level at k1: nothing is proven
        gram = lower_gram(rule, kin2)[:, ::-1] * BELOW_DIFFERENCE  # of the spin that is left
        aa = rule.a * rule.a
        error = error + (1 / BELOW_DIFFERENCE - 1) * np.abs([at_L, across, at_R]).max(axis=0)
        Q_L, Q_R = gram[0] - aa[0] * (at_L + error), gram[1] - aa[1] * (at_R + error)
        mixed = aa[0] * aa[1] * (np.abs(across) + error) ** 2
        proven = (Q_L > 0) & (Q_R > 0) & (Q_L * Q_R * BELOW_DIFFERENCE > mixed)
        proven &= (N1 == N2) & (N1 >= 0)
    return proven.any(axis=0)


def twice(rule: Rule) -> Rule:
    """Return the rule of all wells, and of all once more: one call for both ends of cells."""
    n = rule.d.size
    return rule.take(np.arange(2 * n) % n)


def excluded(sector: Sector, rule: Rule, k1: np.ndarray, k2: np.ndarray) -> np.ndarray:
    """Return where no subband of the sector touches ε_F for k in [k1, k2]."""
    middle = (k1 + k2) / 2
    half = np.maximum(middle - k1, k2 - middle) * (1 + 4 * UNIT_ROUNDOFF)
    kin = np.concatenate([k1 * k1 * (1 - 2 * UNIT_ROUNDOFF), k2 * k2 * (1 + 2 * UNIT_ROUNDOFF)])
    shift = np.concatenate([-half, half])
    found = sector.sturm(twice(rule), kin, np.concatenate([middle, middle]), shift)
    (most, least), (sure, too) = found.N.reshape(2, -1), found.sure.reshape(2, -1)
    return (most == least) & sure & too


def rising(rule: Rule, k: np.ndarray) -> np.ndarray:
    """Return where dM/dk is proven positive definite at k and at all larger ones.

    k/q rises with k, and so does `gram_beyond`.
    """
    kin = k * k
    kin = kin + rule.slack(kin)
    least = k / np.sqrt(rule.q2 + kin) + gram_beyond(rule.kappa2 - kin, k, rule.d)
    # At depths below 1 the terms of `odd_ratio` cancel.
    return beats(rule, least, np.where(k * rule.d > 2, BELOW_SUM, BELOW_DIFFERENCE))


@np.errstate(all="ignore")
def settled(rule: Rule, k1: np.ndarray, k2: np.ndarray | None = None) -> np.ndarray:
    """Return where N(k) is proven constant on [k1, k2], or for all k ≥ k1, both spins evanescent.

    M lies between two matrices that do not couple the interfaces, with q and what `slopes_over_k`
    says of the layer on the diagonal.  Divided by k they vary slowly, and q/k falls.  If they
    settle the sign of each interface's determinant, M keeps its inertia.
    """
    slack1 = rule.slack(k1 * k1)
    slack2 = 0.0 if k2 is None else rule.slack(k2 * k2)
    low, high, evanescent = slopes_over_k(rule.kappa2, rule.d, k1, k2, slack1, slack2)
    least_q = np.ones((2, 1, 1)) if k2 is None else decay_over_k(rule.q2, k2, -slack2)
    least, most = least_q + low, decay_over_k(rule.q2, k1, slack1) + high
    proven = joint_sign(rule, least, BELOW_SUM)[0] | joint_sign(rule, most, BELOW_SUM)[1]
    proven = proven.all(axis=0) & evanescent
    i = np.nonzero(~proven & (k1 * k1 >= rule.q_size**2))[0]
    if i.size:
        end = np.full(i.size, np.inf) if k2 is None else k2[i]
        proven[i] = (far.signs(rule.take(i), k1[i], end) != 0).all(axis=0)
    return proven


def tail(rule: Rule, K: np.ndarray, N: np.ndarray) -> np.ndarray:
    """Return where N(k) is proven constant for all k ≥ K.

    Either N is zero there and cannot rise, or it is settled.
    """
    proven = (N == 0) & rising(rule, K)
    i = np.nonzero(~proven)[0]
    if i.size:
        proven[i] = settled(rule.take(i), K[i])
    return proven


@np.errstate(all="ignore")  # what overflows, or is not a number, proves nothing
def simple(sector: Sector, rule: Rule, cells: Cells) -> np.ndarray:
    """Return where F is proven to have one root if it changes sign in the cell, and none if not.

    F is a polynomial in numbers that change slowly, so that its own slope and curvature are
    bounded.  It has no root where it is larger than it can change; and it is strictly monotonic
    where it changes by more than its curvature can.  Below some k it is followed as a function of
    k², or of k where coupling is a potential, and above as one of k, divided by the power of k that
    it grows with.
    """
    k1, k2 = cells.k1, cells.k2
    one, y1 = sector.layers(rule, k1 * k1, k1)
    two, y2 = sector.layers(rule, k2 * k2, k2)
    bounds, error = sector.magnitudes(rule, k1 * k1, k1, one, y1)
    ends = (bounds, error), sector.magnitudes(rule, k2 * k2, k2, two, y2)
    blur = [FACTORS * error * sector.minors(bounds)[-1] for bounds, error in ends]
    x1, x2, y1, y2 = map(np.atleast_2d, (one.inner.x, two.inner.x, y1, y2))
    d = sector.width(rule.d)
    least = np.maximum(rule.q2.min(axis=(0, 1)), 0.0) + k1 * k1
    most = np.maximum(rule.q2.max(axis=(0, 1)), 0.0) + rule.slack(k1 * k1)
    kappa2 = np.atleast_2d(rule.kappa2[sector.part[1]])
    first, second, area = wave_rates(y1, y2, k1, k2, d)
    rate, curved, holds, fading, bending = deep_rates(kappa2, y1, k1, k2, d)
    deep = (x2 < 0) & (x1 < 0) & holds
    first = np.where(deep, rate, first).max(axis=0)
    second = np.where(deep, curved, second).max(axis=0)
    size = np.maximum(most / least, 2 * rule.size / (rule.size + k1 * k1))
    first, second = np.maximum(first, size / k1), np.maximum(second, 3 * size / k1**2)

    area = area.max(axis=0)
    start = 1 / np.sqrt(area)
    small = k1 < start
    deep &= ~small
    if sector.sign:
        w, k = k2 - k1, k1 + start
        low = 2 * k2 * area + k2 / least + 1 / k
        low_second = 2 * low**2 + 2 * area + 1 / least
    else:
        w, k = (k2 - k1) * np.where(small, k2 + k1, 1.0), np.hypot(k1, start)
        low = area + 1 / least + 1 / k**2
        low_second = 2 * low**2
    # κ² may change by more relative to its own bound, but not the sums in which it stands beside q.
    first, second = np.where(small, low, first), np.where(small, low_second, second)
    k = np.where(small, k, k1)
    left, right = np.abs(k * rule.a)
    bounds = bounds._replace(LL=-left * left, RR=-right * right, LR=-left * right)
    if sector.sign:
        bounds = bounds._replace(q=bounds.q + sector.potential(rule, 0.0, 2 * (k - k1)))
    # What is not deep is compared as it is, with its exp(γd), which is known to the rounding of κ².
    scale, lost = [], []
    for x, y, kin in ((x1, y1, k1 * k1), (x2, y2, k2 * k2)):
        most = d * d * (rule.size + kin)
        off = y + most / np.maximum(y, SMALL * np.sqrt(most))
        shallow = (x < 0) & ~deep
        scale.append(np.exp(np.where(shallow, y, 0.0).sum(axis=0)))
        lost.append(4 * UNIT_ROUNDOFF * (4 + np.where(shallow, off, 0.0).sum(axis=0)))
    scale1, scale2 = scale[0], scale[1] * np.where(small, 1.0, k1 / k2) ** sector.degree
    F1, F2 = cells.F1 * scale1, cells.F2 * scale2
    noise = np.where(cells.exact1, 0.0, blur[0] * scale1) + lost[0] * np.abs(F1)
    noise = noise + np.where(cells.exact2, 0.0, blur[1] * scale2) + lost[1] * np.abs(F2)
    bound = sector.minors(bounds)[-1] * scale1
    # How much the bound itself grows in the cell: where a term of F is divided by its last power of
    # k, it has two S k at most.
    D = sector.order
    grown = bound * np.exp(D * first * w) * np.where(small, 1.0, k2 / k1) ** 2
    slope, curvature = D * first * grown, (D * (D - 1) * first**2 + D * second) * grown
    narrow = (first * w < 1 / 4) & (k2 < 1.25 * k1 + start * small)
    if sector.tunnels:
        # What tunnels between the interfaces, 2 LR t↑t↓, is small by its own t.  The rates are not
        # rounded up: it is in the bounds above as well, and rate² in bend once more.
        rate = (deep * fading).sum(axis=0)
        bend = 2 * rate**2 + (deep * bending).sum(axis=0)
        through = 2 * left * right * one.inner.t[0] * one.inner.t[1] * scale1
        slope, curvature = slope + through * rate, curvature + through * bend
    # F leaves its chord by an eighth of what its curvature makes of the square of the width.
    bent = curvature * w * w
    clear = np.minimum(np.abs(F1), np.abs(F2)) > noise + np.minimum(slope * w, bent / 8)
    return narrow & (clear & (F1 * F2 > 0) | (np.abs(F2 - F1) > noise + bent))
