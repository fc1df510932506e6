"""Any direction of m, against finite elements with complex spinors, symmetries and by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.linalg import eig, eigh
from scipy.optimize import brentq
from wells import E_F, PAPER, between, wells_and_energies

from qwlib import Well, bound_states, fermi_states, matching_matrix, precise
from qwlib.beyond.direction import (
    MixedContoursWarning,
    angle_to_rashba,
    coherence,
    decomposition,
    frame,
    response,
    responses,
    states_at,
    without_rounding,
)
from qwlib.beyond.fem import FiniteElements
from qwlib.beyond.interband import damping_like
from qwlib.beyond.torque import exchange_torque, field_per_current
from qwlib.matching import SECTORS, Rule, symmetry
from qwlib.proofs import joint_sign
from qwlib.search import pole_free, solve

THIN = Well(d=0.6, V_R=4.2, alpha_L=0.045, alpha_R=0.012)
FERRO = THIN.replace(exchange="ferromagnet", Delta=-0.4)
SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


class Spinors:
    """Complex spinors with spins along x, y and z, by finite elements.

    Of the exact solver they know nothing, and of the choice of axes neither.
    """

    def __init__(self, well, theta, phi, E_F=E_F, order=7):
        self.fem = FiniteElements.from_well(well, E_max=E_F, order=order)
        fem, self.c, self.E_F = self.fem, well.c, E_F
        kinetic, exchange = (fem.H_up + fem.H_down) / 2, (fem.H_up - fem.H_down) / 2
        m = [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)]
        self.M = np.kron(np.eye(2), fem.M)
        self.H = np.kron(np.eye(2), kinetic) + np.kron(np.tensordot(m, SIGMA, 1), exchange)
        self.region = fem.M if well.exchange == "everywhere" else fem.inside

    def rashba(self, angle):
        """What goes with k: W (k_x σ_y − k_y σ_x)/k."""
        return np.kron(np.cos(angle) * SIGMA[1] - np.sin(angle) * SIGMA[0], self.fem.W)

    def fermi_states(self, angle):
        """Yield k and ψ of every state at E_F along a direction, by descending k.

        (H − E_F + k rashba + c k² M) ψ = 0, linear in k for (ψ, kψ); here in 1/(k − shift).
        """
        n, shift = len(self.M), 12.0 + 5j
        zero, one = np.zeros((n, n)), np.eye(n)
        left = np.block([[zero, one], [self.E_F * self.M - self.H, -self.rashba(angle)]])
        right = np.block([[one, zero], [zero, self.c * self.M]])
        inverse, vectors = eig(np.linalg.solve(left - shift * right, right))
        ks = shift + 1 / inverse
        keep = np.flatnonzero((np.abs(ks.imag) < 1e-6) & (ks.real > 1e-6))
        for i in keep[np.argsort(-ks.real[keep])]:
            psi = vectors[:n, i]
            yield ks[i].real, psi / np.sqrt((psi.conj() @ self.M @ psi).real)

    def means(self, k, angle, psi):
        """Return the velocity along x and y, the spin in the well and that where Δ acts."""

        def mean(pauli, matrix):
            return (psi.conj() @ np.kron(pauli, matrix) @ psi).real

        v_x = 2 * self.c * k * np.cos(angle) + mean(SIGMA[1], self.fem.W)
        v_y = 2 * self.c * k * np.sin(angle) - mean(SIGMA[0], self.fem.W)
        inside, region = ([mean(s, w) for s in SIGMA] for w in (self.fem.inside, self.region))
        return np.array([v_x, v_y]), np.array(inside), np.array(region)


def witness(well, theta, phi, angles):
    """Spin in the well, spin where the exchange acts, and current: midpoints over the plane."""
    spinors, total = Spinors(well, theta, phi), np.zeros(8)
    for angle in 2 * np.pi * (np.arange(angles) + 0.5) / angles:
        for k, psi in spinors.fermi_states(angle):
            v, inside, region = spinors.means(k, angle, psi)
            weight = k / abs(v @ [np.cos(angle), np.sin(angle)]) * v[0]
            total += weight * np.array([*-inside, *-region, *v])
    return np.split(total / (8 * np.pi**3) * 2 * np.pi / angles, [3, 6])


@pytest.mark.parametrize(("well", "theta", "phi"), [(THIN, 0.7, 0.4), (FERRO, 1.9, -2.0)])
def test_complex_spinors_without_turned_axes(well, theta, phi):
    found = response(well, E_F, theta, phi)
    spin, exchange_spin, current = witness(well, theta, phi, 16)
    m = [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)]
    assert found.certified
    assert np.abs(spin).min() > 1e-5  # no component is zero by a symmetry
    # The midpoint rule converges as an exponential; order 7 leaves less than 1e-9 in a spin.
    assert found.spin == pytest.approx(spin, abs=2e-7 * np.abs(spin).max())
    scale = np.abs(exchange_spin).max()
    assert found.exchange_spin == pytest.approx(exchange_spin, abs=2e-7 * scale)
    # With ħ/e in V s, and nm, mT and 10¹¹ A/m².
    across = exchange_spin - (exchange_spin @ m) * np.array(m)
    field = -6.582119569e-16 * 1e9 * 1e3 * 1e11 * well.Delta * across / (1e6 * current[0])
    assert found.field(1e6) == pytest.approx(field, abs=3e-7 * np.abs(field).max())
    torque = -well.Delta * np.cross(m, exchange_spin)
    assert found.torque == pytest.approx(torque, abs=2e-7 * np.abs(torque).max())
    assert found.current == pytest.approx(current, abs=2e-7 * current[0])


@given(wells_and_energies())
# Four states that more digits alone tell apart, at one angle for all; and next to no exchange.
@example((Well(d=2.7, V_L=2.0, V_R=2.0, Delta=1e-296, alpha_L=0.0, alpha_R=2.77e-10), 1.0))
@example((Well(d=1.0, V_L=2.0, V_R=2.0, Delta=1e-9, alpha_L=8e-12, alpha_R=-8e-12), 1 - 1e-9))
@settings(max_examples=25, deadline=None)
def test_along_z_it_is_the_sum_over_fermi_states(case):
    well, energy = case
    states, found = fermi_states(well, energy), response(well, energy, 0.0, 0.3)
    z = np.array([-0.1, 0.3 * well.d, well.d])
    # The same roots; close pairs may come mixed, which each sum over them is free of.
    assert found.spin == pytest.approx([0, states.contribution.sum(), 0], abs=1e-12)
    assert found.current == pytest.approx([states.current.sum(), 0], abs=1e-12)
    assert found.torque == pytest.approx([exchange_torque(states).sum(), 0, 0], abs=1e-12)
    profile = states.spin_density(z).sum(axis=0)
    # Where wave numbers are of 100 per nm the profile is large, and so is its rounding.
    assert found.spin_density(z)[1] == pytest.approx(profile, abs=1e-9)
    # An exchange that is less than rounding is none for the one, and may be a doubt for the other.
    assert found.certified == fermi_states(without_rounding(well), energy).certified
    if len(states):
        assert found.field(1e6)[1] == pytest.approx(field_per_current(states, 1e6), rel=1e-9)


@given(wells_and_energies(), between(-1, 1))
@settings(max_examples=40, deadline=None)
def test_number_found_is_the_number_counted(case, cos):
    """Against the inertia of the 4×4 matrix of Eq. (5) on a grid, by NumPy's eigenvalues."""
    well, energy = case
    sin = np.sqrt(1 - cos * cos)
    states, doubt = states_at(well, energy, *(np.array([x]) for x in (cos, sin)))
    if doubt[0]:  # a subband that all but touches ε_F
        return
    k = np.linspace(1e-4, 1.3 * states.k.max(initial=3.0), 4001)
    E = energy - well.c * k * k
    M = matching_matrix(well.replace(alpha_L=0.0, alpha_R=0.0), E, k)
    for at, alpha in ((slice(0, 2), well.alpha_L), (slice(2, 4), -well.alpha_R)):
        M[:, at, at] += (k * alpha / well.c)[:, None, None] * np.array([[cos, sin], [sin, -cos]])
    N = (np.linalg.eigvalsh(M) < 0).sum(axis=1)
    for spin in (1, -1):
        kappa2 = np.maximum((E - spin * well.Delta) / well.c, 0.0)
        N += np.maximum(np.ceil(np.sqrt(kappa2) * well.d / np.pi - 1), 0).astype(int)
    # A grid can miss a pair but never invent one, and what is found lies where the count changes.
    assert np.abs(np.diff(N)).sum() <= states.k.size
    inside = states.k > k[0]
    assert N[0] - N[-1] == np.sign(states.velocity[inside]).sum()


