from functools import partial

import numpy as np
import pytest
from hypothesis import example, given, settings
from scipy.optimize import brentq, minimize_scalar
from wells import E_F, PAPER, between, wells, wells_and_energies

from qwlib import Well, bound_states, count_states, fermi_states, matching_matrix
from qwlib.matching import FULL, SECTORS, Rule, symmetry
from qwlib.proofs import Cells, excluded, monotonic, rising, settled, simple, spin_monotonic
from qwlib.search import levels, refine, solve


def scalar_levels(well, s):
    """Levels of one spin at k = 0: the textbook rule κd = nπ + atan(q_L/κ) + atan(q_R/κ)."""
    floor = s * well.Delta
    edges = [V + s * well.Delta_barrier for V in (well.V_L, well.V_R)]

    def phase(E):
        kappa = np.sqrt((E - floor) / well.c)
        q = [np.sqrt(max(edge - E, 0) / well.c) for edge in edges]
        return kappa * well.d - np.arctan2(q[0], kappa) - np.arctan2(q[1], kappa)

    top = min(*edges, well.continuum_edge)
    levels = []
    if floor >= top:
        return levels
    while phase(top) > len(levels) * np.pi:
        n = len(levels)
        levels.append(brentq(lambda E, n=n: phase(E) - n * np.pi, floor, top, xtol=1e-14))
    return levels


X, W = np.polynomial.legendre.leggauss(400)


def inside_integral(well, states, function):
    """∫₀^d of a function of (ψ↑, ψ↓), by Gauss-Legendre."""
    psi = states.wavefunction((X + 1) * well.d / 2)
    return function(psi[:, 0], psi[:, 1]) @ W * well.d / 2


def tail_norms(well, states):
    """∫|ψ|² in both barriers, by Gauss-Legendre over 40 decay lengths of the slower spin."""
    total = np.zeros(len(states))
    for i in range(len(states)):
        for V, end, sign in ((well.V_L, 0.0, -1), (well.V_R, well.d, 1)):
            length = 20 / np.sqrt((V - abs(well.Delta_barrier) - states.E[i]) / well.c)
            psi = states[i].wavefunction(end + sign * (X + 1) * length)
            total[i] += (psi**2).sum(axis=1)[0] @ W * length
    return total


# --- bound states -----------------------------------------------------------------------------


@given(wells())
def test_bound_states_at_zero_wave_number_are_the_textbook_wells(well):
    """At k = 0 the Rashba terms vanish: E_n(k→0) does not depend on α."""
    expected = np.sort(scalar_levels(well, 1) + scalar_levels(well, -1))
    found = bound_states(well, 0.0)
    assert len(found) == len(expected)
    # brentq stops at 1e-14 eV and at eps·E; both solvers add a few roundings of κd.
    assert found == pytest.approx(expected, abs=1e-11)


@given(wells(), between(-12, 12))
def test_bound_states_are_all_there(well, k):
    E = bound_states(well, k)
    assert len(E) == count_states(well, well.continuum_edge, k)
    assert (np.diff(E) >= 0).all()
    assert (E < well.continuum_edge).all()
    # The count just above each level, where levels are apart, is its place in the list.
    apart = np.diff(E) > 1e-6
    N = count_states(well, ((E[1:] + E[:-1]) / 2)[apart], k)
    assert (N == 1 + np.flatnonzero(apart)).all()
    assert bound_states(well, -k) == pytest.approx(E, abs=1e-11)


def test_bound_states_refuse_bad_wave_numbers():
    for bad in (float("nan"), "1", [1.0, 2.0]):
        with pytest.raises(ValueError, match="k must be"):
            bound_states(PAPER, bad)


# --- Fermi states ------------------------------------------------------------------------------


