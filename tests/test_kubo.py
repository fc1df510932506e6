import numpy as np
import pytest
from hypothesis import given, settings
from wells import E_F, PAPER, wells_and_energies

from qwlib import FermiStates, Well, bound_states, fermi_states
from qwlib.kubo import contribution, current, fermi_states_of


def test_counts_of_the_paper():
    """11 states (6+, 5−) at α_L = 0.046 and 10 at 0.05, if propagating states alone count."""
    for alpha_L, plus, minus in ((0.046, 6, 5), (0.05, 5, 5)):
        states = fermi_states(PAPER.replace(alpha_L=alpha_L), E_F)
        some = states[states.kind == "propagating"]
        assert len(states) == 13
        assert ((some.chirality > 0).sum(), (some.chirality < 0).sum()) == (plus, minus)
    for alpha_R in (0.01, 0.0, -0.01):
        states = fermi_states(Well(d=3, alpha_L=0.01, alpha_R=alpha_R), E_F)
        assert (len(states), (states.kind == "propagating").sum()) == (17, 14)


def test_many_wells_together_are_the_same_to_the_bit():
    """Of every symmetry, with a well without states, and one near the end of the model."""
    wells = [PAPER.replace(alpha_L=a, alpha_R=b) for a in (0.0, 0.04, 0.0761) for b in (0.0, a, -a)]
    wells += [well.replace(Delta=0.0) for well in wells]
    wells += [Well(d=0.05, alpha_L=0.0), Well(d=9.0, V_L=3.4, alpha_L=0.02)]
    energies = np.linspace(2.5, E_F, len(wells))
    for energy in (E_F, energies):
        together = fermi_states_of(wells, energy)
        for well, one_E, many in zip(
            wells, np.broadcast_to(energy, len(wells)), together, strict=True
        ):
            one = fermi_states(well, float(one_E))
            assert (many.well, many.E_F, many.certified) == (one.well, one.E_F, one.certified)
            for name in ("k", "velocity", "amplitude", "spin"):
                assert np.array_equal(getattr(many, name), getattr(one, name))
    assert fermi_states_of([], E_F) == []


def test_last_states_leave_where_the_closed_form_says():
    # κd = 2 atan(q/κ) at ε_F: the lowest level of a finite well, one spin at a time.
    for s, below, above in ((-1, 0, 1), (1, 1, 2)):
        kappa = np.sqrt((E_F - s * 0.25) / Well().c)
        edge = 2 * np.arctan(np.sqrt((5.0 + s * 0.25 - E_F) / Well().c) / kappa) / kappa
        for d, count in ((edge * (1 - 1e-9), below), (edge * (1 + 1e-9), above)):
            assert len(fermi_states(Well(d=d, alpha_L=0.01, alpha_R=-0.01), E_F)) == count


def test_kubo_sum_against_broadened_brillouin_zone_integral():
    """Eq. (6) as printed, with a Gaussian for its δ function, on a grid of k and θ."""
    well = Well(d=0.8, V_L=4.0, V_R=6.0, Delta=0.2, alpha_L=0.04, alpha_R=-0.01)
    energy, width = 2.5, 0.05
    states = fermi_states(well, energy)
    k = np.linspace(0.0, 12.0, 801)[1:]
    # Bands, their slopes and spins from bound_states alone: the spin in the well is not known
    # from energies, but the derivative of E_n with respect to both α is k⟨δ σ⟩, so take what
    # energies do give: the current, where v replaces the spin.
    bands = np.full((k.size, 12), np.nan)
    for i, x in enumerate(k):
        E = bound_states(well, x)
        bands[i, : E.size] = E + well.c * x**2
    total = 0.0
    for n in range(12):
        good = np.isfinite(bands[:, n])
        if good.sum() < 3:
            continue
        v = np.gradient(bands[good, n], k[good])
        delta = np.exp(-0.5 * ((bands[good, n] - energy) / width) ** 2) / width
        delta /= np.sqrt(2 * np.pi)
        # (1/2π) ∫ k dk dθ/4π² (v cosθ)² δ
        total += np.trapezoid(k[good] * v**2 * delta, k[good]) * np.pi / (2 * np.pi * 4 * np.pi**2)
    # The broadening averages over ±0.05 eV; the current changes by a few per cent per 0.1 eV.
    assert states.current.sum() == pytest.approx(total, rel=5e-3)


