"""The thresholds, and what the chapter on the lost state says, each by a second route."""

import json

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.polynomial import Chebyshev
from scipy.linalg import eigh
from scipy.optimize import brentq
from wells import E_F, PAPER, wells, wells_and_energies

from qwlib import bound_states, count_states, fermi_states, matching_matrix
from qwlib.beyond.fem import FiniteElements
from qwlib.beyond.thresholds import entry_width, net_number, rashba_at
from qwlib.book import views

THIN = PAPER.replace(alpha_L=0.01, alpha_R=-0.01)
CASE_A = PAPER.replace(d=3.0, alpha_L=0.01, alpha_R=0.01)
CASE_C = CASE_A.replace(alpha_R=-0.01)


def threshold(well, E=PAPER.Delta) -> float:
    """Return the smallest α_L > 0 at which a Fermi state has the energy E."""
    values = rashba_at(well, E_F, E)
    return values[values > 0].min()


# --- the closed forms ---


@given(wells_and_energies(mirror=False), st.floats(-0.5, 0.95))
def test_a_state_has_the_energy_asked_for_at_that_coupling(drawn, fraction):
    well, E_F = drawn
    E = fraction * E_F
    assume(E < E_F - 1e-3)
    k = np.sqrt((E_F - E) / well.c)
    # Clear of the poles of M, which has no meaning there.
    kappa = np.sqrt(np.maximum(E - np.array([1, -1]) * well.Delta, 0) / well.c)
    distance = np.abs(kappa * well.d / np.pi - np.round(kappa * well.d / np.pi))
    assume((distance[kappa > 0] > 1e-3).all())
    for alpha in rashba_at(well, E_F, E):
        if abs(alpha) < 0.95 * well.critical_rashba:
            values = np.linalg.eigvalsh(matching_matrix(well.replace(alpha_L=alpha), E, k))
            # A null eigenvalue, to the rounding of M and of the elimination of one interface,
            # whose condition the pole distance above bounds by about 1e3.
            assert np.abs(values).min() < 1e-9 * np.abs(values).max()


@pytest.mark.parametrize("alpha_R", [-0.025, 0.0, 0.025])
@pytest.mark.parametrize("exchange", ["everywhere", "ferromagnet"])
def test_threshold_is_where_the_energy_of_the_state_passes_the_exchange(alpha_R, exchange):
    well = PAPER.replace(alpha_R=alpha_R, exchange=exchange)
    expected = threshold(well)
    index = int((fermi_states(well.replace(alpha_L=0.98 * expected), E_F).E < well.Delta).sum())
    found = brentq(
        lambda a: fermi_states(well.replace(alpha_L=a), E_F).E[index] - well.Delta,
        0.98 * expected,
        1.02 * expected,
        xtol=1e-15,
    )
    # dE/dα is about 7/nm² and E is exact to rounding, 1e-15.
    assert found == pytest.approx(expected, rel=1e-12)


def test_finite_elements_have_a_level_at_the_exchange_energy_at_the_threshold():
    well = PAPER.replace(alpha_L=threshold(PAPER))
    k = np.sqrt((E_F - well.Delta) / well.c)
    fem = FiniteElements.from_well(well, E_max=E_F, order=8)
    E = eigh(fem.matrix(k), np.kron(np.eye(2), fem.M), eigvals_only=True)
    # The elements converge exponentially with the order; at order 8 they are exact to 1e-8 eV.
    assert np.abs(E - well.Delta).min() < 1e-7


def test_no_coupling_moves_a_state_where_the_formula_says_so():
    well = PAPER.replace(Delta=0.3)
    assert rashba_at(well, E_F, 0.3).size == 0
    k = np.sqrt((E_F - 0.3) / well.c)
    counts = {int(count_states(well.replace(alpha_L=a), 0.3, k)) for a in np.linspace(0, 0.075, 40)}
    assert len(counts) == 1


