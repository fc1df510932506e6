from decimal import Decimal, localcontext

import mpmath
import numpy as np
import pytest
from hypothesis import given
from wells import between, wells_and_energies

from qwlib import fermi_states, matching_matrix
from qwlib.precise import DIGITS, residual, sharpened, sine_and_cosine


@given(between(0, 2000))
def test_sine_and_cosine_to_40_digits(x):
    with localcontext() as context, mpmath.workdps(DIGITS + 20):
        context.prec = DIGITS + 10
        for value, reference in zip(
            sine_and_cosine(Decimal(x)), (mpmath.sin(x), mpmath.cos(x)), strict=True
        ):
            # 40 digits, less the three that the reduction of x to |x| ≤ π/2 may cost.
            assert abs(mpmath.mpf(str(value)) - reference) < mpmath.mpf(10) ** (3 - DIGITS)


@given(wells_and_energies())
def test_residual_is_that_of_the_matching_matrix(case):
    well, energy = case
    states = fermi_states(well, energy)
    for i in range(len(states)):
        M = matching_matrix(well, states.E[i], states.k[i])
        if np.abs(M).max() > 100:
            continue  # next to a pole the doubles lose what the decimals keep
        u = np.array([1.0, -0.5, 0.25, 2.0])
        value = residual(well, energy, Decimal(states.k[i]), [Decimal(x) for x in u])
        assert float(value) == pytest.approx(u @ M @ u, rel=1e-9, abs=1e-9)  # κ² near zero


@given(wells_and_energies())
def test_sharpening_moves_a_root_by_rounding_only(case):
    well, energy = case
    states = fermi_states(well, energy)
    k = sharpened(well, energy, states.k, states.velocity, states.amplitude)
    assert k == pytest.approx(states.k, rel=1e-15)
    # From a k that is off by 1e-9 it comes back, where it looks at all.
    off = states.k * (1 + 1e-9)
    back = sharpened(well, energy, off, states.velocity, states.amplitude)
    moved = back != off
    assert back[moved] == pytest.approx(states.k[moved], rel=1e-13)
