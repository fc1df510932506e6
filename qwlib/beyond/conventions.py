"""Which convention did the paper use?  Candidates, and what each makes of the paper's numbers.

A convention says which equation is solved, for which well, and which of its states are counted.
`conventions` lists them; `numbers_by` asks each the same questions, those of `ASKED`: numbers that
the paper's text names.  Energies are in eV, lengths in nm, couplings in eV·nm²; spin densities are
per τeE/ħ, in nm⁻³ at a point and in nm⁻² over the well.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from ..kubo import SILENT, contribution, tail_spin
from ..matching import Conserved, Rule
from ..search import Roots, Search, count_states, roots_of, solve
from ..waves import barrier
from ..well import HBAR2_OVER_2ME, UnboundedSpectrumWarning, Well
from .places import bend, peaks, steps, zeros
from .scan import poles
from .spread import LayeredWell
from .thresholds import entry_width

E_F, DELTA, V = 3.0, 0.25, 5.0
"""The paper's Fermi energy, exchange and barriers, eV."""
FIRST, SECOND, JUMP = 0.046, 0.05, 0.049
"""α_L of Fig. 2(a) and (b), and of the jump."""
FIT = 0.0494
"""Where a fit puts the jump for α_R = 0, which is the largest of the three: it is still printed as
0.049, and leaves the other two as much room as there is."""
PEAK = 0.062
"""α_L at which the spin density at the left interface is largest."""
RIGHT = (0.0, -0.025, 0.025)
"""α_R of the curves of Fig. 3(a); the text names two, the third is the mirror of the second."""
ALPHA_5, THICK = 0.01, 3.0
"""|α| of Fig. 5, and the width of its lowest panels."""
TYPICAL = 0.3
"""a₀ in nm, over which the interfacial potential drops: α is α̃ a₀."""
ALONG_ALPHA = np.linspace(0.0025, 0.15, 60)
"""The abscissa of Fig. 3."""
ALONG_D = np.linspace(0.3, 0.9, 25)
THINNEST_NAMED = 0.2
"""The thinnest width that the text names, nm."""
THIN = np.geomspace(0.03, 1.0, 12)
"""Widths among which the maximum of Fig. 5(c) and its end are looked for."""


class Asked(NamedTuple):
    """A number of the paper's text: what it is, its value, and how close is close."""

    key: str
    label: str
    paper: float
    tolerance: float
    digits: int = 0

    def met(self, value: float) -> bool:
        """Return whether a value is the paper's within the tolerance, rounding apart."""
        return bool(abs(value - self.paper) <= self.tolerance + 1e-9)


ASKED = (
    Asked("plus", "+ states at 0.046", 6, 0),
    Asked("minus", "− states at 0.046", 5, 0),
    Asked("plus later", "+ states at 0.05", 5, 0),
    Asked("minus later", "− states at 0.05", 5, 0),
    Asked("jump", "jump, α_R = 0", JUMP, 0.0005, 4),
    Asked("jump −", "jump, α_R = −0.025", JUMP, 0.0005, 4),
    Asked("jump +", "jump, α_R = 0.025", JUMP, 0.0005, 4),
    Asked("maximum", "maximum of S_y(0)", PEAK, 0.0005, 4),
    Asked("fall ends", "end of the decrease", 0.1, 0.05, 3),
    Asked("a", "states in case (a)", 27, 0),
    Asked("c", "states in case (c)", 14, 0),
    Asked("cusp", "maximum along d", 0.52, 0.005, 3),
    Asked("last", "last state leaves", 0.2, 0.05, 3),
)
"""Tolerances are those of the verdicts: half a unit of the last digit, and none for a count."""


# --- what is solved -------------------------------------------------------------------------------


class Counted(NamedTuple):
    """States of many wells at ε_F: arrays with one entry each."""

    well: np.ndarray  # which of the wells
    k: np.ndarray  # 1/nm
    E: np.ndarray  # eV, ε_F − c k²
    exchange: np.ndarray  # |Δ| of its well, eV
    floor: np.ndarray  # above it all its κ are real, eV
    spin: np.ndarray  # contribution to ∫S_y dz over the well, or over all z, nm⁻²
    left: np.ndarray  # contribution to S_y(0), nm⁻³

    def take(self, index: np.ndarray) -> Counted:
        """Return some of them, by a mask or by numbers."""
        return Counted(*(column[index] for column in self))


Solver = Callable[[Sequence[Well], float], Counted]


def solved_together(*parts: Counted) -> Counted:
    """Return the states of several lists, sorted by well."""
    joined = Counted(*map(np.concatenate, zip(*parts, strict=True)))
    return joined.take(np.argsort(joined.well, kind="stable"))


def counted(wells: Sequence[Well], E_F: float, roots: Roots, spin: int = 0) -> Counted:
    """Return roots of the quantization rule; `spin` is ±1 if they have one exchange only."""
    Delta, c = np.array([[well.Delta, well.c] for well in wells]).T[:, roots.well]
    at_left = 2 * roots.amplitude[:, 0] * roots.amplitude[:, 1]
    return Counted(
        roots.well,
        roots.k,
        E_F - c * roots.k**2,
        np.abs(Delta),
        spin * Delta if spin else np.abs(Delta),
        contribution(roots.k, roots.velocity_over_c, 2 * roots.overlap),
        contribution(roots.k, roots.velocity_over_c, at_left),
    )


