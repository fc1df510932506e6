"""Bound states at one wave number, and every state at the Fermi energy: found, normalised, proven.

A Fermi state is a k > 0 at which a subband E_n(k) + c k² meets ε_F.  Along that parabola the count
N(k) of `matching` says how many subbands lie below ε_F, so it changes by one at each Fermi state,
down where the velocity is positive and up where it is negative, and by more or not at all where
subbands cross or touch there.  Cells of k are split until each holds one state, or none, by one of
the `proofs`; then its root is found, and its wave function.

What is proven is proven of the well with exactly the doubles that were given, and ħ²/2m as it is
rounded: a sign counts where a minor is larger than the bound of its rounding error, and where
it is not, `precise` finds it with more digits.  A wave number lies in its cell by proof; of its
digits there is an estimate, and where that leaves less than twelve, a proof with more digits.  What
is not proven has a word for it in `DOUBTS`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import far, precise
from .matching import (
    FULL,
    SECTORS,
    Count,
    Given,
    Rule,
    Sector,
    checked_plane,
    coupling,
    slopes,
    symmetry,
)
from .proofs import (
    Cells,
    excluded,
    monotonic,
    rising,
    settled,
    simple,
    spin_monotonic,
    tail,
)
from .waves import (
    UNIT_ROUNDOFF,
    Point,
    Shape,
    boundary_values,
    overlap,
    overlap_of_spins,
    product,
    shapes,
)
from .well import HBAR2_OVER_2ME, Well, checked_number, written

NARROW = 2.0**-30
"""Half the width in k², relative to k² and κ² at k = 0, of a cell that is proven to hold several
states and is split no further: they are solved for together."""

ROUNDING, START = 2.0**-46, 2.0**-140
"""A cell is split no further, though nothing is proven of it, if it is so narrow relative to k, or
ends at so small a k², relative to the largest κ² plus 1/d²."""

FINE, FEW = 2.0**-18, 30
"""Width of a cell relative to k from which F is evaluated with more digits, if there are few: of
the change of F in it, which `simple` needs, doubles leave nothing."""

WORK, WORK_PER_STATE = 40_000, 60
"""Cells to look at, in a well and for each of its states, before a well is given up on."""

PRECISE, PRECISE_PER_STATE = 300, 1
"""Points to decide with more digits, likewise; each takes about a millisecond."""

BEYOND = (*[1.3] * 24, *[4.0] * 20)
"""Factors by which a K grows until nothing lies beyond it: to 6e14 times the largest k of a
propagating state."""

LIMIT, BATCH = 100_000, 2**15
"""The most states of a well that can be solved; about how many are looked for at once, which
takes some 100 MB, so that wide wells do not take more memory than there is."""

LARGEST = 1e70
"""The largest wave number, in 1/nm, whose fourth power leaves room in a double."""

PROVEN, BLURRED, ENDLESS, TANGENCY = range(4)
DOUBTS = (
    "",
    "digits: a wave number is not known to 12 digits",
    "tail: no wave number is proven to be the last, as at |alpha| = ħ²/m with E_F = V/2",
    "tangency: a subband touches the Fermi level, or two meet there, too closely to be told apart",
)
"""Why a well is not certified, the last of these if there are several.  "digits" says no more than
that digits are missing; with the others a state may be."""

BLUR, MET = 8e-13, 1 / 600
"""Expected relative error of k from which it is found again with more digits; and the share of the
bound of a rounding error that is expected."""

LAST_STEP = 2.0**-28
"""A step of inverse quadratic interpolation that is smaller, relative to k, is the last on the way
to a Fermi state: its order of convergence is 1.84, and what it leaves is seen, and mended, when
the state is polished."""

POLISHED = 2.0**-49
"""A state whose k moves by more than this, relative to k, when it is polished is polished again.
Its wave function is of the k before; what that leaves of a spin is a hundred times as much, and
sums over states that cancel have it whole."""

AGAIN, RESTS = 4, 2e-13
"""A state whose k moves by more than this is polished so many times, since each squares what a
close neighbour mixes into it; if it still does, k is found again with more digits."""

NEAR = 1e-6
"""Roots of one rule closer than this, relative to k, are solved for together: alone, each null
vector would lose rounding/distance; together, the distance may be as large as this."""


class Roots(NamedTuple):
    """Roots of the quantization rule for many wells, one array entry each."""

    well: np.ndarray  # which well
    k: np.ndarray  # 1/nm
    amplitude: np.ndarray  # (n, 4), normalised
    velocity_over_c: np.ndarray  # dε/dk divided by c, 1/nm
    overlap: np.ndarray  # ∫₀^d ψ↑ψ↓ dz


class Search:
    """A search for cells of k that hold one Fermi state each, of one sector of many wells.

    Attributes
    ----------
    doubt : int array, one entry a well
        Index into `DOUBTS`: why it is not certified, 0 where it is.
    budget, work : int arrays, one entry a well
        How many more points may be decided with more digits, and how many cells looked at.
    """

    def __init__(
        self,
        sector: Sector,
        rule: Rule,
        budget: np.ndarray | None = None,
        work: np.ndarray | None = None,
    ):
        n = rule.d.size
        self.sector, self.rule = sector, rule
        self.budget = np.full(n, PRECISE) if budget is None else budget
        self.work = np.full(n, WORK) if work is None else work
        self.top = np.maximum(rule.kappa2.max(axis=0), 0.0)
        self.doubt = np.zeros(n, dtype=np.intp)

    def why(self, well: np.ndarray, reason: int) -> None:
        """Note that these wells are not proven."""
        self.doubt[well] = np.maximum(self.doubt[well], reason)

    def count(
        self,
        well: np.ndarray,
        k: np.ndarray,
        rule: Rule | None = None,
        fine: np.ndarray | bool = False,
    ) -> Count:
        """Count at points of the Fermi parabola, with more digits where doubles do not decide.

        Or where F is needed with all its digits: where it is `fine`.
        """
        rule = self.rule.take(well) if rule is None else rule
        found = self.sector.sturm(rule, k * k, k)
        points = [i for i in np.nonzero(~found.sure | fine)[0] if self.spend(well[i])]
        precise.decide(self.sector, rule, found, points, k)
        return found

    def spend(self, well: np.intp, points: int = 1) -> bool:
        """Return whether points of a well may still be decided with more digits, which counts."""
        if self.budget[well] <= 0:
            return False
        self.budget[well] -= points
        return True

    def cells(self) -> Cells:
        """Return the cells over which N changes: by 1, or by more in one that is very narrow.

        Or of which nothing is proven, and then `doubt` of their wells says so.
        """
        cells = self.first_cells()
        found = []
        while cells.well.size:
            some = self.rule.take(cells.well)
            change = cells.change
            safe, done = self.proven(some, cells)
            width = (cells.k2 - cells.k1) * cells.k2
            scale = cells.k2 * cells.k2 + self.top[cells.well]
            narrow = safe & (np.abs(change) > 1) & (width <= NARROW * scale)
            end = cells.k2 - cells.k1 <= ROUNDING * cells.k2
            size = self.top[cells.well] + 1 / some.d**2
            end |= cells.k2**2 <= np.maximum(START * size, 1e-300)
            out = done | narrow
            stuck = ~out & end
            stuck |= ~out & self.given_up(cells, out | stuck)
            self.why(cells.well[stuck], TANGENCY)
            out |= stuck
            keep = np.nonzero(out & (change != 0))[0]
            if keep.size:
                found.append(cells.take(keep))
            split = np.nonzero(~out)[0]
            cells = cells.take(split)
            if not split.size:
                break
            k = np.sqrt((cells.k1 * cells.k1 + cells.k2 * cells.k2) / 2)
            # What is left close to k = 0 may lie at any power of ten.
            k = np.where((cells.k1 == 0) & (k * k < 1e-6 * size[split]), k / 16, k)
            fine = cells.k2 - cells.k1 < FINE * k
            if fine.any():
                few = np.bincount(cells.well[fine], minlength=self.doubt.size) <= FEW
                fine &= few[cells.well]
            there = self.count(cells.well, k, some.take(split), fine)
            if not there.sure.all():
                lost = cells.take(~there.sure)
                self.why(lost.well, TANGENCY)
                found.append(lost.take(lost.change != 0))
                cells, k = cells.take(there.sure), k[there.sure]
                there = Count(*[column[there.sure] for column in there])
            N, F, _, exact = there
            lower = cells._replace(k2=k, N2=N, F2=F, exact2=exact)
            upper = cells._replace(k1=k, N1=N, F1=F, exact1=exact)
            cells = Cells(*map(np.concatenate, zip(lower, upper, strict=True)))
        return Cells(*map(np.concatenate, zip(*found, strict=True))) if found else cells

    def first_cells(self) -> Cells:
        """Return cells from k = 0 to a K of each well, beyond which it is proven that none lies.

        They are evenly spaced in κ, about as many as there are states, and one more goes from κ = 0
        to K.
        """
        n, top = self.doubt.size, self.top
        K = np.sqrt(top + 0.1 / self.rule.d**2)
        there = self.count(np.arange(2 * n) % n, np.concatenate([np.zeros(n), K]))
        (pieces, N), sure, open_ = there.N.reshape(2, n), there.sure[n:], np.arange(n)
        for growth in (*BEYOND, 0.0):
            proven = tail(self.rule.take(open_), K[open_], N[open_]) & sure[open_]
            open_ = open_[~proven]
            if not (open_.size and growth):
                break
            K[open_] *= growth
            N[open_], _, sure[open_], _ = self.count(open_, K[open_])
        self.why(open_, ENDLESS)

        pieces = pieces + 1
        self.work += WORK_PER_STATE * pieces
        self.budget += PRECISE_PER_STATE * pieces
        well = np.repeat(np.arange(n), pieces + 2)
        place = np.arange(well.size) - (np.cumsum(pieces + 2) - (pieces + 2))[well]
        fraction, beyond = 1 - place / pieces[well], place > pieces[well]
        k = np.where(beyond, K[well], np.sqrt(top[well] * (1 - fraction) * (1 + fraction)))
        there = self.count(well, k)
        self.why(well[~(there.sure | beyond)], TANGENCY)
        left = np.nonzero(~beyond)[0]
        columns = k, there.N, there.F, there.exact
        return Cells(well[left], *(column[left + end] for column in columns for end in (0, 1)))

    def proven(self, rule: Rule, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
        """Return in which cells N is proven monotonic, and which hold what it changes by."""
        k1, k2, change = cells.k1, cells.k2, cells.change
        safe = monotonic(rule, k1, k2)
        # The others cost more, and say nothing new of a cell that has to be split in any case.
        few = (change == 0) | (change == 1)
        test = np.nonzero(~safe & few)[0]
        if test.size:
            part = rule.take(test)
            safe[test] = rising(part, k1[test])
            test, part = test[~safe[test]], part.take(np.nonzero(~safe[test])[0])
        if test.size:
            safe[test] = spin_monotonic(self.sector, part, k1[test], k2[test])
        done = safe & few
        test = np.nonzero(~done & (change == 0))[0]
        if test.size:
            part, a, b = rule.take(test), k1[test], k2[test]
            done[test] = settled(part, a, b) | excluded(self.sector, part, a, b)
        test = np.nonzero(~done & (k1 >= 2 * rule.q_size))[0]
        if test.size:
            way = far.way(rule.take(test), k1[test], k2[test])
            safe[test] |= (way != 0) & (change[test] * way <= 0)
            done[test] = safe[test] & (np.abs(change[test]) <= 1)
        test = np.nonzero(~done & (np.abs(change) <= 1))[0]
        if test.size:
            done[test] = simple(self.sector, rule.take(test), cells.take(test))
        return safe, done

    def given_up(self, cells: Cells, drop: np.ndarray) -> np.ndarray:
        """Return which cells belong to wells on which enough work has been done, these included.

        A well whose cells multiply is one that cannot be proven: at |α| = ħ²/m, or where a subband
        all but touches ε_F.
        """
        number = np.bincount(cells.well[~drop], minlength=self.work.size)
        self.work -= number
        return (self.work < 0)[cells.well]


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
            i = ((fx < 0) == (fa < 0)).nonzero()[0]
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
            if done.any():
                i = done.nonzero()[0]
                # Either end may be the root already; where the next step is small, it is the last.
                best = np.where(np.abs(fa[i]) < np.abs(fb[i]), a[i], b[i])
                root[index[i]] = np.where(safe[i], a[i] + t[i] * width[i], best)
                i = (~done).nonzero()[0]
                if not i.size:
                    return root
                index, a, b, fa, fb = (v.take(i) for v in (index, a, b, fa, fb))
                t, safe, tolerance = (v.take(i) for v in (t, safe, tolerance))
            t = np.minimum(np.maximum(np.where(safe, t, 0.5), tolerance), 1 - tolerance)
    root[index] = (a + b) / 2
    return root


def along_parabola(rule: Rule, k: np.ndarray, u: np.ndarray, point: Point) -> tuple:
    """Return shapes of unit norm, the residual uᵀMu, and v/c of candidate states."""
    pair = shapes(u, slopes(rule, k, u, point.q), point)
    norm, form = product(point.q, pair, pair, overlap(pair, pair, rule.d))
    size = np.sqrt(norm)
    pair = pair._replace(A=pair.A / size, B=pair.B / size)
    trial = boundary_values(pair)
    slope = coupling(rule, trial, trial)
    return pair, u / size, form / norm + k * slope, 2 * k + slope


def polished(
    sector: Sector, rule: Rule, k: np.ndarray, step: bool = True
) -> tuple[np.ndarray, ...]:
    """Return k, u, v/c in 1/nm and overlap of the states of a sector at these k.

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
    """Return which of n are in one of the n − 1 pairs of neighbours for which `pairs` holds."""
    return np.concatenate([pairs, [False]]) | np.concatenate([[False], pairs])