def test_sign_of_an_interface_is_that_of_its_eigenvalues():
    """The proofs beyond some k, with every sign of det(diag + a σ_φ)."""
    rng = np.random.default_rng(7)
    cos, n = rng.uniform(-1, 1, 400), 400
    rule = Rule.of_well(THIN, E_F).take(np.zeros(n, dtype=np.intp))
    rule = rule.turned(cos, np.sqrt(1 - cos * cos))
    diagonal = rng.uniform(0, 2, (2, 2, n))
    positive, negative = joint_sign(rule, diagonal)
    for side in (0, 1):
        matrix = np.zeros((n, 2, 2))
        matrix[:, 0, 0] = diagonal[side, 0] + rule.field[side]
        matrix[:, 1, 1] = diagonal[side, 1] - rule.field[side]
        matrix[:, 0, 1] = matrix[:, 1, 0] = rule.flip[side]
        lowest = np.linalg.eigvalsh(matrix)[:, 0]
        # What lies within 1e-9 of zero may be left open; rounding proves nothing wrong.
        clear = np.abs(lowest) > 1e-9
        assert clear.sum() > 390
        assert (positive[side] == (lowest > 0))[clear].all()
        assert (negative[side] == (lowest < 0))[clear].all()
        assert 0 < positive[side].sum() < n


