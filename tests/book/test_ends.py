"""Where the model ends: its band in closed form, and the model whose coupling has a width."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qwlib import UnboundedSpectrumWarning, Well, bound_states, fermi_states
from qwlib.beyond.fem import FermiSolution, FiniteElements
from qwlib.beyond.interface import (
    interface_energy,
    interface_wave_numbers,
    inverse_square,
    power_when_doubled,
)
from qwlib.beyond.spread import LayeredWell, edge_functions

PAPER = Well(alpha_L=0.046)
CRITICAL = PAPER.critical_rashba
WIDTH = 0.3  # nm, the paper's estimate


def test_power_of_k_is_not_fitted_to_rounding():
    assert power_when_doubled([-3e-4, -3e-4 / 16], -47.0) == pytest.approx(-4, rel=1e-12)
    # Digits that are left of energies of 1 keV.
    assert power_when_doubled([2e-13, 6e-13], -1500.0) is None
    assert power_when_doubled([-3e-4, 0.0], -47.0) is None


def at(ratio: float, well: Well = PAPER) -> Well:
    """The well with α_L = ratio · ħ²/m, without the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        return well.replace(alpha_L=ratio * CRITICAL)


def spread(well: Well, E_F: float = 3.0, width: float = WIDTH, **options) -> FermiSolution:
    return FiniteElements.from_well(well, E_max=E_F, width=width, **options).fermi_states(E_F)


# The δ-function model


@pytest.mark.parametrize("ratio", [0.9, 1.0, -1.1])
@pytest.mark.parametrize(("exchange", "power"), [("everywhere", 6), ("ferromagnet", 4)])
def test_interface_band_in_closed_form(ratio: float, exchange: str, power: int) -> None:
    """Solver against expansion: what is left falls as the first term that is left out."""
    well = at(ratio, PAPER.replace(exchange=exchange, Delta=0.7, V_L=7.0))
    k = np.array([30.0, 60.0])
    left = [abs(bound_states(well, q)[0] - interface_energy(well, q)) for q in k]
    # Rounding of energies up to 200 eV is 1e-13 and some; the terms left are 1e-6 and 1e-8 of it.
    assert left[1] > 1e-10
    # The term after the first one left out is smaller by (V/c)²/(αk/2c)⁴ = 0.05 at k = 30.
    assert math.log2(left[0] / left[1]) == pytest.approx(power, abs=0.15)


@pytest.mark.parametrize("ratio", [0.99, 1.01, 1.3])
def test_a_decaying_trial_function_bounds_the_lowest_energy(ratio: float) -> None:
    """⟨h⟩ in e^(−γ|z|) with γ = |α|k/2c is at most max V − (αk)²/4c, far from the other side."""
    well = at(ratio)
    for k in (5.0, 15.0, 50.0):
        assert bound_states(well, k)[0] < well.V_L - (well.alpha_L * k) ** 2 / (4 * well.c)


@pytest.mark.parametrize(("E_F", "power"), [(3.0, 1 / 2), (2.5, 1 / 4), (2.0, 0)])
def test_wave_number_runs_away_if_the_fermi_energy_is_not_below_half_the_barrier(
    E_F: float, power: float
) -> None:
    # As (1 − x)^(−1/2) above V/2, the fourth root at it; below it stays.
    far, near = (fermi_states(at(1 - e), E_F).k[0] for e in (1e-4, 1e-5))
    # The next term of 1 − x² is 1e-4 of it, of B it is as much; below V/2, where k stays, k itself
    # moves by (1 − x)·k/2·(a k²/(V/2 − E_F)), a few 1e-4.
    assert math.log10(near / far) == pytest.approx(power, abs=2e-3)


@pytest.mark.parametrize(
    ("E_F", "ratio"), [(3.0, 0.999), (2.5, 0.999), (2.0, 1.001), (2.0, 1.0001)]
)
def test_wave_number_in_closed_form(E_F: float, ratio: float) -> None:
    states, closed = fermi_states(at(ratio), E_F), interface_wave_numbers(at(ratio), E_F)
    # What E leaves out, 3e-6 eV at 27/nm falling as k⁻⁶, over |v| k = 0.2 eV at the least.
    assert states.k[0] == pytest.approx(closed[-1], rel=5e-5)
    # Past ħ²/m the band comes back down, and meets ε_F a second time.
    assert np.sign(states.velocity[0]) == (1 if ratio < 1 else -1)
    assert closed.size == (1 if ratio < 1 else 2)


