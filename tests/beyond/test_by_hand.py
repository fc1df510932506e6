"""Scans, places along one parameter, levels by hand and brute force, each by another way."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from wells import E_F, PAPER, wells_and_energies

from benchmarks import routes
from qwlib import Well, bound_states, count_states, fermi_states, matching_matrix
from qwlib.beyond import cells, scan
from qwlib.beyond.broadened import broadened_sums, spin_in_well
from qwlib.beyond.compared import SORTS, compared, random_well
from qwlib.beyond.fem import FiniteElements
from qwlib.beyond.places import (
    below_zero,
    best,
    local_maxima,
    nth,
    over,
    refined,
    refined_together,
    slope,
    steps,
    zeros,
)
from qwlib.beyond.spread import LayeredWell, crossings, sums_along
from qwlib.beyond.thresholds import changes, length_unit, one_subband, rashba_at
from qwlib.beyond.weak import (
    by_level,
    effective_couplings,
    everywhere,
    minors,
    share_of_up,
    spin_levels,
)

WIDE = PAPER.replace(d=20.0)


# --- a scan of det M ------------------------------------------------------------------------------


@pytest.mark.parametrize("brent", [False, True])
@pytest.mark.parametrize("points", [200, 1000])
@pytest.mark.parametrize("well", [PAPER, WIDE], ids=["narrow", "wide"])
def test_a_scan_finds_what_a_determinant_written_out_finds(well, points, brent):
    window = routes.largest_k(well, E_F)
    grid = window * np.arange(1, points + 1) / points
    for function, other in (
        (scan.determinant, routes.determinant),
        (scan.smooth, routes.without_poles),
    ):
        values, expected = function(well, E_F, grid), other(well, E_F, grid)
        np.testing.assert_array_equal(np.sign(values), np.sign(expected))
        found = scan.scan(well, E_F, grid, function, brent=brent)
        reference = routes.scan(well, E_F, points, other).k
        if brent and function is scan.determinant:  # both close in with it: to its tolerance
            np.testing.assert_allclose(found.k, reference, rtol=0, atol=1e-9)
        # The state that is alone in its cell is found by both.
        k = fermi_states(well, E_F).k
        events = np.concatenate([k, scan.poles(well, E_F)])
        alone = np.histogram(events, np.append(0, grid))[0][np.searchsorted(grid, k)] == 1
        assert not found.missed(k)[alone].any()
        # What is kept is a state, and not a pole.
        assert not scan.Scan(k, 0).missed(found.k).any()


def test_poles_are_where_the_determinant_changes_sign_through_infinity():
    at = scan.poles(WIDE, E_F)
    assert at.size == 112  # as many as clamped levels below ε_F: those with mπ/d < κ_s
    waves = [WIDE.d * np.sqrt((E_F - s * WIDE.Delta) / WIDE.c) / np.pi for s in (1, -1)]
    assert at.size == sum(map(int, waves))
    for k in at[::20]:
        sides = scan.determinant(WIDE, E_F, k + np.array([-1e-9, 1e-9, 1e-4]))
        assert sides[0] * sides[1] < 0 and abs(sides[0]) > 1e3 * abs(sides[2])


def test_the_closest_things_are_those_of_all_pairs():
    k = fermi_states(WIDE, E_F).k
    near, poles = scan.closest(WIDE, E_F, k), scan.poles(WIDE, E_F)
    off, state, pole = min((abs(a - b), a, b) for a in k for b in poles)
    assert (near.state, near.pole) == (state, pole) and off > 0
    gaps = [(b - a, a, b) for a in k for b in k if b > a]
    assert near.pair == min(gaps)[1:]
    assert scan.closest(PAPER.replace(d=0.1), E_F, np.empty(0)) is None


# --- the cells of the search ----------------------------------------------------------------------


@given(wells_and_energies(alpha_max=0.9))
@settings(max_examples=12)
def test_cells_cover_the_axis_and_hold_the_states(case):
    well, energy = case
    states = fermi_states(well, energy)
    if not states.certified:
        return
    total = 0
    for K, found in cells.settle(well, energy):
        found = sorted(found)
        assert found[0].k1 == 0 and found[-1].k2 == K
        assert all(a.k2 == b.k1 for a, b in itertools.pairwise(found))
        total += sum(abs(cell.states) for cell in found)
    assert total == len(states)


def test_no_state_is_beyond_an_accepted_k():
    K = cells.accepted(PAPER, E_F, 10.0 * 1.1 ** np.arange(20))
    assert K.size
    # Elements that reach twice as far find none there.
    witness = FiniteElements.from_well(PAPER, E_max=E_F, k_max=2 * K[0]).fermi_states(E_F)
    assert witness.k.max() < K[0]


@pytest.mark.parametrize("kind", SORTS)
def test_random_wells_are_of_their_kind_and_three_routes_agree(kind):
    well, energy = random_well(np.random.default_rng(7), kind)
    assert (well.V_L == well.V_R) == (kind in ("mirror", "parity", "met twice"))
    assert (well.Delta == 0) == (kind in ("no exchange", "met twice"))
    found = compared(well, energy)
    assert found.equal and found.error < 1e-9  # what the mesh is made for
    assert (found.found[1] > 0) == (kind == "met twice")


# --- places along one parameter -------------------------------------------------------------------


def test_maxima_zeros_and_steps_are_those_of_known_functions():
    x = np.linspace(0, 10, 41)
    found = local_maxima(np.sin, x)
    # The place of a maximum is known to 1e-7, its height to the square of that.
    assert [one.x for one in found] == pytest.approx([np.pi / 2, 5 * np.pi / 2], abs=2e-7)
    assert [one.y for one in found] == pytest.approx([1, 1], abs=1e-12)
    assert local_maxima(np.sin, x, np.sin(x)) == found
    assert refined(lambda y: -((y - 3) ** 2), 0, 10).x == pytest.approx(3, abs=2e-7)
    # Of several at once: smooth, at an end, and the upper edge of a step.
    tops = np.array([3.0, 7.0, 0.3])

    def several(places):
        x = places.T
        smooth, up = -((x[0] - tops[0]) ** 2), x[1]
        return np.stack([smooth, up, np.where(x[2] < tops[2], x[2], -1)], axis=1)

    places = refined_together(several, np.array([0.0, 5.0, 0.0]), np.array([10.0, 7.0, 1.0]))
    assert places == pytest.approx(tops, abs=1e-7)
    assert refined_together(lambda x: x, np.array([]), np.array([])).size == 0
    assert best(np.sin, x[:11], np.sin(x[:11]))[0] == "1.57"
    assert best(np.sin, x[:4], np.sin(x[:4])) == ("highest", 0.75)
    assert best(np.sin, x[:4], np.full(4, np.nan))[0] == "none"
    assert best(np.sin, x[:11], np.where(x[:11] > 1, np.sin(x[:11]), np.nan))[0] == "1.57"
    assert slope(x, x**2, 5.0) == 9.75  # of the chord from 4.75
    assert zeros(np.cos, x, np.cos(x)) == pytest.approx(np.pi * np.array([0.5, 1.5, 2.5]))
    a, b, c = zeros(np.cos, x, np.cos(x))
    assert below_zero(x, np.cos(x), [a, b, c]) == [(a, b), (c, 10.0)]
    assert below_zero(x, -np.cos(x), [a, b, c]) == [(0.0, a), (b, c)]
    assert below_zero(x, np.ones(41), []) == []


def test_what_is_not_there_has_no_value():
    assert nth([3.0, 4.0], 1) == 4.0 and nth(np.array(["mixed"]), 0) == "mixed"
    assert np.isnan(nth([3.0], 1)) and np.isnan(nth(np.array([], dtype=str), 0))
    np.testing.assert_array_equal(nth(np.empty((0, 2, 5)), 0), np.full((2, 5), np.nan))
    assert over(3.0, 2.0) == 1.5 and np.isnan(over(3.0, 0.0))
    np.testing.assert_array_equal(over(np.array([1.0, 0.0]), [0.0, 4.0]), [np.nan, 0.0])


def test_a_well_of_one_subband_has_one():
    for well in (PAPER, PAPER.replace(V_L=3.7, V_R=4.2, mass=0.7), PAPER.replace(mass=0.1)):
        for E in (0.3, 1.0, 2.5):
            thin = well.replace(d=one_subband(well, E), Delta=0.0)
            assert count_states(thin, E, 0.0) == 2  # of both spins
    assert one_subband(PAPER, -1.0) == PAPER.d
    for E, unit in ((3.0, 1.0), (0.3, 5.0), (0.03, 10.0), (300.0, 0.1), (0.0, 1.0)):
        assert length_unit(PAPER, E) == unit


def test_no_state_moves_faster_than_the_fermi_energy_lets_it():
    assert crossings(PAPER, 0.2, 0.25, 0.1).size == 0  # a half-metal


def test_where_a_function_has_no_value_it_has_no_zero():
    def gap(x):
        return np.nan if 1.2 < x < 2.5 else np.cos(x)

    for n in (3, 4, 9, 50):  # with and without a point in the gap, which hides the first zero
        x = np.linspace(0, 6, n)
        y = np.array([gap(one) for one in x])
        found = zeros(gap, x, y)
        assert found == pytest.approx([1.5 * np.pi])
        # Beyond the gap it is negative from the first place that has a value.
        assert below_zero(x, y, found) == [(x[x > 2.5][0], found[0])]
    # Halved twenty times from a step of 0.25.
    assert steps(lambda y: int(y**2 // 7), x)[:2] == pytest.approx([7**0.5, 14**0.5], abs=3e-7)


def test_changes_of_a_number_are_where_they_are_known_to_be():
    x, n = np.arange(6.0), np.array([3, 3, 2, 2, 4, 4])
    assert changes(x, n) == [(1.5, -1), (3.5, 2)]
    assert changes(x, n, [1.2, 9.0]) == [(1.2, -1), (3.5, 2)]


def test_couplings_without_a_width_are_those_of_the_closed_form():
    for E in (PAPER.Delta, -PAPER.Delta):
        closed = rashba_at(PAPER, E_F, E)
        found = crossings(PAPER, E_F, E, 0.1)
        # The mesh is made for 1e-10 in k, and dα/dk is below 1.
        assert found == pytest.approx(closed[(closed > 0) & (closed < 0.1)], abs=1e-9)


def test_sums_of_a_spread_coupling_are_those_of_the_layers():
    every, waves, n, _, k_max = sums_along(PAPER, E_F, np.array([0.03]), 0.3)[:, 0]
    k, share = LayeredWell.from_well(PAPER.replace(alpha_L=0.03), 0.3).fermi_states(E_F, 2 * k_max)
    assert (n, k_max) == (k.size, pytest.approx(k.max(), abs=1e-8))
    assert every == pytest.approx(1e3 * share.sum(), abs=1e-5)  # what the layers' steps leave
    above = E_F - PAPER.c * k**2 > PAPER.Delta
    assert waves == pytest.approx(1e3 * share[above].sum(), abs=1e-5)


# --- by hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize("exchange", ["everywhere", "ferromagnet"])
def test_levels_of_each_spin_make_up_the_bound_states(exchange):
    well = Well(d=1.7, V_L=4.0, V_R=6.0, Delta=-0.4, alpha_L=0.05, exchange=exchange)
    both = np.sort(np.concatenate([spin_levels(well, s) for s in (1, -1)]))
    both = both[both < well.continuum_edge]
    # At k = 0 the coupling is silent; both are solved to rounding.
    np.testing.assert_allclose(both, bound_states(well, 0.0), rtol=0, atol=1e-9)
    assert both.size == count_states(well, well.continuum_edge, 0.0)


@pytest.mark.parametrize("Delta", [0.125, 0.25, 0.35])
def test_both_spins_of_a_level_add_up_to_what_no_exchange_changes(Delta):
    well = PAPER.replace(Delta=Delta, alpha_L=1e-5, alpha_R=0.0)
    states = fermi_states(well, E_F)
    parts = by_level(states)
    both = np.isfinite(parts).all(axis=1)
    assert both.sum() == (spin_levels(well, 1) < E_F).sum() >= 5
    assert (parts[both, 0] > 0).all() and (parts[both, 1] < 0).all()
    by_hand = effective_couplings(well)[: len(parts)] / (4 * np.pi**2 * well.c)
    # The next order is (coupling over the distance of two states)^2; of a level that adds little
    # this is a part of what another adds, which here is up to 30 times as much.
    ahead = np.subtract.outer(spin_levels(well, 1), spin_levels(well, -1))
    mixed = states.k.max() * effective_couplings(well).max() / np.abs(ahead).min()
    np.testing.assert_allclose(
        parts[both].sum(axis=1), by_hand[both], rtol=30 * mixed**2 + 1e-9, atol=0
    )
    assert 30 * mixed**2 < 2e-3
    whole = -(states.k * np.sign(states.velocity) * states.whole_spin).sum() / (8 * np.pi**2)
    assert np.nansum(parts) == pytest.approx(whole, rel=1e-12)


def test_share_of_up_is_what_the_exchange_does_to_the_energy():
    """By Hellmann and Feynman dE/dΔ = ∫(ψ↑² − ψ↓²)dz, with the exchange everywhere."""
    states, step = fermi_states(PAPER, E_F), 1e-5
    for k, E, share in zip(states.k, states.E, share_of_up(states), strict=True):
        n = int(np.argmin(np.abs(bound_states(PAPER, k) - E)))
        ahead, behind = (
            bound_states(PAPER.replace(Delta=PAPER.Delta + h), k)[n] for h in (step, -step)
        )
        # The trapezoids and the difference are both good to 1e-5.
        assert 2 * share - 1 == pytest.approx((ahead - behind) / (2 * step), abs=1e-4)


def test_weak_couplings_split_the_levels_as_by_hand():
    well, k = Well(d=1.7, V_L=4.0, V_R=6.0, Delta=0.0, alpha_L=1e-3, alpha_R=2e-3), 0.1
    expected = np.abs(effective_couplings(well)) * k
    found = np.diff(bound_states(well, k)[: 2 * expected.size])[::2] / 2
    # The next order is smaller by (αk/V)², and a level by 1e-12 eV of rounding.
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-12)


def test_without_exchange_the_sum_over_all_z_is_that_of_the_profile():
    states = fermi_states(Well(d=0.8, Delta=0.0, alpha_L=0.03), E_F)
    # The slowest decay is 7/nm, and the trapezoidal rule errs by the step squared.
    z = np.union1d(np.linspace(-4, 5, 18001), [0.0, 0.8])
    total = np.trapezoid(states.spin_density(z).sum(axis=0), z)
    assert everywhere(states) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("E", [-0.1, 0.6, 2.9])
def test_minors_by_hand_are_those_of_the_matrix(E):
    well = PAPER.replace(alpha_R=-0.03, V_R=6.0)
    M = matching_matrix(well, E, 5.0)
    order = [0, 2, 1, 3]  # one spin after the other
    expected = [np.linalg.det(M[np.ix_(order[:n], order[:n])]) for n in (1, 2, 3, 4)]
    assert minors(well, E, 5.0) == pytest.approx(expected, rel=1e-9)


def test_brute_force_tends_to_the_sum_over_fermi_states():
    well = Well(d=0.6, alpha_L=0.03)
    fem = FiniteElements.from_well(well, E_max=E_F + 0.2, order=6)
    states = fermi_states(well, E_F)
    _, x = fem.eigenstates(states.k[0], subset_by_index=(0, 0))
    assert abs(spin_in_well(fem, x)[0]) == pytest.approx(
        abs(states.contribution[0]) * 8 * np.pi**2 / states.k[0], rel=1e-6
    )
    widths = np.array([0.04, 0.02])
    errors = broadened_sums(fem, E_F, widths, fem.k_max) / states.contribution.sum() - 1
    # A Gaussian errs by its variance times the curvature of what it averages.
    assert abs(errors[1]) < abs(errors[0]) / 3 < 1e-2