@np.errstate(all="ignore")  # a subband that touches ε_F
def expected_error(
    sector: Sector, rule: Rule, cells: Cells, k: np.ndarray, velocity: np.ndarray
) -> np.ndarray:
    """Return about how large the relative error of each k is, after it was polished."""
    # The terms that cancel in uᵀMu, over the slope of what is left.
    blur = 2 * UNIT_ROUNDOFF * (rule.q_size**2 + 4 * k * k) / (k * np.abs(velocity))
    # That trusts the null vector, which a pair of states at the interfaces may not; there, what F
    # says of itself, with the share of its error bound that is met in practice.
    out = np.nonzero((k * k > 4 * rule.size) & (np.abs(cells.change) == 1))[0]
    if out.size:
        part, K = cells.take(out), k[out]
        slope = np.abs(part.F2 - part.F1) / (part.k2 - part.k1)
        blur[out] += MET * sector.rounding(rule.take(out), K * K, K) / (slope * K)
    return blur


def roots_of(search: Search, digits: bool = True) -> Roots:
    """Return the states in the cells that a search finds, polished, each inside its cell.

    With `digits`, k is found again with more digits where doubles leave less than twelve.
    """
    states = Candidates(search, *closed_in(search, search.cells()))
    states.settle()
    states.part()
    states.sharpen(digits)
    amplitude = states.u.reshape(4, -1).T
    return Roots(states.cells.well, states.k, amplitude, states.velocity, states.overlap)


