r"""Eq. (6) for any direction of the magnetisation: contours, spin, torque and current.

With m tilted the problem is no longer the same for all directions of k, but of k = |k| k̂ and m the
states know one number, the angle β between m and the Rashba field along n = z × k̂:

.. math:: h(k) = -c\,d^2/dz^2 + V(z) + \Delta\,\sigma_3
          + k\,[\alpha_L\delta(z) - \alpha_R\delta(z-d)]\,
          (\cos\beta\,\sigma_3 + \sin\beta\,\sigma_1)

with spin axes 3 along m and 1 along the part e₁ of n that is perpendicular to m: real again, solved
and counted as for m along z (`matching.Rule.turned`).
A state has the spin S₃ m + S₁ e₁ and the velocity ∂ε/∂k k̂ + (1/k) ∂ε/∂φ n, both by
Hellmann-Feynman, and what Eq. (6) leaves of the sum over states is, per τeE/ħ,

.. math:: \mathbf S = -\frac{1}{8\pi^3} \oint d\varphi \sum_n \frac{k_n}{|\partial\varepsilon/
          \partial k|}\, \hbar v_E\, (S_3 \mathbf m + S_1 \mathbf e_1) .

Let p be the direction of m in the plane, q = z × p, θ and φ the angles of m, and χ = φ − φ_k.
Then cos β = sin θ sin χ, and reflection at the plane of z and m, χ to π − χ, leaves five
numbers of each θ, whatever φ is: a field along p drives spin along q, one along q drives spin along
m and along ∂m/∂θ, and each drives a current along itself.
Spin densities are per τeE/ħ and currents per τe²E/ħ², as in `kubo`.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from ..matching import Rule, slopes
from ..search import DOUBTS, PRECISE, solve
from ..waves import TINY, UNIT_ROUNDOFF, overlap, shapes, values
from ..well import Well, checked_number, checked_numbers, checked_places, written
from . import interband, torque

PER_ANGLE = 1 / (8 * np.pi**3)
"""1/2π of Eq. (6) times 1/4π²; over the whole circle."""

POINTS = 16
"""One more than the points of the larger quadrature; the smaller has every second of them."""

PANELS = 4
"""Intervals of χ to begin with, of half a circle."""

TURN, AHEAD = 0.7, 4.0
"""Contours have not been followed from one angle to the next if the spin of one along m changes by
more, or if along their tangents two would meet within this many times the distance; within half of
it two of opposite velocities, whose root reaches that far from a place where they have ended."""

FLOOR = 1e-5
"""Errors are relative to the result, or to this share of the sum of all states' magnitudes: where
the states cancel to less, what is left is rounding."""

DRIVEN = tuple(map(list, ((0, 1), (1,), (2,), (3, 4), (4,), (5,), (6,), (7,))))
"""Which integrals are the spin or the torque that a field along q or p drives, or a current."""

ANGLES, SMOOTH, MOST_ANGLES = 5, 1e-2, 135
"""Directions of k in half a circle, of the interband part, to begin with; they are tripled until
that changes by less than this share, of which about the cube is left; and the most of them."""

RTOL, RTOL_LEAST = 1e-6, 1e-11
"""What errors are to be below if nothing is said, and the least that rounding allows to ask for."""

WORST = 0.1
"""Panels are halved whose error is above this share of the largest."""

SUMMED = 16 * UNIT_ROUNDOFF
"""What rounding leaves of each term of a sum over states; of a spin, relative to a whole one."""

MENDED = 10
"""Times its rounding that the error of a panel is to be above for more angles to mend it."""

ROUNDS, MOST, SECTIONS = 60, 300, 2
"""Rounds of refinement at most, the number of panels from which there is none, and rounds of
cutting into 16 an interval where a contour ends."""

POINTS_EACH, PURSE = 4, 1000
"""Points to decide with more digits: at each angle at first, and for each θ at the angles that are
not proven with that; where they do not suffice an angle is not proven."""

NEGLIGIBLE = 1e-13
"""An exchange that is smaller, relative to the barriers, is taken for none by the solver."""

LARGEST_ANGLE = 1e4
"""Of a larger angle in rad the last digits of a double leave less than twelve of a direction."""

CLOSER = 64
"""How much closer to the end of a contour the states lie from which it is found once more."""


def fejer(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places in (0, 1), and weights, of Fejér's second rule with `points` − 1 points."""
    angle = np.pi * np.arange(1, points) / points
    odd = 2 * np.arange(points // 2)[:, None] + 1
    weight = 2 * np.sin(angle) / points * (np.sin(odd * angle) / odd).sum(axis=0)
    return (1 - np.cos(angle)) / 2, weight


PLACES, WEIGHTS = fejer(POINTS)
COARSER = np.zeros(POINTS - 1)
COARSER[1::2] = fejer(POINTS // 2)[1]


def checked_angles(name: str, value: object) -> np.ndarray:
    """Return angles in radians as a float array, one at least.

    Raises
    ------
    ValueError
        If one is not a finite real number, or too large to be a direction.
    """
    angles = checked_numbers(name, value, "rad", ", one at least")
    if not angles.size:
        raise ValueError(f"{name} must be angles in rad, one at least, got {written(value)}")
    largest = angles.flat[np.argmax(np.abs(angles))]
    if abs(largest) > LARGEST_ANGLE:
        raise ValueError(f"{name} must be at most {LARGEST_ANGLE:g} rad in size, got {largest:g}")
    return angles


def without_rounding(well: Well) -> Well:
    """Return the well, or the one without exchange if its exchange is less than rounding.

    The response is continuous there: of two levels that hardly split both count.
    """
    small = abs(well.Delta) < NEGLIGIBLE * max(well.V_L, well.V_R)
    return well.replace(Delta=0.0) if small else well


class States(NamedTuple):
    """Fermi states at many angles, one array entry each, by ascending angle and descending k."""

    place: np.ndarray  # which of the angles
    k: np.ndarray  # 1/nm
    velocity: np.ndarray  # ∂ε/∂k, eV nm
    across: np.ndarray  # Σ α ⟨cos β σ₁ − sin β σ₃⟩ at the interfaces, eV nm
    inside: np.ndarray  # (2, n): S₃ and S₁ over the well
    outside: np.ndarray  # (2, n): and over the barriers
    amplitude: np.ndarray  # (2, 2, n), by interface and spin

    def take(self, index: np.ndarray | slice) -> States:
        """Return some of them."""
        return States(*(column[..., index] for column in self))

    def replaced(self, place: np.ndarray, other: States) -> States:
        """Return all, with those of `other`, whose places count along `place`, instead there."""
        kept = self.take(~np.isin(self.place, place))
        columns = zip(kept, other._replace(place=place[other.place]), strict=True)
        both = States(*(np.concatenate(pair, axis=-1) for pair in columns))
        return both.take(np.argsort(both.place, kind="stable"))


def angle_to_rashba(theta, chi) -> tuple[np.ndarray, np.ndarray]:
    """Return cos β and sin β, not smaller than rounding, for m at `theta` and k at φ − `chi`."""
    cos = np.sin(theta) * np.sin(chi)
    sin = np.hypot(np.cos(theta) * np.sin(chi), np.cos(chi))
    cos = np.where(np.abs(cos) < 4 * UNIT_ROUNDOFF, 0.0, cos)
    sin = np.where(sin < 4 * UNIT_ROUNDOFF, 0.0, sin)
    return np.where(sin == 0, np.sign(cos), cos), np.where(cos == 0, 1.0, sin)


def states_at(
    well: Well, E_F: float, cos, sin, budget: np.ndarray | None = None
) -> tuple[States, np.ndarray]:
    """Return every Fermi state at many angles β, and of each angle the index into `DOUBTS`.

    Parameters
    ----------
    well : Well
    E_F : float
        Fermi energy in eV.
    cos, sin : (n,) arrays
        cos β and sin β.
    budget : int array (n,), optional
        As `search.solve` takes it, for each angle.

    Notes
    -----
    Of one angle alone each k has twelve digits; of several it has those that doubles leave, and
    `evaluate` says what the others do to an integral.
    """
    # Both: next to β = 0 and π the cosine has lost what the sine says.
    _, first, inverse = np.unique(cos + 1j * sin, return_index=True, return_inverse=True)
    cos, sin = cos[first], sin[first]
    rule = Rule.of_well(well, E_F).take(np.zeros(cos.size, dtype=np.intp)).turned(cos, sin)
    left = np.full(cos.size, PRECISE) if budget is None else budget[first]
    roots, doubt = solve(rule, left, digits=cos.size == 1)
    if budget is not None:
        budget[:] = left[inverse]
    some, k, u = rule.take(roots.well), roots.k, roots.amplitude.T.reshape(2, 2, -1)
    point = some.at(k * k)
    pair = shapes(u, slopes(some, k, u, point.q), point)
    up, down = overlap(pair, pair, some.d)
    tails = u * u / (2 * point.q)
    flips = 2 * u[:, 0] * u[:, 1]
    along = u[:, 0] ** 2 - u[:, 1] ** 2
    # `flip` and `field` of a rule are a sin β and a cos β.
    across = (some.field * flips - some.flip * along).sum(axis=0)
    found = States(
        roots.well,
        k,
        well.c * roots.velocity_over_c,
        well.c * across,
        np.stack([up - down, 2 * roots.overlap]),
        np.stack(
            [(tails[:, 0] - tails[:, 1]).sum(axis=0), (flips / point.q.sum(axis=1)).sum(axis=0)]
        ),
        u,
    )
    # Each state of an angle once for every place that has it.
    ends = np.searchsorted(roots.well, np.arange(cos.size + 1))
    number = np.diff(ends)[inverse]
    place = np.repeat(np.arange(inverse.size), number)
    start = np.cumsum(number) - number
    index = ends[inverse][place] + np.arange(place.size) - start[place]
    return found.take(index)._replace(place=place), doubt[inverse]


class Moments(NamedTuple):
    """Of states at angles: the directions in the frame of m that their sums need, (n,) each."""

    v_p: np.ndarray  # velocity along p and q over |∂ε/∂k|, times k
    v_q: np.ndarray
    e_theta: np.ndarray  # e₁ along ∂m/∂θ and along q
    e_q: np.ndarray

    @classmethod
    def of(cls, theta, chi, states: States) -> Moments:
        """Return those of states at `chi` for m at `theta`, arrays like `States.k`."""
        cos, sin = np.cos(chi), np.sin(chi)
        across_m = np.maximum(angle_to_rashba(theta, chi)[1], UNIT_ROUNDOFF)
        turn = np.sin(theta) * cos / across_m * states.across
        weight = states.k / np.abs(states.velocity)
        return cls(
            weight * (states.velocity * cos + turn * sin),
            weight * (turn * cos - states.velocity * sin),
            sin * np.cos(theta) / across_m,
            cos / across_m,
        )

    def spin(self, along: np.ndarray, across: np.ndarray) -> np.ndarray:
        """Return −ħv S/|∂ε/∂k|·k from S₃ and S₁: along m and ∂m/∂θ for E along q, along q for p."""
        driven = self.v_q * along, self.v_q * self.e_theta * across, self.v_p * self.e_q * across
        return -np.stack(driven)


class QuadraturePanel(NamedTuple):
    """An interval of χ; a contour may end at either end, where 1/|∂ε/∂k| is without bound."""

    owner: int  # which θ
    a: float
    b: float
    ends_a: bool
    ends_b: bool

    def angles(self) -> tuple[np.ndarray, np.ndarray]:
        """Return χ and dχ/dt at the places t of the quadrature: t² is the distance from an end."""
        t, width = PLACES, self.b - self.a
        if self.ends_a:
            return self.a + width * t * t, 2 * width * t
        if self.ends_b:
            return self.b - width * (1 - t) ** 2, 2 * width * (1 - t)
        return self.a + width * t, np.full(t.size, width)

    def cut(self, *at: float, contour: bool = False) -> list[QuadraturePanel]:
        """Return its parts; contours end at the cuts or not, and at one end of a part at most.

        A part with two such ends is halved.
        """
        edges, flags = [self.a, *at, self.b], [self.ends_a, *[contour] * len(at), self.ends_b]
        parts = []
        for i in range(len(edges) - 1):
            part = QuadraturePanel(self.owner, edges[i], edges[i + 1], flags[i], flags[i + 1])
            both = part.ends_a and part.ends_b
            parts += part.cut((part.a + part.b) / 2) if both else [part]
        return parts


class Part(NamedTuple):
    """A panel with its states, integrals and errors."""

    panel: QuadraturePanel
    chi: np.ndarray  # of the quadrature
    weight: np.ndarray
    states: States
    integral: np.ndarray  # (8,): spin in the well and everywhere, three each, and two currents
    magnitude: np.ndarray  # the same of the magnitudes of all terms
    error: np.ndarray
    rounding: np.ndarray  # what the digits of k and of spinors leave open
    doubt: int


@dataclass(frozen=True, eq=False)
class Quadrature:
    """All that Eq. (6) leaves for one θ and every φ."""

    theta: float
    parts: list[Part] = dataclasses.field(repr=False)

    def total(self, of: str) -> np.ndarray:
        """Return the sum of an attribute of the parts; both halves of the circle."""
        return 2 * PER_ANGLE * np.sum([getattr(part, of) for part in self.parts], axis=0)

    @property
    def error(self) -> float:
        """Error of spins, torques and currents, each relative to its length, the worst."""
        return self.relative(self.total("error") + self.total("rounding"))

    def relative(self, error: np.ndarray) -> float:
        """Return the largest error of what a field drives, relative to its length, of any φ."""
        integral, magnitude = map(self.total, ("integral", "magnitude"))
        worst = 0.0
        for group in DRIVEN:
            length, most = (np.linalg.norm(x[group]) for x in (integral, magnitude))
            scale = max(length, FLOOR * most)
            if scale > 0:
                worst = max(worst, float(np.linalg.norm(error[group]) / scale))
        return worst

    @property
    def doubt(self) -> str:
        """Why a state may be missing at one of the angles; empty where that is excluded."""
        return DOUBTS[max(part.doubt for part in self.parts)]

    @cached_property
    def nodes(self) -> tuple[np.ndarray, np.ndarray, States]:
        """χ and weight of each state, and the states, in ascending order of χ."""
        parts = sorted(self.parts, key=lambda part: part.panel.a)
        chi = np.concatenate([part.chi[part.states.place] for part in parts])
        weight = np.concatenate([part.weight[part.states.place] for part in parts])
        columns = zip(*(part.states for part in parts), strict=True)
        return chi, weight, States(*(np.concatenate(column, axis=-1) for column in columns))


def evaluate(
    well: Well, E_F: float, theta: np.ndarray, panels: list[QuadraturePanel], purse: np.ndarray
) -> Iterator[tuple[Part, list[tuple]]]:
    """Yield of each panel the part, and the places between which contours end in it.

    A place is (θ, χ, χ', number of states at either), as `locate` takes it.  `purse` is how many
    points of each θ may still be decided with more digits; what is spent is taken from it.
    """
    n = POINTS + 1
    chi, slope = (np.array(x) for x in zip(*(panel.angles() for panel in panels), strict=True))
    # At the ends states are counted; where a contour ends there, at the next place instead.
    first = [c[0] if p.ends_a else p.a for p, c in zip(panels, chi, strict=True)]
    last = [c[-1] if p.ends_b else p.b for p, c in zip(panels, chi, strict=True)]
    chi = np.column_stack([first, chi, last])
    owner = np.repeat([panel.owner for panel in panels], n)
    polar = theta[owner]
    cos, sin = angle_to_rashba(polar, chi.ravel())
    # Where a purse is spent, nothing is proven any more.
    each = np.where(purse[owner] > 0, POINTS_EACH, 0)
    states, doubt = states_at(well, E_F, cos, sin, each)
    # Angles of one β, as all are for m along z, are solved and paid for once.
    again = np.flatnonzero(doubt)
    once = again[np.unique(cos[again] + 1j * sin[again], return_index=True)[1]]
    number = np.bincount(owner[once], minlength=theta.size)
    given = np.minimum(PRECISE, purse // number.clip(1))[owner[again]]
    purse[owner[again[given == 0]]] = 0
    again, given = again[given > 0], given[given > 0]
    if again.size:
        left = given.copy()
        more, doubt[again] = states_at(well, E_F, cos[again], sin[again], left)
        spent = np.where(np.isin(again, once), np.maximum(given - left, 0), 0)
        np.subtract.at(purse, owner[again], spent)
        np.maximum(purse, 0, out=purse)
        states = states.replaced(again, more)
    doubt = doubt.reshape(-1, n)[:, 1:-1].max(axis=1)
    number = np.bincount(states.place, minlength=chi.size).reshape(-1, n)
    moments = Moments.of(polar[states.place], chi.ravel()[states.place], states)
    terms = _terms(moments, states)
    # Spinors are known to rounding as a whole, not each component of a spin by itself.
    blurs = np.abs(terms) * _blur(well, E_F, states) + SUMMED * _sizes(terms, moments)
    sums, sizes, blurs = (
        np.stack([np.bincount(states.place, row, minlength=chi.size) for row in rows])
        for rows in (terms, np.abs(terms), blurs)
    )
    sums, sizes, blurs = (x.reshape(len(terms), -1, n)[..., 1:-1] for x in (sums, sizes, blurs))
    ends = np.searchsorted(states.place, n * np.arange(len(panels) + 1))
    for i, panel in enumerate(panels):
        changes = np.flatnonzero(np.diff(number[i]))
        here = theta[panel.owner]
        places = [(here, *chi[i, j : j + 2], *number[i, j : j + 2]) for j in changes]
        own = slice(ends[i], ends[i + 1])
        some = states.take(own)
        weight = WEIGHTS * slope[i]
        integral = sums[:, i] @ weight
        error = np.abs(integral - sums[:, i] @ (COARSER * slope[i]))
        if not places:
            of = Moments(*(column[own] for column in moments))
            error += _unfollowed(chi[i], number[i, 0], some, of, terms[:, own])
        place = some.place - n * i - 1
        inner = (place >= 0) & (place < n - 2)
        some = some._replace(place=place).take(inner)
        magnitude = sizes[:, i] @ weight
        blur = blurs[:, i] @ weight
        part = Part(panel, chi[i, 1:-1], weight, some, integral, magnitude, error, blur, doubt[i])
        yield part, places


def _terms(moments: Moments, states: States) -> np.ndarray:
    """Return what each state adds to the eight integrals, (8, n), but for the prefactor."""
    everywhere, speed = states.inside + states.outside, np.abs(states.velocity) / states.k
    currents = speed * moments.v_p**2, speed * moments.v_q**2
    return np.concatenate([moments.spin(*states.inside), moments.spin(*everywhere), currents])


def _sizes(terms: np.ndarray, moments: Moments) -> np.ndarray:
    """Return the magnitudes of `_terms`, (8, n), those of spins for whole ones: the largest."""
    size = np.abs(terms)
    size[:3] = size[3:6] = np.abs(moments.spin(np.ones(1), np.ones(1)))
    return size


def _blur(well: Well, E_F: float, states: States) -> np.ndarray:
    """Return about the relative error of 1/|∂ε/∂k| of each state, by the rounding of energies.

    A state whose velocity is small is displaced by them, and its velocity with it: by its slope,
    that of two states which are about to meet.
    """
    energy = E_F + max(well.V_L, well.V_R) + 2 * abs(well.Delta) + 4 * well.c * states.k**2
    slope = np.full((2, states.k.size), 2 * well.c)
    place, velocity = states.place, states.velocity
    meet = np.flatnonzero((place[1:] == place[:-1]) & (velocity[1:] * velocity[:-1] < 0))
    between = (velocity[meet] - velocity[meet + 1]) / (states.k[meet] - states.k[meet + 1] + TINY)
    slope[0, meet] = slope[1, meet + 1] = np.abs(between)
    return 2 * UNIT_ROUNDOFF * energy * slope.max(axis=0) / velocity**2


def _unfollowed(
    chi: np.ndarray, number: int, states: States, moments: Moments, terms: np.ndarray
) -> np.ndarray:
    """Return a bound, (8,), of what lies between two angles where contours almost meet.

    There two contours exchange their spins, or one ends and begins again, within an angle that may
    be much smaller than the distance of points.  It is seen from outside: next to an avoided
    crossing the distance of two k is a hyperbola, next to the ends of a contour a root, and the
    tangent of either comes to zero not far behind the place where they are closest.

    Parameters
    ----------
    chi : (n,) array
        Ascending angles.
    number : int
        Contours at each of them.
    states, moments, terms
        Of all of them, as `evaluate` has them.
    """
    if number < 2:
        return np.zeros(8)
    k, velocity, v_p, v_q, along = (
        x.reshape(-1, number)
        for x in (states.k, states.velocity, moments.v_p, moments.v_q, states.inside[0])
    )
    along = along + states.outside[0].reshape(-1, number)
    sin, cos, width = np.sin(chi)[:, None], np.cos(chi)[:, None], np.diff(chi)[:, None]
    gap, slope = -np.diff(k), -np.diff(np.sign(velocity) * (v_p * sin + v_q * cos))
    opposite = velocity[:-1, 1:] * velocity[:-1, :-1] < 0
    ahead = np.where(opposite, AHEAD / 2, AHEAD) * width
    meet = np.minimum(gap[:-1] + ahead * slope[:-1], gap[1:] - ahead * slope[1:]) < 0
    jump = np.abs(np.diff(along, axis=0)) > TURN
    meet |= jump[:, 1:] | jump[:, :-1]
    if not meet.any():
        return np.zeros(8)
    size = _sizes(terms, moments).reshape(8, -1, number)
    pair = size[..., 1:] + size[..., :-1]
    return (meet * width * np.maximum(pair[:, 1:], pair[:, :-1])).sum(axis=(1, 2))


def locate(well: Well, E_F: float, brackets: list[tuple]) -> list[float]:
    """Return where a contour ends in each bracket (θ, χ, χ', number of states at either).

    There two states of one subband meet, with opposite velocities that go as the root of χ.
    """
    theta, a, b, at_a, at_b = (np.array(x) for x in zip(*brackets, strict=True))
    part = np.arange(1, 16) / 16
    rows = np.arange(a.size)
    for _ in range(SECTIONS):
        chi = np.column_stack([a, a[:, None] + (b - a)[:, None] * part, b])
        polar = np.repeat(theta, 15)
        cos, sin = angle_to_rashba(polar, chi[:, 1:-1].ravel())
        states, _ = states_at(well, E_F, cos, sin, np.full(cos.size, POINTS_EACH))
        inner = np.bincount(states.place, minlength=15 * a.size).reshape(-1, 15)
        number = np.column_stack([at_a, inner, at_b])
        j = np.argmax(number != at_a[:, None], axis=1)
        a, b, at_b = chi[rows, j - 1], chi[rows, j], number[rows, j]
    more = np.where(at_b > at_a, b, a)
    step = np.where(at_b > at_a, b - a, a - b)
    # Along the contour χ is a smooth function of k, with an extremum at the end: by a polynomial
    # through the two states that meet, at four angles; and again, from so close that what the
    # polynomial leaves is rounding.
    end, sign = (a + b) / 2, np.sign(step)
    for near, far in ((more, np.abs(step)), (None, np.abs(step) / CLOSER)):
        start = end if near is None else near
        chi = start[:, None] + (sign * far)[:, None] * (np.arange(4) + (near is None))
        cos, sin = angle_to_rashba(np.repeat(theta, 4), chi.ravel())
        states, _ = states_at(well, E_F, cos, sin, np.full(cos.size, POINTS_EACH))
        for i in rows.tolist():
            pairs = [_meeting(states.take(states.place == 4 * i + j)) for j in range(4)]
            meeting = [k for pair in pairs for k in pair]
            if len(meeting) == 8:
                found = _extremum(np.array(meeting), np.repeat(chi[i], 2))
                end[i] = found if abs(found - start[i]) <= far[i] else end[i]
    return end.tolist()


def _meeting(states: States) -> list[float]:
    """Return the k of the two closest neighbours with opposite velocities, if there are any.

    `states` are those of one angle.
    """
    opposite = np.flatnonzero(states.velocity[1:] * states.velocity[:-1] < 0)
    if not opposite.size:
        return []
    i = opposite[np.argmin(states.k[opposite] - states.k[opposite + 1])]
    return states.k[i : i + 2].tolist()


def _extremum(k: np.ndarray, chi: np.ndarray) -> float:
    """Return the extremum of χ(k) between the closest two of eight places; nan if there is none."""
    middle, half = (k[0] + k[1]) / 2, np.ptp(k) / 2
    # Newton's interpolation, in units of the largest distance.
    x = (k - middle) / half
    try:
        through = np.polynomial.Polynomial(np.linalg.solve(np.vander(x, increasing=True), chi))
    except np.linalg.LinAlgError:  # two that rounding makes one
        return np.nan
    slope = through.deriv()
    at, curvature = 0.0, slope.deriv()
    for _ in range(8):
        at -= slope(at) / curvature(at)
    return float(through(at)) if abs(at) < 1 else np.nan


def quadratures(well: Well, E_F: float, theta: Iterable[float], rtol: float) -> list[Quadrature]:
    """Return the integrals over all angles for each θ, all solved together.

    Parameters
    ----------
    well : Well
    E_F : float
        Fermi energy in eV.
    theta : iterable of float
        Polar angles of m.
    rtol : float
        Panels are halved until `Quadrature.error` is below this, or `ROUNDS` times.
    """
    theta = np.array(list(theta))
    edges = np.linspace(-np.pi / 2, np.pi / 2, PANELS + 1).tolist()
    start = QuadraturePanel(0, edges[0], edges[-1], False, False).cut(*edges[1:-1])
    todo = [panel._replace(owner=i) for i in range(theta.size) for panel in start]
    parts: list[list[Part]] = [[] for _ in theta]
    purse = np.full(theta.size, PURSE)
    for left in reversed(range(ROUNDS)):
        cuts = []
        for part, places in evaluate(well, E_F, theta, todo, purse):
            if places and left:
                cuts.append((part.panel, places))
            else:
                parts[part.panel.owner].append(part)
        todo = []
        if cuts:
            ends = iter(locate(well, E_F, [p for _, places in cuts for p in places]))
            for panel, places in cuts:
                todo += panel.cut(*[next(ends) for _ in places], contour=True)
            continue
        for i, some in enumerate(parts):
            so_far = Quadrature(theta[i], some)
            # More angles do not mend what is rounding.
            mended = [np.maximum(part.error - MENDED * part.rounding, 0) for part in some]
            total = np.sum(mended, axis=0)
            refine = left and len(some) < MOST
            if refine and so_far.relative(2 * PER_ANGLE * total) > rtol:
                share = np.array([(one / (total + TINY)).max() for one in mended])
                worst = share > WORST * share.max()
                for part, bad in zip(some, worst, strict=True):
                    if bad:
                        todo += part.panel.cut((part.panel.a + part.panel.b) / 2)
                parts[i] = [part for part, bad in zip(some, worst, strict=True) if not bad]
        if not todo:
            break
    return [Quadrature(float(t), some) for t, some in zip(theta, parts, strict=True)]


@dataclass(frozen=True, eq=False)
class Contours:
    """States on the Fermi contours, arrays of length n in ascending order of `phi`.

    Attributes
    ----------
    phi : (n,) array
        Direction of k in the plane, in radians.
    band : int array (n,)
        Which subband, 0 for the lowest: a contour is what has one `band`.
    k, E : (n,) arrays
        Wave number in 1/nm, and energy of the motion along z in eV.
    velocity : (n, 2) array
        ∂ε/∂k along x and y, in eV·nm.
    spin : (n, 3) array
        Spin that the state has in the well, along x, y and z.
    """

    phi: np.ndarray
    band: np.ndarray
    k: np.ndarray
    E: np.ndarray
    velocity: np.ndarray
    spin: np.ndarray


class MixedContoursWarning(UserWarning):
    """Two Fermi contours are closer than ħ/τ: Eq. (6) takes their states for independent."""


@lru_cache(maxsize=64)
def coherence(
    well: Well, E_F: float, theta: float, hbar_over_tau: float, angles: int | None = None
) -> np.ndarray:
    """Return the interband part of the spin for one θ and every φ, by finite elements.

    Parameters
    ----------
    well : Well
        With |α_L| and |α_R| below `Well.critical_rashba`.
    E_F : float
        Fermi energy in eV.
    theta : float
        Polar angle of m.
    hbar_over_tau : float
        ħ/τ in eV.
    angles : int, optional
        Directions of k in half a circle, at equal distances; without it `ANGLES`, and three times
        as many until the result rests.

    Returns
    -------
    float array (2, 3)
        In nm⁻² per τeE/ħ, where the exchange acts: for a field along p and along q; spin along m,
        ∂m/∂θ and q.
    """

    def mean(places: np.ndarray) -> np.ndarray:
        chi = np.pi * (places.ravel() - 0.5)
        return coherence_along(well, E_F, theta, hbar_over_tau, chi).mean(axis=0)

    # Midpoints of a third of the step are those of the step, and two more beside each.  None is
    # at χ = ±π/2, where with m in the plane spin is conserved and contours may cross.
    number = ANGLES if angles is None else angles
    spin, rests = mean((np.arange(number) + 0.5) / number), angles is not None
    # ħ/τ makes it smooth, but for m all but in the plane, where e₁ turns fast.
    while not rests and number < MOST_ANGLES:
        last, beside = spin, (np.arange(number)[:, None] + [1 / 6, 5 / 6]) / number
        spin = (last + 2 * mean(beside)) / 3
        rests, number = np.abs(spin - last).max() <= SMOOTH * np.abs(spin).max(), 3 * number
    spin.flags.writeable = False  # it is kept for the other φ
    return spin


def coherence_along(
    well: Well, E_F: float, theta: float, hbar_over_tau: float, chi: np.ndarray
) -> np.ndarray:
    """Return what directions of k at φ − `chi` give to `coherence`, (n, 2, 3), and their mirror."""
    cos, sin = angle_to_rashba(theta, chi)
    states, _ = states_at(well, E_F, cos, sin)
    fem = interband.mesh(well, E_F, max(states.k, default=1.0), order=8)
    region = fem.M if well.exchange == "everywhere" else fem.inside
    m, m_theta, p, q = frame(theta, 0.0)
    given = np.zeros((chi.size, 2, 2, 3))
    for i in range(chi.size):
        k_unit = np.cos(chi[i]) * p - np.sin(chi[i]) * q
        n = np.cross([0.0, 0.0, 1.0], k_unit)
        e_1 = (n - cos[i] * m) / sin[i]
        axes = np.array([m, e_1, np.cross(m, e_1)])
        k = states.k[states.place == i]
        found = interband.coherences(
            fem, E_F, k, (float(cos[i]), float(sin[i])), region, hbar_over_tau
        )
        # ∂H/∂k along p and q, of which W σ alone connects two states.
        velocity = [(u @ k_unit) * axes @ n - (u @ n) * axes @ k_unit for u in (p, q)]
        given[i] = np.einsum("eij,uj,ia,ba->eub", found, velocity, axes, [m, m_theta, q])
    # Reflection at the plane of z and m, and reversal of time: of the other half of the circle.
    driven = np.array([[False, False, True], [True, True, False]])
    even, odd = given[:, 0], given[:, 1]
    return 2 * PER_ANGLE * np.pi * np.where(driven, even, odd)


def frame(theta: float, phi: float) -> np.ndarray:
    """Return m, ∂m/∂θ, p and q as rows."""
    cos, sin = np.cos(theta), np.sin(theta)
    p, q = np.array([np.cos(phi), np.sin(phi), 0]), np.array([-np.sin(phi), np.cos(phi), 0])
    z = np.array([0.0, 0.0, 1.0])
    return np.array([sin * p + cos * z, cos * p - sin * z, p, q])


@dataclass(frozen=True, eq=False)
class Response:
    """What a field along x drives in a well whose magnetisation has any direction.

    Attributes
    ----------
    well : Well
    E_F : float
        Fermi energy in eV.
    theta, phi : float
        Polar angles of m, in radians.
    quadrature : Quadrature
        The integrals over the directions of k, in the frame of m.
    hbar_over_tau : float or None
        ħ/τ in eV, of the interband part.
    """

    well: Well
    E_F: float
    theta: float
    phi: float
    quadrature: Quadrature = dataclasses.field(repr=False)
    hbar_over_tau: float | None = None

    @property
    def m(self) -> np.ndarray:
        """Direction of the magnetisation, (3,)."""
        return frame(self.theta, self.phi)[0]

    @property
    def _solved(self) -> Well:
        return without_rounding(self.well)

    @property
    def _phi(self) -> float:
        # Without exchange m is nowhere in the problem, and is taken along z.
        return self.phi if self._solved.Delta else 0.0

    @property
    def _frame(self) -> np.ndarray:
        return frame(self.quadrature.theta, self._phi)

    def _turned(self, spin: np.ndarray) -> np.ndarray:
        """Return spins along m and ∂m/∂θ for a field along q, along q for one along p, as a sum."""
        m, m_theta, p, q = self._frame
        directions = np.array([q[0] * m, q[0] * m_theta, p[0] * q])
        return np.tensordot(directions, spin, (0, 0))

    @property
    def spin(self) -> np.ndarray:
        """∫₀^d S dz of Eq. (6), the well without the barriers, (3,), in nm⁻² per τeE/ħ."""
        return self._turned(self.quadrature.total("integral")[:3])

    @property
    def exchange_spin(self) -> np.ndarray:
        """The same over all z where the exchange acts: `Well.exchange` says where."""
        everywhere = self.well.exchange == "everywhere"
        return self._turned(self.quadrature.total("integral")[3:6]) if everywhere else self.spin

    @property
    def current(self) -> np.ndarray:
        """Charge current along x and y, of all z, (2,), in eV per τe²E/ħ²."""
        along_p, along_q = self.quadrature.total("integral")[6:]
        *_, p, q = self._frame
        return (along_p * p[0] * p + along_q * q[0] * q)[:2]

    @property
    def torque(self) -> np.ndarray:
        """−Δ m × S on the magnetisation, (3,), in eV/nm² per τeE/ħ; S where the exchange acts."""
        return -self.well.Delta * np.cross(self.m, self.exchange_spin)

    @property
    def polar_torque(self) -> np.ndarray:
        """The torque along ∂m/∂θ and along z × m, the direction of ∂m/∂φ: (2,)."""
        _, m_theta, _, q = frame(self.theta, self.phi)
        return np.array([m_theta @ self.torque, q @ self.torque])

    def field(self, M_s: float) -> np.ndarray:
        """Return the effective field perpendicular to m, per density of the current along x.

        Parameters
        ----------
        M_s : float
            Saturation magnetisation in A/m, > 0.

        Returns
        -------
        float array (3,)
            In mT per 10¹¹ A/m², as `torque.field`; nan where there is no current.

        Raises
        ------
        ValueError
            If `M_s` is not a finite number > 0.
        """
        unit = torque.field(1.0, self.current[0], M_s)
        return unit * np.cross(self.m, self.torque)

    def spin_density(self, z: np.ndarray | float) -> np.ndarray:
        """Return S(z) of Eq. (6), barriers included.

        Parameters
        ----------
        z : array_like
            Positions in nm, one or a 1D array.

        Returns
        -------
        float array (3, len(z))
            In nm⁻³ per τeE/ħ.

        Raises
        ------
        ValueError
            If `z` is not a number or a 1D array of finite numbers.
        """
        z = checked_places(z)
        theta = self.quadrature.theta
        chi, weight, states = self.quadrature.nodes
        cos, sin = angle_to_rashba(theta, chi)
        rule = Rule.of_well(self._solved, self.E_F).take(np.zeros(chi.size, dtype=np.intp))
        rule, k, u = rule.turned(cos, sin), states.k, states.amplitude
        point = rule.at(k * k)
        pair = shapes(u, slopes(rule, k, u, point.q), point)
        up, down = np.moveaxis(values(pair, u, point.q, self.well.d, z), 1, 0)
        moments = Moments(*(column[:, None] for column in Moments.of(theta, chi, states)))
        driven = weight @ moments.spin(up * up - down * down, 2 * up * down)
        return self._turned(2 * PER_ANGLE * driven)

    @property
    def contours(self) -> Contours:
        """The Fermi states at the angles of the quadrature."""
        chi, _, states = self.quadrature.nodes
        # The other half is the mirror image: cos χ, and with it ∂ε/∂φ, is reversed.
        index = np.tile(np.arange(states.k.size), 2)
        return self._contours(np.concatenate([chi, np.pi - chi]), states.take(index))

    def contours_at(self, phi: np.ndarray) -> Contours:
        """Return the Fermi states at given directions of k.

        Parameters
        ----------
        phi : 1D array
            In radians, ascending.

        Raises
        ------
        ValueError
            If it is no such array.
        """
        angles = checked_angles("phi", phi)
        if angles.ndim != 1 or (np.diff(angles) < 0).any():
            raise ValueError(f"phi must be a 1D array in ascending order, got {written(phi)}")
        chi = self._phi - angles
        cos, sin = angle_to_rashba(self.quadrature.theta, chi)
        budget = np.full(chi.size, min(PRECISE, PURSE // max(chi.size, 1)))
        states, _ = states_at(self._solved, self.E_F, cos, sin, budget)
        return self._contours(chi[states.place], states)

    def _contours(self, chi: np.ndarray, states: States) -> Contours:
        theta, k = self.quadrature.theta, states.k
        moments = Moments.of(theta, chi, states)
        speed = (np.abs(states.velocity) / k)[:, None]
        m, m_theta, p, q = frame(theta, self._phi)
        velocity = speed * (moments.v_p[:, None] * p + moments.v_q[:, None] * q)
        e_1 = moments.e_theta[:, None] * m_theta + moments.e_q[:, None] * q
        along, across = states.inside[:, :, None]
        phi = (self._phi - chi) % (2 * np.pi)
        # Along each direction from the outside, where no subband is below ε_F: v > 0 enters one.
        order = np.lexsort((-k, phi))
        step = np.sign(states.velocity[order]).astype(np.intp)
        inside = np.cumsum(step)
        first = np.diff(phi[order], prepend=-1.0) > 0
        start = np.where(first, inside - step, 0)[np.maximum.accumulate(first * np.arange(k.size))]
        band = inside - start - (step > 0)
        E = self.E_F - self.well.c * k * k
        spin = along * m + across * e_1
        return Contours(phi[order], band, k[order], E[order], velocity[order, :2], spin[order])

    @property
    def error(self) -> float:
        """Estimated error of spin, torque and current, each relative to its length.

        A component that is much smaller than that, as the spin along m where m is close to z, may
        have no digits of its own.
        It holds for every φ at once: for fields along and across the part of m in the plane alone.
        Where the states cancel to less than `FLOOR` of the sum of their magnitudes, it is relative
        to that.  It is of the states that were found: where `doubt` says that one may be missing,
        what that one carries is not in it.
        """
        return self.quadrature.error

    @property
    def doubt(self) -> str:
        """Why a state may be missing at one of the angles of the quadrature, empty if none can.

        Next to an angle where a contour ends, or two almost cross, doubles prove nothing.  More
        digits do, at `PRECISE` points for each angle and `PURSE` for each θ; what is left then is
        not proven, though its states may all be there.
        """
        return self.quadrature.doubt

    @property
    def certified(self) -> bool:
        """Whether it is proven at each angle of the quadrature that no state is missing there.

        Of the angles between them this says nothing.  k moves continuously with the angle and a
        contour ends only where two states meet, which is looked for wherever their number changes;
        a contour that exists between two neighbouring angles alone would not be seen.
        """
        return not self.doubt

    @property
    def closest(self) -> float:
        """Smallest distance in eV between two contours at one angle of the quadrature.

        Difference of k times the mean speed; infinite where there is one contour or none.
        """
        chi, _, states = self.quadrature.nodes
        speed, same = np.abs(states.velocity), np.diff(chi) == 0
        apart = -np.diff(states.k) * (speed[1:] + speed[:-1]) / 2
        return float(apart[same].min(initial=np.inf))

    @property
    def interband_torque(self) -> np.ndarray:
        """What the interband part adds to `torque`, (2, 3): field-like, then damping-like.

        The spin of the field-like part has the same components as Eq. (6) and is proportional to
        (ħ/τ)²; that of the damping-like part has the others, changes its sign with m, and is
        proportional to ħ/τ.
        """
        if self.hbar_over_tau is None:
            raise ValueError("hbar_over_tau must be given for the interband part, got None")
        along, across = coherence(self.well, self.E_F, self.quadrature.theta, self.hbar_over_tau)
        m, m_theta, p, q = self._frame
        even = self._turned(np.array([*across[:2], along[2]]))
        odd = p[0] * (along[0] * m + along[1] * m_theta) + q[0] * across[2] * q
        return -self.well.Delta * np.cross(self.m, [even, odd])


def responses(
    well: Well,
    E_F: float,
    theta: np.ndarray | float,
    phi: np.ndarray | float = 0.0,
    hbar_over_tau: float | None = None,
    *,
    rtol: float = RTOL,
) -> list[Response]:
    """Return the responses of a well with its magnetisation in many directions, solved together.

    Parameters
    ----------
    well : Well
    E_F : float
        Fermi energy in eV, below `Well.continuum_edge`.
    theta, phi : array_like
        Polar angles of m in radians, broadcast against each other; at least one of each.
    hbar_over_tau, rtol
        As `response`.

    Returns
    -------
    list of Response
        One for each direction, in the order of the raveled arrays.

    Raises
    ------
    ValueError
        As `response`.
    """
    E_F = well.checked_fermi_energy(E_F)
    angles = checked_angles("theta", theta), checked_angles("phi", phi)
    try:
        directions = np.broadcast_arrays(*angles)
    except ValueError:
        raise ValueError(
            "theta and phi must be of shapes that broadcast against each other, got "
            f"{angles[0].shape} and {angles[1].shape}"
        ) from None
    if not RTOL_LEAST <= checked_number("rtol", rtol, "") <= 0.1:
        raise ValueError(f"rtol must be from {RTOL_LEAST:g} to 0.1, got {written(rtol)}")
    if hbar_over_tau is not None:
        (hbar_over_tau,) = interband.checked_broadening(hbar_over_tau).tolist()
        interband.check_bounded(well)
    polar_angle, azimuth = (angle.ravel().tolist() for angle in directions)
    pairs = list(zip(polar_angle, azimuth, strict=True))
    # Without exchange no direction is special, and along z all is simplest.
    solved = without_rounding(well)
    polar = [a if solved.Delta else 0.0 for a, _ in pairs]
    distinct = sorted(set(polar))
    found = dict(zip(distinct, quadratures(solved, E_F, distinct, rtol), strict=True))
    given = [
        Response(well, E_F, *pair, found[a], hbar_over_tau)
        for pair, a in zip(pairs, polar, strict=True)
    ]
    if hbar_over_tau is not None:
        closest = min(response.closest for response in given)
        if closest < hbar_over_tau:
            warnings.warn(
                f"two Fermi contours come within {closest:.2g} eV of each other, less than "
                f"hbar_over_tau = {hbar_over_tau:g} eV: Eq. (6) takes their states for "
                "independent",
                MixedContoursWarning,
                stacklevel=2,
            )
    return given


def decomposition(
    well: Well, E_F: float, theta: np.ndarray, hbar_over_tau: float | None = None, orders: int = 3
) -> dict[str, np.ndarray]:
    r"""Return the coefficients of the angular functions by which experiments describe torques.

    With the field-like part first and the damping-like part second, symmetry about z leaves

    .. math:: T_\theta = \cos\varphi\,A^\theta + \cos\theta\sin\varphi\,B^\theta, \qquad
              T_\varphi = -\cos\theta\sin\varphi\,A^\varphi + \cos\varphi\,B^\varphi ,

    where each letter is a series in :math:`\sin^2\theta`; Garello et al., Nat. Nanotechnol. 8,
    587 (2013).  A constant A is A m × y turned round, the torque of a field along y.

    Parameters
    ----------
    well : Well
    E_F : float
        Fermi energy in eV.
    theta : (n,) array
        Polar angles of m in radians, other than π/2.
    hbar_over_tau : float, optional
        ħ/τ in eV, for the damping-like part.
    orders : int
        How many coefficients of each series, fitted by least squares; at most n.  What is left out
        changes those that are fitted, most of all the last.

    Returns
    -------
    dict of str to float array (orders,)
        "A_θ" and "A_φ", and with `hbar_over_tau` "B_θ" and "B_φ", of (sin θ)^0, 2, 4 …: in eV/nm²
        per τeE/ħ.

    Raises
    ------
    ValueError
        As `response`, and if `theta` or `orders` is not as said.
    """
    theta = checked_angles("theta", theta)
    if theta.ndim != 1 or (np.abs(np.cos(theta)) < UNIT_ROUNDOFF**0.5).any():
        raise ValueError(f"theta must be a 1D array of angles other than π/2, got {written(theta)}")
    if not 1 <= orders <= theta.size:
        raise ValueError(
            f"orders must be from 1 to the number of theta, {theta.size}, got {orders}"
        )
    cos, squares = np.cos(theta), np.vander(np.sin(theta) ** 2, orders, increasing=True)
    every = responses(
        well, E_F, theta[:, None], np.array([0.0, np.pi / 2]), hbar_over_tau=hbar_over_tau
    )
    xz, yz = every[::2], every[1::2]
    values = {
        "A_θ": np.array([one.polar_torque[0] for one in xz]),
        "A_φ": np.array([one.polar_torque[1] for one in yz]) / -cos,
    }
    if hbar_over_tau is not None:
        # ∂m/∂θ in the plane of y and z.
        along = [np.cos(one.theta) * one.interband_torque[1, 1] for one in yz]
        down = [np.sin(one.theta) * one.interband_torque[1, 2] for one in yz]
        values["B_θ"] = (np.array(along) - down) / cos
        values["B_φ"] = np.array([one.interband_torque[1, 1] for one in xz])
    return {name: np.linalg.lstsq(squares, y, rcond=None)[0] for name, y in values.items()}


def response(
    well: Well,
    E_F: float,
    theta: float,
    phi: float = 0.0,
    hbar_over_tau: float | None = None,
    *,
    rtol: float = RTOL,
) -> Response:
    """Return what a field along x drives in a well whose magnetisation has any direction.

    Parameters
    ----------
    well : Well
    E_F : float
        Fermi energy in eV, below `Well.continuum_edge`.
    theta, phi : float
        Polar angles of m in radians.
    hbar_over_tau : float, optional
        ħ/τ in eV, > 0, of the interband part, which is computed when it is asked for.
    rtol : float, optional
        What `Response.error` is to be below.

    Returns
    -------
    Response
        `Response.spin` is over the well, 0 ≤ z ≤ d.  `Response.torque` and `Response.field` are
        of `Response.exchange_spin`, the spin where the exchange acts: the well alone for a
        "ferromagnet", and with the barriers where it is "everywhere".  `Response.current` is that
        of all z.

    Warns
    -----
    MixedContoursWarning
        If two contours come closer to each other than ħ/τ.

    Raises
    ------
    ValueError
        Naming the parameter, its value and what is allowed.

    Examples
    --------
    >>> from qwlib import Well
    >>> tilted = response(Well(d=0.6, alpha_L=0.04), 3.0, theta=0.8, phi=0.3)
    >>> tilted.certified, tilted.error < 1e-6
    (True, True)
    """
    for name, angle in (("theta", theta), ("phi", phi)):
        checked_number(name, angle, "rad")
    return responses(well, E_F, theta, phi, hbar_over_tau, rtol=rtol)[0]
