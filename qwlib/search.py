"""Bound states at one wave number, and every state at the Fermi energy: found, normalised, proven.

A Fermi state is a k > 0 at which a subband E_n(k) + c k² meets ε_F.  Along that parabola the count
N(k) of `matching` says how many subbands lie below ε_F, so it changes by one at each Fermi state,
down where the velocity is positive and up where it is negative.  Cells of k are split until each
holds one state, or none, by a proof:

monotonicity
    where dM/dk along the parabola is positive definite all velocities are positive, N cannot rise,
    and a cell holds exactly N(k₁) − N(k₂) states; the same follows, near the bottom of a subband,
    from M with one spin eliminated;
exclusion
    bounding E by the ends of the cell and the coupling by its middle, ± half the width, bounds N
    from both sides; where the bounds agree no subband touches ε_F;
tail
    beyond some K either N is zero and cannot rise, or the matrix M is positive but for one negative
    eigenvalue at each interface whose Rashba parameter is past ħ²/m, whatever k.

What is proven is proven up to rounding, and for cells that are split no further (`NARROW`) up to
an argument about sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .matching import SECTORS, Rule, Sector, coupling, slopes, symmetry
from .waves import (
    TINY,
    Point,
    Shape,
    barrier,
    boundary_values,
    overlap,
    overlap_of_spins,
    own_integrals,
    product,
    shapes,
)
from .well import Well, checked_number

NARROW = 2.0**-30
"""Width in k², relative to k² + κ², of a cell that is not split further once N changes in it.  More
crossings than that change would need a subband that turns within the cell, within about the square
of this number of ε_F: less than the rounding of ε_F itself."""

ROUNDING = 2.0**-44
"""The same for a cell in which N does not change, and which cannot be excluded, with what the
coupling does to κ² included."""

CROWD = 20000
"""A well with more cells than this in work at once, most of them to be excluded, is given up on."""

CLOSE = 2.0**-28
"""A step of inverse quadratic interpolation that is smaller, relative to k, is the last on the way
to a Fermi state: its order of convergence is 1.84, and what it leaves is seen, and mended, when
the state is polished."""

POLISHED = 2.0**-44
"""A state whose k moves by more than this, relative to k, when it is polished is polished again."""

NEAR = 1e-8
"""Roots of one rule closer than this, relative to k, are solved for together: alone, each null
vector would lose rounding/distance, and here that is all of it."""


class Roots(NamedTuple):
    """Roots of the quantization rule for many wells, one array entry each."""

    well: np.ndarray  # which well
    k: np.ndarray  # 1/nm
    amplitude: np.ndarray  # (n, 4), normalised
    velocity_over_c: np.ndarray  # dε/dk divided by c, 1/nm
    overlap: np.ndarray  # ∫₀^d ψ↑ψ↓ dz


def clamped_gram(kappa2: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return a lower bound of ∫₀^d|ψ|² / (|ψ(0)|² + |ψ(d)|²) in nm, never falling with κ².

    For real κ the ratio is at least d/6, and at least (d/4)(1 − 1/κd); for imaginary κ the odd
    combination is smallest: (coth y − y/sinh²y)/(2γ) with y = γd/2.
    """
    y = np.sqrt(np.abs(kappa2)) * d
    real = kappa2 >= 0
    bound = np.maximum(1 / 6, (1 - 1 / (y + TINY)) / 4)
    if not real.all():
        i = np.nonzero(~real)
        half = y[i] / 2
        bound[i] = np.where(half < 0.1, 1 / 6 - half**2 / 45, odd_ratio(half) / (4 * half + TINY))
    return bound * d


def odd_ratio(y: np.ndarray) -> np.ndarray:
    """Return coth y − y/sinh²y, which rises from 0 to 1."""
    e = np.exp(-2 * y)
    rest = -np.expm1(-2 * y) + TINY
    return (1 + e) / rest - 4 * y * e / rest**2