def closed_in(search: Search, cells: Cells) -> tuple[Cells, np.ndarray]:
    """Return each cell as often as N changes in it, and k of its root, by well and k.

    Its middle where there are several.
    """
    number = np.abs(cells.change)
    k = (cells.k1 + cells.k2) / 2
    one = np.nonzero(number == 1)[0]
    part, active = cells.take(one), search.rule.take(cells.well[one])
    brackets = active

    def determinant(x, i):
        nonlocal active
        if i.size != active.d.size:  # some brackets have stopped since the last call
            active = brackets.take(i)
        return search.sector.determinant(active, x * x, x)

    k[one] = refine(determinant, part.k1, part.k2, part.F1, part.F2, LAST_STEP)
    if one.size != k.size:
        each = np.repeat(np.arange(k.size), number)
        cells, k = cells.take(each), k[each]
    order = np.lexsort((k, cells.well))
    return cells.take(order), k[order]


class Candidates:
    """States of one sector on the way to their digits, one array entry each, by well and k.

    Polished once, each in its cell: what polishing puts outside is left where it was.

    Attributes
    ----------
    k, u, velocity, overlap : arrays
        As `polished` returns them, or what is better.
    moved : float array
        How far the first polish moved each, in 1/nm.
    gap, near : float and bool arrays, of one entry less
        Distance in 1/nm from each state to the next after that, inf between wells; whether it is
        too small to solve for them one by one.
    restless, lost : bool arrays
        Whether polishing does not bring a state to rest; whether, solved for together with its
        neighbours, it was found outside its cell.
    """

    def __init__(self, search: Search, cells: Cells, k: np.ndarray):
        self.search, self.sector, self.cells = search, search.sector, cells
        self.rule = search.rule.take(cells.well)
        found, self.u, self.velocity, self.overlap = polished(self.sector, self.rule, k)
        self.k = cells.inside(found, k)
        self.moved = np.abs(self.k - k)
        self.restless, self.lost = np.zeros((2, k.size), dtype=bool)
        self.gap = np.where(cells.well[1:] == cells.well[:-1], np.diff(self.k), np.inf)
        self.near = self.gap < NEAR * self.k[1:]

    def settle(self) -> None:
        """Polish once more what may gain by it, until it rests, `AGAIN` times at most.

        A null vector is as good as the k it was taken at, and that of one of a close pair needs k
        to more digits.
        """
        again = (self.moved > POLISHED * self.k) | neighbours(self.gap < 1e-3 * self.k[1:])
        again = np.nonzero(again)[0]
        for _ in range(AGAIN):
            if not again.size:
                break
            once, self.u[..., again], self.velocity[again], self.overlap[again] = polished(
                self.sector, self.rule.take(again), self.k[again]
            )
            self.restless[again] = np.abs(once - self.k[again]) > RESTS * self.k[again]
            self.k[again] = self.cells.take(again).inside(once, self.k[again])
            again = again[self.restless[again]]

    def part(self) -> None:
        """Solve together for states that are too close to be told apart one by one."""
        for start in np.nonzero(self.near & ~np.concatenate([[False], self.near])[:-1])[0]:
            stop = start + 1
            while stop < self.k.size and self.near[stop - 1]:
                stop += 1
            if stop - start > 4:  # as many as there can be
                self.search.why(self.cells.well[start : start + 1], TANGENCY)
                continue
            group = slice(int(start), int(stop))
            try:
                found, self.u[..., group], self.velocity[group], self.overlap[group] = cluster(
                    self.rule.take(np.array([start])), self.k[group].mean(), int(stop - start)
                )
            except np.linalg.LinAlgError:  # numbers that overflow
                found = np.full(group.stop - group.start, np.nan)
            self.k[group] = self.cells.take(group).inside(found, self.k[group])
            self.lost[group] |= self.k[group] != found

    def sharpen(self, digits: bool) -> None:
        """Find again what rounding has blurred: far out by `far`, elsewhere with more digits."""
        cells, well, change = self.cells, self.cells.well, self.cells.change
        blur = expected_error(self.sector, self.rule, cells, self.k, self.velocity)
        wrong = np.sign(self.velocity) != np.sign(change)
        blurred = digits & (~(blur <= BLUR) | self.restless | wrong) | self.lost
        out = np.nonzero((blurred | wrong) & (cells.k1 >= 2 * self.rule.q_size))[0]
        if out.size:
            second = np.concatenate([[False], (self.gap < np.inf) & (np.diff(cells.k1) == 0)])
            columns = far_roots(self.sector, self.rule.take(out), cells.take(out), second[out])
            i = out[columns[0]]
            self.k[i], self.u[..., i], self.velocity[i], self.overlap[i] = (
                v[..., columns[0]] for v in columns[1:]
            )
            blurred[i] = self.lost[i] = False
        single = np.abs(change) == 1
        alone = single & ~neighbours(self.near)
        for i in np.nonzero(blurred & single & ~self.lost)[0].tolist():
            if self.search.spend(well[i], 6):
                ends, k = (float(cells.k1[i]), float(cells.k2[i])), float(self.k[i])
                exact = precise.sharpened(self.sector, self.rule, i, k, float(blur[i]), ends)
                blurred[i] = exact is None
                self.k[i] = k if exact is None else exact
                if alone[i]:
                    one = np.array([i])
                    _, self.u[..., one], self.velocity[one], self.overlap[one] = polished(
                        self.sector, self.rule.take(one), self.k[one], step=False
                    )
        self.search.why(well[blurred | (np.sign(self.velocity) != np.sign(change))], BLURRED)


