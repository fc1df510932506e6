"""What each layer alone says: its solutions in closed form, their values, norms and overlaps.

In the well a spin component is a combination of two waves or exponentials, in an insulator it
decays, so that all that a state needs is known in closed form.  What costs thought is to lose no
digit where wave numbers are equal, zero or imaginary.

First comes what the rule of `matching` is made of, for one spin between two insulators; then what
the `proofs` have to know of it: rounding errors, bounds, how fast it changes with k; then
wave functions.  What depends on what the potential in the well is like is here, but for what takes
κ² for one number (`Rule.kappa2`, `matching_matrix`, `precise`, `far`, `FermiStates.kappa` and its
kinds), the well for flat (`Sector.clamped`, `proofs.simple`, where `search` begins to look and how
many states it expects), or for its own mirror image (`Mirror`, `search.pole_free`).  Nothing here
knows of the Rashba coupling.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

UNIT_ROUNDOFF = 2.0**-53
"""Half the distance of 1 to the next double: the relative rounding error of one operation."""

TINY = 1e-150
"""Added to what is divided by, so that sin(y)/y and its like need no special case at y = 0."""


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

    The number of states of one spin, below the energy of that κ², in a layer clamped at both ends
    (offset 0), or clamped at one and free at the other (offset 1/2): J of the Wittrick-Williams
    count.
    """
    J = np.ceil(y / np.pi + (offset - 1))
    return (np.maximum(J, 0) * (kappa2 > 0)).astype(np.intp)


def odd_number(J: np.ndarray) -> np.ndarray:
    """Return where J is odd."""
    return (J & 1).astype(bool)


class Layer(NamedTuple):
    """The well, or half of it, at one point of the (E, k) plane for each of many wells.

    Arrays by spin and well, or of one spin; intervals of `mpmath`, or bounds of magnitudes.
    """

    x: Any  # κ² in nm⁻²
    S: Any  # these three as `interior` has them
    C: Any
    t: Any

    @classmethod
    def of(cls, kappa2: np.ndarray, d: np.ndarray) -> tuple[Layer, np.ndarray]:
        """Return layers of width d, and y of `interior`."""
        S, C, t, y = interior(kappa2, d)
        return cls(kappa2, S, C, t), y

    def spin(self, spin: int) -> Layer:
        """Return what one spin has of it: 0 is ↑."""
        return Layer(*(part[spin] for part in self))

    def minors(self, left, right) -> tuple:
        """Return the minors of each spin's matching matrix, times S.

        Those of z = 0 alone, of z = d alone, and the determinant; `left` and `right` are q, or what
        stands there in its place.
        """
        x, S, C, _ = self
        return S * left + C, S * right + C, S * (left * right - x) + (left + right) * C

    def half(self, even: bool, q) -> tuple:
        """Return numerator and denominator of one spin's condition in half a well, even or odd.

        Their ratio is q less the slope towards the middle over the value at the interface.
        """
        x, S, C, _ = self
        return (q * C - x * S, C) if even else (q * S + C, S)

    def bounds(self, size: np.ndarray, y: np.ndarray, d: np.ndarray) -> tuple[Layer, np.ndarray]:
        """Return −`size` and what |S|, |C| and t are at most, and the errors relative to these.

        But for the error of a positive factor that S, C and t of a spin share, the exp(−γd) that is
        taken out of them.  |κ²| is at most `size`, in nm⁻², and off by a rounding of it.  A large
        phase, or one of which exp(−γd) is taken out, changes less with κ².
        """
        deep = np.maximum(y, 1.0)
        error = 16 * UNIT_ROUNDOFF * (1 + d * d * size / deep * (self.t + 1 / deep))
        one = ONE if y.ndim == 2 else 1.0
        bounds = Layer(-size * one, largest_S(y, d), one, one)
        return bounds, error if y.ndim == 1 else error.max(axis=0)


ONE = np.ones((2, 1))


