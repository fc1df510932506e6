"""The finite elements: against published numbers, another program, and themselves."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyslise import Pyslise
from scipy import constants
from scipy.linalg import eigh

from qwlib.beyond.fem import Elements, FermiSolution, FiniteElements, _rayleigh, graded_edges
from qwlib.well import Well

PAPER = Well(d=2.2, V_L=5.0, V_R=5.0, Delta=0.25, alpha_L=0.046, alpha_R=0.0)
LOPSIDED = Well(d=1.4, V_L=4.0, V_R=7.0, Delta=0.4, alpha_L=0.03, alpha_R=-0.05)


def fermi_states(well: Well, E_F: float, **options: object) -> FermiSolution:
    return FiniteElements.from_well(well, E_max=E_F, **options).fermi_states(E_F)


# Published numbers and other programs


def channel_energies(elements: Elements, c: float, potential: Callable, below: float) -> np.ndarray:
    """The bound states of coupled channels, −c u'' + V(z) u = E u, with what the wells use."""
    blocks = [[elements.matrix(V_ij) for V_ij in row] for row in potential(elements.points)]
    same = np.eye(len(blocks))
    H = np.block(blocks) + c * np.kron(same, elements.matrix(slopes=True))
    M = np.kron(same, elements.matrix())
    return _rayleigh(eigh(H, M, subset_by_value=(-np.inf, below))[1], H, M)


def test_finite_square_well() -> None:
    """The well with ħ²/2m = 1, half-width 1 and V₀ = 50, to its ten published decimals."""
    published = [1.8908537234, 7.5250962398, 16.7672075065, 29.2858889986, 44.0346348457]
    elements = Elements(graded_edges([-1.0, 1.0], reach=8.0, size=0.5, finest=0.25), order=16)
    E = channel_energies(elements, 1.0, lambda z: [[np.where(np.abs(z) > 1, 50.0, 0.0)]], 50.0)
    # Half a unit of the last decimal printed.
    np.testing.assert_allclose(E, published, rtol=0, atol=0.5e-10)
    # Beyond those decimals: √E = nπ/2 − arcsin √(E/V₀), to some dozen roundings of its terms.
    n = np.arange(1, 6)
    phase = n * np.pi / 2 - np.arcsin(np.sqrt(E / 50))
    np.testing.assert_allclose(np.sqrt(E), phase, rtol=0, atol=1e-13)


def test_two_channel_lennard_jones() -> None:
    """BOUND's example `bound-2chan-LJ`, as its input and output state it.

    μ = 20 u; both channels 400 (R⁻¹² − R⁻⁶) cm⁻¹ with R in Å, the second 100 cm⁻¹ higher,
    coupled by a tenth of that.  Program and input: https://github.com/molscat/molscat; printed by
    version 2025.0, which uses CODATA 2022; the unit of mass that SciPy has depends on its version.
    """
    joule_per_wave_number = 100 * constants.h * constants.c
    c = constants.hbar**2 / (40 * 1.66053906892e-27) * 1e20 / joule_per_wave_number

    def potential(R: np.ndarray) -> list[list]:
        lj = 400 * (R**-12 - R**-6)
        return [[lj, lj / 10], [lj / 10, lj + 100]]

    # At 0.7 and 8 Å the states have decayed by e⁻²⁰ and more.
    elements = Elements(np.concatenate([np.arange(0.7, 2, 0.1), np.arange(2.0, 8.1, 0.5)]), 12)
    E = channel_energies(elements, c, potential, -1.0)
    # Eight decimals are printed, and BOUND stops at a step of 1e-7 cm⁻¹.
    np.testing.assert_allclose(E, [-58.32609015, -12.10802616], rtol=0, atol=2e-8)


@pytest.mark.parametrize("exchange", ["everywhere", "ferromagnet"])
def test_without_rashba_coupling_each_spin_is_a_scalar_problem(exchange: str) -> None:
    well = LOPSIDED.replace(alpha_L=0.0, alpha_R=0.0, exchange=exchange)
    expected = []
    for s in (1, -1):

        def potential(z: float, s: int = s) -> float:
            if 0 < z < well.d:
                return s * well.Delta / well.c
            return ((well.V_L if z <= 0 else well.V_R) + s * well.Delta_barrier) / well.c

        # 12 nm of barrier: the shallowest of these states, 0.3 eV deep, decays by e⁻³³.
        scalar = Pyslise(potential, -12.0, well.d + 12.0, tolerance=1e-12, jumps=[0.0, well.d])
        energies = well.c * np.array([E for _, E in scalar.eigenvaluesByIndex(0, 8, (0, 1))])
        expected += list(energies[energies < well.continuum_edge])
    E = FiniteElements.from_well(well).bound_states(3.0)
    # pyslise's tolerance times its scale, V/c = 200 nm⁻²; measured 1e-12.
    np.testing.assert_allclose(E, np.sort(expected), rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("well", "states", "propagating"),
    [
        (PAPER, 13, 11),
        (PAPER.replace(alpha_L=0.05), 13, 10),
        (Well(d=3.0, alpha_L=0.01, alpha_R=-0.01), 17, 14),
    ],
)
def test_number_of_fermi_states(well: Well, states: int, propagating: int) -> None:
    """The paper counts the propagating states alone."""
    solution = fermi_states(well, 3.0)
    assert len(solution) == states
    assert np.sum(solution.E > well.Delta) == propagating


def test_chirality_of_the_propagating_states() -> None:
    solution = fermi_states(PAPER, 3.0)
    chirality = solution.chirality[solution.E > PAPER.Delta]
    assert (np.sum(chirality == 1), np.sum(chirality == -1)) == (6, 5)


# Convergence


@pytest.mark.parametrize("order", [2, 3])
def test_energies_converge_as_twice_the_order(order: int) -> None:
    """With jumps and δ's at edges, halving the elements divides the error by 2^(2p)."""
    d, reach = LOPSIDED.d, 1.0

    def energies(n: int, order: int) -> np.ndarray:
        pieces = [(-reach, 0.0), (0.0, d), (d, d + reach)]
        edges = np.unique(np.concatenate([np.linspace(*piece, n + 1) for piece in pieces]))
        mesh = FiniteElements(
            Elements(edges, order),
            LOPSIDED.c,
            lambda z: np.where(z < 0, LOPSIDED.V_L, np.where(z > d, LOPSIDED.V_R, 0.0)),
            LOPSIDED.Delta,
            deltas=((0.0, LOPSIDED.alpha_L), (d, -LOPSIDED.alpha_R)),
        )
        return mesh.bound_states(3.0)[:3]

    exact = energies(4, 16)  # in the same box, which need not be a long one then
    coarse, fine = (energies(n, order) - exact for n in (32, 64))
    # A smaller space lies above; 5e-12 eV is 1e3 roundings, so that those stay out of the slope.
    assert np.all(fine > 5e-12)
    # The next term of the error is smaller by some (κh)², with κh = 0.5 in the coarse mesh at
    # κ = 12/nm.  At twice this h it bends the slope by 0.2, so by a quarter of that here.
    np.testing.assert_allclose(np.log2(coarse / fine), 2 * order, rtol=0, atol=0.1)