@given(wells_and_energies(alpha_max=1.2))
@pytest.mark.filterwarnings("ignore::qwlib.UnboundedSpectrumWarning")
def test_number_found_is_the_number_counted(case):
    """Every change of N(k) over a fine grid of k is one state, and there is no other."""
    well, energy = case
    states = fermi_states(well, energy)
    top = 1.2 * states.k.max() if len(states) else 10.0
    k = np.concatenate([[0.0], np.geomspace(1e-7, 0.05, 200), np.linspace(0.05, top, 3000)])
    N = count_states(well, energy - well.c * k**2, k)
    if not states.certified:  # at |α| = ħ²/m, and where a subband all but touches ε_F
        return
    # A grid can miss a pair but never invent one.
    assert np.abs(np.diff(N)).sum() <= len(states)
    # Exactly: from k = 0 to beyond the last, N falls by the signed number of states.
    assert N[0] - N[-1] == np.sign(states.velocity).sum()
    # And up to each state, by those before it.
    ascending = states.k[::-1]
    signs = np.cumsum(np.sign(states.velocity[::-1]))
    apart = np.diff(ascending) > 1e-7 * ascending[1:]
    middle = ((ascending[1:] + ascending[:-1]) / 2)[apart]
    below = count_states(well, energy - well.c * middle**2, middle)
    assert (N[0] - below == signs[:-1][apart]).all()


@given(wells_and_energies())
def test_fermi_states_solve_the_quantization_rule(case):
    well, energy = case
    states = fermi_states(well, energy)
    assert (states.k > 0).all()
    assert (np.diff(states.E) >= 0).all()
    assert states.E == pytest.approx(energy - well.c * states.k**2, abs=1e-12)
    every = levels(well, states.k) if len(states) else []
    for i in range(len(states)):
        # The same energy by the search in E at fixed k: both to rounding of a few eV, which a
        # pair of levels closer than 1e-6 eV multiplies.
        assert np.abs(every[i] - states.E[i]).min() < 1e-9


@given(wells_and_energies())
@settings(max_examples=40)
def test_velocity_is_the_slope_of_the_dispersion(case):
    """Hellmann-Feynman against a finite difference of the levels at fixed k."""
    well, energy = case
    states = fermi_states(well, energy)
    h, number = 1e-4, len(states)
    if number == 0:
        return
    every = levels(well, (states.k + np.array([[-h], [0.0], [h]])).ravel())
    for i in range(number):
        k, (before, here, after) = states.k[i], every[i::number]
        n = np.argmin(np.abs(here - states.E[i]))
        gaps = np.delete(np.abs(here - here[n]), n)
        if min(map(len, (before, here, after))) <= n or (gaps.size and gaps.min() < 0.02):
            continue  # close levels bend within h, or cross and change places
        slope = (after[n] - before[n]) / (2 * h) + 2 * well.c * k
        # h²/6 times a third derivative of at most coupling³/gap² ~ 1e2, and 1e-12 eV / h.
        assert states.velocity[i] == pytest.approx(slope, abs=1e-6)


@given(wells_and_energies())
@settings(max_examples=25)
def test_norm_and_spin_integral_against_quadrature(case):
    well, energy = case
    states = fermi_states(well, energy)
    norm = inside_integral(well, states, lambda up, down: up**2 + down**2)
    # 400 nodes integrate these waves and decays to rounding; the wave function is good to a few
    # 1e-12 for κd near a multiple of π, where it is large against its values at the interfaces.
    assert norm + tail_norms(well, states) == pytest.approx(1, abs=1e-10)
    spin = inside_integral(well, states, lambda up, down: 2 * up * down)
    assert states.spin == pytest.approx(spin, abs=1e-10)


@given(wells_and_energies())
@settings(max_examples=40)
def test_norm_is_the_energy_derivative_of_the_matching_matrix(case):
    """−c uᵀ(∂M/∂E)u = 1 for a normalised state: a second route to the norm."""
    well, energy = case
    states = fermi_states(well, energy)
    h = 1e-6
    for i in range(len(states)):
        M = matching_matrix(well, states.E[i] + h * np.arange(-2, 3), states.k[i])
        if np.abs(M).max() > 100:
            continue  # next to a pole a finite difference is no derivative
        u = states.amplitude[i]
        slope = np.tensordot([1, -8, 0, 8, -1], M, 1) / (12 * h)
        # Five points: (h / distance to the pole)⁴ < 1e-5, and rounding of M over h, 1e-7.
        assert -well.c * u @ slope @ u == pytest.approx(1, abs=1e-4)