@pytest.mark.parametrize(("alpha_R", "sectors"), [(0.012, 1), (-0.045, 2)])
@pytest.mark.parametrize("beta", [0.0, 0.8])
def test_counts_by_intervals_and_by_symmetry(alpha_R, sectors, beta):
    well = THIN.replace(V_R=THIN.V_L, d=1.7, alpha_R=alpha_R)
    k = np.linspace(0.1, 12, 40)
    rule = Rule.of_well(well, E_F).take(np.zeros(k.size, dtype=np.intp))
    rule = rule.turned(np.full(k.size, np.cos(beta)), np.full(k.size, np.sin(beta)))
    some = SECTORS[symmetry(rule)[0]]
    assert len(some) == sectors * (1 if beta else 2)
    whole = SECTORS[6][0].sturm(rule, k * k, k)
    counts = [sector.sturm(rule, k * k, k) for sector in some]
    assert whole.sure.all()
    assert (sum(count.N for count in counts) == whole.N).all()
    for sector, count in zip(some, counts, strict=True):
        for i in range(0, k.size, 5):
            N, F = precise.sturm(sector, rule, i, float(k[i]))
            assert N == count.N[i]
            # Rounding of the phase κd and of sums that cancel in part.
            assert count.F[i] == pytest.approx(F, rel=1e-10)


@pytest.mark.parametrize("alpha_R", [0.01, -0.045])
def test_conserved_spin_against_the_axis_is_that_of_the_reversed_coupling(alpha_R):
    """Without exchange, where σ_φ is −σ_x: half a turn about z leads back to the other sign."""
    well = THIN.replace(V_R=THIN.V_L, Delta=0.0, alpha_R=alpha_R)
    ahead, back = (
        solve(Rule.of_well(well, E_F).turned(np.zeros(1), np.array([sin])))[0]
        for sin in (1.0, -1.0)
    )
    reversed_ = well.replace(alpha_L=-well.alpha_L, alpha_R=-alpha_R)
    other = solve(Rule.of_well(reversed_, E_F))[0]
    assert ahead.overlap.any()
    for name in ("k", "overlap", "amplitude"):
        assert (
            getattr(back, name) == getattr(other, name)
        ).all()  # the same numbers, so to the bit
    assert back.overlap == pytest.approx(-ahead.overlap, rel=1e-9)  # rounding


def test_matrix_without_its_poles_is_that_of_the_jumps():
    """`pole_free` against Eq. (5) as `matching_matrix` has it, the turned coupling put in here."""
    k, cos, sin = np.array([0.7, 2.0, 9.0]), *(f([2.1, 0.4, 1.3]) for f in (np.cos, np.sin))
    rule = Rule.of_well(THIN, E_F).take(np.zeros(k.size, dtype=np.intp)).turned(cos, sin)
    form, T = pole_free(rule, k, rule.at(k * k))
    M = matching_matrix(THIN.replace(alpha_L=0.0, alpha_R=0.0), E_F - THIN.c * k * k, k)
    for at, alpha in ((slice(0, 2), THIN.alpha_L), (slice(2, 4), -THIN.alpha_R)):
        M[:, at, at] += (k * alpha / THIN.c * np.array([[cos, sin], [sin, -cos]])).transpose(
            2, 0, 1
        )
    expected = np.swapaxes(T, 1, 2) @ M @ T
    assert form == pytest.approx(expected, abs=1e-12 * np.abs(expected).max())  # rounding


def slim(case):
    """Thin enough for an eigenproblem of all k at once."""
    well, energy = case
    well = well.replace(d=min(well.d, 0.8))
    return well, min(energy, well.continuum_edge - 0.05)


@given(wells_and_energies(alpha_max=0.8).map(slim), between(0, 3.1), between(-3, 3), between(0, 6))
@settings(max_examples=12, deadline=None)
def test_states_at_random_directions_are_complex_spinors(case, theta, phi, angle):
    well, energy = case
    exact = response(well, energy, theta, phi, rtol=0.1).contours_at(np.array([angle]))
    spinors = Spinors(well, theta, phi, energy)
    found = list(spinors.fermi_states(angle))
    # Two contours closer than the witness resolves, or an end of one, are left out.
    gap = np.abs(np.diff(exact.k, append=0.0, prepend=np.inf))
    clear = np.minimum(gap[1:], gap[:-1]) > 1e-3
    if not clear.all():
        return
    assert len(found) == exact.k.size
    for i, (k, psi) in enumerate(found):
        v, spin, _ = spinors.means(k, angle, psi)
        speed = abs(v @ [np.cos(angle), np.sin(angle)])
        # Energies of order 7 are good to 1e-8 eV and vectors to the root of it over the gap.
        assert exact.k[i] == pytest.approx(k, abs=1e-7 / speed)
        allowed = 1e-6 / min(gap[i], gap[i + 1], 0.1)
        assert exact.velocity[i] == pytest.approx(v, abs=allowed)
        assert exact.spin[i] == pytest.approx(spin, abs=allowed)