@pytest.mark.parametrize("well", [PAPER, LOPSIDED])
def test_the_default_mesh_is_converged(well: Well) -> None:
    coarse, fine = fermi_states(well, 2.5), fermi_states(well, 2.5, order=20)
    # Rounding, a few dozen times; measured 2e-14 and below.
    np.testing.assert_allclose(coarse.k, fine.k, rtol=1e-12)
    np.testing.assert_allclose(coarse.velocity, fine.velocity, rtol=0, atol=1e-12)
    np.testing.assert_allclose(coarse.contribution, fine.contribution, rtol=0, atol=1e-12)
    # Wave functions err by the first power of what the mesh promises, 1e-9.
    z = np.linspace(-1.0, well.d + 1.0, 41)
    np.testing.assert_allclose(coarse.spin_density(z), fine.spin_density(z), rtol=0, atol=1e-9)


# One quantity by two routes


@settings(max_examples=10)
@given(
    d=st.floats(0.3, 3.0),
    V_R=st.floats(2.0, 15.0),
    Delta=st.floats(-0.5, 0.5),
    alpha_L=st.floats(-0.07, 0.07),
    alpha_R=st.floats(-0.07, 0.07),
    filling=st.floats(0.2, 0.95),
    exchange=st.sampled_from(["everywhere", "ferromagnet"]),
    pick=st.floats(0, 1, exclude_max=True),
)
def test_fermi_states_are_bound_states_and_move_with_their_velocity(
    filling: float, pick: float, **parameters: float | str
) -> None:
    well = Well(**parameters)
    E_F = filling * well.continuum_edge
    mesh = FiniteElements.from_well(well, E_max=E_F)
    solution = mesh.fermi_states(E_F)
    if len(solution) == 0:
        return
    state = int(pick * len(solution))
    k, h = solution.k[state], 1e-3
    at = [mesh.bound_states(q) + mesh.c * q**2 - E_F for q in k + h * np.arange(-2, 3)]
    n = np.argmin(np.abs(at[2]))
    # Rounding of energies up to V.
    assert abs(at[2][n]) < 1e-12 * max(1.0, well.V_L, well.V_R)
    if np.all(np.abs(np.delete(at[2], n)) > 0.02):  # else the n-th may be another band at k ± h
        slope = (8 * (at[3][n] - at[1][n]) - (at[4][n] - at[0][n])) / (12 * h)
        # h⁴/30 times the fifth derivative, up to W⁵/gap⁴ where bands approach, with W = 0.1 eV nm:
        # 2e-12 at a gap of 0.02 eV; plus the rounding of energies, 1e-13, over h.
        assert solution.velocity[state] == pytest.approx(slope, abs=5e-10)


