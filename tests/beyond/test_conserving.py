"""Collisions that conserve spin: the linear equation for moments against what is known of it."""

import numpy as np
import pytest
from wells import E_F

from qwlib import Well, fermi_states
from qwlib.beyond.conserving import conserving, drift
from qwlib.beyond.interband import damping_like

THIN = Well(d=0.6, alpha_L=0.04, alpha_R=0.01)
SKEW = Well(d=0.5, V_L=4.0, V_R=6.0, Delta=-0.4, alpha_L=-0.03, alpha_R=0.05, mass=0.8)
FERRO = Well(d=0.7, V_R=4.0, alpha_L=0.05, alpha_R=-0.03, exchange="ferromagnet")


@pytest.mark.parametrize("well", [THIN, SKEW, FERRO])
def test_nothing_relaxes_so_precession_makes_good_what_the_interfaces_take(well):
    relaxed = damping_like(well, E_F, [0.03, 0.3]).budget[:, 2]
    for found in conserving(well, E_F, [0.03, 0.3], (0, 5)):
        precession, interfaces = found.budget.T
        # Exact on any basis and for each k, but that Fermi states come from the exact solver, and
        # velocities with them: 1e-9 of the spin density.
        assert precession == pytest.approx(-interfaces, abs=1e-8 * np.abs(relaxed).max())
        assert (np.abs(precession) > 1e-6 * np.abs(relaxed)).all()


@pytest.mark.parametrize("well", [THIN, SKEW, FERRO])
def test_spin_kept_at_each_place_leaves_the_drift_of_the_momentum(well):
    """The solution in closed form: S_x = 0, S_y with 2ck in place of the velocity, for any ħ/τ."""
    expected = drift(fermi_states(well, E_F)).sum()
    gaps = [
        np.abs(found.inside - [0.0, expected]).max() / abs(expected)
        for found in conserving(well, E_F, [0.03, 0.3], (4, 12, 24))
    ]
    # μ is a δ at each interface.  A few polynomials have it in part; 24 are all that the one or
    # two elements of such a well tell apart.  The quadrature over k is good to 3e-7.
    assert gaps[0] > 1.5 * gaps[1] > 1e-3
    assert gaps[2] < 1e-6


def test_total_spin_kept_leaves_the_third_order_in_the_coupling():
    few = [Well(d=0.6, alpha_L=a) for a in (0.001, 0.002, 0.004)]
    along = [conserving(well, E_F, 0.1)[0].budget[0, 0] for well in few]
    kept = [fermi_states(well, E_F).contribution.sum() for well in few]
    # The next order is the fifth: (αk over the distance of levels)², about 1e-3 here.
    assert np.diff(np.log2(np.abs(along))) == pytest.approx([3, 3], abs=0.02)
    assert np.diff(np.log2(kept)) == pytest.approx([1, 1], abs=0.02)
    # With one relaxation time both are of the first order.
    relaxing = [damping_like(well, E_F, 0.1).budget[0, 0] for well in few]
    assert np.diff(np.log2(np.abs(relaxing))) == pytest.approx([1, 1], abs=0.02)


def test_what_is_kept_does_not_hang_on_what_it_is_asked_with():
    several = conserving(SKEW, E_F, [0.03, 0.3], (3, 0))
    alone = [*conserving(SKEW, E_F, [0.03, 0.3], (3,)), *conserving(SKEW, E_F, [0.03, 0.3])]
    for found, expected in zip(several, alone, strict=True):
        for ours, same in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, same, rtol=1e-12, atol=1e-18)  # the same sums


def test_without_exchange_nothing_turns():
    with pytest.raises(ValueError, match="Delta must not be 0 eV"):
        conserving(THIN.replace(Delta=0.0), E_F)
    with pytest.raises(ValueError, match="hbar_over_tau must be > 0"):
        conserving(THIN, E_F, 0.0)