def monotonic(rule: Rule, k1: np.ndarray, k2: np.ndarray) -> np.ndarray:
    """Return where dM/dk along the Fermi parabola is proven positive definite on [k1, k2].

    dM/dk = 2k G + diag(a_L, a_R)⊗σ_x with the Gram matrix G = −c ∂M/∂E, which is at least
    diagonal with `clamped_gram` + 1/2q in it; both fall along the parabola.
    """
    gram = lower_gram(rule, k2 * k2)
    return beats(rule, 4 * k1 * k1 * gram[:, 0] * gram[:, 1])


def lower_gram(rule: Rule, kin: np.ndarray) -> np.ndarray:
    """Return a lower bound of the diagonal of −c ∂M/∂E, (2, 2, n), never rising with `kin`."""
    return clamped_gram(rule.kappa2 - kin, rule.d) + 0.5 / barrier(rule.q2, kin)


def beats(rule: Rule, bound: np.ndarray) -> np.ndarray:
    """Return where a bound, (2, n), is above the square of the coupling at each interface."""
    return ((bound > rule.a * rule.a) | (rule.a == 0)).all(axis=0)


def spin_monotonic(sector: Sector, rule: Rule, k1: np.ndarray, k2: np.ndarray) -> np.ndarray:
    """Return where N(k) is proven not to rise on [k1, k2], one spin eliminated from M.

    Near the bottom of a subband `monotonic` fails, since there the coupling k a is first order in k
    but what it does to a single spin's subband is of second order.  With s = k² and one spin's
    block M_a inverted, N is the number of states of spin a without coupling, plus the inertia of
    M_b − s a M_a⁻¹ a.  Where the former does not change on the cell, M_a⁻¹ falls with s, and
    the latter rises if G_b > a M_a⁻¹ a with M_a⁻¹ at k1 and G_b at k2.
    """
    kin2 = k2 * k2
    with np.errstate(divide="ignore", invalid="ignore"):  # a level at k1: nothing is proven
        N1, LL, LR, RR = sector.inverse(rule, k1 * k1)
        N2 = sector.inverse(rule, kin2)[0]
        gram = lower_gram(rule, kin2)[:, ::-1]  # of the spin that is left
        aa = rule.a * rule.a
        Q_L, Q_R = gram[0] - aa[0] * LL, gram[1] - aa[1] * RR
        proven = (N1 == N2) & (Q_L > 0) & (Q_R > 0) & (Q_L * Q_R > aa[0] * aa[1] * LR * LR)
    return proven.any(axis=0)


def excluded(sector: Sector, rule: Rule, k1: np.ndarray, k2: np.ndarray) -> np.ndarray:
    """Return where no subband of the sector touches ε_F for k in [k1, k2]."""
    middle, half = (k1 + k2) / 2, (k2 - k1) / 2
    most, _ = sector.sturm(rule, k1 * k1, middle, -half)
    least, _ = sector.sturm(rule, k2 * k2, middle, half)
    return most == least


def rising(rule: Rule, k: np.ndarray) -> np.ndarray:
    """Return where dM/dk is proven positive definite at k and at all larger ones.

    k/q rises with k, and so does what stands here for (k/γ)(coth y − y/sinh²y) of an evanescent
    spin; `clamped_gram` of a propagating one is above it too.
    """
    kin = k * k
    gamma = np.sqrt(np.maximum(kin - rule.kappa2, 0.0))
    inner = odd_ratio(k * rule.d / 2) * np.minimum(1.0, k / (gamma + TINY))
    least = k / np.sqrt(rule.q2 + kin) + inner
    return beats(rule, least[:, 0] * least[:, 1])