def roots_in_doubles(rule: Rule) -> Roots:
    """Return every state of a rule, with the digits that doubles leave: no question needs more."""
    return solve(rule, digits=False)[0]


def spinors(wells: Sequence[Well], E_F: float) -> Counted:
    """Return the Fermi states of Eqs. (1)-(5)."""
    return counted(wells, E_F, roots_in_doubles(Rule.of_wells(wells, E_F)))


def with_tails(
    wells: Sequence[Well], E_F: float, rule_of: Callable[..., Rule] = Rule.of_wells
) -> Counted:
    """Return them with what each contributes to ∫S_y dz over all z, the insulators included."""
    rule = rule_of(wells, E_F)
    roots = roots_in_doubles(rule)
    decay = np.moveaxis(barrier(rule.q2[..., roots.well], roots.k**2), -1, 0)
    spin = 2 * roots.overlap + tail_spin(roots.amplitude, decay).sum(axis=1)
    states = counted(wells, E_F, roots)
    return states._replace(spin=contribution(roots.k, roots.velocity_over_c, spin))


def opposite(wells: Sequence[Well], E_F: float) -> Rule:
    """Return the quantization rule with −Δ in the insulators: q of ↑ and of ↓ change places."""
    given, _ = Rule.of_wells(wells, E_F).given
    return Rule.of_given(given._replace(Delta_barrier=-given.Delta_barrier))


def opposite_barriers(wells: Sequence[Well], E_F: float) -> Counted:
    """Return the states of that rule."""
    return counted(wells, E_F, roots_in_doubles(opposite(wells, E_F)))


def opposite_with_tails(wells: Sequence[Well], E_F: float) -> Counted:
    """Return them with what each contributes to ∫S_y dz over all z."""
    return with_tails(wells, E_F, opposite)


def diagonal(wells: Sequence[Well], E_F: float, sign: int = 1) -> Counted:
    """Return states |n, s⟩ with one index s for exchange and spin-orbit coupling.

    Spin s sees −c d²/dz² + V + sΔ ± s k [α_L δ(z) − α_R δ(z−d)], with `sign` for ±: a scalar well,
    and ⟨σ_y⟩ = ±s.  No spinor has both exchange and coupling: Eqs. (2) and (3) do not commute.
    """
    parts = []
    for s in (1, -1):
        # Without exchange, at an ε that is lower by sΔ, and barriers that are so where it acts.
        given, _ = Rule.of_wells(wells, E_F).given
        lower, higher = s * given.Delta, s * (given.Delta_barrier - given.Delta)
        rule = Rule.of_given(
            given._replace(
                energy=given.energy - lower,
                V_L=given.V_L + higher,
                V_R=given.V_R + higher,
                Delta=0.0,
                Delta_barrier=0.0,
            )
        )
        roots = roots_of(Search(Conserved(sign * s), rule), digits=False)
        parts.append(counted(wells, E_F, roots, spin=s))
    return solved_together(*parts)


def with_poles(wells: Sequence[Well], E_F: float) -> Counted:
    """Return the spinors, and each pole of det M as a state without spin.

    A search for changes of sign of det M takes them for states: κ_s d = mπ.
    """
    found = []
    for i, well in enumerate(wells):
        k = poles(well, E_F)
        none, floors = np.zeros_like(k), np.full_like(k, abs(well.Delta))
        E = E_F - well.c * k**2
        found.append(Counted(np.full(k.size, i), k, E, floors, floors, none, none))
    return solved_together(spinors(wells, E_F), *found)


def both_ways(wells: Sequence[Well], E_F: float) -> Counted:
    """Return the spinors at k and at −k, but that of the smallest k once."""
    states = spinors(wells, E_F)  # within a well by descending k
    more = np.append(np.diff(states.well) == 0, False)
    return solved_together(states, states.take(more[: states.k.size]))


def spread_spinors(
    wells: Sequence[Well], E_F: float, width: float = 0.03, cells: int = 60
) -> Counted:
    """Return the propagating spinors of a coupling spread over `width` in place of the δ's.

    Wells with the same layers are solved together: k is bisected until the count of states of
    `LayeredWell` has told each from its neighbours; then Newton's method has them.
    """
    layers = [LayeredWell.from_well(well, width) for well in wells]
    kinds = [(tuple(one.V), tuple(one.inside)) for one in layers]
    parts = []
    for kind in dict.fromkeys(kinds):
        some = np.array([i for i, other in enumerate(kinds) if other == kind])
        first, c, Delta = layers[some[0]], wells[some[0]].c, wells[some[0]].Delta
        edges = np.stack([layers[i].edges for i in some], axis=1)
        W = np.stack([layers[i].W for i in some], axis=1)

        def of(place, first=first, edges=edges, W=W):
            return replace(first, edges=edges[:, place], W=W[:, place])

        def count(k, place, of=of, c=c):
            return of(place).count_states(E_F - c * k * k, k)

        ends = np.linspace(1e-9, np.sqrt((E_F - abs(Delta)) / c), cells + 1)
        place = np.repeat(np.arange(some.size), cells)
        a, b = np.tile(ends[:-1], some.size), np.tile(ends[1:], some.size)
        N = count(np.tile(ends, some.size), np.repeat(np.arange(some.size), cells + 1))
        N = N.reshape(some.size, -1)
        above, below = N[:, :-1].ravel(), N[:, 1:].ravel()
        while a.size and (b - a).max() > 1e-5:
            split = above != below
            a, b, above, below, place = (x[split] for x in (a, b, above, below, place))
            middle = (a + b) / 2
            here = count(middle, place)
            a, b = np.append(a, middle), np.append(middle, b)
            above, below = np.append(above, here), np.append(here, below)
            place = np.append(place, place)
        found = above != below
        k, place = ((a + b) / 2)[found], place[found]
        parts.append(_of_layers(of(place), E_F, k, some[place], abs(Delta)))
    return solved_together(*parts)


