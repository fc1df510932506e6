"""The quantization rule of Sec. II: a matching matrix, its inertia, and the number of states.

With k = |k| in the plane and σ_φ the in-plane spin component perpendicular to k, Eqs. (1)-(4) are
one problem for all directions of k,

    h(k) = −c d²/dz² + V(z) + Δ σ_z + k [α_L δ(z) − α_R δ(z−d)] σ_φ ,    c = ħ²/2m ,

with eigenvalue E and total energy ε = E + c k².  In the basis where σ_φ is σ_x it is real.
Continuity and the jump of the slope, Eq. (5), leave a condition M(E, k) u = 0 on the spinor at the
two interfaces, u = (ψ↑(0), ψ↓(0), ψ↑(d), ψ↓(d)).

With the magnetisation along another direction σ_φ is not perpendicular to it, but the two still
span a plane: where the exchange is σ_z, σ_φ is cos β σ_z + sin β σ_x (`Rule.turned`), and all is
real as before.

M is never used near its poles: what is evaluated is M with its poles multiplied out.  Wells are
columns of arrays here, so that a sweep solves all of them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .waves import (
    ONE,
    UNIT_ROUNDOFF,
    Layer,
    Point,
    barrier,
    clamped_states,
    interior,
    odd_number,
)
from .well import Well, checked_numbers, exchange_in_barriers, half_inverse_mass, written


class Given(NamedTuple):
    """What a rule is made of, as it was given: rounded nowhere, in eV, nm and eV·nm²."""

    energy: Any  # ε
    c: Any
    d: Any
    V_L: Any
    V_R: Any
    Delta: Any
    Delta_barrier: Any
    alpha_L: Any
    alpha_R: Any

    @classmethod
    def of(cls, rows: Any) -> tuple[Given, Any]:
        """Return it, and cos β and sin β where there are any, from numbers in a row or columns."""
        size = len(cls._fields)
        return cls(*rows[:size]), rows[size:]


class Rule:
    """The quantization rule of many wells at one reference energy ε each, divided by c.

    A point of the (E, k) plane is given by `kin` = (ε − E)/c in nm⁻², which is k² along the Fermi
    parabola, and by the wave number k of the Rashba coupling.

    Attributes
    ----------
    columns : (13, n) or (15, n) array
        What follows, one column a well.  The last two, cos β and sin β, are there for a rule that
        was `turned`.
    d : (n,) array
        Width in nm.
    kappa2 : (2, n) array
        (ε − Δ)/c and (ε + Δ)/c in nm⁻²: κ² of ↑ and of ↓ is `kappa2` − kin.
    q2 : (2, 2, n) array
        (V ± Δ_barrier − ε)/c by interface and spin: q² is `q2` + kin.
    a : (2, n) array
        α_L/c and −α_R/c, no unit: both interfaces then carry +k a σ_φ.
    flip, field : (2, n) arrays
        a sin β and a cos β, the parts of it with σ_x and with σ_z; a and None for a rule that was
        not turned.
    size : (n,) array
        The largest |`kappa2`| in nm⁻²: what the rounding of ε is relative to.
    q_size, q_error : (n,) arrays
        In 1/nm, and no unit: where kin ≥ 0 the rounding error of a q is at most `q_error` times
        (q + `q_size`); infinite where products may underflow.
    exact : (m, 9) or (m, 11) array
        `Given` of the wells that the rule was made for, and, where `columns` has them, cos β and
        sin β.
    origin : (n,) array
        Which row of `exact` each column belongs to.
    """

    def __init__(self, columns: np.ndarray, exact: np.ndarray):
        self.columns, self.exact = columns, exact
        self.d, self.kappa2, self.a = columns[0], columns[1:3], columns[7:9]
        self.q2 = columns[3:7].reshape(2, 2, -1)
        self.size, self.q_size, self.q_error = columns[9:12]
        self.flip: np.ndarray = self.a
        self.field: Any = None
        if len(columns) > 13:
            self.field, self.flip = self.a * columns[13], self.a * columns[14]

    @property
    def given(self) -> tuple[Given, np.ndarray]:
        """`Given` of each column, and cos β and sin β where there are any."""
        return Given.of(self.exact[self.origin].T)

    @property
    def origin(self) -> np.ndarray:
        """Which row of `exact` each column belongs to."""
        return self.columns[12].astype(np.intp)

    def take(self, index: np.ndarray) -> Rule:
        """Return the rule of the wells `index`, repeated as often as they occur in it."""
        return Rule(self.columns.take(index, axis=1), self.exact)

    def turned(self, cos: np.ndarray, sin: np.ndarray) -> Rule:
        """Return the rule with σ_φ = cos β σ_z + sin β σ_x, one β for each column.

        What is proven of it is proven of these two numbers, whose squares add up to 1 but for
        rounding.
        """
        exact = np.column_stack([self.exact[self.origin], cos, sin])
        return Rule(np.stack([*self.columns[:12], np.arange(len(exact)), cos, sin]), exact)

    def slack(self, kin: np.ndarray) -> np.ndarray:
        """Return a bound in nm⁻² of the rounding of κ² and q² at `kin`, and of that itself."""
        return 8 * UNIT_ROUNDOFF * (self.q_size * self.q_size + kin)

    def at(self, kin: np.ndarray) -> Point:
        """Return what the layers contribute at (ε − E)/c = `kin`."""
        return Point.of(self.kappa2, self.q2, self.d, kin)

    @classmethod
    def of(cls, columns: dict[str, np.ndarray], energy: np.ndarray | float) -> Rule:
        """Return the rule, at ε = `energy` in eV, of wells given as columns of their fields."""
        own = {name: columns[name] for name in Given._fields if name in columns}
        made = {
            "energy": energy,
            "c": half_inverse_mass(columns["mass"]),
            "Delta_barrier": exchange_in_barriers(columns["Delta"], columns["exchange"]),
        }
        return cls.of_given(Given(**own, **made))

    @classmethod
    def of_given(cls, given: Given) -> Rule:
        """Return the rule of wells given as columns of these."""
        exact = np.empty((np.broadcast(*given).size, len(given)))
        for i, column in enumerate(given):
            exact[:, i] = column
        energy, c, d, V_L, V_R, Delta, Delta_barrier, alpha_L, alpha_R = exact.T
        with np.errstate(over="ignore"):
            rows = [d, (energy - Delta) / c, (energy + Delta) / c]
            rows += [(V + s * Delta_barrier - energy) / c for V in (V_L, V_R) for s in (1, -1)]
            rows += [alpha_L / c, -alpha_R / c]
        size = np.maximum(np.abs(rows[1]), np.abs(rows[2]))
        # V and the barrier's exchange may cancel all but a unit in the last place of either.
        rounded = (np.maximum(V_L, V_R) + np.abs(Delta_barrier)) / c + size
        least = np.maximum(np.minimum.reduce(rows[3:7]), 4 * UNIT_ROUNDOFF * rounded)
        error = 4 * UNIT_ROUNDOFF * (1 + np.sqrt(rounded / least))
        rows += [size, np.sqrt(rounded), np.where(rounded > FAINT, error, np.inf)]
        rows += [np.arange(d.size, dtype=float)]
        return cls(np.stack(rows), exact)

    @classmethod
    def of_wells(cls, wells: Sequence[Well], energy: np.ndarray | float) -> Rule:
        """Return the rule of wells."""
        names = Well.__dataclass_fields__
        return cls.of({n: np.array([getattr(well, n) for well in wells]) for n in names}, energy)

    @classmethod
    def of_well(cls, well: Well, energy: float) -> Rule:
        """Return the rule of one well, as arrays of length 1."""
        return cls.of_wells([well], energy)


class Layers(NamedTuple):
    """What the minors of a rule are polynomials of, at one point of the (E, k) plane a well.

    Floats, intervals of `mpmath`, or bounds of their magnitudes, by spin where there are two:
    whatever can be added and multiplied.
    """

    inner: Layer
    q: Any  # of the left and of the right interface
    LL: Any  # squares and product of the couplings k a_L, k a_R, for which bounds have a minus
    RR: Any
    LR: Any


SPIN_SIGN = np.array([[1.0], [-1.0]])

FACTORS = 12
"""A minor has a rounding error of at most so many times that of what it is made of: six factors in
each of its terms, and as much again for what their products and sums are rounded by."""

BELOW_DIFFERENCE = 1 - 2.0**-40
"""What a float is multiplied with to be a lower bound, though some of its digits cancelled: by 2¹³
units in the last place.  Eight bits cancel where most do, in `waves.odd_ratio` above 0.1."""

FAINT = 2.0**-600
"""Below such a V/c, in nm⁻², products may underflow, of which no relative error is known: `precise`
then decides all."""

SMALL = UNIT_ROUNDOFF**0.5
"""Where q² is smaller than rounding makes its error, q is off by about this, relative to
`Rule.q_size`; the bound of its error has room for four times as much."""


class Count(NamedTuple):
    """What is counted at points of the (E, k) plane, arrays of shape (n,)."""

    N: np.ndarray  # states below E at wave number k
    F: np.ndarray  # determinant without its poles: with the sign (−1)^N
    sure: np.ndarray  # whether N and the sign of F are proven, rounding included
    exact: np.ndarray  # whether F was found with more digits, and has but the last rounding


class Sector:
    """The part of a well's states that one symmetry keeps apart, with a rule of its own.

    `kin`, `k` are arrays of shape (n,), a point of each of the n wells of a `Rule`: (ε − E)/c in
    nm⁻² and the wave number in 1/nm.

    Parameters
    ----------
    tilt : bool, optional
        Whether part of the coupling, or all, goes with σ_z: a δ potential at each interface, of
        opposite sign for the two spins.

    Attributes
    ----------
    even : bool or bool array, or None
        Whether the wave is even, or that of each spin; the layer then is half the well.
    part : tuple
        Which interfaces and which spins the rule speaks of, as an index of `Rule.q2`.
    sign : int
        Of the potential that the coupling adds to q: that of σ_φ where it is conserved, 1 with a
        tilt, and 0 where it adds none.
    tunnels : bool
        Whether what tunnels through the layer is a term of its own in F.
    order : int
        The degree of F as a polynomial in `Layers`.
    poles : tuple of int
        Of each leading minor, how many spins' S (or what stands in its place) it is multiplied
        with, ↑ first.
    degree : int
        The power of k that F grows with.
    """

    even: Any = None
    part: tuple = (slice(None), slice(None))
    tunnels = False
    order = 6
    poles: tuple[int, ...] = (1, 1, 2, 2)
    degree = 2

    def __init__(self, tilt: bool = False):
        self.tilt, self.sign = tilt, int(tilt)

    @property
    def half(self) -> bool:
        """Whether the layer that the rule speaks of is half the well."""
        return self.even is not None

    def width(self, d):
        """Return the width of that layer in a well of width d."""
        return d / 2 if self.half else d

    def minors(self, layers: Layers) -> tuple:
        """Return the leading minors of the rule without their poles, the last its determinant.

        They are polynomials of degree `order` at most in `layers`, every term of which is positive
        where x, LL, RR and LR are negative and all else is positive.
        """
        raise NotImplementedError

    def clamped(self, x, y):
        """Return J by spin, how many states of the layer clamped at its interfaces lie below E.

        They are where S vanishes; in half a well C, of an even wave.
        """
        return clamped_states(x, y, np.where(self.even, 0.5, 0.0)[..., None] if self.half else 0.0)

    def layers(self, rule: Rule, kin, k, shift=None) -> tuple[Layers, np.ndarray]:
        """Return what the minors need, and y = |κ|d of the layer.

        Parameters
        ----------
        shift : array, optional
            Adds `shift`·|a| to both interface potentials, in 1/nm: the bound of a coupling whose
            wave number is uncertain by ±`shift`.
        """
        inner, y = Layer.of(rule.kappa2[self.part[1]] - kin, self.width(rule.d))
        q = barrier(rule.q2[self.part], kin)
        left, right = k * rule.flip
        if self.sign or shift is not None:
            q = q + self.potential(rule, self.sign * k, 0.0 if shift is None else shift)
        return Layers(inner, q, left * left, right * right, left * right), y

    def potential(self, rule: Rule, k, shift):
        """Return k a + `shift`·|a| of `part`, to be added to q; with a tilt, ±k a cos β by spin."""
        if not self.tilt:
            a = (rule.flip[:, None] * ONE)[self.part]
            return k * a + shift * np.abs(a)
        field, size = rule.field[:, None] * SPIN_SIGN, np.abs(rule.a)[:, None] * ONE
        # The squares of cos β and sin β add up to 1 but for rounding.
        return k * field[self.part] + shift * (1 + 4 * UNIT_ROUNDOFF) * size[self.part]

    def walls(self, rule: Rule, k, q):
        """Return the q of `part`, with what of the coupling is a potential."""
        q = q[self.part]
        return q + self.potential(rule, self.sign * k, 0.0) if self.sign else q

    def magnitudes(self, rule: Rule, kin, k, layers: Layers, y, shift=None):
        """Return bounds of what the minors need, and of their rounding errors relative to those.

        Each of `layers` was computed with an error of at most `error` times its bound here, but for
        a positive factor that S, C and t of a spin share, the rounded exp(−γd) that is taken out of
        them: no sign depends on it.  The bounds have the signs for which `minors` adds them up.
        """
        size = rule.size + np.abs(kin)
        q = np.abs(layers.q) + rule.q_size
        if self.sign or shift is not None:
            # A sum with q may be much smaller than either.
            most = (np.abs(k) if self.sign else 0.0) + (0.0 if shift is None else np.abs(shift))
            q = q + self.potential(rule, 0.0, 2 * most)
        q_error = rule.q_error
        if (kin < 0).any():  # E counted from zero: q² may be a small difference
            least = barrier(rule.q2.min(axis=(0, 1)), kin)
            worst = 4 * UNIT_ROUNDOFF * (1 + rule.q_size / np.maximum(least, SMALL * rule.q_size))
            q_error = np.maximum(q_error, np.where(kin < 0, worst, 0.0))
        inner, error = layers.inner.bounds(size, y, self.width(rule.d))
        return Layers(inner, q, -layers.LL, -layers.RR, -np.abs(layers.LR)), error + q_error

    @np.errstate(all="ignore")
    def sturm(self, rule: Rule, kin, k, shift=None) -> Count:
        """Count states: Wittrick and Williams (1971).

        N is the number of independent trial functions on which h − E is negative.  Such a function
        is one that vanishes at both interfaces, plus a solution of Eqs. (1)-(4) off the interfaces,
        fixed by its spinors u there; between the two kinds h − E has no cross term.  The first give
        J↑ + J↓, all in the well, since E is below the insulators; on the second h − E is c uᵀMu.
        So N is J↑ + J↓ + the number of negative eigenvalues of M, the latter from the signs of the
        leading minors of M, in each of which the S of `poles` are multiplied out.  `shift` is that
        of `layers`.
        """
        layers, y = self.layers(rule, kin, k, shift)
        minors = self.minors(layers)
        # The signs of S come from the parity of J, not from sin: at a pole of M both J and the
        # sign of a minor must switch at the same point.  Which side of the pole J is rounded to
        # then makes no difference to N, as long as the minors beside it are sure.
        J = np.atleast_2d(self.clamped(layers.inner.x, y))
        odd = odd_number(J)
        parity = odd[0], odd[0] ^ odd[-1]
        bounds, error = self.magnitudes(rule, kin, k, layers, y, shift)
        # Three times, so that what stands out here also does in `proofs.simple`.
        limit = 3 * FACTORS * error
        N, before = J[0] if len(J) == 1 else J[0] + J[1], False
        sure: Any = True
        for poles, minor, bound in zip(self.poles, minors, self.minors(bounds), strict=True):
            negative = (minor < 0) ^ parity[poles - 1]
            N = N + (before ^ negative)
            before = negative
            sure = (np.abs(minor) > limit * bound) & sure
        return Count(N, minors[-1], sure, np.zeros(N.shape, dtype=bool))

    def rounding(self, rule: Rule, kin, k) -> np.ndarray:
        """Return a bound of the rounding error of F."""
        bounds, error = self.magnitudes(rule, kin, k, *self.layers(rule, kin, k))
        return FACTORS * error * self.minors(bounds)[-1]

    def determinant(self, rule: Rule, kin, k) -> np.ndarray:
        """Return F of `Count`, alone."""
        return self.minors(self.layers(rule, kin, k)[0])[-1]

    def inverse(self, rule: Rule, kin) -> tuple[np.ndarray, ...] | None:
        """Return each spin's count without Rashba coupling, and its block of M inverted.

        Returns
        -------
        N : int array (2, n)
            Number of states of that spin (↑ first) below E; −1 where it is not sure.
        at_L, across, at_R : float arrays (2, n)
            The inverse of the 2×2 block, in nm: smooth where M has a pole.
        error : float array (2, n)
            Bound of the rounding error of the three.

        None where a spin component is conserved, so that none is left to eliminate, and where the
        spins have a coupling of first order each.
        """
        return None

    def null_vector(self, rule: Rule, k, point: Point) -> np.ndarray:
        """Return u with M u = 0, unnormalised, by interface and spin, (2, 2, n).

        `point` is that of the same wells and energies.
        """
        raise NotImplementedError


class Full(Sector):
    """The 4×4 rule of a well without a symmetry; its minors in the order ↑0, ↑d, ↓0, ↓d."""

    tunnels = True

    def minors(self, layers: Layers) -> tuple:
        """As `Sector.minors`."""
        (_, S, _, t), q, LL, RR, LR = layers
        a, b, P = layers.inner.minors(*q)
        F = P[0] * P[1] - LL * (b[0] * b[1]) - RR * (a[0] * a[1])
        F = F + LR * (LR * (S[0] * S[1]) - 2 * (t[0] * t[1]))
        return a[0], P[0], a[1] * P[0] - LL * b[0] * S[1], F

    @np.errstate(all="ignore")  # a level at `kin`
    def inverse(self, rule: Rule, kin):
        """As `Sector.inverse`."""
        if self.tilt:
            return None
        layers, y = self.layers(rule, kin, np.zeros_like(kin))
        bounds, error = self.magnitudes(rule, kin, 0.0 * kin, layers, y)
        a, b, P = layers.inner.minors(*layers.q)
        a_, b_, P_ = bounds.inner.minors(*bounds.q)
        limit = FACTORS * error
        at_L, across, at_R = b / P, layers.inner.t / P, a / P
        largest = np.abs([at_L, across, at_R]).max(axis=0)
        left = np.abs(P) - limit * P_
        error = np.where(left > 0, limit * (np.maximum(a_, b_) + largest * P_) / left, np.inf)
        J = self.clamped(layers.inner.x, y)
        odd = odd_number(J)
        first, second = (a < 0) ^ odd, (P < 0) ^ odd
        N = np.where((np.abs(a) > limit * a_) & (left > 0), J + first + (first ^ second), -1)
        return N, at_L, across, at_R, error

    def null_vector(self, rule: Rule, k, point: Point):
        """As `Sector.null_vector`: the largest column of adj(M) S↑S↓."""
        whole = point.whole()
        _, S, _, t = whole
        a, b, P = whole.minors(*self.walls(rule, k, point.q))
        kL, kR = k * rule.flip
        LL, RR, tt, SS = kL * kL, kR * kR, t[0] * t[1], S[0] * S[1]
        # Rows ↑0, ↓0, ↑d, ↓d.  Wells are last, where they are contiguous.
        adjugate = np.empty((4, 4, k.size))
        adjugate[0, 0] = b[0] * P[1] - RR * a[1] * S[0]
        adjugate[1, 1] = b[1] * P[0] - RR * a[0] * S[1]
        adjugate[2, 2] = a[0] * P[1] - LL * b[1] * S[0]
        adjugate[3, 3] = a[1] * P[0] - LL * b[0] * S[1]
        for (i, j), value in {
            (0, 2): t[0] * P[1] + kL * kR * t[1] * S[0],
            (1, 3): t[1] * P[0] + kL * kR * t[0] * S[1],
            (0, 1): kL * (RR * SS - b[0] * b[1]) - kR * tt,
            (2, 3): kR * (LL * SS - a[0] * a[1]) - kL * tt,
            (0, 3): -kR * t[0] * a[1] - kL * b[0] * t[1],
            (1, 2): -kR * t[1] * a[0] - kL * b[1] * t[0],
        }.items():
            adjugate[i, j] = adjugate[j, i] = value
        largest = np.argmax(np.abs(np.einsum("iin->in", adjugate)), axis=0)
        return adjugate[largest, :, np.arange(k.size)].T.reshape(2, 2, -1)


class Mirror(Sector):
    """One sector of a well with V_L = V_R and |α_L| = |α_R|, which halving it decouples.

    With α_L = −α_R the mirror z → d−z is a symmetry: both spin components are even, or both odd.
    With α_L = α_R it is one together with σ_z, and there is none with a tilt: one component is even
    and the other odd.
    Levels of different sectors cross; in the sector's 2×2 rule they do not meet.
    """

    part, order, poles = (0, slice(None)), 4, (1, 2)

    def __init__(self, up_even: bool, down_even: bool, tilt: bool = False):
        super().__init__(tilt)
        self.even = np.array([up_even, down_even])
        self.degree = up_even + down_even

    def conditions(self, half: Layer, q):
        """Return numerators and denominators of each spin's condition, lists by spin."""
        pairs = [half.spin(s).half(even, q[s]) for s, even in enumerate(self.even)]
        return zip(*pairs, strict=True)

    def minors(self, layers: Layers) -> tuple:
        """As `Sector.minors`."""
        n, D = self.conditions(layers.inner, layers.q)
        return n[0], n[0] * n[1] - layers.LL * (D[0] * D[1])

    @np.errstate(all="ignore")  # a level at `kin`
    def inverse(self, rule: Rule, kin):
        """As `Sector.inverse`."""
        if self.tilt:
            return None
        layers, y = self.layers(rule, kin, np.zeros_like(kin))
        bounds, error = self.magnitudes(rule, kin, 0.0 * kin, layers, y)
        n, D = map(np.array, self.conditions(layers.inner, layers.q))
        n_, D_ = (
            np.stack(np.broadcast_arrays(*v)) for v in self.conditions(bounds.inner, bounds.q)
        )
        limit = FACTORS * error
        ratio = D / n
        left = np.abs(n) - limit * n_
        error = np.where(left > 0, limit * (D_ + np.abs(ratio) * n_) / left, np.inf)
        J = self.clamped(layers.inner.x, y)
        N = np.where(left > 0, J + ((n < 0) ^ odd_number(J)), -1)
        return N, ratio, np.zeros_like(n), ratio, error

    def null_vector(self, rule: Rule, k, point: Point):
        """As `Sector.null_vector`."""
        q = self.walls(rule, k, point.q)
        n, D = map(np.array, self.conditions(point.half, q))
        a = k * rule.flip[0]
        first = np.abs(n[1] * D[0]) > np.abs(n[0] * D[1])
        left = np.where(first, [n[1], -a * D[1]], [-a * D[0], n[0]])
        return np.stack([left, np.where(self.even[:, None], left, -left)])


