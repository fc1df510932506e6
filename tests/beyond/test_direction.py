"""Any direction of m, against finite elements with complex spinors, symmetries and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import eig
from wells import E_F, PAPER, between, wells_and_energies

from qwlib import Well, bound_states, fermi_states, matching_matrix, precise
from qwlib.beyond.direction import response, responses, states_at
from qwlib.beyond.fem import FiniteElements
from qwlib.beyond.torque import exchange_torque, field_per_current
from qwlib.matching import SECTORS, Rule, symmetry
from qwlib.search import joint_sign

THIN = Well(d=0.6, V_R=4.2, alpha_L=0.045, alpha_R=0.012)
FERRO = THIN.replace(exchange="ferromagnet", Delta=-0.4)
SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def witness(well, theta, phi, angles):
    """Spin in the well, spin where the exchange acts, and current: midpoints of k over the plane.

    Of the exact solver it knows nothing, and of the choice of axes neither: spinors are complex,
    spins along x, y and z, and all k of an angle come from one quadratic eigenproblem.
    """
    fem = FiniteElements.from_well(well, E_max=E_F, order=8)
    kinetic, exchange = (fem.H_up + fem.H_down) / 2, (fem.H_up - fem.H_down) / 2
    m = [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)]
    N, one = len(fem.M), np.eye(2)
    fixed = np.kron(one, kinetic - E_F * fem.M) + np.kron(np.tensordot(m, SIGMA, 1), exchange)
    M, zero = np.kron(one, fem.M), np.zeros((2 * N, 2 * N))
    region = fem.M if well.exchange == "everywhere" else fem.inside
    total = np.zeros(8)
    for angle in 2 * np.pi * (np.arange(angles) + 0.5) / angles:
        x, y = np.cos(angle), np.sin(angle)
        rashba = np.kron(x * SIGMA[1] - y * SIGMA[0], fem.W)
        # (fixed + k rashba + c k² M) ψ = 0, linear in k for (ψ, kψ); here in 1/(k − shift).
        shift = 12.0 + 5j
        left = np.block([[zero, np.eye(2 * N)], [-fixed, -rashba]])
        right = np.block([[np.eye(2 * N), zero], [zero, well.c * M]])
        inverse, vectors = eig(np.linalg.solve(left - shift * right, right))
        ks = shift + 1 / inverse
        keep = (np.abs(ks.imag) < 1e-6) & (ks.real > 1e-6)
        for k, psi in zip(ks[keep].real, vectors[: 2 * N, keep].T, strict=True):
            psi = psi / np.sqrt((psi.conj() @ M @ psi).real)

            def mean(pauli, matrix, psi=psi):
                return (psi.conj() @ np.kron(pauli, matrix) @ psi).real

            v_x = 2 * well.c * k * x + mean(SIGMA[1], fem.W)
            v_y = 2 * well.c * k * y - mean(SIGMA[0], fem.W)
            weight = k / abs(v_x * x + v_y * y) * v_x
            spins = [mean(s, where) for where in (fem.inside, region) for s in SIGMA]
            total += weight * np.array([*(-s for s in spins), v_x, v_y])
    return np.split(total / (8 * np.pi**3) * 2 * np.pi / angles, [3, 6])


@pytest.mark.parametrize(("well", "theta", "phi"), [(THIN, 0.7, 0.4), (FERRO, 1.9, -2.0)])
def test_complex_spinors_without_turned_axes(well, theta, phi):
    found = response(well, E_F, theta, phi)
    spin, exchange_spin, current = witness(well, theta, phi, 16)
    m = [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)]
    assert found.certified
    assert np.abs(spin).min() > 1e-5  # no component is zero by a symmetry
    # The midpoint rule converges as an exponential; order 8 leaves 1e-8 in a spin.
    assert found.spin == pytest.approx(spin, abs=2e-7 * np.abs(spin).max())
    scale = np.abs(exchange_spin).max()
    assert found.exchange_spin == pytest.approx(exchange_spin, abs=2e-7 * scale)
    torque = -well.Delta * np.cross(m, exchange_spin)
    assert found.torque == pytest.approx(torque, abs=2e-7 * np.abs(torque).max())
    assert found.current == pytest.approx(current, abs=2e-7 * current[0])


@given(wells_and_energies())
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
    assert found.certified == states.certified
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


def plain(case):
    """Without exchange and coupling of 1e-8 eV, whose crossings take minutes to refine."""
    well, energy = case
    names = "Delta", "alpha_L", "alpha_R"
    well = well.replace(**{name: round(getattr(well, name), 3) for name in names})
    return well, min(energy, well.continuum_edge - 0.01)


@given(wells_and_energies(alpha_max=0.8).map(plain), st.integers(0, 36), between(-3, 3))
@settings(max_examples=15, deadline=None)
def test_random_wells_and_directions(case, step, phi):
    (well, energy), theta = case, np.pi * step / 36
    found, exact = (response(well, energy, theta, phi, rtol=r) for r in (1e-4, 1e-7))
    # What it says of itself, with rounding; of the projection on x the rest may be small.
    allowed = 2 * (found.error + exact.error) + 1e-12
    for a, b in ((found.quadrature, exact.quadrature),):
        one, two = a.total("integral"), b.total("integral")
        size = b.total("magnitude")
        for group in (slice(0, 3), slice(3, 6), slice(6, 8)):
            scale = max(np.abs(two[group]).max(), 1e-3 * size[group].max())
            assert one[group] == pytest.approx(two[group], abs=allowed * scale + 1e-13)
    # m to −m turns the torque that is even in m not at all, and S ⊥ m keeps its sign as for z.
    back = response(well, energy, np.pi - theta, phi + np.pi, rtol=1e-7)
    scale = allowed * max(np.abs(exact.exchange_spin).max(), 1e-3 * size[:6].max()) + 1e-12
    assert back.current == pytest.approx(exact.current, abs=1e-6 * size[6:].max() + 1e-12)
    assert back.exchange_spin == pytest.approx(exact.exchange_spin, abs=4 * scale)


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


def test_first_order_in_the_coupling_is_the_torque_of_m_along_z_turned():
    """Weak coupling: T = T_z m × (m-independent field along y), up to the next order in α."""
    weak = THIN.replace(alpha_L=1e-5, alpha_R=-4e-6)
    levels = bound_states(THIN.replace(Delta=0.0, alpha_L=0.0, alpha_R=0.0), 0.0)[::2]
    assert len(levels) > 1
    (T, _, _) = response(weak, E_F, 0.0).torque
    for theta, phi in ((0.9, 0.3), (1.5, -2.0)):
        tilted = response(weak, E_F, theta, phi, rtol=1e-9)
        # Relative to the first order the next is (αk|ψ|²/Δ)², 1e-6 at most.
        assert tilted.torque == pytest.approx(-T * np.cross(tilted.m, [0, 1, 0]), abs=1e-5 * abs(T))


def test_contours_that_exist_for_some_angles_only():
    well = Well(d=0.4, V_L=4.0, alpha_L=0.07, alpha_R=-0.05)
    # ε_F just below the bottom at k = 0 of the lowest subband, which lies at k > 0 across m.
    energy = bound_states(well, 0.0)[0] - 0.004
    found, exact = (response(well, energy, np.pi / 2, 0.5, rtol=r) for r in (1e-5, 1e-7))
    assert len(found.quadrature.parts) < 60
    assert found.certified and exact.certified
    assert found.error < 1e-5
    contours = found.contours
    assert (
        contours.velocity[:, 0] * np.cos(contours.phi)
        + contours.velocity[:, 1] * np.sin(contours.phi)
    ).min() < 0
    # What the coarser says of itself.
    assert found.spin == pytest.approx(exact.spin, abs=1e-5 * np.abs(exact.spin).max())


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


@pytest.mark.parametrize(
    ("name", "value"),
    [("theta", np.nan), ("phi", "1"), ("rtol", 0.0), ("E_F", 9.0), ("theta", True)],
)
def test_bad_input(name, value):
    given = {"E_F": E_F, "theta": 0.3, "phi": 0.1, name: value}
    with pytest.raises(ValueError, match=f"{name} must be"):
        response(THIN, given.pop("E_F"), **given)