@np.errstate(all="ignore")
def far_roots(sector: Sector, rule: Rule, cells: Cells, second: np.ndarray) -> tuple:
    """Return where there is one, and k, amplitude, velocity and overlap, of states far out.

    Of those in cells of which `far.way` speaks, where the interfaces are apart: each state is at
    one.  Of two states in a cell the `second` is at the right interface.
    """
    ends = [far.signs(rule, k, k) for k in (cells.k1, cells.k2)]
    crossed = ends[0] * ends[1] < 0
    if sector.sign:
        crossed &= np.sign(rule.a) == -sector.sign
    side, each = np.where(second | ~crossed[0], 1, 0), np.arange(second.size)
    sure = crossed.sum(axis=0) == np.abs(cells.change) * (2 if sector.half else 1)
    sure &= far.way(rule, cells.k1, cells.k2) * cells.change < 0
    sure &= far.apart(rule, cells.k1, cells.k2) & crossed[side, each]

    def determinant(k, i):
        return far.one_determinant(rule.take(i), k, side[i])

    k = refine(
        determinant, cells.k1, cells.k2, *(determinant(k, each) for k in (cells.k1, cells.k2))
    )
    width = precise.CLOSE / 2 * k
    near = [far.signs(rule, x, x)[side, each] for x in (k - width, k + width)]
    sure &= (near[0] * near[1] < 0) & (k >= cells.k1) & (k <= cells.k2)
    return sure, k, *far.one_interface(sector, rule, k, side)