@given(wells(), st.sampled_from([1, -1]), st.integers(0, 3), st.floats(0.05, 0.95))
def test_a_subband_enters_at_its_width(well, s, n, fraction):
    floor = s * well.Delta
    E_F = floor + fraction * (well.continuum_edge - floor)
    assume(0.05 < E_F - floor)
    width = entry_width(well, E_F, s, n)
    assume(width > 1e-3)

    def below(d):
        single = well.replace(d=d, Delta=0.0, exchange="ferromagnet", alpha_L=0.0, alpha_R=0.0)
        shift = s * well.Delta_barrier - floor
        single = single.replace(V_L=well.V_L + shift, V_R=well.V_R + shift)
        return int(count_states(single, E_F - floor, 0.0)) // 2  # both spins are the same well

    # One spin alone, its floor at zero: the (n + 1)st level comes in.  The width is exact to
    # rounding, so that 1e-9 either side is far outside it.
    assert [below(width * (1 + x)) for x in (-1e-9, 1e-9)] == [n, n + 1]


def test_a_spin_whose_floor_is_above_the_fermi_energy_never_enters():
    assert np.isnan(entry_width(PAPER.replace(Delta=1.0), 0.5, 1))


@given(wells_and_energies(alpha_max=0.8), st.floats(-2.0, 0.99))
def test_net_number_is_the_sum_of_the_signs_of_the_velocities(drawn, fraction):
    well, E_F = drawn
    states = fermi_states(well, E_F)
    E = E_F - (1 - fraction) * (E_F + abs(well.Delta))
    # Two routes may take a state within rounding of the threshold, or of k = 0, for either side.
    assume(states.certified and (np.abs(states.E - E) > 1e-9).all() and E < E_F - 1e-9)
    assume((np.abs(bound_states(well, 0.0) - E_F) > 1e-9).all())
    assert net_number(well, E_F, E) == np.sign(states.velocity[states.E > E]).sum()


@pytest.mark.parametrize("call", [rashba_at, net_number])
def test_no_state_has_more_energy_than_the_fermi_energy(call):
    for E in (3.0, 3.5):  # as |Δ| of a half-metal
        assert np.sum(np.abs(call(PAPER, 3.0, E))) == 0
    with pytest.raises(ValueError, match="E_F must be below the lower barrier edge"):
        call(PAPER, 4.9, 1.0)


def test_entry_width_refuses_what_is_no_spin_and_no_number_of_nodes():
    with pytest.raises(ValueError, match="s must be 1 or -1, got 0"):
        entry_width(PAPER, E_F, 0)
    with pytest.raises(ValueError, match="n must be a whole number >= 0, got -1"):
        entry_width(PAPER, E_F, 1, -1)


# --- what the chapter says ---


def test_state_energy_is_analytic_through_the_threshold_and_the_propagating_sum_is_not():
    centre = threshold(PAPER)
    index = 2
    ends = 0.95 * centre, 1.05 * centre

    def energy(a):
        return fermi_states(PAPER.replace(alpha_L=a), E_F).E[index]

    def propagating(a):
        s = fermi_states(PAPER.replace(alpha_L=a), E_F)
        return 1e3 * s.contribution[s.E > PAPER.Delta].sum()

    x = np.linspace(*ends, 15)
    error = {}
    for f in (energy, propagating):
        for degree in (3, 9):
            fit = Chebyshev.interpolate(lambda x, f=f: np.array([f(a) for a in x]), degree, ends)
            error[f, degree] = np.abs(fit(x) - [f(a) for a in x]).max()
    assert energy(ends[0]) > PAPER.Delta > energy(ends[1])
    # Measured: 2e-6 to 1e-12 for the energy, against a jump of 14 that no polynomial follows.
    assert error[energy, 9] < 1e-4 * error[energy, 3]
    assert error[propagating, 9] > 1