def _of_layers(
    layers: LayeredWell, E_F: float, k: np.ndarray, well: np.ndarray, floor: float
) -> Counted:
    """Return states of layers near k, by Newton's method, and their spin.

    Everything is a derivative of the matrix between its null vectors: Hellmann-Feynman.
    """
    h, c = 1e-6, layers.well.c
    for _ in range(2):  # from 1e-5 to 1e-10/nm; the step after is not taken
        E = E_F - c * k * k
        values, vectors = np.linalg.eigh(layers.matrix(E, k)[0])
        nearest = np.abs(values).argmin(-1)[:, None]
        u = np.take_along_axis(vectors, nearest[..., None], axis=-1)[..., 0]

        def slope(E_step, k_step, field_step, E=E, k=k, u=u):
            sides = (
                layers.matrix(E + x * E_step, k + x * k_step, x * field_step)[0] for x in (h, -h)
            )
            return np.einsum("ni,nij,nj->n", u, np.subtract(*sides), u) / (2 * h)

        norm = -slope(1, 0, 0)
        velocity = 2 * c * k + slope(0, 1, 0) / norm
        found, k = k, k - np.take_along_axis(values, nearest, axis=-1)[:, 0] / (norm * velocity)
    edge = 2 * int(np.flatnonzero((layers.edges == 0).all(axis=1))[0])
    at_left = 2 * u[:, edge] * u[:, edge + 1] / (c * norm)
    floors = np.full(k.size, floor)
    spin = contribution(found, velocity, slope(0, 0, 1) / norm)
    left = contribution(found, velocity, at_left)
    return Counted(well, found, E, floors, floors, spin, left)


# --- what is counted, and for which well ----------------------------------------------------------


def waves(states: Counted) -> np.ndarray:
    """Keep the propagating states: all their κ are real."""
    return states.E > states.floor


def above(fraction: float) -> Callable[[Counted], np.ndarray]:
    """Keep states with E above a fraction of |Δ|."""
    return lambda states: states.E > fraction * states.exchange


@dataclass(frozen=True, eq=False)
class Convention:
    """A way to get the paper's numbers."""

    name: str
    assumes: str  # in one sentence
    solve: Solver = spinors  # returns the states at ε_F of many wells
    keep: Callable[[Counted], np.ndarray] = waves  # says which of them are counted
    # Fields of `Well` other than the paper's; a width that it asks for, as in Sec. III.B, stays.
    changes: dict = field(default_factory=dict)
    factors: tuple[float, float] = (1.0, 1.0)  # by which α_L and α_R of the text are multiplied
    E_F: float = E_F  # eV
    step: float = 0.0  # of the α_L at which a figure has its points; 0 is a continuous curve
    end: float = ALONG_ALPHA[-1]  # where its curves along α_L end
    # Of its widths from the thinnest of the text on, in nm; without one they are looked at closely.
    width_step: float = 0.0
    # Of the α_L, in eV·nm², of its profiles, among which S_y(0) is largest; without one, of all.
    profile_step: float = 0.0
    # How many values it uses that neither the text nor a slip in reading it gives: fitted ones, or
    # such as a width for what has none.
    chosen: int = 0

    @property
    def alphas(self) -> np.ndarray:
        """The α_L of its curves in the paper's Fig. 3, eV·nm²."""
        if self.step:
            return self.step * np.arange(1, round(self.end / self.step) + 1)
        return ALONG_ALPHA[ALONG_ALPHA <= self.end]

    @property
    def widths(self) -> np.ndarray:
        """The widths among which its maximum along d is looked for, nm."""
        if self.width_step:
            return np.arange(THINNEST_NAMED, ALONG_D[-1], self.width_step)
        return ALONG_D

    @property
    def profiles(self) -> np.ndarray:
        """The α_L of its profiles in the paper's Fig. 4, eV·nm², if it has only some."""
        return np.arange(1, ALONG_ALPHA[-1] / (self.profile_step or np.inf)) * self.profile_step

    def well(self, alpha_L: float = FIRST, alpha_R: float = 0.0, **others: float) -> Well:
        """Return the well that it solves where the paper asks for one."""
        left, right = self.factors
        couplings = {"alpha_L": left * alpha_L, "alpha_R": right * alpha_R}
        with warnings.catch_warnings():
            # The paper's figures go past the end of the model.
            warnings.simplefilter("ignore", UnboundedSpectrumWarning)
            return Well(**(self.changes | others | couplings))

    def states(self, wells: Sequence[Well]) -> Counted:
        """Return the states of each well that it counts."""
        states = self.solve(wells, self.E_F)
        return states.take(self.keep(states))

    def along(self, alpha_R: float, alpha_L: Sequence[float] | np.ndarray) -> dict[str, np.ndarray]:
        """Return number, + and − states, total and S_y(0) at many α_L, each a 1D array."""
        return self.sums([self.well(a, alpha_R) for a in alpha_L])

    def sums(self, wells: Sequence[Well]) -> dict[str, np.ndarray]:
        """Return the same of many wells."""
        return self.summed(self.states(wells), len(wells))

    @staticmethod
    def summed(states: Counted, size: int) -> dict[str, np.ndarray]:
        """Return the same of the states of `size` wells."""

        def of_wells(weights=None):
            return np.bincount(states.well, weights, minlength=size)

        return {
            "number": of_wells(),
            "plus": of_wells(states.spin > SILENT).astype(int),
            "minus": of_wells(states.spin < -SILENT).astype(int),
            "total": of_wells(states.spin),
            "left": of_wells(states.left),
        }