@given(wells_and_energies(alpha_max=0.8), st.integers(0, 36), between(-3, 3))
@settings(max_examples=15, deadline=None)
def test_integral_is_the_mean_over_equal_angles(case, step, phi):
    """Without panels, ends of contours or refinement: the mean of 900 points.

    Its error is at most that of a fifth of them.  A contour that ends has an integrand that grows
    without bound there, and how near a point comes is chance: so the worst of the five fifths.
    """
    (well, energy), theta = case, np.pi * step / 36
    found = response(well, energy, theta, phi, rtol=1e-5)
    # The turned circle has no point where a mirror plane would put a crossing.
    angles = 2 * np.pi * (np.arange(900) + 0.3) / 900
    c = found.contours_at(angles)
    radial = c.velocity[:, 0] * np.cos(c.phi) + c.velocity[:, 1] * np.sin(c.phi)
    weight = c.k * c.velocity[:, 0] / np.abs(radial) / (4 * np.pi**2)
    each = weight[:, None] * np.column_stack([-c.spin, c.velocity])
    fifth = np.searchsorted(angles, c.phi - 1e-9) % 5
    fifths = np.array([each[fifth == i].sum(axis=0) for i in range(5)]) / 180
    mean = fifths.mean(axis=0)
    own = np.abs(fifths - mean).max(axis=0)
    size = found.quadrature.total("magnitude")
    for part, value in ((slice(0, 3), found.spin), (slice(3, 5), found.current)):
        scale = size[0:3].max() if part.start == 0 else size[6:].max()
        allowed = own[part].max() + 1e-5 * scale + 1e-13
        assert value == pytest.approx(mean[part], abs=allowed)


@given(wells_and_energies(alpha_max=0.8), st.integers(0, 36), between(-3, 3))
@settings(max_examples=15, deadline=None)
def test_reversal_of_m(case, step, phi):
    (well, energy), theta = case, np.pi * step / 36
    ahead = response(well, energy, theta, phi, rtol=1e-6)
    back = response(well, energy, np.pi - theta, phi + np.pi, rtol=1e-6)
    size = ahead.quadrature.total("magnitude")
    # The spin that Eq. (6) gives is even in m, and so is the current.
    assert back.spin == pytest.approx(ahead.spin, abs=2e-6 * size[:3].max() + 1e-13)
    assert back.current == pytest.approx(ahead.current, abs=2e-6 * size[6:].max() + 1e-13)


def test_levels_that_exchange_and_mirror_hardly_split_come_to_an_end():
    """Pairs of states 1e-10 from each other at all angles: a purse is spent, and the rest told."""
    well = Well(d=1.1, V_L=4.6, V_R=4.6, Delta=5e-10, alpha_L=0.04, alpha_R=0.04)
    found, none = (response(w, 1.2, 0.2, 0.3) for w in (well, well.replace(Delta=0.0)))
    # Of first order in the exchange over the distance of subbands.
    scale = none.quadrature.total("magnitude")[:3].max()
    assert found.spin == pytest.approx(none.spin, abs=1e-7 * scale)
    assert found.current == pytest.approx(none.current, rel=1e-8)


def test_contours_that_all_but_cross():
    """Opposite spins that a coupling of 1e-10 mixes."""

    def states(alpha, sin=0.0):
        cos, sin = (np.array([x]) for x in (-1.0, sin))
        return states_at(THIN.replace(alpha_L=alpha), E_F, cos, sin)

    def apart(alpha):
        found, _ = states(alpha)
        up, down = (found.k[np.sign(found.inside[0]) == s][0] for s in (1, -1))
        return up - down

    alpha = brentq(apart, 0.05, 0.055, xtol=1e-15)
    (two, _), (mixed, doubt) = states(alpha), states(alpha, 1e-10)
    assert not doubt[0]
    assert mixed.k[:2] == pytest.approx(two.k[:2], abs=1e-9)
    # They share the spins, by an amount that differs with their velocities; what Eq. (6) adds up
    # is that of the two without the mixing.
    assert np.abs(mixed.inside[0, :2]).max() < 0.9 * np.abs(two.inside[0, :2]).max()
    weighed = [(one.inside[0] / one.velocity)[:2].sum() for one in (mixed, two)]
    assert weighed[0] == pytest.approx(weighed[1], rel=1e-6)
    norms = [(1 / one.velocity[:2]).sum() for one in (mixed, two)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-6)


def test_what_the_interfaces_do_to_the_spin():
    """Δ times the spin across m is what both interfaces turn, state by state, at any β."""
    for well in (PAPER.replace(alpha_R=0.02), FERRO):
        chi = np.linspace(-1.5, 1.5, 41)
        for theta in (0.8, np.pi / 2):
            cos, sin = angle_to_rashba(theta, chi)
            states, doubt = states_at(well, E_F, cos, sin)
            assert not doubt.any()
            spin = states.inside[1]
            if well.exchange == "everywhere":
                spin = spin + states.outside[1]
            turned = -states.k * states.across
            # Sums of terms of order 1 eV that cancel.
            assert well.Delta * spin == pytest.approx(turned, abs=1e-11)


