"""The quantization rule of Sec. II: a matching matrix, its inertia, and the number of states.

With k = |k| in the plane and σ_φ the in-plane spin component perpendicular to k, Eqs. (1)-(4) are
one problem for all directions of k,

    h(k) = −c d²/dz² + V(z) + Δ σ_z + k [α_L δ(z) − α_R δ(z−d)] σ_φ ,    c = ħ²/2m ,

with eigenvalue E and total energy ε = E + c k².  In the basis where σ_φ is σ_x it is real.
Continuity and the jump of the slope, Eq. (5), leave a condition M(E, k) u = 0 on the spinor at the
two interfaces, u = (ψ↑(0), ψ↓(0), ψ↑(d), ψ↓(d)).

M is never used near its poles.  What is evaluated are entire functions of E and k: M with its poles
multiplied out.  Wells are columns of arrays here, so that a sweep solves all of them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from .waves import Point, barrier, clamped_states, interior, odd_number
from .well import Well, exchange_in_barriers, half_inverse_mass


class Rule:
    """The quantization rule of many wells at one reference energy ε each, divided by c.

    A point of the (E, k) plane is given by `kin` = (ε − E)/c in nm⁻², which is k² along the Fermi
    parabola, and by the wave number k of the Rashba coupling.

    Attributes
    ----------
    columns : (9, n) array
        All that follows, one column a well; the others are views of it.
    d : (n,) array
        Width in nm.
    kappa2 : (2, n) array
        (ε − Δ)/c and (ε + Δ)/c in nm⁻²: κ² of ↑ and of ↓ is `kappa2` − kin.
    q2 : (2, 2, n) array
        (V ± Δ_barrier − ε)/c by interface and spin: q² is `q2` + kin.
    a : (2, n) array
        α_L/c and −α_R/c, no unit: both interfaces then carry +k a σ_x.
    """

    def __init__(self, columns: np.ndarray):
        self.columns = columns
        self.d, self.kappa2, self.a = columns[0], columns[1:3], columns[7:9]
        self.q2 = columns[3:7].reshape(2, 2, -1)

    def take(self, index: np.ndarray) -> Rule:
        """Return the rule of the wells `index`, repeated as often as they occur in it."""
        return Rule(self.columns.take(index, axis=1))

    def at(self, kin: np.ndarray) -> Point:
        """Return what the layers contribute at (ε − E)/c = `kin`."""
        return Point.of(self.kappa2, self.q2, self.d, kin)

    @classmethod
    def of(cls, columns: dict[str, np.ndarray], energy: np.ndarray | float) -> Rule:
        """Return the rule, at ε = `energy` in eV, of wells given as columns of their fields."""
        c, Delta = half_inverse_mass(columns["mass"]), columns["Delta"]
        barrier = exchange_in_barriers(Delta, columns["exchange"])
        V_L, V_R = columns["V_L"], columns["V_R"]
        rows = (
            columns["d"],
            (energy - Delta) / c,
            (energy + Delta) / c,
            (V_L + barrier - energy) / c,
            (V_L - barrier - energy) / c,
            (V_R + barrier - energy) / c,
            (V_R - barrier - energy) / c,
            columns["alpha_L"] / c,
            -columns["alpha_R"] / c,
        )
        return cls(np.stack(np.broadcast_arrays(*rows)))

    @classmethod
    def of_wells(cls, wells: Sequence[Well], energy: np.ndarray | float) -> Rule:
        """Return the rule of wells."""
        names = Well.__dataclass_fields__
        return cls.of({n: np.array([getattr(well, n) for well in wells]) for n in names}, energy)

    @classmethod
    def of_well(cls, well: Well, energy: float) -> Rule:
        """Return the rule of one well, as arrays of length 1."""
        return cls.of_wells([well], energy)


def scalar_minors(x, S, C, left, right):
    """Return the minors of a scalar well's matching matrix times S = sin(κd)/κ.

    Those of z = 0 alone, of z = d alone, and the determinant; `left` and `right` are q, or what
    stands there in its place.
    """
    return S * left + C, S * right + C, S * (left * right - x) + (left + right) * C


class Sector(Protocol):
    """The part of a well's states that one symmetry keeps apart, with a rule of its own.

    `kin`, `k` are arrays of shape (n,), a point of each of the n wells of a `Rule`.
    """

    def sturm(self, rule: Rule, kin, k, shift=None) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of states below E at wave number k, and the determinant of the rule.

        Parameters
        ----------
        rule : Rule
            Of n wells.
        kin, k : array
            (ε − E)/c in nm⁻² and the wave number in 1/nm, shape (n,).
        shift : array, optional
            Adds `shift`·|α| to both interface potentials, in 1/nm: the bound of a coupling whose
            wave number is uncertain by ±`shift`.

        Returns
        -------
        N : int array (n,)
        F : float array (n,)
            Without its poles: smooth below the barrier edges, with the sign (−1)^N.
        """

    def determinant(self, rule: Rule, kin, k) -> np.ndarray:
        """Return the second of what `sturm` returns, alone."""

    def inverse(self, rule: Rule, kin) -> tuple[np.ndarray, ...]:
        """Return each spin's count without Rashba coupling, and its block of M inverted.

        Returns
        -------
        N : int array (2, n)
            Number of states of that spin (↑ first) below E.
        LL, LR, RR : float arrays (2, n)
            The inverse of the 2×2 block, in nm: smooth where M has a pole.  Not a number in a
            sector where a spin component is conserved, since no spin is left to eliminate.
        """

    def null_vector(self, rule: Rule, k, point: Point) -> np.ndarray:
        """Return u with M u = 0, unnormalised, by interface and spin, (2, 2, n).

        `point` is that of the same wells and energies.
        """