def settled(rule: Rule, k1: np.ndarray, k2: np.ndarray | None = None) -> np.ndarray:
    """Return where N(k) is proven constant on [k1, k2], or for all k ≥ k1, both spins evanescent.

    M lies between two matrices that do not couple the interfaces, q + γ tanh(γd/2) and
    q + γ coth(γd/2) on the diagonal.  Divided by k they vary slowly: q/k falls, and γ/k goes from
    its value at one end to that at the other.  If they settle the sign of each interface's
    determinant, M keeps its inertia.
    """
    first = np.sqrt(np.maximum(k1 * k1 - rule.kappa2, 0.0))
    y = first * rule.d / 2 + TINY
    first = first / (k1 + TINY)
    most_q = np.sqrt(rule.q2 + k1 * k1) / (k1 + TINY)
    # γ/k·tanh(γd/2) is bounded by the smaller of either factor, coth by its first value.
    if k2 is None:
        last, least_q, shallow = 1.0, np.ones_like(most_q), y
    else:
        last = np.sqrt(np.maximum(k2 * k2 - rule.kappa2, 0.0)) / k2
        least_q = np.sqrt(rule.q2 + k2 * k2) / k2
        shallow = np.minimum(y, last * k2 * rule.d / 2 + TINY)
    slope = np.tanh(shallow)
    least = least_q + np.minimum(first, last) * slope
    most = most_q + np.maximum(first, last) / slope
    aa = rule.a * rule.a
    proven = (least[:, 0] * least[:, 1] > aa) | (most[:, 0] * most[:, 1] < aa)
    return proven.all(axis=0) & (k1 * k1 > rule.kappa2).all(axis=0)


def tail(rule: Rule, K: np.ndarray, N: np.ndarray) -> np.ndarray:
    """Return where N(k) is proven constant for all k ≥ K.

    Either N is zero there and cannot rise, or it is settled.
    """
    return ((N == 0) & rising(rule, K)) | settled(rule, K)


class Cells(NamedTuple):
    """Intervals [k1, k2] of k of one well each, with the count and the determinant at the ends."""

    well: np.ndarray
    k1: np.ndarray
    k2: np.ndarray
    N1: np.ndarray
    N2: np.ndarray
    F1: np.ndarray
    F2: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """By how much N falls in each."""
        return self.N1 - self.N2

    def take(self, index: np.ndarray) -> Cells:
        """Return some of them, by a mask or by numbers."""
        return Cells(*(column[index] for column in self))

    def halves(self, sector: Sector, rule: Rule) -> Cells:
        """Return the lower half of each in k², then the upper ones; `rule` is of their wells."""
        k = np.sqrt((self.k1 * self.k1 + self.k2 * self.k2) / 2)
        N, F = sector.sturm(rule, k * k, k)
        lower, upper = self._replace(k2=k, N2=N, F2=F), self._replace(k1=k, N1=N, F1=F)
        return Cells(*map(np.concatenate, zip(lower, upper, strict=True)))


def search(sector: Sector, rule: Rule) -> tuple[Cells, np.ndarray]:
    """Return cells of k that hold one Fermi state each, and whether none can be missing.

    Returns
    -------
    cells : Cells
        N falls by 1 or −1 in each, or by more in a cell that is as narrow as rounding.
    certified : bool array, one entry a well
    """
    top = np.maximum(rule.kappa2.max(axis=0), 0.0)
    cells, certified = first_cells(sector, rule, top)
    found, doubtful = [], []
    while cells.well.size:
        some = rule.take(cells.well)
        safe, narrow = proven(sector, some, cells), too_narrow(some, cells, top[cells.well])
        change = cells.change
        keep = (safe & (change == 1)) | (narrow & (change != 0))
        if keep.any():
            found.append(cells.take(keep))
        # Below every floor of the well the first cells have no width: there is nothing in them.
        doubt = narrow & ~safe & (change == 0) & (cells.k2 > cells.k1)
        if doubt.any():
            doubtful.append(cells.take(doubt))
        drop = keep | narrow | (safe & (change == 0))
        test = np.nonzero(~drop & (change == 0))[0]
        if test.size:
            part = some.take(test), cells.k1[test], cells.k2[test]
            drop[test] = settled(*part) | excluded(sector, *part)
        drop |= give_up(cells, drop, certified)
        split = np.nonzero(~drop)[0]
        cells = cells.take(split).halves(sector, some.take(split))
    if found:
        cells = Cells(*map(np.concatenate, zip(*found, strict=True)))
    for doubt in doubtful:
        beside_a_state(doubt, cells, top, certified)
    return cells, certified


