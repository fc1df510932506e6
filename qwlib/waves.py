"""What each layer alone says: its solutions in closed form, their values, norms and overlaps.

In the well a spin component is a combination of two waves or exponentials, in an insulator it
decays, so that all that a state needs is known in closed form.  What costs thought is to lose no
digit where wave numbers are equal, zero or imaginary.  How layers are joined is the business of
`matching`: nothing here knows of the Rashba coupling.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

UNIT = 2.0**-53
"""Half the distance of 1 to the next double: the relative rounding error of one operation."""

TINY = 1e-150
"""Added to a phase so that sin(y)/y and its like need no special case at y = 0."""


def interior(kappa2: np.ndarray, d: np.ndarray | float) -> tuple[np.ndarray, ...]:
    """Return S = sin(κd)/κ, C = cos(κd), t = 1 and y = |κ|d for κ² of either sign.

    For κ² = −γ² < 0 they are sinh(γd)/γ, cosh(γd) and 1, all three times exp(−γd), so that nothing
    overflows in a wide well.  S is in nm; the others have no unit.
    """
    y = np.sqrt(np.abs(kappa2))
    y *= d
    y += TINY
    # One tangent of the half angle is several times as fast as a sine and a cosine.
    half = np.tan(0.5 * y)
    square = half * half
    scale = 1 / (1 + square)
    S = 2 * half * scale / y
    C, t = (1 - square) * scale, np.ones(y.shape)
    i = np.flatnonzero(kappa2 < 0)
    if i.size:
        ye = y.take(i)
        less = np.expm1(-2 * ye)
        np.put(t, i, np.exp(-ye))
        np.put(C, i, 1 + less / 2)
        np.put(S, i, less / (-2 * ye))
    S *= d
    return S, C, t, y


def clamped_states(
    kappa2: np.ndarray, y: np.ndarray, offset: np.ndarray | float = 0.0
) -> np.ndarray:
    """Return #{m ≥ 1 : (m − offset)π < y} for real κ, 0 for imaginary κ.

    The number of states of a well clamped at both interfaces (offset 0), or clamped at one and
    free at the other end (offset 1/2), below an energy: J of the Wittrick-Williams count.
    """
    J = np.ceil(y / np.pi + (offset - 1))
    return (np.maximum(J, 0) * (kappa2 > 0)).astype(np.intp)


def odd_number(J: np.ndarray) -> np.ndarray:
    """Return where J is odd."""
    return (J & 1).astype(bool)


def barrier(q2: np.ndarray, kin: np.ndarray) -> np.ndarray:
    """Return the decay constant q in 1/nm in an insulator; 0 where rounding makes q² negative."""
    q = q2 + kin
    np.maximum(q, 0.0, out=q)
    return np.sqrt(q, out=q)


class Point(NamedTuple):
    """What the layers of many wells contribute at one point of the (E, k) plane each.

    S, C, t and y are those of `interior` for half the width, from which those of the whole follow.
    """

    x: np.ndarray  # κ², (2, n)
    S: np.ndarray
    C: np.ndarray
    t: np.ndarray
    y: np.ndarray
    q: np.ndarray  # (2, 2, n), interface and spin

    @classmethod
    def of(cls, kappa2: np.ndarray, q2: np.ndarray, d: np.ndarray, kin: np.ndarray) -> Point:
        """Return the point (ε − E)/c = `kin`; the others are those of a `matching.Rule`."""
        x = kappa2 - kin
        S, C, t, y = interior(x, d / 2)
        return cls(x, S, C, t, y, barrier(q2, kin))

    def whole(self) -> tuple[np.ndarray, ...]:
        """Return S, C and t of `interior` for the whole width."""
        S, C, t = self.S, self.C, self.t
        return 2 * S * C, C * C - self.x * S * S, t * t


class Shape(NamedTuple):
    """Both spin components inside the well: A cos(κζ) + B sin(κζ)/κ, with ζ = z − d/2.

    Arrays of shape (2, n), or (n,) of one component.  Evanescent components carry a factor
    exp(−γd/2) in the basis functions.
    """

    kappa2: np.ndarray
    A: np.ndarray
    B: np.ndarray
    S: np.ndarray  # sin(κd/2)/κ
    C: np.ndarray  # cos(κd/2)
    y: np.ndarray  # |κ|d/2

    def component(self, spin: int) -> Shape:
        """Return one component: 0 is ↑."""
        return Shape(*(column[spin] for column in self))


def shapes(u: np.ndarray, slope: np.ndarray, point: Point) -> Shape:
    """Return both spin components of a state from its values and slopes at the interfaces.

    For real κ the slopes are used beside the values: near a pole of M the values alone do not fix
    the wave function.  Both are (2, 2, n), by interface and spin, the slopes each towards the other
    interface, as `matching.slopes` has them.
    """
    x, S, C, _, y, _ = point
    total, difference = u[0] + u[1], u[1] - u[0]
    A = C * total + S * (slope[0] + slope[1])
    B = C * (slope[0] - slope[1]) + x * S * difference
    i = np.nonzero(x < 0)
    if i[0].size:
        A[i], B[i] = total[i] / C[i], difference[i] / S[i]
    return Shape(x, A / 2, B / 2, S, C, y)


def values(
    shape: Shape, u: np.ndarray, q: np.ndarray, d: np.ndarray | float, z: np.ndarray
) -> np.ndarray:
    """Return ψ↑ and ψ↓ of n states of one well, (n, 2, m) in nm^-1/2, barriers included.

    At m positions z in nm; u and q, (2, 2, n), are the values at the interfaces in nm^-1/2 and the
    decay constants in 1/nm, by interface and spin, and d the width in nm.
    """
    psi = np.empty((u.shape[-1], 2, z.size))
    left, right = z < 0, z > d
    inner = ~left & ~right
    zeta = z[inner] - d / 2
    for s in (0, 1):
        decay, A, B = q[:, s, :, None], shape.A[s, :, None], shape.B[s, :, None]
        psi[:, s, left] = u[0, s, :, None] * np.exp(decay[0] * z[left])
        psi[:, s, right] = u[1, s, :, None] * np.exp(-decay[1] * (z[right] - d))
        depth = shape.y[s, :, None]
        y = depth * (2 * zeta / d)
        wave = A * np.cos(y) + B * zeta * np.sinc(y / np.pi)
        rest = np.exp(np.abs(y) - depth) / 2  # cosh and sinh, times exp(−γd/2)
        even, odd = 1 + np.exp(-2 * np.abs(y)), -np.expm1(-2 * np.abs(y)) * np.sign(y)
        evanescent = A * rest * even + B * rest * odd * (d / 2) / depth
        psi[:, s, inner] = np.where(shape.kappa2[s, :, None] < 0, evanescent, wave)
    return psi


def own_integrals(f: Shape, d: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ∫cos² and ∫sin²/κ² over the well, `t` being that of `Point`."""
    whole, wave = d / 2 * (t * t), f.S * f.C
    small = f.y < 0.7
    odd = (whole - wave) / np.where(small, 1.0, f.kappa2)
    i = np.nonzero(small)
    if i[0].size:
        h = d[i[-1]] / 2
        Y = 4 * f.kappa2[i] * h * h
        # Of 6(1 − sin(w)/w)/w² in Y = w²: the first term left out is below 1e-18.
        series = np.ones_like(Y)
        for n in range(10, 0, -1):
            series = 1 - Y / ((2 * n + 2) * (2 * n + 3)) * series
        odd[i] = 2 / 3 * h**3 * t[i] ** 2 * series
    return whole + wave, odd