class Full:
    """The 4×4 rule of a well without a symmetry."""

    @staticmethod
    def _parts(rule: Rule, kin, k, shift):
        x = rule.kappa2 - kin
        S, C, t, y = interior(x, rule.d)
        q = barrier(rule.q2, kin)
        if shift is not None:
            q = q + (shift * np.abs(rule.a))[:, None]
        return x, y, S, t, *scalar_minors(x, S, C, *q), k * rule.a

    @classmethod
    def sturm(cls, rule: Rule, kin, k, shift=None):
        """As `Sector.sturm`: Wittrick and Williams (1971).

        N is J↑ + J↓ + the number of negative eigenvalues of M, the latter from the signs of the
        leading minors of M in the order ↑0, ↑d, ↓0, ↓d; F is det M times S↑S↓.
        """
        x, y, *parts = cls._parts(rule, kin, k, shift)
        S, _, a, b, P, ka = parts
        third = a[1] * P[0] - ka[0] * ka[0] * b[0] * S[1]
        F = cls._minor(*parts)
        J = clamped_states(x, y)
        # The signs of S come from the parity of J, not from sin: at a pole of M both J and the
        # sign of a minor must switch at the same point.
        odd = odd_number(J)
        both = odd[0] ^ odd[1]
        n1, n2 = (a[0] < 0) ^ odd[0], (P[0] < 0) ^ odd[0]
        n3, n4 = (third < 0) ^ both, (F < 0) ^ both
        return J[0] + J[1] + n1 + (n1 ^ n2) + (n2 ^ n3) + (n3 ^ n4), F

    @staticmethod
    def _minor(S, t, a, b, P, ka):
        aa, bb, ab = ka[0] * ka[0], ka[1] * ka[1], ka[0] * ka[1]
        return (
            P[0] * P[1]
            - aa * (b[0] * b[1])
            - bb * (a[0] * a[1])
            + ab * (ab * (S[0] * S[1]) - 2 * (t[0] * t[1]))
        )

    @classmethod
    def determinant(cls, rule: Rule, kin, k):
        """As `Sector.determinant`."""
        return cls._minor(*cls._parts(rule, kin, k, None)[2:])

    @classmethod
    def inverse(cls, rule: Rule, kin):
        """As `Sector.inverse`."""
        x, y, _, t, a, b, P, _ = cls._parts(rule, kin, 0.0, None)
        return _scalar_count(x, y, a, P), b / P, t / P, a / P

    @classmethod
    def null_vector(cls, rule: Rule, k, point: Point):
        """As `Sector.null_vector`: the largest column of adj(M) S↑S↓."""
        S, C, t = point.whole()
        a, b, P = scalar_minors(point.x, S, C, *point.q)
        kL, kR = k * rule.a
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