def sums_of(asked: Sequence[tuple[Convention, Sequence[Well]]]) -> list[dict[str, np.ndarray]]:
    """Return `Convention.sums` for several conventions, each with wells of its own.

    What the same equations say is solved together: a call costs as much as many wells.
    """
    alike: dict[tuple, list[int]] = {}
    for i, (one, _) in enumerate(asked):
        alike.setdefault((one.solve, one.E_F), []).append(i)
    found: dict[int, dict[str, np.ndarray]] = {}
    for (solver, energy), places in alike.items():
        states = solver([well for i in places for well in asked[i][1]], energy)
        start = 0
        for i in places:
            one, wells = asked[i]
            some = states.take(slice(*np.searchsorted(states.well, (start, start + len(wells)))))
            some = some._replace(well=some.well - start)
            found[i] = one.summed(some.take(one.keep(some)), len(wells))
            start += len(wells)
    return [found[i] for i in range(len(asked))]


# --- the same questions to all --------------------------------------------------------------------

NUMBER, TOTAL, LEFT = map(itemgetter, ("number", "total", "left"))
"""What a search may be after, from `Convention.sums`."""


Closing = Generator[np.ndarray, np.ndarray, float]
"""A search along x: it yields points, is sent y at these, and returns the place it has found."""


def alone(search: Closing, value: Callable | None) -> float:
    """Return what a search finds of a function of x."""
    try:
        points = next(search)
        while value:
            points = search.send(value(points))
    except StopIteration as end:
        return end.value
    raise TypeError("a search that closes in on a place needs a function")


Asking = tuple[Convention, Closing, Callable, Callable]
"""Who is asked, a search, the well at an x, and y as a function of `Convention.sums`."""


def side_by_side(searches: dict[Any, Asking]) -> dict[Any, float]:
    """Return what searches find; what they ask for at the same time is solved together."""
    found: dict[Any, float] = {}
    asked: dict[Any, list[Well]] = {}

    def go_on(key: Any, y: np.ndarray | None = None) -> None:
        _, search, well, _ = searches[key]
        try:
            asked[key] = [well(x) for x in (next(search) if y is None else search.send(y))]
        except StopIteration as end:
            found[key] = end.value

    for key in searches:
        go_on(key)
    while asked:
        keys, several = list(asked), sums_of([(searches[key][0], asked[key]) for key in asked])
        asked.clear()
        for key, sums in zip(keys, several, strict=True):
            go_on(key, searches[key][3](sums))
    return found


def to_change(x: np.ndarray, y: np.ndarray, close: bool = True) -> Closing:
    """Search for where a whole number y first changes along x; NaN if it does not.

    To 1e-5, or the point of x at which the change is seen.
    """
    i = np.flatnonzero(np.diff(y))
    if not i.size:
        return np.nan
    first = i[0]
    before, low, high = y[first], x[first], x[first + 1]
    while close and high - low > 1e-5:
        x = np.linspace(low, high, 10)
        same = np.append((yield x[1:-1]) == before, False)
        first = int(np.argmin(same))
        low, high = x[first], x[first + 1]
    return float(high)


def to_extremum(x: np.ndarray, i: int, close: bool, sign: int = 1) -> Closing:
    """Search for the largest y, or least, about x[i], to 1e-5; if not `close` it is x[i]."""
    first, last = x[0], x[-1]
    while close and (step := x[1] - x[0]) > 1e-5:
        x = np.linspace(max(x[i] - step, first), min(x[i] + step, last), 11)
        i = int(np.argmax(sign * (yield x)))
    return float(x[i])


def to_maximum(x: np.ndarray, y: np.ndarray, near: float, close: bool = True) -> Closing:
    """Search for the local maximum nearest to `near`, ends of x apart; NaN if there is none."""
    inner = peaks(y)
    if not inner.size:
        return np.nan
    return (yield from to_extremum(x, inner[np.argmin(np.abs(x[inner] - near))], close))


