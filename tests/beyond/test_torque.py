"""The torque against the interfaces, finite elements, a Boltzmann sum in SI units, and Rashba."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import constants
from scipy.linalg import eigh, expm
from wells import E_F, PAPER, wells_and_energies

from qwlib import Well, bound_states, fermi_states
from qwlib.beyond.fem import FiniteElements
from qwlib.beyond.torque import (
    exchange_spin,
    exchange_torque,
    field,
    field_per_current,
    interface_torque,
)

M_S = 1.4e6  # A/m, near that of cobalt
HBAR, E_CHARGE = constants.hbar, constants.e
EV, NM = constants.e, 1e-9


@given(wells_and_energies())
@settings(max_examples=60)
def test_the_exchange_turns_the_spin_back_as_far_as_the_interfaces_turn_it(case):
    well, energy = case
    states = fermi_states(well, energy)
    # States that share a k to rounding may come mixed among themselves: compare their sums.
    group = np.cumsum(np.diff(states.k, prepend=np.inf) < -1e-6 * states.k)
    a, b = (
        np.bincount(group, torque) if len(states) else torque
        for torque in (exchange_torque(states), interface_torque(states))
    )
    # A null vector good to 1e-9, squared amplitudes, and k|α| up to a few eV·nm times k/8π².
    scale = states.k.max(initial=1.0) ** 2 * well.critical_rashba * 10 / (8 * np.pi**2)
    assert a == pytest.approx(b, abs=1e-9 * scale, rel=1e-7)


@pytest.mark.parametrize("exchange", ["everywhere", "ferromagnet"])
def test_field_is_that_of_finite_elements_in_si_units(exchange):
    well = PAPER.replace(V_R=4.2, alpha_R=-0.02, exchange=exchange)
    fem = FiniteElements.from_well(well, E_max=E_F)
    found = fem.fermi_states(E_F)
    up, down = found.coefficients[:, 0], found.coefficients[:, 1]
    overlap = fem.M if exchange == "everywhere" else fem.inside
    sigma = 2 * np.sum(up * (down @ overlap), axis=1)

    # Any τ and E will do, and the prefactor of Eq. (6) or Boltzmann's: they drop out.
    tau, E_x = 3e-14, 2e5  # s, V/m
    k = found.k / NM
    v = found.velocity * EV * NM / HBAR  # m/s
    # ∫d²k/4π² δ(ε_F − ε) cos²θ = k/(4π ħ|v|)
    weight = k / (4 * np.pi * HBAR * np.abs(v))
    s_y = -tau * E_CHARGE * E_x * np.sum(weight * v * sigma)  # 1/m²
    J = tau * E_CHARGE**2 * E_x * np.sum(weight * v**2)  # A/m
    B = -well.Delta * EV * s_y / (M_S * well.d * NM)  # T
    j = J / (well.d * NM)  # A/m²
    assert j > 0
    # The witness is good to about 1e-8 here.
    assert field_per_current(fermi_states(well, E_F), M_S) == pytest.approx(
        1e3 * B / (j / 1e11), rel=1e-6
    )


def test_field_is_that_of_a_boltzmann_sum_over_the_plane_of_k():
    """No Fermi state is searched for: the shift of a thermal distribution, summed over k."""
    well = Well(d=0.3, alpha_L=0.03, alpha_R=-0.01)
    kT = 0.012  # eV
    fem = FiniteElements.from_well(well, E_max=E_F + 30 * kT, order=6)
    size = len(fem.M)
    metric = np.kron(np.eye(2), fem.M)
    ks, step = np.linspace(0, 10, 501, retstep=True)
    theta = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    tau, E_x = 1e-14, 1e5
    s_y = J = 0.0
    for k in ks[1:]:
        E, x = eigh(fem.matrix(k), metric, subset_by_value=(-np.inf, fem.E_max - well.c * k**2))
        up, down = x[:size], x[size:]
        v = (2 * well.c * k + 2 * np.sum(up * (fem.W @ down), axis=0)) * EV * NM / HBAR
        sigma = 2 * np.sum(up * (fem.M @ down), axis=0)
        slope = 1 / (4 * kT * np.cosh((E + well.c * k**2 - E_F) / (2 * kT)) ** 2) / EV
        area = k * step / NM**2 * (theta[1] - theta[0]) / (4 * np.pi**2)
        for cos in np.cos(theta):
            change = -tau * E_CHARGE * E_x * v * cos * slope  # of the occupation of each state
            s_y += area * np.sum(change * sigma * cos)
            J += area * np.sum(-E_CHARGE * v * cos * change)
    B, j = -well.Delta * EV * s_y / (M_S * well.d * NM), J / (well.d * NM)
    # Sommerfeld: a temperature changes both by (π²/6)(kT)² times a curvature of about 1/eV².
    assert field_per_current(fermi_states(well, E_F), M_S) == pytest.approx(
        1e3 * B / (j / 1e11), rel=2.4e-4
    )


def test_torque_on_the_magnetisation_is_opposite_to_that_on_the_spin():
    """ħ/2 times the turning of σ in the exchange field is M_s d m × B with the sign reversed."""
    Delta, s = 0.25 * EV, 1e15  # J, 1/m² along y
    sigma = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    spinor = np.array([1, 1j]) / np.sqrt(2)  # along +y
    dt = 1e-6 * HBAR / Delta
    later = expm(-1j * Delta * sigma[2] * dt / HBAR) @ spinor
    turn = [(later.conj() @ m @ later - spinor.conj() @ m @ spinor).real / dt for m in sigma]
    on_spin = HBAR / 2 * s * np.array(turn)  # N/m
    sheet = 100.0  # A/m
    # The same s in the units of the package, with τeE/ħ = 1/nm and so a current of its own.
    torque = 0.25 * s * NM**2
    current = sheet / (E_CHARGE / HBAR * EV / NM)
    B = field(torque, current, M_S) * 1e-3 / 1e11 * sheet  # times d: T·m
    on_magnet = np.cross([0, 0, 1], [0, M_S * B, 0])
    # A finite step of 1e-6 of the precession, to second order.
    assert on_magnet == pytest.approx(-on_spin, abs=3e-6 * np.abs(on_spin).max())


def interface_weight(well: Well, E: float) -> float:
    """|φ(0)|² of a level of a scalar well: 2E/V_L over the effective width."""
    q_L, q_R = (np.sqrt((V - E) / well.c) for V in (well.V_L, well.V_R))
    return 2 * E / well.V_L / (well.d + 1 / q_L + 1 / q_R)


def test_one_subband_is_the_rashba_gas_of_manchon_and_zhang():
    well = Well(d=0.3, V_R=7.0, alpha_L=0.0)
    level = bound_states(well.replace(Delta=0.0), 0.0)[0]
    polarisation = well.Delta / (E_F - level)
    error = []
    for alpha in (2e-3, 1e-3):
        states = fermi_states(well.replace(alpha_L=alpha), E_F)
        assert len(states) == 2
        alpha_2D = alpha * interface_weight(well, level) * EV * NM  # J·m
        B = -alpha_2D * constants.m_e * polarisation / (HBAR * E_CHARGE * M_S)  # T per A/m²
        error.append(field_per_current(states, M_S) / (1e3 * B * 1e11) - 1)
    # The next order of the torque is α³, so the relative error falls by four when α is halved;
    # it is of the order of (α|φ(0)|²k/Δ)², 5e-4 for the smaller of the two.
    assert abs(error[1]) < 1e-3
    assert error[0] / error[1] == pytest.approx(4, rel=0.01)


def test_first_order_of_many_subbands():
    well = PAPER.replace(V_L=4.0, V_R=7.0, alpha_L=0.0, alpha_R=0.0)
    bare = fermi_states(well, E_F)
    levels = bound_states(well.replace(Delta=0.0), 0.0)[::2]
    alpha, first_sum, circles = 0.01, 0.0, 0
    for spin in (1, -1):
        for E in levels[levels + spin * well.Delta < E_F]:
            k2 = (E_F - E - spin * well.Delta) / well.c
            first_sum += -spin * k2 * alpha * interface_weight(well, E) / (8 * np.pi**2)
            circles += 1
    assert circles == len(bare) == 13  # the last subband holds one spin alone
    first = interface_torque(bare, alpha_L=alpha, alpha_R=0.0).sum()
    # Closed form on both sides: rounding.
    assert first == pytest.approx(first_sum, rel=1e-9)
    # Both orders of α above the first are odd: h² = 1e-6 of a curvature below 1e3.
    slope = exchange_torque(fermi_states(well.replace(alpha_L=1e-5), E_F)).sum() / 1e-5
    assert slope == pytest.approx(first / alpha, rel=1e-6)


def test_only_one_of_the_integrals_belongs_to_each_exchange():
    inside = fermi_states(PAPER.replace(exchange="ferromagnet"), E_F)
    assert (exchange_spin(inside) == inside.spin).all()
    states = fermi_states(PAPER, E_F)
    z = np.concatenate([np.linspace(-8, 0, 4001)[:-1], np.linspace(0, 2.2, 2001)])
    z = np.concatenate([z, np.linspace(2.2, 10.2, 4001)[1:]])
    psi = states.wavefunction(z)
    # Trapezoids of 2 pm under functions that bend within 0.1 nm.
    assert exchange_spin(states) == pytest.approx(
        np.trapezoid(2 * psi[:, 0] * psi[:, 1], z), abs=1e-4
    )
    assert exchange_torque(states).sum() > 1.2 * PAPER.Delta * states.contribution.sum()


def test_reversals():
    states = fermi_states(PAPER, E_F)
    value = field_per_current(states, M_S)
    assert value < 0
    # In the mirror image, and with the coupling reversed, the field is; so it is with Δ.
    mirror = PAPER.replace(alpha_L=0.0, alpha_R=PAPER.alpha_L)
    for other in (mirror, PAPER.replace(alpha_L=-PAPER.alpha_L)):
        # The same numbers in another order: rounding, times that of the null vectors.
        assert field_per_current(fermi_states(other, E_F), M_S) == pytest.approx(-value, rel=1e-9)
    flipped = fermi_states(PAPER.replace(Delta=-PAPER.Delta), E_F)
    assert field_per_current(flipped, M_S) == pytest.approx(-value, rel=1e-9)
    assert field_per_current(states, 2 * M_S) == pytest.approx(value / 2, rel=1e-15)


def test_at_weak_coupling_the_lowest_left_barrier_is_the_best():
    weak = PAPER.replace(alpha_L=0.01)
    sizes = [
        abs(field_per_current(fermi_states(weak.replace(V_L=V), E_F), M_S))
        for V in np.geomspace(3.26, 15, 30)
    ]
    assert (np.diff(sizes) < 0).all()


def test_field_falls_as_one_over_the_thickness():
    weak = PAPER.replace(alpha_L=0.01)
    products = [
        d * field_per_current(fermi_states(weak.replace(d=d), E_F), M_S) for d in (8.0, 12.0, 16.0)
    ]
    # Measured spread 0.2 %: what a subband that enters changes, with 20 and more of them.
    assert products == pytest.approx([products[-1]] * 3, rel=0.005)


def test_no_current_no_field():
    assert np.isnan(field_per_current(fermi_states(Well(d=0.1), 0.2), M_S))


@pytest.mark.parametrize("M_s", [0, -1.0, float("nan"), "1"])
def test_bad_magnetisation(M_s):
    with pytest.raises(ValueError, match="M_s must be"):
        field(1.0, 1.0, M_s)


@pytest.mark.parametrize("name", ["alpha_L", "alpha_R"])
def test_bad_coupling(name):
    with pytest.raises(ValueError, match=f"{name} must be a finite real number in eV nm"):
        interface_torque(fermi_states(PAPER, E_F), **{name: float("inf")})