class Conserved(Sector):
    """One sector of a well in which a spin component is conserved: a scalar rule.

    Without Rashba coupling, or where σ_φ is along the magnetisation or against it (a `tilt`), that
    is σ_z, and `spin` says which: 0 is ↑.  Without exchange it is σ_φ = `sign`, for which the
    coupling is a δ potential of strength `sign`·k a at each interface.

    With V_L = V_R and α_L = −α_R parity is conserved too.  States at the two interfaces form pairs
    that only tunnelling splits; `even` or not, each has a rule of its own.
    """

    def __init__(self, sign: int, spin: int = 0, even: bool | None = None, tilt: bool = False):
        super().__init__(tilt)
        self.sign, self.spin, self.even = sign, spin, even
        if even is None:
            self.part, self.order = (slice(None), spin), 3
            self.poles, self.degree = (1, 1), 1
        else:
            self.part, self.order = (0, spin), 2
            self.poles, self.degree = (1,), int(even)

    def minors(self, layers: Layers) -> tuple:
        """As `Sector.minors`."""
        if self.half:
            return layers.inner.half(self.even, layers.q)[:1]
        a, _, P = layers.inner.minors(*layers.q)
        return a, P

    def null_vector(self, rule: Rule, k, point: Point):
        """As `Sector.null_vector`; with a parity it is known beforehand."""
        if self.half:
            ends = np.ones((2, k.size))
            ends[1] = 1 if self.even else -1
        else:
            whole = point.whole().spin(self.spin)
            a, b, _ = whole.minors(*self.walls(rule, k, point.q))
            t = whole.t
            ends = np.where(np.abs(b) > np.abs(a), [b, t], [t, a])
        u = np.zeros((2, 2, k.size))
        u[:, self.spin] = ends
        if self.sign and not self.tilt:
            u[:, 1 - self.spin] = self.sign * ends
        return u