def to_end_of_fall(x: np.ndarray, y: np.ndarray, close: bool = True) -> Closing:
    """Search for the end of the longest stretch of x on which y falls; NaN if it has none.

    A fall that goes on to the end of x has no end that could be told.
    """
    falls = np.concatenate([[False], np.diff(y) < 0, [False]])
    starts, ends = np.flatnonzero(np.diff(falls.astype(int))).reshape(-1, 2).T
    longest = np.argmax(x[ends] - x[starts]) if starts.size else 0
    if not starts.size or ends[longest] == x.size - 1:
        return np.nan
    return (yield from to_extremum(x, ends[longest], close, -1))


def first_change(x: np.ndarray, y: np.ndarray, number: Callable | None = None) -> float:
    """Return what `to_change` finds, to 1e-5 if `number` gives y along a finer x."""
    return alone(to_change(x, y, number is not None), number)


def maximum_near(x: np.ndarray, y: np.ndarray, near: float, value: Callable | None = None) -> float:
    """Return what `to_maximum` finds, to 1e-5 if `value` gives y along a finer x."""
    return alone(to_maximum(x, y, near, value is not None), value)


@functools.lru_cache(maxsize=64)
def curves_of(convention: Convention) -> dict[float, dict[str, np.ndarray]]:
    """Return the curves of the paper's Fig. 3 by a convention, as `along` does, for each α_R."""
    x = convention.alphas
    sums = convention.sums([convention.well(a, alpha_R) for alpha_R in RIGHT for a in x])
    return {
        alpha_R: {name: y[i * x.size : (i + 1) * x.size] for name, y in sums.items()}
        for i, alpha_R in enumerate(RIGHT)
    }


def numbers_by(convention: Convention) -> dict[str, float]:
    """Return what a convention gives for each of `ASKED`; NaN is a feature that it does not have.

    "Jump" is the first α_L at which the number of states that are counted changes; the maximum is
    looked for beyond it, and the decrease begins with it.
    All are looked for along the abscissa of the paper's Fig. 3.
    """
    return numbers_of([convention])[0]


def numbers_of(several: Sequence[Convention]) -> list[dict[str, float]]:
    """Return `numbers_by` of several conventions, asked at the same time."""
    fixed = sums_of([(one, fixed_wells(one)) for one in several])
    found, searches = zip(*map(questions, several, fixed), strict=True)
    asking = {(i, key): one for i, some in enumerate(searches) for key, one in some.items()}
    for (i, key), place in side_by_side(asking).items():
        found[i][key] = place
    return list(found)


def thin(convention: Convention, d: float) -> Well:
    """Return the well of case (c) at a width."""
    return convention.well(ALPHA_5, -ALPHA_5, d=d)


def fixed_wells(convention: Convention) -> list[Well]:
    """Return the wells that are asked for whatever is found: four, two grids along d, profiles."""
    well, widths = convention.well, [THICK, *convention.widths, *THIN]
    thick = well(ALPHA_5, ALPHA_5, d=THICK)
    profiles = (well(alpha_L, RIGHT[1]) for alpha_L in convention.profiles)
    return [well(FIRST), well(SECOND), thick, *(thin(convention, d) for d in widths), *profiles]


def questions(
    convention: Convention, sums: dict[str, np.ndarray]
) -> tuple[dict[str, float], dict[str, Asking]]:
    """Return the numbers that `sums`, of the fixed wells, have already, and searches for others."""
    alphas, close, three = convention.alphas, not convention.step, curves_of(convention)
    widths = convention.widths
    found: dict[str, float] = {}
    for key, second in (("plus", "plus later"), ("minus", "minus later")):
        found[key], found[second] = map(int, sums[key][:2])
    found["a"], found["c"] = map(int, sums["number"][2:4])
    ends = np.cumsum([4, widths.size, THIN.size])
    total, number = (sums[y][slice(*ends[i : i + 2])] for i, y in enumerate(("total", "number")))

    def along(search: Closing, alpha_R: float, y: Callable) -> Asking:
        return convention, search, lambda alpha_L: convention.well(alpha_L, alpha_R), y

    def along_d(search: Closing, y: Callable) -> Asking:
        return convention, search, functools.partial(thin, convention), y

    searches = {
        key: along(to_change(alphas, three[alpha_R]["number"], close), alpha_R, NUMBER)
        for key, alpha_R in zip(("jump", "jump −", "jump +"), RIGHT, strict=True)
    }
    searches["cusp"] = along_d(to_maximum(widths, total, 0.52, not convention.width_step), TOTAL)
    searches["last"] = along_d(to_change(THIN, number > 0), lambda sums: NUMBER(sums) > 0)
    y = three[RIGHT[1]]
    jump = first_change(alphas, y["number"])
    later = alphas >= jump
    if np.isnan(jump):
        found["fall ends"] = np.nan
        later[:] = True
    else:
        fall = to_end_of_fall(alphas[later], y["total"][later], close)
        searches["fall ends"] = along(fall, RIGHT[1], TOTAL)
    if convention.profile_step:
        peak = to_maximum(convention.profiles, sums["left"][ends[-1] :], PEAK, close=False)
    else:
        peak = to_maximum(alphas[later], y["left"][later], PEAK, close)
    searches["maximum"] = along(peak, RIGHT[1], LEFT)
    return found, searches