def test_three_close_pairs_are_polished_until_they_rest():
    # 5e-10 to 3e-9 apart, relative to k: polished once, a k moves by more than twelve digits allow.
    alpha = 1.035391146958659e-09
    well = Well(d=1.339, V_L=5, V_R=6, Delta=alpha, alpha_L=alpha, alpha_R=-0.99 * alpha, mass=0.5)
    states = fermi_states(well, 3.1)
    assert len(states) == 6 and states.certified


PAIR = Well(d=1, V_L=2, V_R=3, Delta=8e-13, alpha_L=1e-6, alpha_R=1e-6, mass=0.5)


# A pair 8e-9, and one 5e-7, apart in k: shapes of another k than its own are that much off.
@example((PAIR.replace(alpha_L=1.8e-8, alpha_R=1.8e-8), 1 - 8e-13))
@example((PAIR, 1 - 8e-13))
@given(wells_and_energies())
@settings(max_examples=40)
def test_wave_functions_satisfy_schroedinger_and_the_jump(case):
    well, energy = case
    states = fermi_states(well, energy)
    # Continuity, and the values at the interfaces.
    both = states.wavefunction([0.0, well.d])
    values = np.stack([both[:, 0, 0], both[:, 1, 0], both[:, 0, 1], both[:, 1, 1]], axis=1)
    scale = np.abs(states.wavefunction(np.linspace(0, well.d, 50))).max(initial=1.0)
    assert values == pytest.approx(states.amplitude, abs=1e-9 * scale)
    outside = states.wavefunction([-1e-13, well.d + 1e-13])
    assert outside[:, :, 0] == pytest.approx(both[:, :, 0], abs=1e-9 * scale)
    assert outside[:, :, 1] == pytest.approx(both[:, :, 1], abs=1e-9 * scale)
    # ψ'' = −κ²ψ in the middle of the well, by a five-point difference.
    h = 1e-3 * min(well.d, 1.0)
    z = well.d * 0.4 + h * np.arange(-2, 3)
    psi = states.wavefunction(z)
    second = psi @ np.array([-1, 16, -30, 16, -1]) / (12 * h * h)
    kappa2 = (states.E[:, None] - well.Delta * np.array([1, -1])) / well.c
    # (κh)⁶-small truncation and rounding/h² ≤ 1e-16/1e-8·…: 1e-5 of the largest curvature.
    assert second == pytest.approx(
        -kappa2 * psi[:, :, 2], abs=2e-5 * max(1, np.abs(kappa2).max(initial=1))
    )
    # The jump of the slope at both interfaces, from M u = 0 where M has no pole nearby.
    for i in range(len(states)):
        M = matching_matrix(well, states.E[i], states.k[i])
        if np.abs(M).max() < 1e3:
            assert M @ states.amplitude[i] == pytest.approx(0, abs=1e-8 * scale)


@given(wells_and_energies(), between(0.3, 3.0))
@settings(max_examples=40)
def test_rescaling_lengths_and_mass(case, factor):
    """z → λz with m → m/λ² and α → λα leaves all energies: k, S_y scale by powers of λ."""
    well, energy = case
    scaled = well.replace(
        d=factor * well.d,
        mass=well.mass / factor**2,
        alpha_L=factor**2 * well.alpha_L,
        alpha_R=factor**2 * well.alpha_R,
    )
    one, two = fermi_states(well, energy), fermi_states(scaled, energy)
    assert len(one) == len(two)
    # Roundings of the inputs change κ² by 1e-15 of its largest value, and k by that over k.
    tolerance = 1e-12 * (1 + (abs(energy) + 1) / well.c / one.k.min(initial=1.0) ** 2)
    assert factor * two.k == pytest.approx(one.k, rel=tolerance)
    # Close pairs mix: only their sum is well-conditioned.
    assert factor * two.contribution.sum() == pytest.approx(one.contribution.sum(), abs=1e-8)