class Mirror:
    """One sector of a well with V_L = V_R and |α_L| = |α_R|, which halving it decouples.

    With α_L = −α_R the mirror z → d−z is a symmetry: both spin components are even, or both odd.
    With α_L = α_R it is one together with σ_z: one component is even and the other odd.
    Levels of different sectors cross; in the sector's 2×2 rule they do not meet.
    """

    def __init__(self, up_even: bool, down_even: bool):
        self.even = np.array([up_even, down_even])[:, None]

    def _parts(self, rule: Rule, kin, shift=None):
        """Return numerator and denominator of each spin's condition, and J, all (2, n)."""
        point = rule.at(kin)
        q = point.q[0]
        if shift is not None:
            q = q + shift * np.abs(rule.a[0])
        J = clamped_states(point.x, point.y, np.where(self.even, 0.5, 0.0))
        return *self._condition(point, q), J

    def _condition(self, point: Point, q):
        x, S, C = point.x, point.S, point.C
        return np.where(self.even, q * C - x * S, q * S + C), np.where(self.even, C, S)

    def sturm(self, rule: Rule, kin, k, shift=None):
        """As `Sector.sturm`."""
        n, D, J = self._parts(rule, kin, shift)
        a = k * rule.a[0]
        F = n[0] * n[1] - a * a * D[0] * D[1]
        odd = odd_number(J)
        m1, m2 = (n[0] < 0) ^ odd[0], (F < 0) ^ odd[0] ^ odd[1]
        return J[0] + J[1] + m1 + (m1 ^ m2), F

    def determinant(self, rule: Rule, kin, k):
        """As `Sector.determinant`."""
        return self.sturm(rule, kin, k)[1]

    def inverse(self, rule: Rule, kin):
        """As `Sector.inverse`."""
        n, D, J = self._parts(rule, kin)
        return J + ((n < 0) ^ odd_number(J)), D / n, np.zeros_like(n), D / n

    def null_vector(self, rule: Rule, k, point: Point):
        """As `Sector.null_vector`."""
        n, D = self._condition(point, point.q[0])
        a = k * rule.a[0]
        first = np.abs(n[1] * D[0]) > np.abs(n[0] * D[1])
        left = np.where(first, [n[1], -a * D[1]], [-a * D[0], n[0]])
        return np.stack([left, np.where(self.even, left, -left)])