def first_cells(sector: Sector, rule: Rule, top: np.ndarray) -> tuple[Cells, np.ndarray]:
    """Return cells from k = 0 to a K of each well, and where it is proven that none lies beyond.

    They are even in κ, about as many as there are states, and one more from κ = 0 to K.
    """
    n = rule.d.size
    zero, FK = np.zeros(n), np.zeros(n)
    N0, _ = sector.sturm(rule, zero, zero)
    K = np.sqrt(top + 0.1 / rule.d**2)
    NK, certified = np.zeros(n, dtype=np.intp), np.zeros(n, dtype=bool)
    open_ = np.arange(n)
    for _ in range(44):  # to 1e5 times the largest k of a propagating state
        some = rule.take(open_)
        NK[open_], FK[open_] = sector.sturm(some, K[open_] ** 2, K[open_])
        certified[open_] = tail(some, K[open_], NK[open_])
        open_ = open_[~certified[open_]]
        if not open_.size:
            break
        K[open_] *= 1.3

    pieces = N0 + 1
    well = np.repeat(np.arange(n), pieces + 1)
    first = np.cumsum(pieces + 1) - (pieces + 1)
    last = first + pieces
    fraction = 1 - (np.arange(well.size) - first[well]) / pieces[well]
    k = np.sqrt(top[well] * (1 - fraction) * (1 + fraction))
    N, F = sector.sturm(rule.take(well), k * k, k)
    inner = np.ones(well.size, dtype=bool)
    inner[last] = False
    left = np.nonzero(inner)[0]
    columns = (k, K), (N, NK), (F, FK)
    ends = [
        np.concatenate(pair)
        for column, beyond in columns
        for pair in ((column[left], column[last]), (column[left + 1], beyond))
    ]
    return Cells(np.concatenate([well[left], np.arange(n)]), *ends), certified


def proven(sector: Sector, rule: Rule, cells: Cells) -> np.ndarray:
    """Return in which cells N is proven not to rise, so that they hold just what it falls by."""
    k1, k2, change = cells.k1, cells.k2, cells.change
    safe = monotonic(rule, k1, k2)
    # The others cost more, and say nothing new of a cell that has to be split in any case.
    test = np.nonzero(~safe & ((change == 0) | (change == 1)))[0]
    if test.size:
        part = rule.take(test)
        safe[test] = rising(part, k1[test])
        test, part = test[~safe[test]], part.take(np.nonzero(~safe[test])[0])
    if test.size:
        safe[test] = spin_monotonic(sector, part, k1[test], k2[test])
    return safe


def too_narrow(rule: Rule, cells: Cells, top: np.ndarray) -> np.ndarray:
    """Return which cells are split no further: see `NARROW` and `ROUNDING`."""
    # A wave function has about 1/d at an interface, so that the coupling moves κ² by k a/d.
    reach_of_coupling = np.abs(rule.a).sum(axis=0) / rule.d
    k2, width = cells.k2, cells.k2 - cells.k1
    scale = k2 * k2 + top
    return np.where(
        cells.change == 0,
        width * (k2 + reach_of_coupling) <= ROUNDING * scale,
        width * k2 <= NARROW * scale,
    )


def give_up(cells: Cells, drop: np.ndarray, certified: np.ndarray) -> np.ndarray:
    """Return which cells to drop of wells that have a `CROWD` of them, which are not certified.

    A well whose cells multiply is one that cannot be proven: at |α| = ħ²/m, or where a subband all
    but touches ε_F.  Its states are still found, by the cells where N changes.
    """
    number = np.bincount(cells.well[~drop], minlength=certified.size)
    if not (number > CROWD).any():
        return np.zeros_like(drop)
    left = number[cells.well]
    given_up = (left > CROWD) & ~drop & (cells.change == 0)
    given_up |= (left > 4 * CROWD) & ~drop  # N itself is noise
    certified[cells.well[given_up]] = False
    return given_up