def slopes(rule: Rule, k: np.ndarray, u: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the slopes in the well at the interfaces, each towards the other, by Eq. (5).

    `u` and `q` are (2, 2, n), by interface and spin.
    """
    slope = q * u + (k * rule.flip)[:, None] * u[:, ::-1]
    return slope if rule.field is None else slope + (k * rule.field)[:, None] * (SPIN_SIGN * u)


def coupling(rule: Rule, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return uᵀ(∂M/∂k)v: the Rashba terms of both interfaces."""
    form = (rule.flip * (u[:, 0] * v[:, 1] + u[:, 1] * v[:, 0])).sum(axis=0)
    if rule.field is None:
        return form
    return form + (rule.field * (u[:, 0] * v[:, 0] - u[:, 1] * v[:, 1])).sum(axis=0)


FULL = Full()
SECTORS: tuple[tuple[Sector, ...], ...] = (
    (FULL,),
    (Mirror(True, True), Mirror(False, False)),
    (Mirror(True, False), Mirror(False, True)),
    (Conserved(1), Conserved(-1)),
    (Conserved(0, spin=0), Conserved(0, spin=1)),
    tuple(Conserved(sign, even=even) for sign in (1, -1) for even in (True, False)),
    (Full(tilt=True),),
    (Mirror(True, True, tilt=True), Mirror(False, False, tilt=True)),
    (Conserved(1, 0, tilt=True), Conserved(1, 1, tilt=True)),
    tuple(Conserved(1, spin, even, tilt=True) for spin in (0, 1) for even in (True, False)),
)
"""The sectors of a well, by the symmetry that `symmetry` returns."""


def symmetry(rule: Rule) -> np.ndarray:
    """Return which entry of `SECTORS` each well is solved in.

    Only exact symmetries count: levels of different sectors may then lie arbitrarily close or
    cross, and each keeps its own well-conditioned rule.
    """
    given, tilt = rule.given
    Delta, alpha_L, alpha_R = given.Delta, given.alpha_L, given.alpha_R
    equal_barriers = given.V_L == given.V_R
    # Later lines go before: with α_L = α_R the well is a mirror image, exchange or not.
    kind = np.zeros(rule.d.shape, dtype=np.intp)
    kind[equal_barriers & (alpha_L == -alpha_R)] = 1
    kind[Delta == 0] = 3
    kind[(Delta == 0) & equal_barriers & (alpha_L == -alpha_R)] = 5
    kind[equal_barriers & (alpha_L == alpha_R)] = 2
    if tilt.size:
        # Without exchange σ_φ is conserved at any β, but only where it is σ_x is that used.
        cos, sin = tilt
        mirror = (kind == 1) | (kind == 5)
        kind = np.where(cos == 0, kind, np.where(sin == 0, 8, 6) + mirror)
    kind[(alpha_L == 0) & (alpha_R == 0)] = 4
    return kind


def checked_plane(well: Well, E: object, k: object) -> tuple[np.ndarray, np.ndarray]:
    """Return E and k as broadcast float arrays.

    Raises
    ------
    ValueError
        If one is not finite and real, or an energy is above the continuum edge.
    """
    arrays = checked_numbers("E", E, "eV"), checked_numbers("k", k, "1/nm")
    above = arrays[0] > well.continuum_edge
    if above.any():
        raise ValueError(
            f"E must not exceed the lower barrier edge, {well.continuum_edge:g} eV, where states "
            f"stop being bound; got {written(arrays[0][above].max())} eV"
        )
    E, k = np.broadcast_arrays(*arrays)
    return E, k


def matching_matrix(well: Well, E: np.ndarray | float, k: np.ndarray | float) -> np.ndarray:
    """Return the symmetric matrix M(E, k) of the quantization rule M u = 0.

    Row by row it is the jump condition of Eq. (5) at z = 0 (↑, ↓) and z = d (↑, ↓), with the wave
    functions of the layers put in and divided by c.

    Parameters
    ----------
    well : Well
    E, k : array_like
        Energy in eV and wave number in 1/nm, broadcast.

    Returns
    -------
    float array (..., 4, 4)
        In 1/nm; infinite or very large where κ_s d is a multiple of π.

    Raises
    ------
    ValueError
        As `count_states`.
    """
    E, k = checked_plane(well, E, k)
    M = np.zeros((*E.shape, 4, 4))
    for i, s in enumerate((1, -1)):
        kappa2 = (E.ravel() - s * well.Delta) / well.c
        S, C, t, _ = (x.reshape(E.shape) for x in interior(kappa2, well.d))
        for interface, V in enumerate((well.V_L, well.V_R)):
            q = np.sqrt(np.maximum(V + s * well.Delta_barrier - E, 0) / well.c)
            M[..., i + 2 * interface, i + 2 * interface] = q + C / S
        M[..., i, i + 2] = M[..., i + 2, i] = -t / S
    M[..., 0, 1] = M[..., 1, 0] = k * well.alpha_L / well.c
    M[..., 2, 3] = M[..., 3, 2] = -k * well.alpha_R / well.c
    return M