def test_velocity_to_all_digits_of_a_steep_band() -> None:
    """The interface band here leans on its vector most: 1e-8 wrong in it is 1e-8 in v."""
    well = Well(d=1.8, V_L=16.0, V_R=7.4, Delta=-0.06, alpha_L=-0.065, alpha_R=-0.02)
    mesh = FiniteElements.from_well(well, E_max=6.8)
    solution, h = mesh.fermi_states(6.8), 4e-3
    k = solution.k[0]
    steps = np.array([-2, -1, 1, 2])
    lowest = np.array([mesh.bound_states(q)[0] + mesh.c * q**2 for q in k + h * steps])
    slope = np.array([1, -8, 8, -1]) @ lowest / (12 * h)
    # Rounding of 7 eV, over h: 1e-12 a few times.  The h⁴ term is 5e-13 here, by halving h.
    assert solution.velocity[0] == pytest.approx(slope, abs=1e-11)


@settings(max_examples=10)
@given(k=st.floats(-9.0, 9.0), alpha_L=st.floats(-0.07, 0.07), alpha_R=st.floats(-0.07, 0.07))
def test_the_count_is_the_number_of_bound_states(k: float, alpha_L: float, alpha_R: float) -> None:
    well = LOPSIDED.replace(alpha_L=alpha_L, alpha_R=alpha_R)
    mesh = FiniteElements.from_well(well, E_max=3.0, k_max=10.0)
    bound = mesh.bound_states(k)
    # Halfway between two states the count is not a matter of rounding, unless they coincide.
    for n, gap in enumerate(np.diff(bound)):
        if gap > 1e-9:
            assert mesh.count_states(bound[n] + gap / 2, k) == n + 1


def test_a_lost_state_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = FiniteElements.from_well(PAPER, E_max=3.0)
    candidates = mesh._candidates(3.0)
    for lost in (0, 5, 12):
        rest = candidates[:lost] + candidates[lost + 1 :]
        monkeypatch.setattr(mesh, "_candidates", lambda E_F, rest=rest: rest)
        with pytest.raises(RuntimeError, match="the inertia"):
            mesh.fermi_states(3.0)


