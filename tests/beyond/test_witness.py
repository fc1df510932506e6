"""The solver against the finite elements, which share nothing with it but `Well`."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from wells import E_F, PAPER, wells_and_energies

from qwlib import Well, bound_states, fermi_states
from qwlib.beyond.fem import FiniteElements


def agree(well, energy):
    states = fermi_states(well, energy)
    elements = FiniteElements.from_well(well, E_max=energy)
    witness = elements.fermi_states(energy)
    assert len(states) == len(witness)
    order, other = np.argsort(states.k), np.argsort(witness.k)
    k, reference = states.k[order], witness.k[other]
    # The mesh is made for 1e-10 in k; where a subband's bottom is near ε_F, or the band is flat,
    # an error of the energy is divided by k·v.
    flat = np.maximum(1.0, well.c / (k * np.abs(states.velocity[order])).clip(1e-12))
    assert (np.abs(k - reference) <= 1e-9 * k * flat).all()
    # Close pairs mix, so what is compared is the sum, at some places in well and barriers.
    z = np.linspace(-0.2, 1.2, 15) * well.d
    profile, expected = states.spin_density(z).sum(axis=0), witness.spin_density(z).sum(axis=0)
    scale = max(1.0, np.abs(states.spin_density(z)).max(initial=0.0)) * flat.max(initial=1.0)
    assert profile == pytest.approx(expected, abs=1e-7 * scale)
    assert states.contribution.sum() == pytest.approx(
        witness.contribution.sum(), abs=1e-8 * flat.max(initial=1.0)
    )


def narrow(case):
    """Limit the width, so that the elements stay few."""
    well, energy = case
    return well.replace(d=min(well.d, 0.15 + math.log(well.d / 0.1) / 6)), energy


@given(wells_and_energies(alpha_max=0.9).map(narrow))
@settings(max_examples=200)
def test_random_wells(case):
    agree(*case)


# Pairs 1e-8 to 1e-6 apart, relative to k, which the exchange and both interfaces mix: each shape
# is known to rounding over that distance unless the two are solved for together, by both routes.
@pytest.mark.parametrize("alpha", [1.1e-8, 1.5239928443874338e-08, 1.2e-7, 1e-6])
@pytest.mark.parametrize("Delta", [0.0, 1.0])
@pytest.mark.parametrize("d", [0.6597146838319663, 0.762930848832341, 0.8476099738314662])
def test_close_pairs(alpha, Delta, d):
    well = Well(d=d, V_L=5.0, V_R=6.0, Delta=Delta * alpha, alpha_L=alpha, alpha_R=-alpha, mass=0.5)
    agree(well, 3.125)
    agree(well.replace(alpha_R=0.99 * alpha, mass=1.0), 3.1)


# Pairs that a small exchange alone splits, by some 1e-9.  The two spins of each cancel, which those
# of states that are orthogonal only to rounding over that distance do not.
@pytest.mark.parametrize(
    ("d", "V", "Delta", "alpha", "energy"),
    [
        (0.5990023065182541, 3.96, -5.3e-11, -0.0305, 2.78),
        (0.5337641821656743, 4.751899601493031, 1e-9, 0.032146724061297434, 3.5639247001197734),
    ],
)
def test_pairs_that_a_small_exchange_splits(d, V, Delta, alpha, energy):
    agree(Well(d=d, V_L=V, V_R=V, Delta=Delta, alpha_L=alpha, alpha_R=alpha), energy)


@pytest.mark.slow
@given(wells_and_energies(alpha_max=0.95))
@settings(max_examples=3000)
def test_thousands_of_random_wells(case):
    agree(*case)


@pytest.mark.parametrize(
    "well",
    [
        PAPER,
        PAPER.replace(alpha_L=0.05, exchange="ferromagnet"),
        Well(d=3.0, alpha_L=0.01, alpha_R=-0.01),
        Well(d=0.2, alpha_L=0.01, alpha_R=0.01),
    ],
    ids=str,
)
def test_wells_of_the_paper(well):
    agree(well, E_F)
    E = bound_states(well, 2.0)
    # Twice the variational error of order 12, and rounding of matrices of 1e4 eV.
    assert FiniteElements.from_well(well).bound_states(2.0) == pytest.approx(E, abs=1e-10)