@pytest.mark.parametrize("sign", [1, -1])
def test_m_along_the_rashba_field_of_the_current(sign):
    """Along ±y a spin component is conserved at two angles; by finite elements, and no torque."""
    # One subband of each spin, whose contours stay apart: midpoints converge as an exponential.
    well = THIN.replace(d=0.3, Delta=0.6, alpha_L=0.02)
    found = response(well, E_F, np.pi / 2, sign * np.pi / 2)
    spin, exchange_spin, current = witness(well, np.pi / 2, sign * np.pi / 2, 12)
    assert found.spin == pytest.approx(spin, abs=1e-6 * np.abs(spin).max())
    assert found.exchange_spin == pytest.approx(
        exchange_spin, abs=1e-6 * np.abs(exchange_spin).max()
    )
    assert found.current == pytest.approx(current, abs=1e-6 * current[0])
    assert found.torque == pytest.approx(0, abs=1e-15)


def test_turning_magnet_and_field_together():
    """The response to a field along any direction is a tensor that turns with m."""
    theta, turn = 0.9, 0.6
    tensor = []
    for phi in (0.2, 0.2 + turn):
        along_x = response(THIN, E_F, theta, phi)
        # E along y with m at φ is E along x with m at φ − π/2, turned by π/2.
        along_y = response(THIN, E_F, theta, phi - np.pi / 2)
        quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
        tensor.append(np.column_stack([along_x.spin, quarter @ along_y.spin]))
    cos, sin = np.cos(turn), np.sin(turn)
    R = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    # One quadrature of θ serves all φ: rounding.
    assert tensor[1] == pytest.approx(R @ tensor[0] @ R[:2, :2].T, abs=1e-14)


def test_what_a_last_step_leaves_of_the_spins_does_not_outlive_their_sum():
    """Shares of 1e-5 are left of the spins of six states; by eigenvectors of the matrix of Eq. (5).

    For complex spinors along z, in a program of its own, over the whole circle.
    """
    well = Well(5.0, 6.5, 3.2, 0.066, 0.029, 0.016, mass=0.118, exchange="ferromagnet")
    found = response(well, 1.33, 2.9, -2.8, rtol=1e-8)
    spin = [3.8369259750639e-07, -7.2247115936981e-08, 1.65221792634631e-06]
    torque = [1.33694268330010e-08, 6.367557393861e-12, -3.10448760376352e-09]
    assert found.certified
    # 16 roundings of 6 spins that cancel to 2e-6 of one are 1e-9.
    assert found.error < 2e-9
    for value, expected in ((found.spin, spin), (found.torque, torque)):
        assert np.linalg.norm(value - expected) < found.error * np.linalg.norm(expected)


def test_mirror_planes():
    size = np.abs(response(THIN, E_F, 0.8).spin).max()
    # xz: a field in the plane of m and z drives spin across it; yz: spin within it.
    xz, yz = responses(THIN, E_F, 0.8, [0.0, np.pi / 2])
    assert np.abs(xz.spin[[0, 2]]).max() < 1e-15 * size < np.abs(xz.spin[1])
    assert np.abs(yz.spin[0]) < 1e-15 * size
    assert np.abs(yz.spin[1:]).min() > 1e-4 * size
    assert abs(xz.current[1]) < 1e-15 > abs(yz.current[1])
    # In the plane along the Rashba field of the current: no torque.
    assert response(THIN, E_F, np.pi / 2, np.pi / 2).torque == pytest.approx(0, abs=1e-15)


def test_lengths_scale():
    factor = 1.7
    scaled = THIN.replace(
        d=factor * THIN.d,
        mass=THIN.mass / factor**2,
        alpha_L=factor**2 * THIN.alpha_L,
        alpha_R=factor**2 * THIN.alpha_R,
    )
    one, two = (response(well, E_F, 0.7, 0.4) for well in (THIN, scaled))
    # ∫S dz is k/v times v: 1/nm over nm of the volume's other factor; rounding of the inputs.
    assert factor * two.spin == pytest.approx(one.spin, rel=1e-10)
    assert two.current == pytest.approx(one.current, rel=1e-10)


def level(V_L, V_R, d, c, n):
    """E of the n-th level of a well without spin, and |φ|² at both interfaces, by hand.

    κd = nπ + arctan(q_L/κ) + arctan(q_R/κ); φ(0)² is 2E/V_L over the effective width.
    """
    low, high = 0.0, min(V_L, V_R)
    for _ in range(200):
        E = (low + high) / 2
        kappa, q_L, q_R = (np.sqrt(x / c) for x in (E, V_L - E, V_R - E))
        above = kappa * d - n * np.pi > np.arctan(q_L / kappa) + np.arctan(q_R / kappa)
        low, high = (low, E) if above else (E, high)
    width = d + 1 / q_L + 1 / q_R
    return E, 2 * E / V_L / width, 2 * E / V_R / width