def test_slope_of_the_energy_is_that_of_perturbation_theory():
    centre, h = threshold(PAPER), 1e-5
    s = fermi_states(PAPER.replace(alpha_L=centre), E_F)[2]
    slope = 4 * PAPER.c * s.k**2 * s.amplitude[:, 0] * s.amplitude[:, 1] / s.velocity
    ends = [fermi_states(PAPER.replace(alpha_L=centre + x), E_F).E[2] for x in (-h, h)]
    # Central difference: h² times the third derivative, about 1e4/nm⁶ eV² or so, and rounding / h.
    assert (ends[1] - ends[0]) / (2 * h) == pytest.approx(slope[0], rel=1e-6)


@given(wells(alpha_max=0.9), st.floats(-0.9, 0.9), st.floats(-3.0, 0.95), st.floats(0.0, 20.0))
def test_one_coupling_changes_a_count_by_at_most_one(well, ratio, fraction, k):
    other = well.replace(alpha_R=ratio * well.critical_rashba)
    E = fraction * well.continuum_edge
    assert abs(int(count_states(well, E, k)) - int(count_states(other, E, k))) <= 1


def test_two_couplings_can_change_a_count_by_two():
    # So the bound of one, above, is not empty: deep and at large k each interface binds its own.
    strong, none = 0.07, 0.0
    counts = [
        int(count_states(PAPER.replace(alpha_L=left, alpha_R=right), -1.0, 10.0))
        for left, right in ((none, none), (strong, none), (strong, strong))
    ]
    assert counts == [0, 1, 2]


@given(wells_and_energies(alpha_max=0.8), st.floats(-0.8, 0.8), st.floats(-0.8, 0.8))
def test_couplings_change_the_number_of_fermi_states_by_pairs(drawn, left, right):
    well, E_F = drawn
    assume((np.abs(bound_states(well, 0.0) - E_F) > 1e-6).all())
    critical = well.critical_rashba
    other = well.replace(alpha_L=left * critical, alpha_R=right * critical)
    one, two = fermi_states(well, E_F), fermi_states(other, E_F)
    assume(one.certified and two.certified)
    assert (len(one) - len(two)) % 2 == 0


def test_a_pair_appears_where_a_subband_is_pulled_through_the_fermi_energy():
    plain = PAPER.replace(Delta=0.0)
    energy = bound_states(plain, 0.0)[12] - 1e-3
    velocity = fermi_states(plain.replace(alpha_L=0.046), energy).velocity
    bottoms = int(count_states(plain, energy, 0.0))
    assert ((velocity > 0).sum(), (velocity < 0).sum()) == (bottoms + 1, 1)


def test_chapter_glues_the_threshold():
    notebook = json.loads((ROOT / "book" / "lost.ipynb").read_text("utf-8"))
    outputs = [o for cell in notebook["cells"] for o in cell.get("outputs", [])]
    (glued,) = (
        "".join(o["data"]["application/papermill.record/text/plain"]).strip("'")
        for o in outputs
        if o.get("metadata", {}).get("scrapbook", {}).get("name") == "lost-at"
    )
    assert glued == f"{threshold(PAPER):.4f}"


def test_chapter_counts_the_two_cases_as_the_net_number_does():
    for E, number in ((-9.0, 17), (PAPER.Delta, 14)):
        assert [net_number(well, E_F, E) for well in (CASE_A, CASE_C)] == [number] * 2


def test_no_threshold_and_no_two_have_27_in_one_case_and_14_in_the_other():
    levels = np.linspace(-0.4, 2.99, 60)
    above = np.array([[net_number(well, E_F, E) for E in levels] for well in (CASE_A, CASE_C)])
    apart = above[0] - above[1]
    # Above one energy they differ by one at most, so between two of them by two: not by 13.
    assert np.abs(apart).max() == 1 and np.ptp(apart) <= 2
    assert above.max() == 17


def test_spin_density_has_its_cusp_where_the_second_upper_subband_enters():
    edge, h = entry_width(THIN, E_F, 1, 1), 1e-4
    left, at, right = (
        fermi_states(THIN.replace(d=edge + x), E_F).contribution.sum() for x in (-h, 0.0, h)
    )
    # A cusp, not a smooth top: the slopes on its two sides are of order one, not of order h.
    assert (at - left) / h > 0.01 and (right - at) / h < -0.01