def beside_a_state(doubtful: Cells, cells: Cells, top: np.ndarray, certified: np.ndarray) -> None:
    """Take the certificate from wells with a doubtful cell that is not within rounding of a state.

    Beside a state is no doubt; elsewhere a touching subband may hide.
    """
    for i in np.unique(doubtful.well):
        places = doubtful.k2[doubtful.well == i]
        known = np.append(cells.k2[cells.well == i], np.inf)
        distance = np.abs(known - places[:, None]).min(axis=1)
        certified[i] &= (distance * places <= 4 * NARROW * (places**2 + top[i])).all()


def refine(
    function, a: np.ndarray, b: np.ndarray, fa: np.ndarray, fb: np.ndarray, close: float = 0.0
) -> np.ndarray:
    """Return the root of a function in each bracket [a, b].

    Chandrupatla's method (Adv. Eng. Softw. 28, 145 (1997)) for all brackets at once: inverse
    quadratic interpolation where it is safe, bisection where not.  Each bracket stops by itself,
    so that a root does not depend on which others it is solved with.

    Parameters
    ----------
    function : callable
        Called with places x and the index of the bracket that each belongs to.
    a, b : arrays
        Ends of the brackets.
    fa, fb : arrays
        Values of the function there, which differ in sign.
    close : float, optional
        A step of inverse quadratic interpolation that is smaller, relative to x, is the last.
    """
    index = np.arange(a.size)
    root = np.empty(a.size)
    a, b, fa, fb = a.copy(), b.copy(), fa.copy(), fb.copy()
    with np.errstate(divide="ignore", invalid="ignore"):  # bisection is chosen there
        t = np.clip(np.nan_to_num(fa / (fa - fb), nan=0.5), 0.1, 0.9)
        for step in range(100):
            x = a + t * (b - a)
            fx = function(x, index)
            # The root is between x and b, the end of a bracket; c is the place that is given up.
            # A gather by numbers is several times as fast as a choice by a mask.
            i = np.flatnonzero((fx < 0) == (fa < 0))
            a, b, c, fa, fb, fc = x, a, b, fx, fa, fb
            b[i], c[i], fb[i], fc[i] = c[i], b[i], fc[i], fb[i]
            size, width = np.abs(a), b - a
            tolerance = 2.0**-48 * size / np.abs(width)
            done = (tolerance > 0.5) | (fa == 0) | (fb == 0)
            if step > 10:  # what is left of a narrow bracket is the noise of the function
                done |= np.abs(width) < 1e-11 * size
            xi, phi = width / (b - c), (fa - fb) / (fc - fb)
            t = fa / (fb - fa) * fc / (fb - fc)
            t += (c - a) / width * fa / (fc - fa) * fb / (fc - fb)
            safe = (phi * phi < xi) & ((1 - phi) * (1 - phi) < 1 - xi) & np.isfinite(t)
            done |= safe & (np.abs(t * width) < close * size)
            i = np.flatnonzero(done)
            if i.size:
                # Either end may be the root already; where the next step is small, it is the last.
                best = np.where(np.abs(fa[i]) < np.abs(fb[i]), a[i], b[i])
                root[index[i]] = np.where(safe[i], a[i] + t[i] * width[i], best)
                i = np.flatnonzero(~done)
                if not i.size:
                    return root
                index, a, b, fa, fb = (v.take(i) for v in (index, a, b, fa, fb))
                t, safe, tolerance = (v.take(i) for v in (t, safe, tolerance))
            t = np.clip(np.where(safe, t, 0.5), tolerance, 1 - tolerance)
    root[index] = (a + b) / 2
    return root


def along_parabola(rule: Rule, k: np.ndarray, u: np.ndarray, point: Point) -> tuple:
    """Return shapes of unit norm, the residual uᵀMu, and v/c of candidate states."""
    pair = shapes(u, slopes(rule, k, u, point.q), point)
    even, odd = own_integrals(pair, rule.d, point.t)
    within = pair.A * pair.A * even + pair.B * pair.B * odd
    norm, form = product(point.q, pair, pair, within)
    size = np.sqrt(norm)
    pair = pair._replace(A=pair.A / size, B=pair.B / size)
    trial = boundary_values(pair)
    slope = coupling(rule, trial, trial)
    return pair, u / size, form / norm + k * slope, 2 * k + slope


