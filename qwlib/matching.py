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

from typing import NamedTuple

import numpy as np

from .well import Well

TINY = 1e-150
"""Added to a phase so that sin(y)/y and its like need no special case at y = 0."""


class Rule(NamedTuple):
    """The quantization rule of many wells at one reference energy ε each, divided by c.

    A point of the (E, k) plane is given by `kin` = (ε − E)/c in nm⁻², which is k² along the Fermi
    parabola, and by the wave number k of the Rashba coupling.  All fields are arrays of shape (n,).
    """

    d: np.ndarray  # width, nm
    in_up: np.ndarray  # (ε − Δ)/c, nm⁻²: κ↑² = in_up − kin
    in_down: np.ndarray  # (ε + Δ)/c: κ↓² = in_down − kin
    L_up: np.ndarray  # (V_L + Δ_barrier − ε)/c: q² of ↑ on the left = L_up + kin
    L_down: np.ndarray
    R_up: np.ndarray
    R_down: np.ndarray
    a_L: np.ndarray  # α_L/c, dimensionless
    a_R: np.ndarray  # −α_R/c: both interfaces then carry +k a σ_x

    def take(self, index: np.ndarray) -> Rule:
        """Return the rule of the wells `index`, repeated as often as they occur in it."""
        return Rule(*(column[index] for column in self))

    @classmethod
    def of(cls, columns: dict[str, np.ndarray], energy: np.ndarray | float) -> Rule:
        """Return the rule of wells given as columns named like the fields of `Well`.

        `columns` holds `c` and `Delta_barrier` beside them; `energy` is ε in eV.
        """
        c, Delta, barrier = columns["c"], columns["Delta"], columns["Delta_barrier"]
        V_L, V_R = columns["V_L"], columns["V_R"]
        fields = (
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
        return cls(*(np.array(f) for f in np.broadcast_arrays(*fields)))

    @classmethod
    def of_well(cls, well: Well, energy: float) -> Rule:
        """Return the rule of one well, as arrays of length 1."""
        names = ("d", "V_L", "V_R", "Delta", "Delta_barrier", "alpha_L", "alpha_R", "c")
        return cls.of({name: np.array([getattr(well, name)]) for name in names}, energy)


def interior(kappa2: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return S = sin(κd)/κ, C = cos(κd), t = 1 and y = |κ|d for κ² of either sign.

    For κ² = −γ² < 0 they are sinh(γd)/γ, cosh(γd) and 1, all three times exp(−γd), so that nothing
    overflows in a wide well.  S is in nm; the others have no unit.
    """
    y = np.sqrt(np.abs(kappa2)) * d + TINY
    evanescent = kappa2 < 0
    # One tangent of the half angle is several times as fast as a sine and a cosine.
    half = np.tan(y / 2)
    square = half * half
    scale = 1 / (1 + square)
    S, C, t = 2 * d * half * scale / y, (1 - square) * scale, np.ones_like(y)
    if evanescent.any():
        i = np.nonzero(evanescent)
        ye = y[i]
        t[i] = np.exp(-ye)
        C[i] = (1 + t[i] ** 2) / 2
        S[i] = -np.expm1(-2 * ye) / (2 * ye) * np.broadcast_to(d, y.shape)[i]
    return S, C, t, y


def clamped_states(kappa2: np.ndarray, y: np.ndarray, offset: float = 0.0) -> np.ndarray:
    """Return #{m ≥ 1 : (m − offset)π < y} for real κ, 0 for imaginary κ.

    The number of states of a well clamped at both interfaces (offset 0), or clamped at one and
    free at the other end (offset 1/2), below an energy: J of the Wittrick-Williams count.
    """
    J = np.ceil(y / np.pi + (offset - 1)).astype(np.intp)
    return np.where(kappa2 > 0, np.maximum(J, 0), 0)


def barrier(outside: np.ndarray, kin: np.ndarray) -> np.ndarray:
    """Return the decay constant q in 1/nm in an insulator; 0 where rounding makes q² negative."""
    return np.sqrt(np.maximum(outside + kin, 0.0))


class Full:
    """The 4×4 rule of a well without a symmetry."""

    @staticmethod
    def _parts(rule: Rule, kin, k, shift):
        x1, x2 = rule.in_up - kin, rule.in_down - kin
        S1, C1, t1, y1 = interior(x1, rule.d)
        S2, C2, t2, y2 = interior(x2, rule.d)
        L1, L2 = barrier(rule.L_up, kin), barrier(rule.L_down, kin)
        R1, R2 = barrier(rule.R_up, kin), barrier(rule.R_down, kin)
        if shift is not None:
            sL, sR = shift * np.abs(rule.a_L), shift * np.abs(rule.a_R)
            L1, L2, R1, R2 = L1 + sL, L2 + sL, R1 + sR, R2 + sR
        a1, b1 = S1 * L1 + C1, S1 * R1 + C1
        a2, b2 = S2 * L2 + C2, S2 * R2 + C2
        P1 = S1 * (L1 * R1 - x1) + (L1 + R1) * C1
        P2 = S2 * (L2 * R2 - x2) + (L2 + R2) * C2
        return x1, x2, y1, y2, S1, S2, t1, t2, a1, a2, b1, b2, P1, P2, k * rule.a_L, k * rule.a_R

    @classmethod
    def sturm(cls, rule: Rule, kin, k, shift=None):
        """Return the number of states below E at wave number k, and det M without its poles.

        Parameters
        ----------
        rule : Rule
            Columns of shape (n,).
        kin, k : array
            (ε − E)/c in nm⁻² and the wave number in 1/nm, shape (n,).
        shift : array, optional
            Adds `shift`·|α| to both interface potentials, in 1/nm: the bound of a coupling whose
            wave number is uncertain by ±`shift`.

        Returns
        -------
        N : int array (n,)
            J↑ + J↓ + the number of negative eigenvalues of M (Wittrick and Williams 1971), the
            latter from the signs of the leading minors of M, in the order ↑0, ↑d, ↓0, ↓d.
        F : float array (n,)
            det M times S↑S↓, smooth below the barrier edges, with the sign (−1)^N.
        """
        x1, x2, y1, y2, S1, S2, t1, t2, a1, a2, b1, b2, P1, P2, a, b = cls._parts(
            rule, kin, k, shift
        )
        m3 = a2 * P1 - a * a * b1 * S2
        F = cls._minor(S1, S2, t1, t2, a1, a2, b1, b2, P1, P2, a, b)
        J1, J2 = clamped_states(x1, y1), clamped_states(x2, y2)
        # The signs of S1 and S2 come from the parity of J, not from sin: at a pole of M both
        # J and the sign of a minor must switch at the same point.
        odd1, odd2 = (J1 & 1).astype(bool), (J2 & 1).astype(bool)
        odd12 = odd1 ^ odd2
        n1, n2 = (a1 < 0) ^ odd1, (P1 < 0) ^ odd1
        n3, n4 = (m3 < 0) ^ odd12, (F < 0) ^ odd12
        negative = n1.astype(np.intp) + (n1 ^ n2) + (n2 ^ n3) + (n3 ^ n4)
        return J1 + J2 + negative, F

    @staticmethod
    def _minor(S1, S2, t1, t2, a1, a2, b1, b2, P1, P2, a, b):
        aa, bb, ab = a * a, b * b, a * b
        return P1 * P2 - aa * (b1 * b2) - bb * (a1 * a2) + ab * (ab * (S1 * S2) - 2 * (t1 * t2))

    @classmethod
    def determinant(cls, rule: Rule, kin, k):
        """Return the second of what `sturm` returns, alone."""
        return cls._minor(*cls._parts(rule, kin, k, None)[4:])

    @classmethod
    def inverse(cls, rule: Rule, kin, spin: int):
        """Return the count of one spin without Rashba coupling, and its block of M inverted.

        Returns
        -------
        N : int array (n,)
            Number of states of that spin (0 is ↑) below E.
        LL, LR, RR : float arrays (n,)
            The inverse of the 2×2 block, in nm: smooth where M has a pole.
        """
        x, y, t, a, b, P = Conserved(0, up=spin == 0)._parts(rule, kin, 0.0, 0.0)
        return _scalar_count(x, y, a, P), b / P, t / P, a / P

    @classmethod
    def null_vector(cls, rule: Rule, kin, k):
        """Return u, (n, 4), with M u = 0, unnormalised: the largest column of adj(M) S↑S↓."""
        *_, S1, S2, t1, t2, a1, a2, b1, b2, P1, P2, a, b = cls._parts(rule, kin, k, None)
        tt, ab = t1 * t2, a * b
        # Columns of wells last, where they are contiguous.
        adjugate = np.empty((4, 4, np.size(S1)))
        adjugate[0, 0] = b1 * P2 - b * b * a2 * S1
        adjugate[1, 1] = b2 * P1 - b * b * a1 * S2
        adjugate[2, 2] = a1 * P2 - a * a * b2 * S1
        adjugate[3, 3] = a2 * P1 - a * a * b1 * S2
        for (i, j), value in {
            (0, 2): t1 * P2 + ab * t2 * S1,
            (1, 3): t2 * P1 + ab * t1 * S2,
            (0, 1): a * (b * b * S1 * S2 - b1 * b2) - b * tt,
            (2, 3): b * (a * a * S1 * S2 - a1 * a2) - a * tt,
            (0, 3): -b * t1 * a2 - a * b1 * t2,
            (1, 2): -b * t2 * a1 - a * b2 * t1,
        }.items():
            adjugate[i, j] = adjugate[j, i] = value
        largest = np.argmax(np.abs(np.einsum("iin->in", adjugate)), axis=0)
        return np.take_along_axis(adjugate, largest[None, None], axis=0)[0].T


class Mirror:
    """One sector of a well with V_L = V_R and |α_L| = |α_R|, which halving it decouples.

    With α_L = −α_R the mirror z → d−z is a symmetry: both spin components are even, or both odd.
    With α_L = α_R it is one together with σ_z: one component is even and the other odd.
    Levels of different sectors cross; in the sector's 2×2 rule they do not meet.
    """

    def __init__(self, up_even: bool, down_even: bool):
        self.even = (up_even, down_even)

    def _parts(self, rule: Rule, kin, k, shift):
        s = shift * np.abs(rule.a_L)
        parts = []
        for even, inside, outside in (
            (self.even[0], rule.in_up, rule.L_up),
            (self.even[1], rule.in_down, rule.L_down),
        ):
            x = inside - kin
            S, C, _, y = interior(x, rule.d / 2)
            q = barrier(outside, kin) + s
            J = clamped_states(x, y, 0.5 if even else 0.0)
            parts.append((q * C - x * S, C, J) if even else (q * S + C, S, J))
        return *parts, k * rule.a_L

    def sturm(self, rule: Rule, kin, k, shift=0.0):
        """As `Full.sturm`, for the states of this sector alone."""
        (n1, D1, J1), (n2, D2, J2), a = self._parts(rule, kin, k, shift)
        F = n1 * n2 - a * a * D1 * D2
        odd1, odd2 = (J1 & 1).astype(bool), (J2 & 1).astype(bool)
        m1, m2 = (n1 < 0) ^ odd1, (F < 0) ^ odd1 ^ odd2
        return J1 + J2 + m1 + (m1 ^ m2), F

    def determinant(self, rule: Rule, kin, k):
        """As `Full.determinant`, for the states of this sector alone."""
        return self.sturm(rule, kin, k)[1]

    def inverse(self, rule: Rule, kin, spin: int):
        """As `Full.inverse`, for the states of this sector alone."""
        n, D, J = self._parts(rule, kin, 0.0, 0.0)[spin]
        N = J + ((n < 0) ^ (J & 1).astype(bool))
        return N, D / n, np.zeros_like(n), D / n

    def null_vector(self, rule: Rule, kin, k):
        """As `Full.null_vector`, for the states of this sector alone."""
        (n1, D1, _), (n2, D2, _), a = self._parts(rule, kin, k, 0.0)
        first = np.abs(n2 * D1) > np.abs(n1 * D2)
        up, down = np.where(first, n2, -a * D1), np.where(first, -a * D2, n1)
        return np.stack(
            [up, down, up if self.even[0] else -up, down if self.even[1] else -down], axis=-1
        )


def _scalar_count(kappa2, y, a, P):
    """Return the number of states of a scalar well from its minors a/S and P/S."""
    J = clamped_states(kappa2, y)
    odd = (J & 1).astype(bool)
    m1, m2 = (a < 0) ^ odd, (P < 0) ^ odd
    return J + m1 + (m1 ^ m2)


class Conserved:
    """One sector of a well in which a spin component is conserved: a scalar rule.

    Without Rashba coupling that is σ_z (`sign` 0, `up` says which spin); without exchange it is
    σ_φ = `sign`, for which the coupling is a δ potential of strength `sign`·k a at each interface.
    """

    def __init__(self, sign: int, up: bool = True):
        self.sign, self.up = sign, up

    def _parts(self, rule: Rule, kin, k, shift):
        inside, left, right = (
            (rule.in_up, rule.L_up, rule.R_up)
            if self.up
            else (rule.in_down, rule.L_down, rule.R_down)
        )
        x = inside - kin
        S, C, t, y = interior(x, rule.d)
        L = barrier(left, kin) + self.sign * k * rule.a_L + shift * np.abs(rule.a_L)
        R = barrier(right, kin) + self.sign * k * rule.a_R + shift * np.abs(rule.a_R)
        return x, y, t, S * L + C, S * R + C, S * (L * R - x) + (L + R) * C

    def sturm(self, rule: Rule, kin, k, shift=0.0):
        """As `Full.sturm`, for the states of this sector alone."""
        x, y, _, a, _, P = self._parts(rule, kin, k, shift)
        return _scalar_count(x, y, a, P), P

    def determinant(self, rule: Rule, kin, k):
        """As `Full.determinant`, for the states of this sector alone."""
        return self._parts(rule, kin, k, 0.0)[-1]

    def inverse(self, rule: Rule, kin, spin: int):
        """As `Full.inverse`; not a number, since no spin is left to eliminate."""
        nan = np.full(np.shape(kin), np.nan)
        return np.zeros(np.shape(kin), dtype=np.intp), nan, nan, nan

    def null_vector(self, rule: Rule, kin, k):
        """As `Full.null_vector`, for the states of this sector alone."""
        _, _, t, a, b, _ = self._parts(rule, kin, k, 0.0)
        first = np.abs(b) > np.abs(a)
        left, right = np.where(first, b, t), np.where(first, t, a)
        zero = np.zeros_like(left)
        if self.sign:
            return np.stack([left, self.sign * left, right, self.sign * right], axis=-1)
        return np.stack(
            [left, zero, right, zero] if self.up else [zero, left, zero, right], axis=-1
        )


class MirrorConserved:
    """One sector of a well without exchange, with V_L = V_R and α_L = −α_R.

    Parity and σ_φ are both conserved.  States at the two interfaces form pairs that only tunnelling
    splits; by parity each has a rule of its own.
    """

    def __init__(self, sign: int, even: bool):
        self.sign, self.even = sign, even

    def sturm(self, rule: Rule, kin, k, shift=None):
        """As `Full.sturm`, for the states of this sector alone."""
        x = rule.in_up - kin
        S, C, _, y = interior(x, rule.d / 2)
        q = barrier(rule.L_up, kin) + self.sign * k * rule.a_L
        if shift is not None:
            q = q + shift * np.abs(rule.a_L)
        J = clamped_states(x, y, 0.5 if self.even else 0.0)
        F = q * C - x * S if self.even else q * S + C
        return J + ((F < 0) ^ (J & 1).astype(bool)), F

    def determinant(self, rule: Rule, kin, k):
        """As `Full.determinant`, for the states of this sector alone."""
        return self.sturm(rule, kin, k)[1]

    inverse = Conserved.inverse

    def null_vector(self, rule: Rule, kin, k):
        """As `Full.null_vector`: known beforehand."""
        parity = 1 if self.even else -1
        vector = np.array([1.0, self.sign, parity, parity * self.sign])
        return np.tile(vector, (np.size(kin), 1))


SECTORS = (
    (Full(),),
    (Mirror(True, True), Mirror(False, False)),
    (Mirror(True, False), Mirror(False, True)),
    (Conserved(1), Conserved(-1)),
    (Conserved(0, up=True), Conserved(0, up=False)),
    tuple(MirrorConserved(sign, even) for sign in (1, -1) for even in (True, False)),
)
"""The sectors of a well, by the symmetry that `symmetry` returns."""


def symmetry(rule: Rule) -> np.ndarray:
    """Return which entry of `SECTORS` each well is solved in.

    Only exact symmetries count: levels of different sectors may then lie arbitrarily close or
    cross, and each keeps its own well-conditioned rule.
    """
    equal_barriers = (rule.L_up == rule.R_up) & (rule.L_down == rule.R_down)
    kind = np.zeros(rule.d.shape, dtype=np.intp)
    kind[equal_barriers & (rule.a_L == rule.a_R)] = 1
    no_exchange = (rule.in_up == rule.in_down) & (rule.L_up == rule.L_down)
    kind[no_exchange] = 3
    kind[no_exchange & equal_barriers & (rule.a_L == rule.a_R)] = 5
    kind[equal_barriers & (rule.a_L == -rule.a_R)] = 2
    kind[(rule.a_L == 0) & (rule.a_R == 0)] = 4
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
    W. H. Wittrick and F. W. Williams, Q. J. Mech. Appl. Math. 24, 263 (1971).
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
        kappa2 = np.atleast_1d((E - s * well.Delta) / well.c)
        S, C, t, _ = (x.reshape(E.shape) for x in interior(kappa2, np.asarray(well.d)))
        for interface, V in enumerate((well.V_L, well.V_R)):
            q = np.sqrt(np.maximum(V + s * well.Delta_barrier - E, 0) / well.c)
            M[..., i + 2 * interface, i + 2 * interface] = q + C / S
        M[..., i, i + 2] = M[..., i + 2, i] = -t / S
    M[..., 0, 1] = M[..., 1, 0] = k * well.alpha_L / well.c
    M[..., 2, 3] = M[..., 3, 2] = -k * well.alpha_R / well.c
    return M