def pole_free(rule: Rule, k: np.ndarray, point: Point) -> tuple[np.ndarray, np.ndarray]:
    """Return TᵀMT and T, (n, 4, 4): M for even and odd parts, each scaled down near its pole."""
    T = np.zeros((k.size, 4, 4))
    form = np.zeros((k.size, 4, 4))
    for s in (0, 1):
        qL, qR = point.q[:, s]
        even2, odd2, of_even, of_odd = point.parities(s, rule.d)
        even, odd = np.sqrt(even2), np.sqrt(odd2)
        T[:, s, s], T[:, 2 + s, s] = even, even
        T[:, s, 2 + s], T[:, 2 + s, 2 + s] = -odd, odd
        form[:, s, s] = (qL + qR) * even2 + of_even
        form[:, 2 + s, 2 + s] = (qL + qR) * odd2 + of_odd
        form[:, s, 2 + s] = form[:, 2 + s, s] = (qR - qL) * even * odd
    rashba = np.zeros_like(form)
    for i, side in ((0, 0), (2, 1)):
        rashba[:, i, i + 1] = rashba[:, i + 1, i] = k * rule.flip[side]
        if rule.field is not None:
            rashba[:, i, i] = k * rule.field[side]
            rashba[:, i + 1, i + 1] = -rashba[:, i, i]
    return form + np.swapaxes(T, 1, 2) @ rashba @ T, T