def test_first_order_in_the_coupling_by_hand():
    """T = m × y A, A = Σ (α_L φ_n(0)² − α_R φ_n(d)²)(k↓² − k↑²)/8π², whatever m is."""
    weak = THIN.replace(alpha_L=1e-5, alpha_R=-4e-6)
    A = 0.0
    for n in range(2):
        E, at_L, at_R = level(weak.V_L, weak.V_R, weak.d, weak.c, n)
        assert E < E_F - weak.Delta
        A += (weak.alpha_L * at_L - weak.alpha_R * at_R) * 2 * weak.Delta / weak.c / (8 * np.pi**2)
    assert level(weak.V_L, weak.V_R, weak.d, weak.c, 2)[0] > E_F + weak.Delta
    for theta, phi in ((0.0, 0.0), (0.9, 0.3), (1.5, -2.0)):
        found = response(weak, E_F, theta, phi, rtol=1e-9)
        # The next order is smaller by (α k φ²/Δ)², 1e-7.
        assert found.torque == pytest.approx(-A * np.cross(found.m, [0, 1, 0]), abs=1e-6 * abs(A))


def test_contours_that_exist_for_some_angles_only():
    well = Well(d=0.4, V_L=4.0, alpha_L=0.07, alpha_R=-0.05)
    # ε_F just below the bottom at k = 0 of the lowest subband, which lies at k > 0 across m.
    energy = bound_states(well, 0.0)[0] - 0.004
    found, exact = (response(well, energy, np.pi / 2, 0.5, rtol=r) for r in (1e-6, 1e-8))
    assert len(found.quadrature.parts) < 20
    assert found.certified
    assert found.error < 1e-6
    contours = found.contours
    assert (
        contours.velocity[:, 0] * np.cos(contours.phi)
        + contours.velocity[:, 1] * np.sin(contours.phi)
    ).min() < 0
    # Fejér's rule converges as an exponential; its estimate is that of the rule of half its points.
    assert found.spin == pytest.approx(exact.spin, abs=1e-9 * np.abs(exact.spin).max())


def test_error_holds_where_contours_almost_cross_within_1e_4_rad():
    """Beside χ = π/2, for m all but in the plane, where the first points see nothing of it."""
    well = Well(d=1.1, alpha_L=0.05, alpha_R=-0.03, V_L=5.0, V_R=4.0, Delta=0.6)
    found = response(well, 2.6649396375071, np.pi / 2 - 1e-4, 0.7)
    # Complex spinors on axes x, y and z at 1312 angles, most of them close to the crossing, by
    # elements of degree 12, which leave 1e-10 of a k.
    spin = np.array([-2.732659239254e-2, 3.636321494075e-2, -3.747904561088e-6])
    assert found.certified
    assert np.abs(found.spin - spin).max() < (found.error + 2e-9) * spin.max()
    assert found.closest < 2.4e-5  # 2.3e-5 at the place itself


def test_error_holds_where_a_crossing_is_as_wide_as_the_spacing():
    """There both quadratures are wrong, and by about the same."""
    well = Well(
        d=0.6733688076812709,
        V_L=4.915829689755446,
        V_R=6.071123368853481,
        Delta=0.017507934600264823,
        alpha_L=0.02231117500816526,
        alpha_R=-0.006042914820757525,
        mass=1.0369370288747901,
    )
    found = response(well, 0.7574150250828173, 1.537932964037858, rtol=1e-3)
    assert found.certified
    # Midpoints converge as an exponential: half as many leave the same.
    c = found.contours_at(2 * np.pi * (np.arange(1200) + 0.3) / 1200)
    outward = np.einsum("in,ni->n", [np.cos(c.phi), np.sin(c.phi)], c.velocity)
    weight = c.k * c.velocity[:, 0] / np.abs(outward) / (8 * np.pi**3) * 2 * np.pi / 1200
    assert abs(found.spin[1] + weight @ c.spin[:, 1]) < found.error * np.abs(found.spin).max()


def test_equal_cosines_are_not_equal_angles():
    """Next to β = 0 a contour changes its spin within angles whose cosine is 1 in a double."""
    well, sin = Well(d=1.1, alpha_L=0.05, alpha_R=-0.03, V_R=4.0, Delta=0.6), [1e-9, 1e-8]
    both, _ = states_at(well, 2.6649396375071, np.ones(2), np.array(sin))
    alone = [states_at(well, 2.6649396375071, np.ones(1), np.array([x]))[0] for x in sin]
    for name in ("inside", "outside"):
        one = np.concatenate([getattr(states, name) for states in alone], axis=-1)
        # Rounding over the distance of two k, 2e-15 over 3e-8 of them.
        assert getattr(both, name) == pytest.approx(one, abs=1e-6)
    assert alone[1].inside[1] != pytest.approx(alone[0].inside[1], abs=1e-2)


def test_error_is_that_of_a_small_torque():
    """For m 1e-8 from the plane and E across it: what is left of the torque is as small."""
    well = Well(d=1.1, alpha_L=0.05, alpha_R=-0.03, V_R=4.0, Delta=0.6)
    found = response(well, 2.6649396375071, np.pi / 2 - 1e-8, np.pi / 2, rtol=1e-3)
    # By Gauss' rule on panels that halve towards the crossing; the digits are those of the k there.
    torque = 0.6 * 8.46856e-10
    assert found.certified
    assert found.error < 1e-3
    assert abs(found.torque[0] / torque - 1) < found.error
    # The torque along z is none, the spin is large.
    assert np.abs(found.spin).max() > 1e6 * abs(found.torque[0])