@given(wells_and_energies())
@settings(max_examples=40)
def test_mirror_image(case):
    """z → d − z exchanges the barriers and takes α_L, α_R to −α_R, −α_L."""
    well, energy = case
    image = well.replace(V_L=well.V_R, V_R=well.V_L, alpha_L=-well.alpha_R, alpha_R=-well.alpha_L)
    z = np.linspace(-0.3, well.d + 0.3, 41)
    one = fermi_states(well, energy).spin_density(z).sum(axis=0)
    two = fermi_states(image, energy).spin_density(well.d - z).sum(axis=0)
    assert two == pytest.approx(one, abs=1e-9)  # rounding that a close pair multiplies


@given(wells_and_energies())
@settings(max_examples=40)
def test_both_alphas_reversed(case):
    """A rotation by π about z reverses both α and the in-plane spin."""
    well, energy = case
    reverse = well.replace(alpha_L=-well.alpha_L, alpha_R=-well.alpha_R)
    z = np.linspace(-0.3, well.d + 0.3, 41)
    one, two = fermi_states(well, energy), fermi_states(reverse, energy)
    assert two.k == pytest.approx(one.k, rel=1e-9)
    assert two.spin_density(z).sum(axis=0) == pytest.approx(
        -one.spin_density(z).sum(axis=0), abs=1e-9
    )


@given(wells_and_energies())
@settings(max_examples=40)
def test_reversed_exchange(case):
    """Exchanging ↑ and ↓ reverses Δ and leaves σ_φ: S_y is the same."""
    well, energy = case
    z = np.linspace(-0.3, well.d + 0.3, 41)
    one = fermi_states(well, energy).spin_density(z).sum(axis=0)
    two = fermi_states(well.replace(Delta=-well.Delta), energy).spin_density(z).sum(axis=0)
    assert two == pytest.approx(one, abs=1e-9)


@given(wells_and_energies(mirror=False))
@settings(max_examples=40)
def test_symmetric_well_has_an_antisymmetric_profile(case):
    well, energy = case
    well = well.replace(V_L=min(well.V_L, well.V_R), V_R=min(well.V_L, well.V_R))
    well = well.replace(alpha_R=well.alpha_L)
    states = fermi_states(well, energy)
    z = np.linspace(-0.3, well.d + 0.3, 41)
    profile = states.spin_density(z).sum(axis=0)
    # The total vanishes state by state, so both are compared on the scale of the profile.
    assert states.contribution == pytest.approx(0, abs=1e-12)
    assert profile == pytest.approx(-profile[::-1], abs=1e-11 * max(1, np.abs(profile).max()))
    assert (states.chirality == 0).all()


def test_subband_below_the_band_crossing_is_met_twice():
    """Δ = 0 and ε_F below the crossing of a subband: two circles, v < 0 on the inner one."""
    well = Well(d=1.0, V_L=4.0, V_R=4.0, Delta=0.0, alpha_L=0.05, alpha_R=-0.05)
    bottom = bound_states(well, 0.0)[0]
    k = np.linspace(0, 3, 601)
    lowest = np.array([E[0] for E in levels(well, k)]) + well.c * k**2
    i = lowest.argmin()
    assert 0 < i < 600
    energy = (lowest[i] + bottom) / 2
    states = fermi_states(well, energy)
    assert len(states) == 2
    assert sorted(np.sign(states.velocity)) == [-1, 1]
    inner, outer = np.argsort(states.k)
    assert states.velocity[inner] < 0 < states.velocity[outer]
    assert states.k[inner] < k[i] < states.k[outer]
    # Both belong to one branch, so their spins agree and their contributions subtract.
    assert states.spin[inner] * states.spin[outer] > 0
    assert states.contribution[inner] * states.contribution[outer] < 0
    assert states.certified