def polished(
    sector: Sector, rule: Rule, k: np.ndarray, step: bool = True
) -> tuple[np.ndarray, ...]:
    """Return k, amplitude, velocity and overlap of the states of a sector at these k.

    The residual uᵀMu of a null vector is of second order in its error, so that one Newton step
    with it makes k exact to rounding.  Without `step`, k is taken as it is.
    """
    point = rule.at(k * k)
    u = sector.null_vector(rule, k, point)
    pair, u, residual, velocity = along_parabola(rule, k, u, point)
    overlap = overlap_of_spins(pair, rule.d)
    if not step:
        return k, u, velocity, overlap
    with np.errstate(divide="ignore", invalid="ignore"):  # a subband that touches ε_F
        change = residual / velocity
    return np.where(np.abs(change) < 1e-6 * k, k - change, k), u, velocity, overlap


def neighbours(pairs: np.ndarray) -> np.ndarray:
    """Return the indices i and i + 1 of all i for which `pairs` holds."""
    i = np.nonzero(pairs)[0]
    return np.unique(np.concatenate([i, i + 1]))


def roots_of(
    sector: Sector, rule: Rule, cells: Cells, sharpen: Callable | None = None
) -> tuple[Roots, np.ndarray]:
    """Return the states in the cells that `search` found, polished, and which wells are in doubt.

    `sharpen` is that of `solve`, with wells numbered as here.
    The signs of the velocities must add up to the fall of N.  Where they do not, some changes of N
    were noise: at k of 1e4 and more, close below |α| = ħ²/m.
    """
    well, some = cells.well, rule.take(cells.well)
    k = (cells.k1 + cells.k2) / 2
    multiplicity = np.abs(cells.change)
    fall = np.bincount(well, cells.change, minlength=rule.d.size)
    single = multiplicity == 1
    one = np.nonzero(single)[0]
    active = some.take(one)

    def determinant(x, i):
        nonlocal active
        if i.size != active.d.size:  # some brackets have stopped since the last call
            active = some.take(one[i])
        return sector.determinant(active, x * x, x)

    some_cells = cells.take(one)
    k[one] = refine(determinant, some_cells.k1, some_cells.k2, some_cells.F1, some_cells.F2, CLOSE)
    if not single.all():
        repeat = np.repeat(np.arange(well.size), multiplicity)
        well, k = well[repeat], k[repeat]
    order = np.lexsort((k, well))
    well, k = well[order], k[order]
    some = rule.take(well)

    rough = k
    k, u, velocity, overlap = polished(sector, some, k)
    gap = np.diff(k)
    same = well[1:] == well[:-1]
    # A null vector is as good as the k it was taken at, and that of one of a close pair needs k to
    # more digits: once more, now from those.
    again = np.abs(k - rough) > POLISHED * k
    again[neighbours(same & (gap < 1e-3 * k[1:]))] = True
    again = np.nonzero(again)[0]
    if again.size:
        k[again], u[..., again], velocity[again], overlap[again] = polished(
            sector, some.take(again), k[again]
        )

    near = same & (gap < NEAR * k[1:])
    for start in np.nonzero(near & ~np.concatenate([[False], near])[:-1])[0]:
        stop = start + 1
        while stop < k.size and near[stop - 1]:
            stop += 1
        if stop - start > 4:  # noise of the count at k of 1e6 and more: as many as there can be
            continue
        part = slice(start, stop)
        k[part], u[..., part], velocity[part], overlap[part] = cluster(
            some.take(np.array([start])), k[part].mean(), int(stop - start)
        )
    if sharpen is not None:
        k, rough = sharpen(well, k, velocity, u.reshape(4, -1).T), k
        # The spin that only the coupling k a admixes is as exact as k.
        alone = np.ones(k.size, dtype=bool)
        alone[neighbours(near)] = False
        i = np.nonzero(alone & (k != rough))[0]
        if i.size:
            _, u[..., i], velocity[i], overlap[i] = polished(sector, some.take(i), k[i], step=False)
    signs = np.bincount(well, np.sign(velocity), minlength=rule.d.size)
    return Roots(well, k, u.reshape(4, -1).T, velocity, overlap), signs != fall