def least_space(form: np.ndarray, T: np.ndarray, size: int) -> np.ndarray:
    """Return amplitudes that span the `size` smallest eigenvalues of M, as `pole_free` has it."""
    values, vectors = np.linalg.eigh(form)
    return T @ vectors[:, np.argsort(np.abs(values))[:size]]


def cluster(rule: Rule, k: float, size: int) -> tuple[np.ndarray, ...]:
    """Return k, amplitude, velocity and overlap of `size` states close to one k of one well.

    In the space of the smallest eigenvalues of M at that k, the residual and its slope along the
    parabola are small matrices: degenerate perturbation theory, twice.
    """
    middle = np.array([k])
    point = rule.at(middle * middle)
    form, T = pole_free(rule, middle, point)
    u = least_space(form[0], T[0], size).reshape(2, 2, size)
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
    try:
        # All velocities of one sign: the states are orthogonal, and stay so where they are as good
        # as degenerate.
        sign = np.sign(slope[0, 0])
        half = np.linalg.inv(np.linalg.cholesky(sign * slope))
        shift, mix = np.linalg.eigh(-sign * half @ residual @ half.T)
        mix = half.T @ mix
    except np.linalg.LinAlgError:
        shift, mix = np.linalg.eig(np.linalg.solve(slope, -residual))
    order = np.argsort(shift.real)
    ks = k + shift.real[order]
    mixed = boundary_values(pair) @ mix.real[:, order]
    # They are shapes at the mean k: of each the part in the same space at its own k.
    there = many.at(ks * ks)
    for i, one in enumerate(zip(*pole_free(many, ks, there), strict=True)):
        space = least_space(*one, size)
        amplitude = mixed[..., i].reshape(4)
        mixed[..., i] = (space @ np.linalg.lstsq(space, amplitude)[0]).reshape(2, 2)
    pair, u, residual, velocity = along_parabola(many, ks, mixed, there)
    step = residual / velocity
    ks = np.where(np.abs(step) < 1e-6 * k, ks - step, ks)
    return ks, u, velocity, overlap_of_spins(pair, many.d)