# --- the views ---


def around_the_threshold():
    """Return the states before, at and after the threshold, which state passes it, and where."""
    at = threshold(PAPER)
    several = [fermi_states(PAPER.replace(alpha_L=a), E_F) for a in (0.99 * at, at, 1.01 * at)]
    return several, int((several[0].E < PAPER.Delta).sum()), at


def test_the_state_that_is_followed_passes_the_edge_among_its_neighbours():
    several, place, at = around_the_threshold()
    upper, lower = views.followed(several, place, at).panels
    edge, guide, *neighbours, state = upper.series
    assert edge.y == [PAPER.Delta] and guide.x == lower.series[0].x == [at]
    for i, states in enumerate(several):
        assert state.y[i] == states.E[place]
        near = [*states.E[place - 2 : place], *states.E[place + 1 : place + 3]]
        assert [one.y[i] for one in neighbours] == near
    assert state.y[0] > PAPER.Delta > state.y[2]
    every, without, waves = (one.y for one in lower.series[1:])
    assert np.isnan(waves[1]) and np.isfinite(waves).sum() == 2  # at the threshold it jumps
    for i in (0, 2):
        states = several[i]
        share = 1e3 * states.contribution
        assert every[i] == share.sum()
        # A difference of sums of about 50.
        assert every[i] - without[i] == pytest.approx(share[place], abs=1e-12)
        assert waves[i] == share[states.kind == "propagating"].sum()


def test_the_state_is_straight_at_the_threshold_and_bent_to_either_side():
    several, place, at = around_the_threshold()
    sums = views.followed(several, place, at).panels[1]
    bends = []
    for states, view in zip(several, views.passing(several, place, sums), strict=True):
        left, right = view.panels
        straight, *both, _ = left.series
        z = np.linspace(-PAPER.d / 4, 5 * PAPER.d / 4, 49)
        psi = states.wavefunction(z)[place]
        sign = np.sign(psi[0, 8])
        for one, component in zip(both, psi, strict=True):
            np.testing.assert_array_equal(one.y, sign * component)
        assert np.allclose(np.interp([0, PAPER.d], z, both[0].y), straight.y, rtol=0, atol=1e-12)
        line = np.interp(z[8:41], straight.x, straight.y)
        bends.append((both[0].y[8:41] - line)[16])
        numbers = {one.name: one.values for one in view.numbers}
        assert numbers["its energy E"] == states.E[place]
        assert numbers["kind of the state"] == states.kind[place]
        assert numbers["its contribution"] == 1e3 * states.contribution[place]
        assert [one.y for one in right.series[1:]] == [one.y for one in sums.series[1:]]
    # κ² is zero to the 1e-9 that the energy is known to there; 1 % away it is some 0.02/nm².
    assert abs(bends[1]) < 1e-7 and bends[0] > 1e-3 > -1e-3 > bends[2]


def test_components_over_each_other_are_those_of_each_well():
    several, place, at = around_the_threshold()
    panels = views.overlaid_components(several, place, at).panels
    for i, panel in enumerate(panels):
        _, *series = panel.series
        assert [one.name.endswith("E = |Δ|") for one in series] == [False, True, False]
        for one, states in zip(series, several, strict=True):
            alone = views.components(states[place : place + 1], one.x).series[i]
            np.testing.assert_array_equal(one.y, alone.y)


def test_a_state_that_is_not_there_is_drawn_as_nothing():
    several, _, at = around_the_threshold()
    upper, lower = views.followed([several[0][:0]], 0, None).panels
    assert np.isnan(upper.series[-1].y).all() and len(lower.series) == 3
    (view,) = views.passing(several[:1], 40, lower)
    assert all(np.isnan(one.y).all() for one in view.panels[0].series[:-1])
    panels = views.overlaid_components(several, 40, at).panels
    assert all(np.isnan(one.y).all() for panel in panels for one in panel.series[1:])
