"""The interband part of the response, against four routes that share no sum over pairs with it."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import eigh
from wells import E_F, PAPER

from qwlib import Well, bound_states, fermi_states
from qwlib.beyond import interband
from qwlib.beyond.fem import FiniteElements
from qwlib.beyond.interband import damping_like, kubo_bastin, transitions

THIN = Well(d=0.6, alpha_L=0.04, alpha_R=0.01)
SKEW = Well(d=0.5, V_L=4.0, V_R=6.0, Delta=-0.4, alpha_L=-0.03, alpha_R=0.05, mass=0.8)
FERRO = Well(d=0.7, V_R=4.0, alpha_L=0.05, alpha_R=-0.03, exchange="ferromagnet")


def steps(states, order):
    """Gauss points and weights between Fermi states, one interval each."""
    x, w = np.polynomial.legendre.leggauss(order)
    k = np.append(0.0, np.sort(states.k))
    half = np.diff(k)[:, None] / 2
    return (k[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()


def occupied(fem, H, energy):
    """Energies and vectors of the states of a matrix below an energy."""
    metric = np.kron(np.eye(2), fem.M)
    return eigh(H, metric, subset_by_value=(-np.inf, energy))


@pytest.mark.parametrize("well", [THIN, SKEW, FERRO, THIN.replace(Delta=0.05)])
def test_spin_along_y_is_gained_as_fast_as_it_is_lost(well):
    """Of the whole density matrix: (ħ/τ)⟨σ_y⟩ = 2⟨Δσ_x⟩ + 2⟨k_y W σ_z⟩, at any ħ/τ.

    The loss holds Eq. (6), from the exact solver, over all z: sign, prefactor and the factor ħ/τ
    between the intraband and the interband part are fixed by it.
    """
    precession, orbital, loss = damping_like(well, E_F, [0.01, 0.1, 0.5]).budget.T
    assert (np.abs(precession) > 0.1 * np.abs(loss)).all()
    # Exact on any basis and for each k; the quadrature over k is good to 3e-7.
    assert precession + orbital == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize("well", [THIN, SKEW])
def test_resolvent_of_each_occupied_state(well):
    """No sum over empty states: (E_n − h − iγ) is inverted for each occupied n, on another mesh.

    Pairs of two occupied states are in it, and cancel.
    """
    gamma = 0.07
    states = fermi_states(well, E_F)
    fem = FiniteElements.from_well(well, E_max=3.5, k_max=states.k.max() + 1, order=10)
    N = len(fem.M)
    metric = np.kron(np.eye(2), fem.M)
    total = 0.0
    for k, weight in zip(*steps(states, 10), strict=True):
        h = fem.matrix(k)
        E, vectors = occupied(fem, h, E_F - fem.c * k**2)
        for n in range(E.size):
            up, down = vectors[:N, n], vectors[N:, n]
            zero = np.zeros(N)
            sources = [np.append(zero, fem.W @ up), np.append(fem.W @ down, zero)]
            probes = [np.append(zero, fem.inside @ up), np.append(fem.inside @ down, zero)]
            answer = np.linalg.solve((E[n] - 1j * gamma) * metric - h, np.array(sources).T)
            difference = probes[0] @ answer[:, 0] - probes[1] @ answer[:, 1]
            total -= k * weight * 4 * difference.imag / (8 * np.pi**2)
    # The quadratures over k differ, by 3e-7 at most; both meshes are converged.
    assert damping_like(well, E_F, gamma).damping_like == pytest.approx([total], rel=1e-6)


def test_berry_flux_of_the_fermi_sea():
    """ħ/τ → 0: S_x is the Berry curvature of the sea in (a field along x, k_x).

    Taken from overlaps of occupied states alone around small loops (Fukui, Hatsugai and Suzuki),
    with the complex Hamiltonian in two directions of k: no matrix element, no empty state, no
    angular integral by hand.
    """
    states = fermi_states(SKEW, E_F)
    fem = FiniteElements.from_well(SKEW, E_max=E_F, k_max=states.k.max() + 1, order=8)
    metric, side = np.kron(np.eye(2), fem.M), 2e-3

    def sea(k_x, k_y, field, count):
        flip = (-1j * k_x - k_y) * fem.W + field * fem.inside
        H = np.block([[fem.H_up, flip], [flip.conj().T, fem.H_down]])
        return eigh(H, metric, subset_by_index=(0, count - 1))[1]

    total = 0.0
    for k, weight in zip(*steps(states, 5), strict=True):
        count = len(bound_states(SKEW, k)[bound_states(SKEW, k) < E_F - SKEW.c * k**2])
        for angle in (0.3, 0.3 + np.pi / 2):  # second harmonics cancel
            k_x, k_y = k * np.cos(angle), k * np.sin(angle)
            corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
            loop = [sea(k_x + b * side / 2, k_y, a * side / 2, count) for a, b in corners]
            links = [np.linalg.det(u.conj().T @ metric @ v) for u, v in pairwise(loop)]
            total -= np.angle(np.prod(links)) / side**2 * np.pi * weight * k / (8 * np.pi**3)
    response = damping_like(SKEW, E_F)
    # The loops average over `side`: relative error side² × a second derivative, and the rounding
    # of the phase, 1e-14/side².
    assert response.slope * response.intraband == pytest.approx(total, rel=1e-5)


def test_lorentzian_levels_give_both_parts_at_once(monkeypatch):
    # A coarse mesh, in both: what it cannot represent, it cannot represent in either.
    monkeypatch.setattr(interband, "ORDER", 3)
    deviation = []
    for gamma in (0.6, 0.3):
        response = damping_like(THIN, E_F, gamma)
        parts = response.damping_like[0], response.intraband + response.field_like[0]
        deviation.append(np.array(kubo_bastin(THIN, E_F, gamma)) / parts - 1)
    # Smeared occupations are all that differs: by (Γ/ε)² of E and faster, and ε ≈ 2 eV here.
    # The intraband part comes from the exact solver, the rest from a mesh that errs by 1e-4.
    assert np.abs(deviation[1]).max() < 1e-3
    assert np.abs(deviation[0]).max() < 1e-2
    assert abs(deviation[1][0]) < abs(deviation[0][0]) / 4


@pytest.mark.parametrize("both", [True, False])
def test_weak_coupling_is_a_stack_of_rashba_ferromagnets(both):
    """First order in α: Σ_j α_j Δ/(4Δ²+γ²), and half the shell where one spin is empty.

    α_j = α_L|φ_j(0)|² − α_R|φ_j(d)|² from levels alone: how they fall when α_j is a potential.
    """
    alpha, gamma = 1e-5, 0.2
    well = Well(d=0.6, V_L=4.0, V_R=7.0, alpha_L=alpha, alpha_R=-0.4 * alpha)
    if not both:
        well = well.replace(d=0.22)
    h = 1e-3  # at Δ = 0 the spin is along ±z × k, and the levels are those of potentials ±kα δ
    bare = bound_states(well.replace(alpha_L=0.0, alpha_R=0.0, Delta=0.0), 0.0)[::2]
    pairs = bound_states(well.replace(alpha_L=h, alpha_R=-0.4 * h, Delta=0.0), 1.0).reshape(-1, 2)
    slopes = (pairs[:, 1] - pairs[:, 0]) / (2 * h) * alpha
    energy = 3.0 if both else bare[0] + 0.1
    filled = [np.maximum(energy - s * well.Delta - bare, 0.0) for s in (-1, 1)]
    assert (filled[1][0] > 0) == both
    shell = filled[0] - filled[1]
    expected = 4 * gamma * np.dot(shell, slopes) / (2 * well.c)
    expected /= (4 * well.Delta**2 + gamma**2) * 8 * np.pi**2
    (budget,) = damping_like(well, energy, gamma).budget
    # Next order in α: αk over the distance of levels, 1e-4 at most, and even in h above.
    assert budget[0] == pytest.approx(2 * well.Delta * expected, rel=1e-4)
    # Nothing but precession is of first order: the angle of the spin is ħ/2Δτ.
    assert budget[0] == pytest.approx(budget[2], rel=1e-4)
    # Along x likewise: Eq. (6) is what S_y would be without precession.
    whole = budget[2] / gamma
    kept = damping_like(well, energy, gamma).everywhere
    assert whole * (1 + (gamma / 2 / well.Delta) ** 2) == pytest.approx(kept, rel=1e-4)


def test_profile_integrates_to_the_totals():
    response = damping_like(THIN, E_F, [0.1, 0.3])
    x, w = np.polynomial.legendre.leggauss(60)
    integral = response.spin_density((1 + x) * THIN.d / 2) @ w * THIN.d / 2
    # Waves of a few half periods, and polynomials on the elements: Gauss's rule to rounding, but
    # for kinks of the elements' edges, which are 1e-8 of the function.
    assert integral[:, 0] == pytest.approx(response.damping_like, rel=1e-7)
    assert integral[:, 1] == pytest.approx(response.field_like, rel=1e-7)


def test_damping_like_part_is_odd_in_the_magnetisation_and_in_the_coupling():
    # Rounding, amplified in the sums over pairs, and Fermi states to 1e-12.
    this = damping_like(THIN, E_F, 0.1)
    turned = damping_like(THIN.replace(Delta=-THIN.Delta), E_F, 0.1)
    assert turned.damping_like == pytest.approx(-this.damping_like, rel=1e-9)
    assert turned.field_like == pytest.approx(this.field_like, rel=1e-9)
    other = damping_like(THIN.replace(alpha_L=-0.04, alpha_R=-0.01), E_F, 0.1)
    assert other.damping_like == pytest.approx(-this.damping_like, rel=1e-9)
    assert other.ratio == pytest.approx(this.ratio, rel=1e-9)
    none = damping_like(THIN.replace(Delta=0.0), E_F, 0.1)
    assert abs(none.damping_like[0]) < 1e-9 * abs(this.damping_like[0])


def test_mirror_symmetric_well_has_an_antisymmetric_profile_and_no_ratio():
    well = THIN.replace(alpha_R=THIN.alpha_L)
    response = damping_like(well, E_F)
    z = np.array([0.0, 0.1, 0.2])
    left, right = response.spin_density(z)[0, 0], response.spin_density(well.d - z)[0, 0]
    assert np.abs(left).max() > 1e-3
    assert right == pytest.approx(-left, rel=1e-6)
    assert np.isnan(response.ratio).all()
    assert np.isnan(response.slope)


def test_no_fermi_state_no_response():
    response = damping_like(THIN, -1.0)
    assert response.damping_like == pytest.approx([0.0])
    assert np.isnan(response.ratio).all()


def test_numbers_of_the_verdict():
    """What the chapter says of `model-interband`: 25 % at α_L = 0.01, 21 % at 0.046."""
    for alpha_L, ratio, slope in ((0.01, 0.250, 2.554), (0.046, 0.212, 2.163)):
        response = damping_like(PAPER.replace(alpha_L=alpha_L), E_F, 0.1)
        assert response.ratio == pytest.approx([ratio], abs=5e-4)
        assert response.slope == pytest.approx(slope, abs=5e-4)


def test_finer_meshes_and_grids_change_nothing():
    gamma = np.array([0.01, 0.1])
    fine, _ = transitions(SKEW, E_F, order=24, nodes=9).spins(gamma)
    # What the docstring of NODES promises.
    assert damping_like(SKEW, E_F, gamma).damping_like == pytest.approx(fine, rel=3e-7)


@pytest.mark.parametrize("bad", [0.0, -0.1, float("nan"), [0.1, 0.0], [[0.1]], "0.1", 1j, True])
def test_broadening_must_be_positive(bad):
    with pytest.raises(ValueError, match="hbar_over_tau must be"):
        damping_like(THIN, E_F, bad)


@pytest.mark.filterwarnings("ignore::qwlib.UnboundedSpectrumWarning")
@pytest.mark.parametrize("function", [damping_like, kubo_bastin])
def test_sea_must_have_a_bottom(function):
    for name in ("alpha_L", "alpha_R"):
        with pytest.raises(ValueError, match=rf"{name}.* must be below"):
            function(THIN.replace(**{name: -0.08}), E_F, 0.1)
    with pytest.raises(ValueError, match="E_F must be below"):
        function(THIN, 5.0, 0.1)


def test_pairs_give_the_integrals_of_the_response_at_any_broadening():
    gamma = np.array([0.02, 0.4])
    response, pairs = damping_like(SKEW, E_F, gamma), transitions(SKEW, E_F)
    along, across = pairs.spins(gamma)
    # The same sums in another order: some 10⁵ terms of both signs.
    assert along == pytest.approx(response.damping_like, rel=1e-9)
    assert across == pytest.approx(response.field_like, rel=1e-9)
    with pytest.raises(ValueError, match="hbar_over_tau must be > 0"):
        pairs.spins(0.0)