def basis_integrals(f: Shape, g: Shape, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ∫cos·cos and ∫(sin/κ)(sin/κ) over the well for the basis functions of two shapes.

    Three closed forms, each where it loses no digit: sums and differences of wave numbers where
    both are real or both imaginary; the Wronskian where they differ; a power series where both
    are small.
    """
    h = d / 2
    x, y = f.kappa2, g.kappa2
    product = f.y * g.y
    same = (x * y > 0) & (np.minimum(f.y, g.y) > 0.7)
    small = np.maximum(f.y, g.y) < 1.4
    with np.errstate(divide="ignore", invalid="ignore"):  # overwritten below where y = x
        D = (g.S * f.C - f.S * g.C) / (y - x)
        even, odd = 2 * (g.S * f.C + x * D), 2 * D
    i = np.nonzero(same & (x > 0))
    if i[0].size:
        hi = h[i[-1]]
        total = f.y[i] + g.y[i]
        difference = (x[i] - y[i]) * hi**2 / total + TINY
        plus, minus = np.sin(total) / total, np.sin(difference) / difference
        even[i] = hi * (minus + plus)
        odd[i] = hi**3 * (minus - plus) / product[i]
    i = np.nonzero(same & (x < 0))
    if i[0].size:
        hi = h[i[-1]]
        total = f.y[i] + g.y[i]
        difference = np.abs((x[i] - y[i]) * hi**2) / total + TINY
        plus = -np.expm1(-2 * total) / (2 * total)
        minus = -np.exp(difference - total) * np.expm1(-2 * difference) / (2 * difference)
        even[i] = hi * (plus + minus)
        odd[i] = hi**3 * (plus - minus) / product[i]
    i = np.nonzero(small & ~same)
    if i[0].size:
        hi = h[i[-1]]
        X, Y = x[i] * hi**2, y[i] * hi**2
        scale = np.exp(-np.where(X < 0, f.y[i], 0) - np.where(Y < 0, g.y[i], 0))
        C = S = SY = dC = dS = complete = np.zeros_like(X)
        power, powerX, factor = np.ones_like(X), np.ones_like(X), 1.0
        for n in range(14):  # |X|, |Y| < 2: the last term is below 1e-20
            C, dC = C + factor * powerX, dC + factor * complete
            S, dS = S + factor * powerX / (2 * n + 1), dS + factor * complete / (2 * n + 1)
            SY = SY + factor * power / (2 * n + 1)
            complete = X * complete + power  # Σ XⁱYʲ over i + j = n
            power, powerX = power * Y, powerX * X
            factor /= -(2 * n + 1) * (2 * n + 2)
        D = dS * C - S * dC
        even[i] = 2 * hi * scale * (SY * C + X * D)
        odd[i] = 2 * hi**3 * scale * D
    return even, odd


def overlap(f: Shape, g: Shape, d: np.ndarray) -> np.ndarray:
    """Return ∫₀^d f g dz."""
    even, odd = basis_integrals(f, g, d)
    return f.A * g.A * even + f.B * g.B * odd


def overlap_of_spins(pair: Shape, d: np.ndarray) -> np.ndarray:
    """Return ∫₀^d ψ↑ψ↓ dz."""
    return overlap(pair.component(0), pair.component(1), d)


def boundary_values(pair: Shape) -> np.ndarray:
    """Return u, (2, 2, n), of a shape."""
    even, odd = pair.A * pair.C, pair.B * pair.S
    return np.stack([even - odd, even + odd])


def product(q: np.ndarray, a: Shape, b: Shape, within: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ⟨a|b⟩ over all z and aᵀMb without the Rashba terms, for states of the same wells.

    The first is −aᵀ(∂M/∂E)b·c: the tails in the barriers are included.  `within` is what the two
    have of it in the well, (2, n).
    """
    uv = boundary_values(a) * boundary_values(b)
    inner = 2 * a.S * a.C * (a.B * b.B - a.kappa2 * a.A * b.A)
    norm = within.sum(axis=0) + (uv / (2 * q)).sum(axis=(0, 1))
    form = inner.sum(axis=0) + (q * uv).sum(axis=(0, 1))
    return norm, form