def pole_free(rule: Rule, k: np.ndarray, point: Point) -> tuple[np.ndarray, np.ndarray]:
    """Return TᵀMT and T, (n, 4, 4): M for even and odd parts, each scaled down near its pole."""
    T = np.zeros((k.size, 4, 4))
    form = np.zeros((k.size, 4, 4))
    for s in (0, 1):
        x, S, C, _, y = (part[s] for part in point[:-1])
        qL, qR = point.q[:, s]
        unit = S * y / (rule.d / 2)  # sin y, so that both scales are dimensionless
        even, odd = np.sqrt(np.abs(C)), np.sqrt(np.abs(unit))
        T[:, s, s], T[:, 2 + s, s] = even, even
        T[:, s, 2 + s], T[:, 2 + s, 2 + s] = -odd, odd
        form[:, s, s] = (qL + qR) * np.abs(C) - 2 * x * S * np.sign(C)
        form[:, 2 + s, 2 + s] = (qL + qR) * np.abs(unit) + 2 * C * np.abs(unit) / S
        form[:, s, 2 + s] = form[:, 2 + s, s] = (qR - qL) * even * odd
    rashba = np.zeros_like(form)
    for i, a in ((0, rule.a[0]), (2, rule.a[1])):
        rashba[:, i, i + 1] = rashba[:, i + 1, i] = k * a
    return form + np.swapaxes(T, 1, 2) @ rashba @ T, T


def cluster(rule: Rule, k: float, size: int) -> tuple[np.ndarray, ...]:
    """Return k, amplitude, velocity and overlap of `size` states close to one k of one well.

    In the space of the smallest eigenvalues of M at that k, the residual and its slope along the
    parabola are small matrices: degenerate perturbation theory, twice.
    """
    middle = np.array([k])
    point = rule.at(middle * middle)
    form, T = pole_free(rule, middle, point)
    values, vectors = np.linalg.eigh(form[0])
    start = np.argsort(np.abs(values))[:size]
    u = (T[0] @ vectors[:, start]).reshape(2, 2, size)
    ks = np.full(size, k)
    many = rule.take(np.zeros(size, dtype=np.intp))
    there = many.at(ks * ks)
    pair = shapes(u, slopes(many, ks, u, there.q), there)
    left, right = np.indices((size, size)).reshape(2, -1)
    a, b = (Shape(*(column[:, i] for column in pair)) for i in (left, right))
    grid = rule.take(np.zeros(size * size, dtype=np.intp))
    norm, residual = product(point.q, a, b, overlap(a, b, grid.d))
    rashba = coupling(grid, boundary_values(a), boundary_values(b))
    residual = (residual + k * rashba).reshape(size, size)
    slope = (2 * k * norm + rashba).reshape(size, size)
    shift, mix = np.linalg.eig(np.linalg.solve(slope, -residual))
    order = np.argsort(shift.real)
    ks = k + shift.real[order]
    mixed = boundary_values(pair) @ mix.real[:, order]
    pair, u, residual, velocity = along_parabola(many, ks, mixed, many.at(ks * ks))
    step = residual / velocity
    ks = np.where(np.abs(step) < 1e-6 * k, ks - step, ks)
    return ks, u, velocity, overlap_of_spins(pair, many.d)