def test_closed_form_in_its_corners() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        flat = Well(alpha_L=CRITICAL)
    # At ħ²/m the quadratic equation is linear: ε = V/2 − B/k².
    assert interface_wave_numbers(flat, 2.0) == pytest.approx(
        [math.sqrt(inverse_square(flat) / 0.5)]
    )
    assert interface_wave_numbers(flat, 3.0).size == 0
    # Far past it the band stays below ε_F = 2 eV.
    assert interface_wave_numbers(at(1.1), 2.0).size == 0
    with pytest.raises(ValueError, match="alpha_L must not be 0"):
        interface_energy(Well(alpha_L=0.0), 3.0)


def test_total_diverges_on_one_side_of_the_limit_only() -> None:
    half = 1 / (16 * np.pi**2)  # half of the spin of the interface state lies in the well
    e = 1e-4
    for E_F, ratio, sign in ((3.0, 1 - e, 1), (2.0, 1 + e, -1)):
        states = fermi_states(at(ratio), E_F)
        # The share in the well is ½ + (q − γ)/2(q + γ) = ½ (1 + V/4cγ²) with γ = k.
        share = 1 + PAPER.V_L / (4 * PAPER.c * states.k[0] ** 2)
        assert states.contribution[0] == pytest.approx(sign * states.k[0] * half * share, rel=1e-5)
    for E_F, ratio in ((3.0, 1 + e), (2.0, 1 - e)):
        assert abs(fermi_states(at(ratio), E_F).contribution).max() < 0.1
    # The current of the runaway state has a limit: k v → 2 (ε_F − V/2).
    current = fermi_states(at(1 - e), 3.0).current[0]
    assert current == pytest.approx((3.0 - PAPER.V_L / 2) / (4 * np.pi**2), rel=3e-3)  # B/k², v


def test_past_the_limit_states_are_counted_with_a_warning() -> None:
    with pytest.warns(UnboundedSpectrumWarning):
        well = Well(alpha_L=0.1)
    states, witness = fermi_states(well, 3.0), FiniteElements.from_well(well, E_max=3.0, k_max=20.0)
    assert states.certified
    # Their Fermi states are few and at small k, though the band below has no bottom.
    assert states.k == pytest.approx(witness.fermi_states(3.0).k, rel=1e-9)


# The coupling spread over a width


@pytest.mark.parametrize("alpha_L", [0.02, 0.046])
def test_small_widths_give_the_delta_function_in_first_order(alpha_L: float) -> None:
    well = Well(alpha_L=alpha_L, alpha_R=-0.025)
    sharp = fermi_states(well, 3.0)
    total = [
        spread(well, width=w, order=8).contribution.sum() - sharp.contribution.sum()
        for w in (4e-3, 2e-3, 1e-3)
    ]
    orders = np.log2(np.abs(total[:-1]) / np.abs(total[1:]))
    # The second order is some k·width of the first, 0.02 in the last pair at k = 9/nm.
    assert orders[1] == pytest.approx(1, abs=0.05)
    assert abs(orders[1] - 1) < abs(orders[0] - 1)


@settings(max_examples=6)
# Close to a level of a layer, where rounding is largest.
@example(
    alpha_L=0.0,
    alpha_R=-0.0078125,
    d=0.99999,
    width=0.5,
    placement="inside",
    exchange="everywhere",
    Delta=0.0625,
    E_F=2.0,
)
@given(
    alpha_L=st.floats(-0.15, 0.15),
    alpha_R=st.floats(-0.15, 0.15),
    d=st.floats(0.7, 3.0),
    width=st.floats(0.1, 0.6),
    placement=st.sampled_from(["centred", "inside", "outside"]),
    exchange=st.sampled_from(["everywhere", "ferromagnet"]),
    Delta=st.floats(0.05, 0.4),
    E_F=st.floats(1.0, 4.0),
)
def test_layers_are_a_second_route(width: float, placement: str, E_F: float, **parameters) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        well = Well(**parameters)
    mesh = FiniteElements.from_well(well, E_max=E_F, width=width, placement=placement)
    solution, layers = mesh.fermi_states(E_F), LayeredWell.from_well(well, width, placement)
    # Both count, finding nothing: at every k they agree, away from Fermi states.
    between = np.append((solution.k[1:] + solution.k[:-1]) / 2, mesh.k_max)
    gaps = np.append(-np.diff(solution.k), 1.0)
    for k in between[gaps > 1e-6]:
        E = E_F - well.c * k**2
        assert layers.count_states(E, k) == mesh.count_states(E, k)
    if gaps.min() > 1e-4:  # else a pair may hide in one cell, and mixes
        k, contribution = layers.fermi_states(E_F, mesh.k_max, cells=100)
        if k.size == len(solution):
            # An energy's rounding over v, which near a subband's bottom is small: the elements
            # have energies up to c (order²/size)², 1e5 eV.
            v = np.abs(solution.velocity).clip(1e-3)
            assert np.all(np.abs(k - solution.k) < 1e-10 / v)
            # Differences (`spread.STEP`) beside a level of a layer by 5e-5 eV, and k's error.
            assert np.all(np.abs(contribution - solution.contribution) < 1e-6 + 1e-9 / v)