def curve_traits(convention: Convention, jumps: Sequence[float]) -> dict[str, float]:
    """Return what the paper says of its Figs. 3 and 4 without a number.

    The jumps are those of the curves for each of `RIGHT`, in eV·nm².
    """
    near, jump = 1e-4, jumps[0]
    below, common = (np.linspace(near, end - near, 25) for end in (jump, min(jumps)))
    curve = convention.along(0.0, below)["total"]
    totals = {right: convention.along(right, common)["total"] for right in RIGHT}
    states = convention.states([convention.well(jump - near), convention.well(jump + near)])
    before, after = (states.spin[states.well == i] for i in (0, 1))
    total, rise = before.sum(), np.ptp(totals[0.0])
    end = 2 * HBAR2_OVER_2ME * (1 - 1e-4)
    later = np.linspace(near, end, 153)
    return {
        # The total without coupling, over that at 0.046; the paper's curve begins at 0.
        "start": curve[0] / convention.along(0.0, [FIRST])["total"][0],
        # How far it is from a straight line up to its jump, over its rise; in the paper it is one.
        "bent": bend(below, curve),
        # By how much the sums over + and − states change at the jump; in the paper + drops.
        "plus": (after[after > 0].sum() - before[before > 0].sum()) / total,
        "minus": (after[after < 0].sum() - before[before < 0].sum()) / total,
        # How far the curves of the other α_R are from shifted ones, below the jumps of all three,
        # over the rise of this one; in the paper they are shifted.
        "shift": max(np.ptp(totals[right] - totals[0.0]) for right in RIGHT[1:]) / rise,
        # The change from the jump to ħ²/m, over the total before it; in the paper it falls.
        "after": (convention.along(0.0, [end])["total"][0] - after.sum()) / total,
        # Where S_y(0) is largest, α_R = −0.025; in the paper at 0.062.
        "largest": later[np.argmax(convention.along(RIGHT[1], later)["left"])],
    }


def score(convention: Convention, found: dict[str, float]) -> tuple[int, int, float]:
    """Return how convention and paper agree: numbers met, those less `chosen`, and the misses.

    A value that is free to be chosen can always buy one number, so it costs one.
    A miss is |ours/paper − 1|, at most 1; what a convention does not have counts as 1.
    """
    met = sum(one.met(found[one.key]) for one in ASKED)
    misses = np.abs([found[one.key] / one.paper - 1 for one in ASKED])
    total = float(np.where(np.isnan(misses), 1.0, np.minimum(misses, 1.0)).sum())
    return met, met - convention.chosen, total


def order(convention: Convention, found: dict[str, float]) -> tuple[int, int, float]:
    """Return what sorts conventions: by their score, then the values chosen, then the misses.

    A chosen value takes a miss away, so among equals the misses alone would favour who chose more.
    """
    _, net, misses = score(convention, found)
    return -net, convention.chosen, misses


# --- the conventions ------------------------------------------------------------------------------


def at_the_jump(convention: Convention) -> float:
    """Return E of the state nearest to its floor where a fit puts the jump: the one to lose."""
    states = convention.solve([convention.well(FIT)], convention.E_F)
    return float(states.E[np.abs(states.E - states.floor).argmin()])


def off_the_jump(convention: Convention) -> float:
    """Return how far from |Δ| that is, in eV: 0 where the fit is done."""
    return at_the_jump(convention) - abs(convention.well().Delta)


def off_the_peak(convention: Convention, h: float = 1e-4) -> float:
    """Return the slope of S_y(0) along α_L at the paper's maximum, in 1/(eV·nm⁵) per τeE/ħ."""
    below, above = convention.along(RIGHT[1], [PEAK - h, PEAK + h])["left"]
    return (above - below) / (2 * h)


def varied(base: Convention, values: dict[str, float]) -> Convention:
    """Return a convention with other values of fields of `Well`, of both barriers, V, or of ε_F."""
    changes = {name: float(value) for name, value in values.items()}
    E_F = changes.pop("E_F", base.E_F)
    if "V" in changes:
        changes["V_L"] = changes["V_R"] = changes.pop("V")
    return replace(base, changes=base.changes | changes, E_F=E_F)


def fitted(base: Convention, start: dict[str, float], assumes: str) -> Convention:
    """Return a convention with one or two parameters that put its jump on `FIT`.

    A second one puts the maximum of S_y(0) on 0.062.
    """
    from scipy.optimize import root

    def off(values) -> list[float]:
        one = varied(base, dict(zip(start, values, strict=True)))
        conditions = [off_the_jump(one), off_the_peak(one) / 10]
        return conditions[: len(start)]

    found = dict(zip(start, root(off, list(start.values()), tol=1e-9).x, strict=True))
    symbols = {"mass": "m", "Delta": "Δ"}
    values = ", ".join(f"{symbols.get(name, name)} = {v:.3g}" for name, v in found.items())
    return replace(
        varied(base, found),
        name=f"{base.name}, {values}",
        assumes=assumes,
        chosen=base.chosen + len(start),
    )