def test_states_are_normalised_and_integrals_follow_from_the_wave_functions() -> None:
    solution = fermi_states(LOPSIDED, 3.0)
    # Composite Gauss-Legendre over pieces of 0.1 nm, on which ten points are exact to rounding;
    # beyond 3 nm the densities are below e⁻⁵⁰.
    x, w = np.polynomial.legendre.leggauss(10)
    pieces = np.concatenate([np.linspace(-3.0, 0.0, 31), LOPSIDED.d + np.linspace(0.0, 3.0, 31)])
    well_pieces = np.linspace(0.0, LOPSIDED.d, 15)
    edges = np.unique(np.concatenate([pieces, well_pieces]))
    half = np.diff(edges)[:, None] / 2
    z, weight = (edges[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()
    psi = solution.wavefunction(z)
    # Wave functions are good to 1e-9 (see above) and the error is of either sign.
    np.testing.assert_allclose(np.sum(psi**2, axis=1) @ weight, 1.0, rtol=0, atol=1e-9)
    inside = weight * ((z > 0) & (z < LOPSIDED.d))
    np.testing.assert_allclose(solution.spin_density(z) @ inside, solution.contribution, atol=1e-9)
    np.testing.assert_allclose(solution.E, 3.0 - LOPSIDED.c * solution.k**2, rtol=0, atol=1e-14)
    assert np.all(solution.spin_density([-1e3, 1e3]) == 0)


# Symmetry, degeneracy and the inner Rashba circle


def test_mirror_symmetric_well() -> None:
    """α_L = α_R: the spin density is antisymmetric about the middle, and cancels."""
    well = Well(d=2.2, alpha_L=0.03, alpha_R=0.03)
    solution = fermi_states(well, 3.0)
    z = np.linspace(-0.5, well.d / 2, 31)
    here, mirrored = (solution.spin_density(q).sum(axis=0) for q in (z, well.d - z))
    assert np.max(np.abs(here)) > 1e-3
    # The two are the same numbers on a mirrored mesh: rounding, some 1e-14 of them, is left.
    np.testing.assert_allclose(here, -mirrored, rtol=0, atol=1e-12)
    assert abs(solution.contribution.sum()) < 1e-13


def test_the_sign_of_the_rashba_parameters_is_the_sign_of_the_spin_density() -> None:
    """Reversing both α is a spin rotation by π about z, which reverses S_y."""
    one = fermi_states(LOPSIDED, 3.0)
    other = fermi_states(LOPSIDED.replace(alpha_L=-0.03, alpha_R=0.05), 3.0)
    np.testing.assert_allclose(one.k, other.k, rtol=1e-12)  # rounding
    np.testing.assert_allclose(one.contribution, -other.contribution, rtol=0, atol=1e-13)
    # An electron at z = 0 in a field α_L k σ lowers its energy by pointing against it, and the
    # states pulled down have the larger k: S_y there has the sign of α_L.
    assert one.spin_density([0.0]).sum() > 0 > other.spin_density([0.0]).sum()


@pytest.mark.parametrize(("alpha_L", "alpha_R"), [(0.0, 0.0), (0.03, 0.03), (0.05, 0.0)])
def test_degenerate_pairs_are_both_found(alpha_L: float, alpha_R: float) -> None:
    """Without exchange every state is twofold if α_L = α_R, and not otherwise."""
    solution = fermi_states(Well(d=2.2, Delta=0.0, alpha_L=alpha_L, alpha_R=alpha_R), 3.0)
    assert len(solution) == 12
    # Equal to rounding, or apart by far more.
    twofold = np.abs(np.diff(solution.k)[::2]) < 1e-12
    assert np.all(twofold) if alpha_L == alpha_R else not np.any(twofold)
    assert abs(solution.contribution.sum()) < 1e-13 or alpha_L != alpha_R


@settings(max_examples=10)
@given(d=st.floats(0.5, 3.0), alpha=st.floats(-0.07, 0.07))
def test_rounding_does_not_hide_degenerate_pairs(d: float, alpha: float) -> None:
    """The eigenproblem returns some such pairs as complex ones: none may be lost."""
    mesh = FiniteElements.from_well(Well(d=d, Delta=0.0, alpha_L=alpha, alpha_R=alpha), E_max=3.0)
    solution = mesh.fermi_states(3.0)
    assert len(solution) == mesh.count_states(3.0, 0.0)  # all bands rise here
    assert abs(solution.contribution.sum()) < 1e-12  # rounding


def test_inner_rashba_circle() -> None:
    """Just below a band's energy at k = 0, without exchange, it crosses twice: once with v < 0."""
    well = Well(d=2.2, Delta=0.0, alpha_L=0.05, alpha_R=0.0)
    mesh = FiniteElements.from_well(well, E_max=1.0)
    bottom = mesh.bound_states(0.0)[0]
    for depth in (1e-6, 2e-6, 2.0699e-6):  # the band's minimum is 2.07e-6 eV down
        solution = mesh.fermi_states(bottom - depth)
        assert list(np.sign(solution.velocity)) == [1, -1]
        # Without exchange a spin is ±1, less what the barriers hold.  At a Fermi circle the
        # Boltzmann equation gives k/4π times sgn(v) of it, and Eq. (6) a 2π-th of that.  The share
        # of the barriers, 1e-3, is the tolerance.
        assert solution.contribution == pytest.approx(solution.k * [1, -1] / 78.957, rel=2e-3)
    assert len(mesh.fermi_states(bottom - 2.0701e-6)) == 0


def test_a_rashba_parameter_near_its_bound_takes_k_far_out() -> None:
    """The interface band has k_F = 50.88 nm⁻¹ at α = 0.076 eV·nm²; the mesh must follow."""
    solution = fermi_states(PAPER.replace(alpha_L=0.076), 3.0)
    finer = fermi_states(PAPER.replace(alpha_L=0.076), 3.0, order=16)
    assert solution.k[0] == pytest.approx(50.88, abs=0.01)
    # Rounding in c k² = 100 eV divided by the small velocity there.
    np.testing.assert_allclose(solution.k, finer.k, rtol=1e-11)


# Rashba coupling of finite width


def shift_per_width(well: Well, E_F: float, mean_distance: float) -> np.ndarray:
    """Return dk/dwidth at width 0 for a coupling centred on its interfaces.

    To first order in its width, spreading α δ(z) over w(z) raises E by
    (kα)² |ψ(0)|² ⟨|z − z'|⟩/2c, the mean taken over w(z) w(z'): the cusp of ψ gives
    2⟨|z|⟩, second order in w − δ gives ⟨|z − z'|⟩ − 2⟨|z|⟩.
    """
    solution = fermi_states(well, E_F)
    density = np.sum(solution.wavefunction([0.0, well.d]) ** 2, axis=1)
    squares = np.array([well.alpha_L**2, well.alpha_R**2])
    dE = solution.k**2 * (density @ squares) * mean_distance / (2 * well.c)
    return -dE / solution.velocity


def test_a_box_becomes_a_delta() -> None:
    sharp = fermi_states(LOPSIDED, 3.0)
    slope = shift_per_width(LOPSIDED, 3.0, 1 / 3)  # ⟨|z − z'|⟩ of a box of width 1
    for width in (1e-3, 1e-4):
        solution = fermi_states(LOPSIDED, 3.0, width=width)
        assert len(solution) == len(sharp)
        # What is left is second order: width times the decay constants, some 20/nm.
        np.testing.assert_allclose(
            (solution.k - sharp.k) / width, slope, rtol=20 * width, atol=20 * width
        )


@pytest.mark.parametrize("placement", ["inside", "outside"])
def test_a_box_beside_the_interface_becomes_a_delta(placement: str) -> None:
    sharp = fermi_states(LOPSIDED, 3.0)
    wide, narrow = (
        fermi_states(LOPSIDED, 3.0, width=width, placement=placement).k - sharp.k
        for width in (2e-4, 1e-4)
    )
    # First order in the width: halving it halves the shift, up to the relative second order.
    np.testing.assert_allclose(wide, 2 * narrow, rtol=0.02, atol=1e-6)
    assert np.max(np.abs(wide)) > 1e-4


def test_inside_and_outside_lie_on_either_side_of_the_interface() -> None:
    sharp, width = fermi_states(LOPSIDED, 3.0), 1e-4
    inside, outside = (
        fermi_states(LOPSIDED, 3.0, width=width, placement=placement).k - sharp.k
        for placement in ("inside", "outside")
    )
    # Shifts to either side cancel to first order, which leaves the shift of the centred box.
    mean = (inside + outside) / (2 * width)
    slope = shift_per_width(LOPSIDED, 3.0, 1 / 3)
    np.testing.assert_allclose(mean, slope, rtol=50 * width, atol=50 * width)  # second order
    # Of the largest k, the state at the right interface: more of it lies in the well.
    assert inside[0] > outside[0]


def test_a_gaussian_becomes_a_delta() -> None:
    """Any profile: here W(z) is smooth, and made without `from_well`."""
    well, E_F, sigma = LOPSIDED, 3.0, 1e-4
    spread = [z0 + sigma * s for z0 in (0.0, well.d) for s in (-8, -4, 0, 4, 8)]

    def coupling(z: np.ndarray) -> np.ndarray:
        gauss = [np.exp(-(((z - z0) / sigma) ** 2) / 2) for z0 in (0.0, well.d)]
        return (well.alpha_L * gauss[0] - well.alpha_R * gauss[1]) / (sigma * math.sqrt(2 * np.pi))

    mesh = FiniteElements(
        Elements(graded_edges(spread, reach=4.0, size=0.4, finest=0.2), order=16),
        well.c,
        lambda z: np.where(z < 0, well.V_L, np.where(z > well.d, well.V_R, 0.0)),
        well.Delta,
        coupling,
        ferromagnet=(0.0, well.d),
        k_max=50.0,
    )
    sharp, solution = fermi_states(well, E_F), mesh.fermi_states(E_F)
    slope = shift_per_width(well, E_F, 2 / math.sqrt(np.pi))  # ⟨|z − z'|⟩ of a unit Gaussian
    # As for the box, second order is left.
    np.testing.assert_allclose((solution.k - sharp.k) / sigma, slope, rtol=5e-3, atol=5e-3)


# Input


def test_a_fermi_energy_below_every_band_gives_no_states() -> None:
    solution = fermi_states(PAPER, -2.0)
    assert len(solution) == 0
    assert solution.contribution.sum() == 0
    assert solution.spin_density([0.0, 1.0]).shape == (0, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"E_max": 4.75}, "E_max must be below the barrier edge, 4.75 eV, got 4.75"),
        ({"E_max": math.nan}, "E_max must be a finite real number in eV, got nan"),
        ({"k_max": -1.0}, "k_max must be > 0 1/nm, got -1.0"),
        ({"order": 0}, "order must be an integer >= 1, got 0"),
        ({"order": 2.5}, "order must be an integer >= 1, got 2.5"),
        ({"width": 0.0}, "width must be > 0 nm and at most d = 2.2 nm, got 0.0"),
        ({"width": 3.0}, "width must be > 0 nm and at most d = 2.2 nm, got 3.0"),
        ({"width": 0.1, "placement": "left"}, "placement must be one of .*, got 'left'"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FiniteElements.from_well(PAPER, **options)


def test_bad_energies_and_wave_numbers() -> None:
    mesh = FiniteElements.from_well(PAPER, E_max=3.0)
    with pytest.raises(ValueError, match=r"E_F must be at most E_max = 3 eV.*got 3.1 eV"):
        mesh.fermi_states(3.1)
    with pytest.raises(ValueError, match=r"\|k\| must be at most k_max = .* 1/nm, got 1000.0"):
        mesh.bound_states(1e3)


def test_bad_profiles() -> None:
    elements = Elements([0.0, 1.0, 2.0], 4)
    with pytest.raises(ValueError, match="edges must increase"):
        Elements([0.0, 2.0, 1.0], 4)
    with pytest.raises(ValueError, match="edges must be three or more finite positions"):
        Elements([0.0, 1.0], 4)
    with pytest.raises(ValueError, match=r"δ must be an inner edge of the mesh, got 0\.5"):
        FiniteElements(elements, 1.0, 0.0, deltas=((0.5, 1.0),))
    with pytest.raises(ValueError, match=r"c must be > 0 eV nm\^2, got 0\.0"):
        FiniteElements(elements, 0.0, 0.0)
    with pytest.raises(ValueError, match="profile must be finite on the whole mesh"):
        FiniteElements(elements, 1.0, lambda z: np.full_like(z, np.inf))
    with pytest.raises(ValueError, match=r"finest must be > 0 nm, got 0\.0"):
        graded_edges([0.0, 1.0], reach=1.0, size=1.0, finest=0.0)
    with pytest.raises(ValueError, match="ferromagnet must be two edges"):
        FiniteElements(elements, 1.0, 0.0, ferromagnet=(0.5, 1.0))