def test_spin_density_is_a_derivative_of_the_current_like_sum():
    """∂E_n/∂α_L = 2kψ↑(0)ψ↓(0): S_y(0) from energies alone, another route to the profile."""
    h = 1e-5
    states = fermi_states(PAPER, E_F)
    at_0 = np.zeros(len(states))
    for i, k in enumerate(states.k):
        up, down = (bound_states(PAPER.replace(alpha_L=PAPER.alpha_L + x), k) for x in (h, -h))
        n = np.argmin(np.abs(bound_states(PAPER, k) - states.E[i]))
        spin = (up[n] - down[n]) / (2 * h) / k
        at_0[i] = -k / (8 * np.pi**2) * np.sign(states.velocity[i]) * spin
    # Central difference: h² times a third derivative, and 1e-13 eV/h.
    assert states.spin_density(0.0)[:, 0] == pytest.approx(at_0, abs=1e-6)


def test_exchange_free_weak_coupling_is_the_textbook_rashba_gas():
    """Δ = 0, small α: each subband is a 2D Rashba gas with α_n = α_L|ψ(0)|² − α_R|ψ(d)|².

    Of its two circles, k± = k_F ∓ α_n/2c, the spin density is −(τeE/ħ)(k₊ − k₋)·weight/8π²,
    the Edelstein result m α_n/ħ² with the prefactor of Eq. (6).
    """
    alpha = 1e-5
    well = Well(d=1.2, V_L=4.0, V_R=7.0, Delta=0.0, alpha_L=alpha, alpha_R=-0.4 * alpha)
    bare = fermi_states(well.replace(alpha_L=0.0, alpha_R=0.0), E_F)
    expected = 0.0
    for E in {round(E, 9): E for E in bare.E}.values():
        kappa = np.sqrt(E / well.c)
        qL, qR = np.sqrt((well.V_L - E) / well.c), np.sqrt((well.V_R - E) / well.c)
        # ψ = A sin(κz + atan(κ/q_L)): norm and weight in the well by hand.
        phi = np.arctan(kappa / qL)
        sin_0, sin_d = np.sin(phi) ** 2, np.sin(kappa * well.d + phi) ** 2
        weight = well.d / 2 - (np.sin(2 * (kappa * well.d + phi)) - np.sin(2 * phi)) / (4 * kappa)
        norm = weight + sin_0 / (2 * qL) + sin_d / (2 * qR)
        alpha_n = (well.alpha_L * sin_0 - well.alpha_R * sin_d) / norm
        # Two circles with k₊ − k₋ = −α_n/c; the spin of + is parallel to z × k.
        expected += alpha_n / well.c * (weight / norm) / (8 * np.pi**2)
    states = fermi_states(well, E_F)
    # Corrections are of relative order (α/c)·…: each circle's own weight changes with α too,
    # which is the next term, ∂(weight)/∂α·k, of the same order: it is computed, not neglected.
    # Here the *difference of weights* enters at first order in α, so only bound it.
    assert np.sign(states.contribution.sum()) == np.sign(expected)
    current_free = states.contribution.sum()
    assert current_free == pytest.approx(expected + _weight_change(well, bare), rel=1e-3)


def _weight_change(well, bare):
    """−Σ_n k_n (weight₊ − weight₋)/8π²: the interfaces push the two circles' waves apart."""
    total = 0.0
    h = 1e-6
    for k, E in {round(k, 9): (k, E) for k, E in zip(bare.k, bare.E, strict=True)}.values():
        n = len(
            [
                e
                for e in bound_states(well.replace(alpha_L=0.0, alpha_R=0.0), 0.0)[::2]
                if e < E - 1e-9
            ]
        )

        def weight(sign, n=n, k=k):
            # ∂E_n/∂(floor) = weight in the well: shift the barriers and E_F instead.
            def level(x):
                shifted = well.replace(V_L=well.V_L - x, V_R=well.V_R - x)
                return _scalar_levels(shifted, sign * k)[n] + x

            return (level(h) - level(-h)) / (2 * h)

        total += -k * (weight(1) - weight(-1)) / (8 * np.pi**2)
    return total


