import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wells import between

from qwlib.waves import (
    Layer,
    Point,
    Shape,
    basis_integrals,
    deep_rates,
    gram_ratio,
    interior,
    largest_S,
    odd_ratio,
    wave_rates,
)


@pytest.mark.parametrize("h", [0.05, 0.7, 5.0])
def test_integrals_over_the_layer_keep_their_digits(h):
    """∫cos² and ∫sin²/κ² from −h to h, of exponentials in 30 digits, from κh = 1e-6 to 300."""
    depth = np.concatenate([np.logspace(-6, 2.5, 60), [0.6999, 0.7, 0.7001, 1.39, 1.4, 1.41]])
    kappa2 = np.concatenate([[0.0], (depth / h) ** 2, -((depth / h) ** 2)])
    S, C, _, y = interior(kappa2, np.full(kappa2.size, h))
    shape = Shape(kappa2, None, None, S, C, y)
    even, odd = basis_integrals(shape, shape, np.full(kappa2.size, 2 * h))
    # κ² is rounded, and what is computed from it: units in the last place.
    assert (even[0], odd[0]) == pytest.approx((2 * h, 2 / 3 * h**3), rel=4e-15)
    with mpmath.workdps(30):
        for i, x in list(enumerate(kappa2.tolist()))[1:]:
            kappa = mpmath.sqrt(mpmath.mpf(x))
            wave = mpmath.sin(2 * kappa * h) / (2 * kappa)
            scale = abs(mpmath.exp(2j * kappa * h)) if x < 0 else 1
            known = (h + wave) * scale, (h - wave) / x * scale
            expected = [float(value.real) for value in known]
            assert (even[i], odd[i]) == pytest.approx(expected, rel=4e-15)


def test_layers_of_half_the_width_give_those_of_the_whole():
    rng = np.random.default_rng(12)
    kappa2 = rng.uniform(-1, 1, 1000) * 10.0**4 ** rng.random(1000)
    d = 10 ** rng.uniform(-1, 1, kappa2.size)
    half = Point(*Layer.of(kappa2, d / 2), None)
    S, C, t, y = interior(kappa2, d)
    # In units of the largest value each can have; the phase itself carries a rounding error.
    for one, other, scale in zip(
        half.whole()[1:], (S, C, t), (d / np.maximum(y, 1), 1, 1), strict=True
    ):
        assert (np.abs(one - other) <= 1e-15 * (4 + y) * scale).all()


# --- what the proofs stand on -------------------------------------------------------------------


@given(between(1e-3, 60), between(0.1, 5), st.booleans())
def test_lower_bound_of_the_clamped_norm(y, d, real):
    """Against the exact smallest ratio of ∫|ψ|² to |ψ(0)|² + |ψ(d)|²."""
    kappa2 = (y / d) ** 2 * (1 if real else -1)
    sinc, C = (np.sin(y) / y, np.cos(y)) if real else (np.sinh(y) / y, np.cosh(y))
    with np.errstate(divide="ignore", invalid="ignore"):
        even, odd = (1 + sinc) / (2 * (1 + C)), (1 - sinc) / (2 * (1 - C))
    exact = d * np.fmin(even, odd)
    bound = gram_ratio(np.array([kappa2]), np.array([d]))[0]
    assert bound <= exact * (1 + 1e-8)  # (1 − sin y/y) loses digits at small y in the test itself
    # The exact ratio is at most d/2 (where sin y/y = cos y) and the bound at least d/6.
    assert bound >= exact / 3 * (1 - 1e-8)
    assert 0 < odd_ratio(np.array([y]))[0] <= 1


def test_lower_bound_falls_along_the_parabola():
    x = np.linspace(60, -60, 4001)
    bound = gram_ratio(x, np.full(x.shape, 2.2))
    assert (np.diff(bound) <= 1e-15).all()


def test_nothing_changes_faster_than_its_bounds():
    """S k and C in narrow cells, against differences: their first and second derivatives."""
    rng = np.random.default_rng(1)
    d, kappa2 = 10 ** rng.uniform(-1, 1, 20_000), rng.uniform(-60, 60, 20_000)
    k1 = 10 ** rng.uniform(-1.5, 1.5, d.size)
    k2 = k1 * (1 + 10 ** rng.uniform(-4, -1, d.size))
    at1, at2 = interior(kappa2 - k1 * k1, d), interior(kappa2 - k2 * k2, d)
    first, second, _ = wave_rates(at1[3], at2[3], k1, k2, d)
    rate, curved, holds, fading, bending = deep_rates(kappa2, at1[3], k1, k2, d)
    evanescent = kappa2 < k1 * k1
    deep = holds & evanescent
    first, second = np.where(deep, rate, first), np.where(deep, curved, second)

    def of(k):
        # What is not deep as it is, without the exp(−γd) that `interior` takes out, over its size.
        S, C, t, y = interior(kappa2 - k * k, d)
        with np.errstate(over="ignore"):
            scale = np.where(deep, 1.0, at1[2] / t)
        return np.stack([S * k / k1 / largest_S(at1[3], d) * scale, C * scale, y * deep])

    k, h = (k1 + k2) / 2, (k2 - k1) / 4
    before, there, after = of(k - h), of(k), of(k + h)
    slope, bend = (after - before) / (2 * h), (after - 2 * there + before) / h**2
    # As `proofs.simple` asks for.  What the sizes themselves grow by in a cell is exp(first·w);
    # the differences lose digits where little changes.
    narrow = (first * (k2 - k1) < 1 / 4) & (at1[2] > 1e-100)
    grown = np.exp(first * (k2 - k1))
    assert (np.abs(slope[:2]) <= first * grown + 1e-14 / h)[:, narrow].all()
    assert (np.abs(bend[:2]) <= second * grown + 1e-14 / h**2)[:, narrow].all()
    size = np.abs(there[2])
    assert (np.abs(slope[2]) <= fading + 1e-14 * size / h)[deep].all()
    assert (np.abs(bend[2]) <= bending + 1e-14 * size / h**2)[deep].all()
    # And they are bounds of use: met to a half somewhere, in both kinds of cell.
    for kind in (deep, ~deep):
        sure = narrow & kind & (first * h > 1e-9)
        assert (np.abs(slope[:2]) / first)[:, sure].max() > 0.4