def solve(rule: Rule, sharpen: Callable | None = None) -> tuple[Roots, np.ndarray]:
    """Return every Fermi state of many wells, and for each well whether none can be missing.

    Parameters
    ----------
    rule : Rule
        The wells, at ε = ε_F.
    sharpen : callable, optional
        Called with well, k, velocity and amplitude as in `Roots`, it returns k with more digits
        than the rounding of κ² leaves; amplitudes and velocities are then those at that k.

    Returns
    -------
    roots : Roots
        Sorted by well, within a well by descending k, so by ascending E.
    certified : bool array, one entry a well
    """
    certified = np.ones(rule.d.size, dtype=bool)
    kinds = symmetry(rule)
    parts = []
    for kind in np.unique(kinds):
        members = np.nonzero(kinds == kind)[0]
        some = rule.take(members)

        def sharpen_some(well, *state, members=members):
            return sharpen(members[well], *state)

        for sector in SECTORS[kind]:
            cells, complete = search(sector, some)
            roots, doubt = roots_of(sector, some, cells, sharpen and sharpen_some)
            parts.append(roots._replace(well=members[roots.well]))
            certified[members] &= complete & ~doubt
    if not parts:
        return Roots(
            *(np.empty((0, 4) if f == "amplitude" else 0) for f in Roots._fields)
        ), certified
    together = Roots(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    order = np.lexsort((-together.k, together.well))
    return Roots(*(column[order] for column in together)), certified


def bound_states(well: Well, k: float) -> np.ndarray:
    """Return the energies of all bound states at one wave number.

    Parameters
    ----------
    well : Well
    k : float
        In-plane wave number in 1/nm.

    Returns
    -------
    1D float array
        E_n(k) in eV, ascending, c k² excluded; degenerate energies as often as they occur.

    Raises
    ------
    ValueError
        If `k` is not a finite real number.

    Notes
    -----
    Intervals of E are split by the count of `matching` until each holds one energy, so that none
    is lost: N rises with E, and no proof is needed beyond it.
    """
    return levels(well, np.array([checked_number("k", k, "1/nm")]))[0]


def levels(well: Well, k: np.ndarray) -> list[np.ndarray]:
    """Return the energies of all bound states at many wave numbers at once.

    Parameters
    ----------
    well : Well
    k : 1D float array
        In-plane wave numbers in 1/nm.

    Returns
    -------
    list of 1D float arrays
        Of each wave number what `bound_states` returns, to the bit.
    """
    rule = Rule.of_well(well, 0.0)
    found = [
        _energies(sector, rule, well.continuum_edge / well.c, k)
        for sector in SECTORS[symmetry(rule)[0]]
    ]
    place, energies = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((energies, place))
    ends = np.searchsorted(place[order], np.arange(1, k.size))
    return np.split(energies[order] * well.c, ends)


def _energies(
    sector: Sector, rule: Rule, edge: float, k: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return E/c of the states of one sector below the edge, and which k each belongs to."""

    def sturm(e: np.ndarray, place: np.ndarray):
        return sector.sturm(rule, -e, k[place])

    place = np.arange(k.size)
    e2 = np.full(k.size, edge)
    total = sturm(e2, place)[0]
    e1 = np.full(k.size, -abs(edge) - 1.0)
    step = abs(edge) + 1.0
    while (deep := sturm(e1, place)[0] > 0).any():
        e1[deep] -= step
        step *= 2
    N1, N2 = np.zeros(k.size, dtype=np.intp), total
    kept: list[tuple[np.ndarray, ...]] = []
    while e1.size:
        change = N2 - N1
        narrow = e2 - e1 <= ROUNDING * np.maximum(np.abs(e1), np.abs(e2))
        keep = (change == 1) | (narrow & (change > 0))
        kept.append((e1[keep], e2[keep], change[keep], place[keep]))
        split = ~keep & (change > 0)
        e1, e2, N1, N2, place = e1[split], e2[split], N1[split], N2[split], place[split]
        middle = (e1 + e2) / 2
        Nm, _ = sturm(middle, place)
        e1, e2 = np.concatenate([e1, middle]), np.concatenate([middle, e2])
        N1, N2 = np.concatenate([N1, Nm]), np.concatenate([Nm, N2])
        place = np.concatenate([place, place])
    lower, upper, number, where = (np.concatenate(part) for part in zip(*kept, strict=True))
    energies = (lower + upper) / 2
    one = np.nonzero(number == 1)[0]
    a, b, at = lower[one], upper[one], where[one]
    energies[one] = refine(lambda e, i: sturm(e, at[i])[1], a, b, sturm(a, at)[1], sturm(b, at)[1])
    return np.repeat(where, number), np.repeat(energies, number)