@np.errstate(all="ignore")  # what is not a number, or too large, proves nothing
def solve(
    rule: Rule, budget: np.ndarray | None = None, digits: bool = True
) -> tuple[Roots, np.ndarray]:
    """Return every Fermi state of many wells, and for each well whether none can be missing.

    Parameters
    ----------
    rule : Rule
        The wells, at ε = ε_F.
    budget : int array, one entry a well, optional
        How many points of each may be decided with more digits, to begin with, and when it is done
        how many are left; `PRECISE` by default.
    digits : bool, optional
        Whether each k is wanted to twelve digits, if need be with more digits than doubles have.

    Returns
    -------
    roots : Roots
        Sorted by well, within a well by descending k, so by ascending E.
    doubt : int array, one entry a well
        Index into `DOUBTS`: why it is not certified, 0 where it is.

    Raises
    ------
    ValueError
        If a well may have more than `LIMIT` states.
    """
    number = check_number(rule, 0.0, "E_F")
    doubt = np.zeros(rule.d.size, dtype=np.intp)
    budget = np.full(rule.d.size, PRECISE) if budget is None else budget
    kinds = symmetry(rule)
    parts = []
    for members in batches(kinds, number):
        some = rule.take(members)
        left, work = budget[members], np.full(members.size, WORK)
        for sector in SECTORS[kinds[members[0]]]:
            search = Search(sector, some, left, work)
            roots = roots_of(search, digits)
            parts.append(roots._replace(well=members[roots.well]))
            doubt[members] = np.maximum(doubt[members], search.doubt)
        budget[members] = left
    if not parts:
        return Roots(*(np.empty((0, 4) if f == "amplitude" else 0) for f in Roots._fields)), doubt
    together = Roots(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    order = np.lexsort((-together.k, together.well))
    return Roots(*(column[order] for column in together)), doubt


def batches(kinds: np.ndarray, number: np.ndarray) -> list[np.ndarray]:
    """Return which wells are solved together: of one kind each, and with about `BATCH` states."""
    found = []
    for kind in np.unique(kinds):
        members = np.nonzero(kinds == kind)[0]
        batch = np.cumsum(number[members]) // BATCH
        found += np.split(members, np.flatnonzero(np.diff(batch)) + 1)
    return found


def check_number(rule: Rule, kin: float, energy: str) -> np.ndarray:
    """Return about how many states wells have at (ε − E)/c = `kin`, at most `LIMIT`.

    Raises
    ------
    ValueError
        If one may have more.
    """
    with np.errstate(over="ignore"):
        number = np.sqrt(np.maximum(rule.kappa2 - kin, 0.0)).sum(axis=0) * rule.d / np.pi
    if (number > LIMIT).any():
        i = int(np.argmax(number))
        given, _ = Given.of(rule.exact[rule.origin[i]])
        raise ValueError(
            f"d = {given.d:g} nm, mass = {HBAR2_OVER_2ME / given.c:g} m_e, "
            f"Delta = {given.Delta:g} eV and this "
            f"{energy} make about {number[i]:.3g} states, and at most {LIMIT} can be found: "
            f"take a smaller d, mass, |Delta| or {energy}"
        )
    return number


def count_states(well: Well, E: np.ndarray | float, k: np.ndarray | float) -> np.ndarray:
    """Return how many bound states lie below an energy, without finding any of them.

    Parameters
    ----------
    well : Well
    E : array_like
        Energy in eV, the in-plane kinetic energy c k² excluded; at most `Well.continuum_edge`.
    k : array_like
        In-plane wave number in 1/nm, broadcast against `E`.

    Returns
    -------
    int array
        The number of eigenvalues of h(k) below `E`, of the shape of `E` and `k` broadcast: proven,
        rounding included, unless `E` agrees with an eigenvalue to 250 digits.

    Raises
    ------
    ValueError
        If `E` or `k` is not finite, if `E` lies above the continuum edge, or if there may be more
        than `LIMIT` states.

    References
    ----------
    Wittrick, W. H. and Williams, F. W., Q. J. Mech. Appl. Math. 24, 263 (1971).
    """
    E, k = checked_plane(well, E, k)
    rule = Rule.of_wells([well], E.ravel())
    check_number(rule, 0.0, "E")
    zero = np.zeros(E.size)
    found = FULL.sturm(rule, zero, k.ravel())
    precise.decide(FULL, rule, found, np.nonzero(~found.sure)[0], k.ravel(), zero)
    return found.N.reshape(E.shape)


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
        If `k` is not a finite real number or above `LARGEST`, or if there may be more than `LIMIT`
        states.

    Notes
    -----
    Intervals of E are split by the count of `matching` until each holds one energy, so that none
    is lost: N rises with E, and no proof is needed beyond it.  At an E that agrees with a level to
    250 digits, or after `PRECISE` points that doubles do not decide, the count is that of doubles.
    """
    k = checked_number("k", k, "1/nm")
    if abs(k) > LARGEST:
        raise ValueError(f"k must be at most {LARGEST:g} 1/nm, got {written(k)}")
    return levels(well, np.array([k]))[0]


@np.errstate(all="ignore")
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
    check_number(rule, -well.continuum_edge / well.c, "V")
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
    budget = PRECISE * k.size

    def sturm(e: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        nonlocal budget
        found = sector.sturm(rule, -e, k[place])
        unsure = np.nonzero(~found.sure)[0][: max(budget, 0)]
        budget -= unsure.size
        precise.decide(sector, rule, found, unsure, k[place], -e)
        return found.N, found.F

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
    energies[one] = refine(
        lambda e, i: sector.determinant(rule, -e, k[at[i]]),
        a,
        b,
        sturm(a, at)[1],
        sturm(b, at)[1],
    )
    return np.repeat(where, number), np.repeat(energies, number)