@pytest.mark.filterwarnings("ignore::qwlib.UnboundedSpectrumWarning")
def test_what_cannot_be_proven_is_flagged_and_still_solved():
    """Where the interface band at |α| = ħ²/m tends to ε_F, and where a subband turns there."""
    critical = PAPER.critical_rashba
    states = fermi_states(PAPER.replace(alpha_L=critical), E_F)
    assert states.certified
    assert not fermi_states(PAPER.replace(alpha_L=critical), PAPER.V_L / 2).certified
    nearby = fermi_states(PAPER.replace(alpha_L=critical * (1 + 1e-9)), E_F)
    assert nearby.certified
    # The interface band never comes back, so the others are the states of either side.
    assert states.k == pytest.approx(nearby.k, rel=1e-6)  # as α differs
    well = Well(d=0.3, V_L=4, V_R=5, Delta=0, alpha_L=0.07, alpha_R=-0.07)
    bottom = minimize_scalar(
        lambda k: bound_states(well, k)[0] + well.c * k**2, bounds=(1, 6), method="bounded"
    ).fun
    for above, count in ((-1e-6, 0), (1e-6, 2)):
        assert len(fermi_states(well, bottom + above)) == count
        assert fermi_states(well, bottom + above).certified
    assert not fermi_states(well, bottom + 1e-13).certified


def test_below_every_subband_there_is_nothing():
    states = fermi_states(Well(d=0.1, alpha_L=0.01), E_F)
    assert len(states) == 0
    assert states.certified
    assert states.contribution.sum() == 0
    assert states.amplitude.shape == (0, 4)
    assert states.spin_density([0.0, 0.05]).shape == (0, 2)
    assert states.kind.shape == states.chirality.shape == (0,)


@pytest.mark.parametrize(("alpha_L", "E_F"), [(0.059, -2.0), (0.075, -0.5), (0.056, -5.0)])
def test_below_the_floors_of_the_well(alpha_L, E_F):
    # No wave propagates there; an interface state may be left, and whether one is, is proven.
    well = Well(alpha_L=alpha_L)
    states = fermi_states(well, E_F)
    assert states.certified
    k = np.linspace(1e-3, 60, 20001)
    N = count_states(well, E_F - well.c * k**2, k)
    assert len(states) == np.abs(np.diff(N)).sum()


@pytest.mark.parametrize(
    ("fraction", "count"), [(0.9, 13), (0.99, 13), (0.999, 13), (1.0001, 12), (1.5, 12)]
)
@pytest.mark.filterwarnings("ignore::qwlib.UnboundedSpectrumWarning")
def test_interface_state_runs_away_at_the_end_of_the_model(fraction, count):
    well = PAPER.replace(alpha_L=fraction * PAPER.critical_rashba)
    states = fermi_states(well, E_F)
    assert len(states) == count
    assert states.certified
    if fraction == 0.999:
        # ε → c k²(1 − (α/2c)²) + V/2 for the interface band: k_F from that to 1/k².
        k = np.sqrt((E_F - 2.5) / (well.c * (1 - fraction**2)))
        assert states.k.max() == pytest.approx(k, rel=0.05)


# --- what the proofs stand on -------------------------------------------------------------------


def test_interface_states_that_only_tunnelling_splits():
    """Without exchange and with α_L = −α_R: two pairs, closer than 1e-4, of definite parity."""
    well = Well(d=0.85, V_L=3.6, V_R=3.6, Delta=0.0, alpha_L=0.0724, alpha_R=-0.0724)
    states = fermi_states(well, 2.96)
    assert 0 < states.k[0] - states.k[1] < 1e-3
    z = np.linspace(-0.3, well.d + 0.3, 41)
    for state in (states[0], states[1]):
        profile = state.spin_density(z)[0]
        # Of one parity each, so symmetric to rounding; a mixture sits at one interface.
        assert profile == pytest.approx(profile[::-1], abs=1e-12 * np.abs(profile).max())