@pytest.mark.parametrize("alpha_L", [0.02, 0.08, 0.15])
def test_layers_and_elements_agree_on_the_wells_of_the_chapter(alpha_L: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        well = Well(alpha_L=alpha_L, alpha_R=-0.025)
    mesh = FiniteElements.from_well(well, E_max=3.0, width=WIDTH, order=8)
    solution = mesh.fermi_states(3.0)
    k, contribution = LayeredWell.from_well(well, WIDTH).fermi_states(3.0, mesh.k_max)
    # Over its elements the mesh of order 8 follows e^(iκz) to 2(3/4)⁹/9! = 4e-7.  Energies err by
    # the square, so k by 2e-13 V/vk, which is 1e-11 in the lowest subband; measured 2e-11.
    np.testing.assert_allclose(k, solution.k, rtol=1e-10)
    np.testing.assert_allclose(contribution, solution.contribution, rtol=0, atol=1e-7)


def test_layers_without_width_of_note_are_the_matching_matrix() -> None:
    """Boxes of 1e-6 nm: the third route to the δ functions, to first order in the width."""
    well = Well(alpha_L=0.05, alpha_R=-0.02)
    sharp = fermi_states(well, 3.0)
    k, _ = LayeredWell.from_well(well, 1e-6).fermi_states(3.0, 12.0)
    np.testing.assert_allclose(k, sharp.k, rtol=0, atol=1e-5)


def test_edge_functions_meet_where_a_wave_stops_being_one() -> None:
    both = [edge_functions(np.array([x]), 0.7) for x in (-1e-8, 0.0, 1e-8)]
    # x h/3 is the next term.
    np.testing.assert_allclose(both, np.full((3, 2, 1), 1 / 0.7), rtol=1e-8)


@pytest.mark.parametrize("placement", ["centred", "inside", "outside"])
@pytest.mark.parametrize("alpha_R", [-0.15, 0.1])
def test_the_bound_on_k_holds_for_a_spread_coupling(placement: str, alpha_R: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnboundedSpectrumWarning)
        well = Well(d=0.4, alpha_L=0.15, alpha_R=alpha_R)
    layers = LayeredWell.from_well(well, WIDTH, placement)
    # Inside, the boxes overlap here.
    k_max = FiniteElements.from_well(well, E_max=3.0, width=WIDTH, placement=placement).k_max
    for k in np.linspace(k_max, 4 * k_max, 40):
        assert layers.count_states(3.0 - well.c * k**2, k) == 0
    # It is no wild overestimate either, and finite past ħ²/m.
    assert k_max < 30


def test_the_energy_of_a_spread_coupling_has_a_bottom() -> None:
    """ε ≥ −W²/4c − |Δ| with W = α/width, at any α."""
    well = at(2.0)
    floor = -((well.alpha_L / WIDTH) ** 2) / (4 * well.c) - well.Delta
    layers = LayeredWell.from_well(well, WIDTH)
    for k in np.linspace(0.1, 60.0, 60):
        assert layers.count_states(floor - well.c * k**2, k) == 0
    # And the δ function goes below it.
    k = 60.0
    assert bound_states(well, k)[0] + well.c * k**2 < floor


def test_layers_know_the_sign_of_the_velocity() -> None:
    """Just below a band's energy at k = 0, without exchange, it crosses twice: once with v < 0."""
    mesh = FiniteElements.from_well(Well(alpha_L=0.05, Delta=0.0), E_max=1.0, width=WIDTH)
    E_F = mesh.bound_states(0.0)[0] - 1e-6
    solution = mesh.fermi_states(E_F)
    assert list(np.sign(solution.velocity)) == [1, -1]
    layers = LayeredWell.from_well(Well(alpha_L=0.05, Delta=0.0), WIDTH)
    k, contribution = layers.fermi_states(E_F, k_max=2 * solution.k[0])
    # Rounding of energies, 1e-13, over v: 1e-9, and k over 8π² carries it into the contribution.
    np.testing.assert_allclose(k, solution.k, rtol=0, atol=1e-8)
    np.testing.assert_allclose(contribution, solution.contribution, rtol=0, atol=1e-8)


def test_layers_count_many_points_as_they_count_each() -> None:
    layers = LayeredWell.from_well(at(1.1), WIDTH)
    E, k = np.array([[-1.0], [2.5]]), np.array([0.5, 8.0, 20.0])
    each = [[int(layers.count_states(e, q)) for q in k] for e in E[:, 0]]
    assert layers.count_states(E, k).tolist() == each
    assert len({n for row in each for n in row}) > 2