def slopes(rule: Rule, k: np.ndarray, u: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the slopes in the well at the interfaces, each towards the other, by Eq. (5).

    `u` and `q` are (2, 2, n), by interface and spin.
    """
    return q * u + (k * rule.a)[:, None] * u[:, ::-1]


def coupling(rule: Rule, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return uᵀ(∂M/∂k)v: the Rashba terms of both interfaces."""
    return (rule.a * (u[:, 0] * v[:, 1] + u[:, 1] * v[:, 0])).sum(axis=0)


def _scalar_count(kappa2, y, a, P):
    """Return the number of states of a scalar well from its minors a/S and P/S."""
    J = clamped_states(kappa2, y)
    odd = odd_number(J)
    m1, m2 = (a < 0) ^ odd, (P < 0) ^ odd
    return J + m1 + (m1 ^ m2)


class Conserved:
    """One sector of a well in which a spin component is conserved: a scalar rule.

    Without Rashba coupling that is σ_z (`sign` 0, `spin` says which: 0 is ↑); without exchange it
    is σ_φ = `sign`, for which the coupling is a δ potential of strength `sign`·k a at each
    interface.
    """

    def __init__(self, sign: int, spin: int = 0):
        self.sign, self.spin = sign, spin

    def _parts(self, rule: Rule, kin, k, shift):
        x = rule.kappa2[self.spin] - kin
        S, C, _, y = interior(x, rule.d)
        q = barrier(rule.q2[:, self.spin], kin) + self.sign * k * rule.a
        if shift is not None:
            q = q + shift * np.abs(rule.a)
        return x, y, *scalar_minors(x, S, C, *q)

    def sturm(self, rule: Rule, kin, k, shift=None):
        """As `Sector.sturm`."""
        x, y, a, _, P = self._parts(rule, kin, k, shift)
        return _scalar_count(x, y, a, P), P

    def determinant(self, rule: Rule, kin, k):
        """As `Sector.determinant`."""
        return self._parts(rule, kin, k, None)[-1]

    def inverse(self, rule: Rule, kin):
        """As `Sector.inverse`: not a number."""
        nan = np.full(rule.kappa2.shape, np.nan)
        return np.zeros(rule.kappa2.shape, dtype=np.intp), nan, nan, nan

    def null_vector(self, rule: Rule, k, point: Point):
        """As `Sector.null_vector`."""
        S, C, t = (part[self.spin] for part in point.whole())
        q = point.q[:, self.spin] + self.sign * k * rule.a
        a, b, _ = scalar_minors(point.x[self.spin], S, C, *q)
        ends = np.where(np.abs(b) > np.abs(a), [b, t], [t, a])
        u = np.zeros((2, 2, k.size))
        u[:, self.spin] = ends
        if self.sign:
            u[:, 1 - self.spin] = self.sign * ends
        return u


class MirrorConserved:
    """One sector of a well without exchange, with V_L = V_R and α_L = −α_R.

    Parity and σ_φ are both conserved.  States at the two interfaces form pairs that only tunnelling
    splits; by parity each has a rule of its own.
    """

    def __init__(self, sign: int, even: bool):
        self.sign, self.even = sign, even

    def sturm(self, rule: Rule, kin, k, shift=None):
        """As `Sector.sturm`."""
        x = rule.kappa2[0] - kin
        S, C, _, y = interior(x, rule.d / 2)
        q = barrier(rule.q2[0, 0], kin) + self.sign * k * rule.a[0]
        if shift is not None:
            q = q + shift * np.abs(rule.a[0])
        J = clamped_states(x, y, 0.5 if self.even else 0.0)
        F = q * C - x * S if self.even else q * S + C
        return J + ((F < 0) ^ odd_number(J)), F

    def determinant(self, rule: Rule, kin, k):
        """As `Sector.determinant`."""
        return self.sturm(rule, kin, k)[1]

    inverse = Conserved.inverse

    def null_vector(self, rule: Rule, k, point: Point):
        """As `Sector.null_vector`: known beforehand."""
        left = np.array([1.0, self.sign])
        vector = np.stack([left, left if self.even else -left])
        return np.repeat(vector[..., None], k.size, axis=2)


SECTORS: tuple[tuple[Sector, ...], ...] = (
    (Full(),),
    (Mirror(True, True), Mirror(False, False)),
    (Mirror(True, False), Mirror(False, True)),
    (Conserved(1), Conserved(-1)),
    (Conserved(0, spin=0), Conserved(0, spin=1)),
    tuple(MirrorConserved(sign, even) for sign in (1, -1) for even in (True, False)),
)
"""The sectors of a well, by the symmetry that `symmetry` returns."""


def symmetry(rule: Rule) -> np.ndarray:
    """Return which entry of `SECTORS` each well is solved in.

    Only exact symmetries count: levels of different sectors may then lie arbitrarily close or
    cross, and each keeps its own well-conditioned rule.
    """
    a_L, a_R = rule.a
    equal_barriers = (rule.q2[0] == rule.q2[1]).all(axis=0)
    kind = np.zeros(rule.d.shape, dtype=np.intp)
    kind[equal_barriers & (a_L == a_R)] = 1
    no_exchange = (rule.kappa2[0] == rule.kappa2[1]) & (rule.q2[:, 0] == rule.q2[:, 1]).all(axis=0)
    kind[no_exchange] = 3
    kind[no_exchange & equal_barriers & (a_L == a_R)] = 5
    kind[equal_barriers & (a_L == -a_R)] = 2
    kind[(a_L == 0) & (a_R == 0)] = 4
    return kind


def checked_plane(well: Well, E: object, k: object) -> tuple[np.ndarray, np.ndarray]:
    """Return E and k as broadcast float arrays.

    Raises
    ------
    ValueError
        If one is not finite and real, or an energy is above the continuum edge.
    """
    arrays = []
    for name, value, unit in (("E", E, "eV"), ("k", k, "1/nm")):
        array = np.asarray(value)
        if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite real numbers in {unit}, got {value!r}")
        arrays.append(array.astype(float))
    above = arrays[0] > well.continuum_edge
    if above.any():
        raise ValueError(
            f"E must not exceed the lower barrier edge, {well.continuum_edge:g} eV, where states "
            f"stop being bound; got {arrays[0][above].max()!r} eV"
        )
    E, k = np.broadcast_arrays(*arrays)
    return E, k


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
        The number of eigenvalues of h(k) below `E`, of the shape of `E` and `k` broadcast.

    Raises
    ------
    ValueError
        If `E` or `k` is not finite, or `E` lies above the continuum edge.

    References
    ----------
    Wittrick, W. H. and Williams, F. W., Q. J. Mech. Appl. Math. 24, 263 (1971).
    """
    E, k = checked_plane(well, E, k)
    rule = Rule.of_well(well, 0.0)
    N, _ = Full.sturm(rule, -E.ravel() / well.c, k.ravel())
    return N.reshape(E.shape)


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