@pytest.mark.parametrize("off", [1e-14, 1e-12])
def test_a_pair_that_a_symmetry_all_but_parts(off):
    """The mirror image of a symmetric well has a rule for each of the two; this well has one."""
    well = Well(d=3.0, alpha_L=0.07, alpha_R=-0.07 * (1 + off))
    one, two = fermi_states(well, E_F), fermi_states(well.replace(alpha_R=-0.07), E_F)
    assert (-np.diff(one.k) / one.k[1:]).min() < 1e-9
    z = np.linspace(-0.3, well.d + 0.3, 41)
    profile = one.spin_density(z).sum(axis=0)
    # Rounding over the distance of the two; `off` itself matters less.
    assert profile == pytest.approx(two.spin_density(z).sum(axis=0), abs=1e-6)


@pytest.mark.parametrize("distance", [1e-8, 3e-9, 1e-9])
def test_what_is_noise_is_not_called_proven(distance):
    # There the interface band crosses ε_F at k of 1e4 and more, where det M is a small difference
    # of numbers of the size of k⁴, and its noise changes sign as roots do.
    states = fermi_states(PAPER.replace(alpha_L=(1 - distance) * PAPER.critical_rashba), E_F)
    assert states.k.max() > 1e4
    assert len(states) == 13 or not states.certified


def random_cells(n: int, seed: int) -> tuple[Rule, np.ndarray, np.ndarray]:
    """Return wells of all sorts at ε_F = 0.3 to 3 eV, and a cell of k in each."""
    rng = np.random.default_rng(seed)
    strength = 2 * Well().c * rng.uniform(-1.02, 1.02, (2, n))
    columns = {
        "d": np.exp(rng.uniform(np.log(0.2), np.log(6), n)),
        "V_L": rng.uniform(4.2, 8, n),
        "V_R": rng.uniform(4.2, 8, n),
        "Delta": rng.uniform(-1, 1, n) ** 5,  # often near zero, where subbands turn
        "exchange": np.full(n, "ferromagnet"),
        "alpha_L": strength[0],
        "alpha_R": strength[1],
        "mass": np.ones(n),
    }
    k1 = 14 * rng.uniform(0, 1, n) ** 3
    return Rule.of(columns, rng.uniform(0.3, 3, n)), k1, k1 + 10 ** rng.uniform(-2.5, 0.5, n)


@pytest.mark.parametrize(
    ("certificate", "least", "most"),
    [
        # What it is called with, and by how much N may change within the cell: it says that N
        # does not rise, or that it does not change at all.
        (monotonic, -99, 0),
        (lambda rule, k1, k2: rising(rule, k1), -99, 0),
        (partial(spin_monotonic, FULL), -99, 0),
        (settled, 0, 0),
        (lambda rule, k1, k2: settled(rule, k1), 0, 0),
        (partial(excluded, FULL), 0, 0),
    ],
    ids=[
        "monotonic",
        "rising",
        "spin_monotonic",
        "settled",
        "settled-beyond",
        "excluded",
    ],
)
def test_what_a_certificate_proves_is_so(certificate, least, most):
    rule, k1, k2 = random_cells(60000, seed=7)
    proven = np.nonzero(certificate(rule, k1, k2))[0]
    assert proven.size > 500  # it says something
    k = k1[proven] + np.linspace(0, 1, 25)[:, None] * (k2 - k1)[proven]
    some = rule.take(proven)
    N = np.array([FULL.sturm(some, row * row, row).N for row in k])
    change = np.diff(N, axis=0)
    assert change.min() >= least
    assert change.max() <= most