def largest_S(y: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return what |S| of `interior` is at most, in nm; |C| and t are at most 1."""
    return d / np.maximum(y, 1.0)


def interior_exactly(iv, x, sign: int, d) -> tuple:
    """Return S, C and t of `interior` as intervals of `mpmath`, and y to a quarter of a period.

    `iv` does the arithmetic, and `sign` is that of κ², the interval `x`.  Of y it is enough to know
    which states `clamped_states` counts; which side of a pole of M it is taken to lie on makes no
    difference, as in `matching`.
    """
    from mpmath.libmp import round_floor, to_int

    kappa = iv.sqrt(abs(x))
    phase = kappa * d
    lower = to_int((2 * phase / iv.pi)._mpi_[0], round_floor)
    y = (lower + 0.5) * np.pi / 2
    if sign > 0:
        return iv.sin(phase) / kappa, iv.cos(phase), iv.mpf(1), y
    if sign < 0:
        decay = iv.exp(-phase)
        return (1 - decay**2) / (2 * kappa), (1 + decay**2) / 2, decay, y
    return d, iv.mpf(1), iv.mpf(1), y


def barrier(q2: np.ndarray, kin: np.ndarray) -> np.ndarray:
    """Return the decay constant q in 1/nm in an insulator; 0 where rounding makes q² negative."""
    q = q2 + kin
    np.maximum(q, 0.0, out=q)
    return np.sqrt(q, out=q)


class Point(NamedTuple):
    """What the layers of many wells contribute at one point of the (E, k) plane each."""

    half: Layer  # half the well, from which the whole follows, (2, n)
    y: np.ndarray  # that of half the well
    q: np.ndarray  # (2, 2, n), interface and spin

    @classmethod
    def of(cls, kappa2: np.ndarray, q2: np.ndarray, d: np.ndarray, kin: np.ndarray) -> Point:
        """Return the point (ε − E)/c = `kin`; the others are those of a `matching.Rule`."""
        return cls(*Layer.of(kappa2 - kin, d / 2), barrier(q2, kin))

    def whole(self) -> Layer:
        """Return the whole well."""
        x, S, C, t = self.half
        return Layer(x, 2 * S * C, C * C - x * S * S, t * t)

    def parities(self, spin: int, d: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return squares of scales for even and odd solutions, and the form of M with them.

        The scales have no unit and vanish where M has a pole; the forms are what the layer adds, in
        1/nm, and have none.
        """
        x, S, C, _ = self.half.spin(spin)
        unit = S * self.y[spin] / (d / 2)  # sin y, so that both scales are dimensionless
        even, odd = np.abs(C), np.abs(unit)
        return even, odd, -2 * x * S * np.sign(C), 2 * C * odd / S


def gram_ratio(kappa2: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return a lower bound of ∫₀^d|ψ|² / (|ψ(0)|² + |ψ(d)|²) in nm, there and at all larger κ².

    For real κ the ratio is at least d/6, and at least (d/4)(1 − 1/κd); for imaginary κ the odd
    combination is smallest, (coth h − h/sinh²h)/(2γ) with h = γd/2, which rises with κ² to d/6.
    """
    y = np.sqrt(np.abs(kappa2)) * d
    real = kappa2 >= 0
    bound = np.maximum(1 / 6, (1 - 1 / (y + TINY)) / 4)
    if not real.all():
        i = np.nonzero(~real)
        half = y[i] / 2
        bound[i] = odd_ratio(half) / (4 * half + TINY)
    return bound * d


def odd_ratio(y: np.ndarray) -> np.ndarray:
    """Return coth y − y/sinh²y, which rises from 0 to 1, or for small y a little less."""
    e = np.exp(-2 * y)
    rest = -np.expm1(-2 * y) + TINY
    # Below 0.1 the two terms cancel; the series is alternating.
    return np.where(y < 0.1, 2 * y / 3 - 4 * y**3 / 45, (1 + e) / rest - 4 * y * e / rest**2)


def gram_beyond(kappa2: np.ndarray, k: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return what 2k times that ratio is at least, there and at all larger k.

    Of an evanescent spin that is (k/γ)(coth h − h/sinh²h) with h = γd/2.  What is returned is below
    it, and rises with k; the ratio of a propagating spin is above it too.  `kappa2` is that at k.
    """
    gamma = np.sqrt(np.maximum(-kappa2, 0.0))
    return odd_ratio(k * d / 2) * np.minimum(1.0, k / (gamma + TINY))


def decay_over_k(square: np.ndarray, k: np.ndarray, slack: np.ndarray | float) -> np.ndarray:
    """Return (square + k² + slack)^½/k, which is q/k or γ/k."""
    return np.sqrt(np.maximum(square + (k * k + slack), 0.0)) / (k + TINY)


def slopes_over_k(
    kappa2_at_0: np.ndarray,
    d: np.ndarray,
    k1: np.ndarray,
    k2: np.ndarray | None,
    slack1: np.ndarray,
    slack2: np.ndarray | float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return bounds of (γ/k) tanh(γd/2) and (γ/k) coth(γd/2) on [k1, k2], and where they hold.

    Or for all k ≥ k1 without a k2: what the first is at least, and the second at most.  They are
    slope over value and k of even and odd solutions; what the layer adds to M/k lies between them.
    They hold where both spins are evanescent.  γ/k goes from its value at one end to that at the
    other.  `slack1` and `slack2` bound the rounding of κ² at either end.
    """
    square = -kappa2_at_0
    first = decay_over_k(square, k1, -slack1), decay_over_k(square, k1, slack1)
    last = np.ones_like(k1), np.ones_like(k1)
    if k2 is not None:
        last = decay_over_k(square, k2, -slack2), decay_over_k(square, k2, slack2)
    # γ rises with k: tanh is at least, and coth at most, what it is at k1.
    slope = np.tanh(first[0] * k1 * d / 2 + TINY)
    least, most = np.minimum(first[0], last[0]) * slope, np.maximum(first[1], last[1]) / slope
    return least, most, np.all(first[0] > 0, axis=0)


def wave_rates(y1, y2, k1, k2, d) -> tuple[np.ndarray, ...]:
    """Return how fast S k and C change with k where they are waves, or hardly decay.

    On a narrow [k1, k2], where `interior` gives y1 and y2: first and second derivative at most,
    over what they are at most themselves; and the first of S and C with respect to k², in nm².
    Of what decays exp(−γd) is not taken out.
    """
    area = d * largest_S(np.minimum(y1, y2), d)
    first = 2 * k2 * area + 1 / k1
    return first, 2 * first**2 + 2 * area, area


def deep_rates(kappa2_at_0, y1, k1, k2, d) -> tuple[np.ndarray, ...]:
    """Return how fast evanescent S k and C change with k, exp(−γd) taken out of them.

    First and second derivative as `wave_rates` has them; where the layer, if evanescent, is deep
    and [k1, k2] narrow enough for these; and first and second derivative of γd.
    """
    holds = (y1 > 1) & ((k2 - k1) * k2 * d * d < y1 * y1 / 16)
    gamma, tiny = y1 / d, np.exp(-2 * y1)
    slow = np.abs(kappa2_at_0) / gamma**2
    first = slow / k1 + 2 * d * (k2 / gamma) * tiny
    curved = 3 * slow / gamma**2 + (4 * d * k2 / gamma + 2 * slow / k2) * d * k2 / gamma * tiny
    return first, curved + first * first, holds, d * k2 / gamma, d * slow / gamma


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
    x, S, C, _ = point.half
    total, difference = u[0] + u[1], u[1] - u[0]
    A = C * total + S * (slope[0] + slope[1])
    B = C * (slope[0] - slope[1]) + x * S * difference
    i = np.nonzero(x < 0)
    if i[0].size:
        A[i], B[i] = total[i] / C[i], difference[i] / S[i]
    return Shape(x, A / 2, B / 2, S, C, point.y)


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


def basis_integrals(f: Shape, g: Shape, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ∫cos·cos and ∫(sin/κ)(sin/κ) over the well for the basis functions of two shapes.

    Three forms, each where it loses no digit: sums and differences of wave numbers where
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
    """Return ⟨a|b⟩ over all z and aᵀMb without the Rashba terms.

    For states of the same wells and energies.  The first is −aᵀ(∂M/∂E)b·c: the tails in the
    barriers are included.  `within` is what the two have of it in the well, (2, n).
    """
    uv = boundary_values(a) * boundary_values(b)
    inner = 2 * a.S * a.C * (a.B * b.B - a.kappa2 * a.A * b.A)
    norm = within.sum(axis=0) + (uv / (2 * q)).sum(axis=(0, 1))
    form = inner.sum(axis=0) + (q * uv).sum(axis=(0, 1))
    return norm, form