TEXT = {"mass": 1.0, "V": V, "Delta": DELTA, "E_F": E_F, "d": Well.d}
"""The paper's values, and the electron's mass, of what can be changed one at a time."""
DISTANCES = {
    "maximum": off_the_peak,
    "cusp": lambda one: entry_width(one.well(), one.E_F, 1, 1) - 0.52,
    "last": lambda one: min(entry_width(one.well(), one.E_F, s) for s in (1, -1)) - 0.2,
}
"""What vanishes where a position of `ASKED` is the paper's; those along d are entries of subbands:
of the second one of spin ↑, and of the first of all."""


def below_the_threshold(convention: Convention) -> int:
    """Return how many states are below |Δ| at the paper's jump, at the k where it happens there.

    A value of a parameter at which this number changes puts the jump of a state on 0.049.
    """
    well = convention.well(JUMP)
    k = np.sqrt((convention.E_F - abs(well.Delta)) / well.c)
    return int(count_states(well, abs(well.Delta), k))


def wanted(key: str, name: str) -> list[float]:
    """Return each value of a parameter, from 0.3 to 2 of the text's, that gives a position.

    The position is "jump" or one of `DISTANCES`, the parameter one of `TEXT`; the width moves
    nothing along d.
    """

    def changed(value: float) -> Convention:
        return varied(Convention("", ""), {name: value})

    values = TEXT[name] * np.linspace(0.3, 2.0, 69 if key == "jump" else 25)
    bound = [one.E_F < one.well().continuum_edge for one in map(changed, values)]
    values = values[bound]
    if key == "jump":
        return steps(lambda value: below_the_threshold(changed(value)), values)

    def off(value: float) -> float:
        return DISTANCES[key](changed(value))

    places = zeros(off, values, np.array([off(value) for value in values]))
    return [float(x) for x in places if abs(off(x)) < 1e-4]  # no jump of the slope