def test_where_the_curvature_is_too_small_there_is_one_root_or_none():
    """In cells of all widths around Fermi states, some of which hold two."""
    rule, *_ = random_cells(4000, seed=8)
    roots, _ = solve(rule)
    rng = np.random.default_rng(9)
    width = roots.k * 10 ** rng.uniform(-6, -0.5, roots.k.size)
    k1 = np.maximum(roots.k - width * rng.uniform(-0.2, 1, roots.k.size), 0)
    k2, some = k1 + width, rule.take(roots.well)
    one, two = (FULL.sturm(some, k * k, k) for k in (k1, k2))
    ends = k1, k2, one.N, two.N, one.F, two.F, one.exact, two.exact
    proven = simple(FULL, some, Cells(np.arange(k1.size), *ends))
    inside = np.zeros(k1.size, dtype=int)
    for shift in range(-40, 41):  # the other states of the same well are among these
        other = np.roll(np.arange(k1.size), shift)
        k = roots.k[other]
        inside += (roots.well[other] == roots.well) & (k1 < k) & (k < k2)
    crossed = (one.F < 0) != (two.F < 0)
    assert (inside > 1).sum() > 500  # what it must not be said of
    assert (proven & crossed).sum() > 1500  # it says something
    assert (proven & ~crossed).sum() > 300
    assert (inside[proven] == crossed[proven]).all()


@pytest.mark.parametrize("k2", [1e-9, 1e-3, 0.1])
def test_a_cell_that_begins_at_no_wave_number_is_proven_like_another(k2):
    """Where F is followed as a function of k², or of k, there is no end but that of the cell."""
    for well in (Well(alpha_R=-0.02), Well(alpha_L=0.05, alpha_R=0.05), Well(Delta=0.0)):
        rule, k = Rule.of_well(well, 3.0), np.array([0.0, k2])
        for sector in SECTORS[symmetry(rule)[0]]:
            found = sector.sturm(rule.take(np.zeros(2, dtype=np.intp)), k * k, k)
            assert not found.exact.any() and found.N[0] == found.N[1]
            columns = (c[end : end + 1] for c in (k, *found[:2], found.exact) for end in (0, 1))
            assert simple(sector, rule, Cells(np.zeros(1, dtype=np.intp), *columns)).all()


def test_root_finder_finds_the_root_of_each_bracket_by_itself():
    # Cells as the search leaves them: one root each, here of curves with flat and steep parts.
    rng = np.random.default_rng(13)
    root, bend = rng.uniform(0.5, 20, (2, 400))

    def function(x, i):
        return np.sinh((x - root[i]) * (0.1 + (bend[i] > 10))) * (1 + bend[i] * x**2)

    a, b = root * rng.uniform(0.2, 1, 400), root * rng.uniform(1, 3, 400)
    every = np.arange(400)
    brackets = a, b, function(a, every), function(b, every)
    found = refine(function, *brackets)
    assert found == pytest.approx(root, rel=2e-14)  # 2^-48, and the rounding of x − root
    # The error of an interpolation is the product of the last three.
    assert refine(function, *brackets, close=1e-8) == pytest.approx(root, rel=1e-11)
    for i in (0, 17):
        alone = (column[i : i + 1] for column in brackets)
        here = refine(lambda x, j, i=i: function(x, j + i), *alone)
        assert here[0] == found[i]


def test_polishing_mends_what_the_root_finder_leaves(monkeypatch):
    hard = PAPER.replace(d=20.0, alpha_L=0.07)
    exact = fermi_states(hard, E_F)
    monkeypatch.setattr("qwlib.search.LAST_STEP", 2.0**-22)  # it then leaves up to 1e-7
    rough = fermi_states(hard, E_F)
    assert rough.k == pytest.approx(exact.k, rel=1e-13)
    largest = np.abs(exact.contribution).max()
    # Each is within 1e-11 of the truth, by the table to 30 digits.
    assert rough.contribution == pytest.approx(exact.contribution, abs=2e-11 * largest)


@pytest.mark.parametrize(
    "well", [PAPER, PAPER.replace(alpha_R=PAPER.alpha_L), PAPER.replace(Delta=0.0)]
)
def test_levels_at_many_wave_numbers_are_those_at_each(well):
    # At 40/nm the lowest is far below the others, where the search for it begins.
    k = np.array([5.0, 0.0, 40.0, 0.3])
    together = levels(well, k)
    assert len(together) == 4 and len(together[0]) > 10
    for q, E in zip(k, together, strict=True):
        np.testing.assert_array_equal(E, bound_states(well, q))