def _scalar_levels(well, k):
    """Levels with σ_φ = +1 at k: a scalar well with δ potentials kα_L and −kα_R."""
    from scipy.optimize import brentq

    def phase(E):
        kappa = np.sqrt(E / well.c)
        left = np.sqrt((well.V_L - E) / well.c) + k * well.alpha_L / well.c
        right = np.sqrt((well.V_R - E) / well.c) - k * well.alpha_R / well.c
        return kappa * well.d - np.arctan2(left, kappa) - np.arctan2(right, kappa)

    top = min(well.V_L, well.V_R)
    levels = []
    while phase(top) > len(levels) * np.pi:
        n = len(levels)
        levels.append(brentq(lambda E, n=n: phase(E) - n * np.pi, 1e-12, top, xtol=1e-15))
    return levels


@given(wells_and_energies())
@settings(max_examples=20)
def test_profile_integrates_to_the_contribution(case):
    well, energy = case
    states = fermi_states(well, energy)
    x, w = np.polynomial.legendre.leggauss(400)
    integral = states.spin_density((x + 1) * well.d / 2) @ w * well.d / 2
    # As the integral of 2ψ↑ψ↓, times k/8π² ≤ 0.3.
    assert integral == pytest.approx(states.contribution, abs=1e-10)


def test_prefactor_signs_and_current():
    assert contribution(2.0, 1.0, 0.5) == -2.0 * 0.5 / (8 * np.pi**2)
    assert contribution(2.0, -1.0, 0.5) == 2.0 * 0.5 / (8 * np.pi**2)
    assert current(2.0, -3.0) == 6.0 / (8 * np.pi**2)
    states = fermi_states(PAPER, E_F)
    assert (states.current > 0).all()
    # Positive α_L gives a positive spin density: the sign that the paper's Fig. 3 has.
    assert states.contribution.sum() > 0


def test_kinds_and_kappa():
    states = fermi_states(PAPER.replace(alpha_L=0.07), E_F)
    assert set(states.kind) == {"propagating", "mixed", "interface"}
    imaginary = states.kappa.imag > 0
    assert (imaginary.sum(axis=1)[states.kind == "propagating"] == 0).all()
    assert (imaginary.sum(axis=1)[states.kind == "mixed"] == 1).all()
    assert (imaginary.sum(axis=1)[states.kind == "interface"] == 2).all()
    # The floor of ↑ is the higher one, so that κ↑ is the first to be imaginary.
    assert (
        imaginary[states.kind == "mixed"].tolist()
        == [[True, False]] * (states.kind == "mixed").sum()
    )


def test_selection():
    states = fermi_states(PAPER, E_F)
    plus = states[states.chirality > 0]
    assert isinstance(plus, FermiStates)
    assert (plus.chirality == 1).all()
    assert len(plus) == (states.chirality == 1).sum()
    assert len(states[3]) == 1
    assert states[3].k[0] == states.k[3]
    assert list(states[::-1].k) == list(states.k[::-1])
    assert states[[0, 2]].amplitude.shape == (2, 4)
    assert "13 Fermi states" in repr(states)


def test_positions_must_be_numbers():
    states = fermi_states(PAPER, E_F)
    assert states.spin_density(0.3).shape == (13, 1)
    for bad in (float("nan"), "0", [[0.0]], 1j):
        with pytest.raises(ValueError, match="z must be"):
            states.spin_density(bad)


def test_two_settings_of_the_exchange_differ_by_about_a_per_cent():
    values = [
        fermi_states(PAPER.replace(exchange=setting), E_F).contribution.sum()
        for setting in ("everywhere", "ferromagnet")
    ]
    assert 0.003 < abs(values[1] / values[0] - 1) < 0.03