@functools.cache
def conventions() -> tuple[Convention, ...]:
    """Return the conventions on trial, the fitted ones last."""
    plot: dict[str, Any] = {"step": 0.15 / 49, "chosen": 1}
    longer: dict[str, Any] = {"step": 0.2 / 49, "end": 0.2, "chosen": 1}
    coarse = longer | {"profile_step": 0.031, "width_step": 0.16, "chosen": 3}
    printed = Convention(
        "as printed", "Eqs. (1)-(5) are solved and states with two real κ counted."
    )
    alone = Convention(
        "exchange in F alone",
        "The insulators are non-magnetic, as in the text and not as in Eq. (2).",
        changes={"exchange": "ferromagnet"},
    )
    tails = Convention(
        "over all z",
        "The total is ∫S_y dz over all z, the tails in the insulators included.",
        solve=with_tails,
    )
    reversed_sign = Convention(
        "barrier exchange opposite",
        "A slip in sign: the exchange of the insulators is −Δ.",
        solve=opposite_barriers,
    )
    one_index = Convention(
        "spin-diagonal",
        "The index s of |n, s⟩ is exchange and Rashba sign at once, each spin with its real κ.",
        solve=diagonal,
    )
    window = at_the_jump(printed)
    return (
        printed,
        alone,
        tails,
        Convention(
            "all states",
            "All Fermi states are counted, up to ħ²/m, where the model ends.",
            keep=above(-np.inf),
            end=2 * HBAR2_OVER_2ME,
        ),
        Convention("E > 0", "States above the mean floor are counted.", keep=above(0)),
        Convention("E > −Δ", "States with one real κ or two are counted.", keep=above(-1)),
        one_index,
        Convention(
            "spin-diagonal, reversed",
            "Spin-diagonal, with s for the exchange and −s for the Rashba sign.",
            solve=functools.partial(diagonal, sign=-1),
        ),
        Convention(
            "spin-diagonal, two real κ",
            "Spin-diagonal, but κ must be real for both spins at a state's energy.",
            solve=diagonal,
            keep=above(1),
        ),
        Convention(
            "no exchange, σ conserved",
            "Δ is dropped, so that s is the Rashba sign alone.",
            solve=diagonal,
            changes={"Delta": 0.0},
        ),
        Convention("Δ halved", "Δ is the splitting of the spins.", changes={"Delta": DELTA / 2}),
        Convention("Δ doubled", "Δ is half of what is meant.", changes={"Delta": 2 * DELTA}),
        Convention("ε_F from the lower floor", "The 3 eV are measured from −Δ.", E_F=E_F - DELTA),
        Convention("ε_F from the upper floor", "The 3 eV are measured from +Δ.", E_F=E_F + DELTA),
        Convention(
            "V from ε_F",
            "The barriers are 5 eV above the Fermi energy.",
            changes={"V_L": V + E_F, "V_R": V + E_F},
        ),
        reversed_sign,
        replace(
            reversed_sign,
            name="barrier exchange opposite, over all z",
            assumes="The exchange of the insulators is −Δ, and the total is that over all z.",
            solve=opposite_with_tails,
        ),
        replace(
            alone,
            name="exchange in F alone, over all z",
            assumes="The insulators are non-magnetic, and the total is that over all z.",
            solve=with_tails,
        ),
        Convention(
            "window in k",
            "States up to a largest k are counted, which puts the jump at 0.049.",
            keep=lambda states: states.E > window,
            chosen=1,
        ),
        Convention(
            "points of a plot",
            "As printed, read off a curve of 50 points from 0 to 0.15.",
            **plot,
        ),
        Convention(
            "points of a plot to 0.2",
            "As printed, read off a curve of 50 points from 0 to 0.2.",
            **longer,
        ),
        replace(
            tails,
            name="over all z, points of a plot to 0.2",
            assumes="The total is that over all z, and the curve has 50 points from 0 to 0.2.",
            **longer,
        ),
        Convention(
            "α times a₀",
            "What the text gives as α is multiplied by a₀ once more.",
            factors=(TYPICAL,) * 2,
        ),
        Convention("α doubled", "A factor 2 in Eq. (5).", factors=(2.0, 2.0)),
        Convention("α halved", "A factor ½ in Eq. (5), or spin ħ/2.", factors=(0.5, 0.5)),
        Convention("α_R reversed", "The sign of α_R in Eq. (3) is +.", factors=(1.0, -1.0)),
        Convention(
            "coupling spread over 0.03 nm",
            "The coupling is a box a tenth of a₀ wide, not a δ-function.",
            solve=spread_spinors,
            chosen=1,
        ),
        Convention(
            "poles counted", "Poles of det M are taken for states, as in a scan.", solve=with_poles
        ),
        Convention(
            "k and −k",
            "States at k and at −k are counted, that of smallest k once.",
            solve=both_ways,
        ),
        Convention(
            "spin-diagonal, d = 2.0",
            "The spin-diagonal convention in a well of 2.0 nm, not 2.2 nm.",
            solve=diagonal,
            changes={"d": 2.0},
            chosen=1,
        ),
        replace(
            reversed_sign,
            name="barrier exchange opposite, points of a plot",
            assumes="The exchange of the insulators is −Δ, and the curve has 50 points to 0.15.",
            **plot,
        ),
        replace(
            reversed_sign,
            name="barrier exchange opposite, points of a plot to 0.2",
            assumes="The exchange of the insulators is −Δ, and the curve has 50 points to 0.2.",
            **longer,
        ),
        replace(
            reversed_sign,
            name="barrier exchange opposite, over all z, points of a plot to 0.2",
            assumes="Exchange −Δ in the insulators, a total over all z, and 50 points to 0.2.",
            solve=opposite_with_tails,
            **longer,
        ),
        replace(
            alone,
            name="exchange in F alone, over all z, points of a plot to 0.2",
            assumes="Non-magnetic insulators, a total over all z, and 50 points to 0.2.",
            solve=with_tails,
            **longer,
        ),
        Convention(
            "widths 0.16 apart",
            "The maximum along d is that of widths 0.16 nm apart, from 0.2 nm on.",
            width_step=0.16,
            chosen=1,
        ),
        Convention(
            "profiles 0.031 apart",
            "The maximum of S_y(0) is that of profiles 0.031 apart, from 0.031 on.",
            profile_step=0.031,
            chosen=1,
        ),
        replace(
            tails,
            name="over all z, points to 0.2, profiles and widths apart",
            assumes="As printed, a total over all z, and all three distances of points.",
            **coarse,
        ),
        replace(
            reversed_sign,
            name="barrier exchange opposite, over all z, points to 0.2, widths 0.16 apart",
            assumes="Exchange −Δ in the insulators, a total over all z, and two distances.",
            solve=opposite_with_tails,
            width_step=0.16,
            **longer | {"chosen": 2},
        ),
        replace(
            reversed_sign,
            name="barrier exchange opposite, over all z, points to 0.2, profiles and widths apart",
            assumes="Exchange −Δ in the insulators, a total over all z, and all three distances.",
            solve=opposite_with_tails,
            **coarse,
        ),
        replace(
            alone,
            name="exchange in F alone, over all z, points to 0.2, profiles and widths apart",
            assumes="Non-magnetic insulators, a total over all z, and all three distances.",
            solve=with_tails,
            **coarse,
        ),
        replace(
            alone,
            name="exchange in F alone, over all z, points to 0.2, widths 0.16 apart",
            assumes="The same, and a maximum along d of widths 0.16 nm apart, from 0.2 nm on.",
            solve=with_tails,
            width_step=0.16,
            **longer | {"chosen": 2},
        ),
        fitted(printed, {"V": 5.5}, "Barriers that put the jump at 0.049."),
        fitted(printed, {"Delta": 0.088}, "An exchange that puts the jump at 0.049."),
        fitted(printed, {"mass": 0.973}, "A mass that puts the jump at 0.049."),
        fitted(alone, {"V": 5.4}, "Non-magnetic insulators, and barriers for 0.049."),
        fitted(alone, {"Delta": 0.088}, "Non-magnetic insulators, and an exchange for 0.049."),
        fitted(reversed_sign, {"V": 5.4}, "Exchange −Δ in the insulators, barriers for 0.049."),
        fitted(
            reversed_sign, {"Delta": 0.088}, "Exchange −Δ in the insulators, and a Δ for 0.049."
        ),
        fitted(printed, {"mass": 1.1, "V": 7.5}, "Mass and barriers for 0.049 and for 0.062."),
        fitted(printed, {"d": 2.3, "V": 6.3}, "Width and barriers for 0.049 and for 0.062."),
        fitted(
            alone,
            {"mass": 1.1, "V": 7.5},
            "Non-magnetic insulators, mass and barriers for 0.049 and for 0.062.",
        ),
    )