@pytest.mark.parametrize("alpha", [1e-10, 1e-11, 1e-12, 1e-13])
@pytest.mark.parametrize("Delta", [0.25, 1e-3])
def test_error_is_that_of_spins_that_rounding_reaches(Delta, alpha):
    """A spin is known to rounding of a whole one: against one of a coupling where that is less."""
    well = Well(d=2.2, V_L=5.0, V_R=4.0, Delta=Delta, exchange="ferromagnet")
    large = 1e-5 * Delta
    found, other = (response(well.replace(alpha_L=a), 3.0, 1.0, 0.4) for a in (alpha, large))
    expected = alpha / large * other.spin
    off = np.linalg.norm(found.spin - expected) / np.linalg.norm(expected)
    # Of the next order in the coupling, over the exchange, are 1e-5.
    assert off < found.error + other.error + 1e-5
    assert found.error < 1e-14 / alpha


def test_small_spins_take_no_more_angles():
    """By symmetry there is no spin: what rounding leaves is not looked at more closely."""
    well = Well(d=4.7, V_L=4.9, V_R=4.9, Delta=1e-7, alpha_L=1e-8, alpha_R=1e-8)
    found = response(well.replace(mass=0.42, exchange="ferromagnet"), 3.0, 0.17, -1.8)
    assert np.abs(found.spin).max() < 1e-15
    assert found.error > 1  # nothing is known of it
    # Eighteen at each angle of the four panels that all begin with.
    assert len(found.quadrature.nodes[0]) < 2000


def test_velocity_is_the_slope_of_the_contour():
    """The velocity is perpendicular to the contour, whose tangent is a difference of k(φ)."""
    found = response(PAPER, E_F, 1.1, 0.4)
    step = 1e-4
    for angle in (0.3, 2.0, 4.4):
        before, here, after = (found.contours_at(np.array([angle + s])) for s in (-step, 0, step))
        assert (here.band == np.arange(here.k.size)).all()
        p, q = (c.k[:, None] * [np.cos(c.phi[0]), np.sin(c.phi[0])] for c in (before, after))
        tangent = (q - p) / (2 * step)
        normal = (tangent * here.velocity).sum(axis=1)
        # Second order in the step, times a curvature near avoided crossings of 1e3 at most.
        assert normal == pytest.approx(0, abs=2e-5)


def test_without_exchange_no_direction_is_special():
    well = THIN.replace(Delta=0.0)
    one, two = responses(well, E_F, [0.0, 1.1], 0.7)
    assert (one.spin == two.spin).all()
    assert (two.torque == 0).all()


def test_interband_part_along_z_is_that_of_two_real_spins():
    well = THIN.replace(exchange="ferromagnet")
    for gamma in (0.1, 0.4):
        along, across = coherence(well, E_F, 0.0, gamma, angles=4)
        known = damping_like(well, E_F, gamma)
        # Spin along x and along y; with three points of k in place of four, and lower elements.
        assert along[1:] == pytest.approx([known.damping_like[0], known.field_like[0]], rel=1e-6)
        assert across[1:] == pytest.approx([-known.field_like[0], known.damping_like[0]], rel=1e-6)
        assert max(abs(along[0]), abs(across[0])) < 1e-9


def test_interband_part_of_complex_spinors():
    """The sum over all pairs on spin axes along x, y and z, over the whole circle."""
    well, energy, theta, phi, gamma, angles = THIN.replace(d=0.4), 1.6, 0.8, 0.7, 0.2, 10
    found = response(well, energy, theta, phi, hbar_over_tau=gamma)
    spinors, total = Spinors(well, theta, phi, energy), np.zeros(3)
    fem, basis = spinors.fem, np.kron(np.eye(2), np.linalg.inv(np.linalg.cholesky(spinors.fem.M)).T)
    across, *spins = (np.kron(SIGMA[1], fem.W), *(np.kron(s, spinors.region) for s in SIGMA))
    nodes, weights = np.polynomial.legendre.leggauss(3)
    for angle in 2 * np.pi * (np.arange(angles) + 0.5) / angles:
        ends = np.array([0.0, *sorted(k for k, _ in spinors.fermi_states(angle))])
        edges = np.concatenate([np.linspace(a, b, 3)[:-1] for a, b in pairwise(ends)] + [ends[-1:]])
        for a, b in pairwise(edges):
            for k, weight in zip((a + b + (b - a) * nodes) / 2, (b - a) / 2 * weights, strict=True):
                H = spinors.H + k * spinors.rashba(angle)
                E, psi = eigh(basis.T @ H @ basis)
                psi = basis @ psi
                full = E + well.c * k * k < energy
                x = E[full, None] - E[~full]
                one, other = psi[:, full].conj().T, psi[:, ~full]
                rho = (one @ across @ other).conj() / (x * (gamma - 1j * x))
                # A pair and the same in reverse are each other's complex conjugates.
                for i, spin in enumerate(spins):
                    total[i] += 2 * weight * k * gamma * (rho * (one @ spin @ other)).sum().real
    total *= 2 * np.pi / angles / (8 * np.pi**3)
    torque = -well.Delta * np.cross(frame(theta, phi)[0], total)
    # Other directions of k over the circle.
    assert found.interband_torque.sum(axis=0) == pytest.approx(
        torque, abs=2e-5 * np.abs(torque).max()
    )


@pytest.mark.parametrize(
    ("well", "energy", "theta", "gamma"),
    [
        # With m close to the plane five directions of half a circle leave some per cent.
        (Well(d=0.35, alpha_L=0.045, alpha_R=-0.02), 1.7, np.pi / 2 - 1e-3, 0.2),
        # With m in it two contours cross at its end, where spin is conserved.
        (Well(d=0.9, alpha_L=0.06, Delta=0.15264777915857192), 2.0, np.pi / 2, 0.05),
    ],
    ids=["close to the plane", "crossing"],
)
def test_interband_part_has_as_many_angles_as_it_needs(well, energy, theta, gamma):
    found, few, many = (coherence(well, energy, theta, gamma, n) for n in (None, 5, 64))
    # The cube of the last change, which is below 1e-2, and what 64 leave: 1e-6 in all.
    scale = 1e-5 * np.abs(many).max()
    assert found == pytest.approx(many, abs=scale)
    assert np.abs(few - many).max() > 100 * scale


def test_decomposition_is_the_torque_at_other_angles():
    """Three orders from three angles say what the torque is at others, field- and damping-like."""
    gamma, well = 0.05, THIN.replace(alpha_L=0.01)
    parts = decomposition(well, E_F, np.array([0.1, 0.6, 1.1]), gamma)
    theta, phi = 0.8, 0.5
    series = {name: a @ np.sin(theta) ** np.array([0, 2, 4]) for name, a in parts.items()}
    found = response(well, E_F, theta, phi, gamma)
    cos, sin = np.cos(phi), np.cos(theta) * np.sin(phi)
    _, m_theta, _, q = frame(theta, phi)
    # The next order of sin θ, at this coupling.
    scale = 2e-3 * abs(parts["A_θ"][0])
    expected = [cos * series["A_θ"], -sin * series["A_φ"]]
    assert found.polar_torque == pytest.approx(expected, abs=scale)
    damping = found.interband_torque[1]
    expected = [sin * series["B_θ"], cos * series["B_φ"]]
    assert [m_theta @ damping, q @ damping] == pytest.approx(expected, abs=scale)
    # Of m along z both kinds are one vector.
    assert parts["A_θ"][0] == pytest.approx(parts["A_φ"][0], rel=1e-3)
    assert parts["B_θ"][0] == pytest.approx(parts["B_φ"][0], rel=1e-3)


def test_contours_closer_than_the_broadening_warn():
    with pytest.warns(MixedContoursWarning, match="less than hbar_over_tau = 3 eV"):
        response(THIN, E_F, 0.4, hbar_over_tau=3.0)
    found = response(THIN, E_F, 0.4, hbar_over_tau=1e-3)
    assert found.closest > 1e-3
    with pytest.raises(ValueError, match="hbar_over_tau must be given"):
        _ = response(THIN, E_F, 0.4).interband_torque


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theta", np.nan),
        ("hbar_over_tau", -1.0),
        ("phi", "1"),
        ("rtol", 0.0),
        ("E_F", 9.0),
        ("theta", True),
        ("theta", 1e300),
    ],
)
def test_bad_input(name, value):
    given = {"E_F": E_F, "theta": 0.3, "phi": 0.1, name: value}
    with pytest.raises(ValueError, match=f"{name} must be"):
        response(THIN, given.pop("E_F"), **given)


@pytest.mark.parametrize(
    ("theta", "phi", "message"),
    [
        ([], 0.0, r"theta must be .* one at least, got \[\]"),
        ([[0.1], [0.2, 0.3]], 0.0, "theta must be finite real numbers"),
        ([0.1, 0.2], [0.1, 0.2, 0.3], r"theta and phi must be .* got \(2,\) and \(3,\)"),
        (0.1, [0.2, -1e5], "phi must be at most 10000 rad in size, got -100000"),
    ],
)
def test_bad_arrays_of_directions(theta, phi, message):
    with pytest.raises(ValueError, match=message):
        responses(THIN, E_F, theta, phi)


def test_bad_input_elsewhere_and_a_short_repr():
    found = response(THIN, E_F, 0.3, rtol=0.1)
    assert len(repr(found)) < 300
    with pytest.raises(ValueError, match="phi must be a 1D array in ascending order"):
        found.contours_at(np.array([1.0, 0.5]))
    with pytest.raises(ValueError, match=r"theta must be .* other than π/2"):
        decomposition(THIN, E_F, np.array([0.1, 0.2, np.pi / 2]))
    with pytest.raises(ValueError, match="orders must be from 1 to"):
        decomposition(THIN, E_F, np.array([0.1, 0.2]))
