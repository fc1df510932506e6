import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wells import PAPER, between, wells

from qwlib import Well, count_states, matching_matrix
from qwlib.matching import FULL, SECTORS, Conserved, Full, Mirror, Rule, symmetry


def clamped(well, E):
    """J of the Wittrick-Williams count, level by level."""
    total = 0
    for s in (1, -1):
        m = 1
        while well.c * (m * np.pi / well.d) ** 2 < E - s * well.Delta:
            total, m = total + 1, m + 1
    return total


@given(wells(), between(0, 1), between(0, 15))
def test_count_is_clamped_levels_plus_negative_eigenvalues(well, fraction, k):
    """The signs of pole-free minors against LAPACK's eigenvalues of M itself."""
    floor = -abs(well.Delta) - 3.0
    E = floor + fraction * (well.continuum_edge - 1e-9 - floor)
    eigenvalues = np.linalg.eigvalsh(matching_matrix(well, E, k))
    # Where an eigenvalue is within rounding of zero or of a pole, both counts may differ.
    if np.abs(eigenvalues).min() < 1e-9 or np.abs(eigenvalues).max() > 1e7:
        return
    assert count_states(well, E, k) == clamped(well, E) + (eigenvalues < 0).sum()


@given(wells(), between(0, 15))
def test_count_rises_with_energy(well, k):
    E = np.linspace(-abs(well.Delta) - 5, well.continuum_edge, 400)
    assert (np.diff(count_states(well, E, k)) >= 0).all()


@given(wells(), st.integers(0, 5), between(0, 1), between(0, 12))
@example(PAPER, 1, 0.6, 3.0)
@example(PAPER, 2, 0.6, 3.0)
def test_sectors_of_a_symmetry_add_up_to_the_full_count(well, kind, fraction, k):
    if kind == 4:
        well = well.replace(alpha_L=0.0, alpha_R=0.0)
    elif kind == 3:
        well = well.replace(Delta=0.0)
    elif kind == 5:
        well = well.replace(Delta=0.0, V_R=well.V_L, alpha_R=-well.alpha_L)
    elif kind in (1, 2):
        well = well.replace(V_R=well.V_L, alpha_R=(-1) ** kind * well.alpha_L)
    E = -abs(well.Delta) - 2 + fraction * (well.continuum_edge + abs(well.Delta) + 2)
    rule = Rule.of_well(well, 0.0)
    args = rule, np.array([-E / well.c]), np.array([k])
    parts = [sector.sturm(*args) for sector in SECTORS[symmetry(rule)[0]]]
    N, F, *_ = FULL.sturm(*args)
    near = abs(F[0]) < 1e-9 or any(abs(part.F[0]) < 1e-9 for part in parts)
    assert near or sum(part.N[0] for part in parts) == N[0]


def test_symmetries_are_recognised():
    def sectors(**changes):
        kinds = symmetry(Rule.of_well(PAPER.replace(**changes), 0.0))
        return tuple(type(s) for s in SECTORS[kinds[0]])

    assert sectors() == (Full,)
    assert sectors(alpha_R=0.046) == (Mirror, Mirror)
    assert sectors(alpha_R=-0.046) == (Mirror, Mirror)
    assert sectors(alpha_R=0.046, V_R=4.0) == (Full,)
    # One unit in the last place is no symmetry.
    assert sectors(alpha_R=-np.nextafter(0.046, 1)) == (Full,)
    assert sectors(Delta=0.0) == (Conserved, Conserved)
    assert sectors(Delta=0.0, alpha_R=-0.046) == 4 * (Conserved,)
    assert sectors(Delta=0.0, alpha_R=0.046) == (Mirror, Mirror)
    assert sectors(alpha_L=0.0) == (Conserved, Conserved)


def test_matrix_holds_the_jump_of_equation_5():
    """One interface at a time, against wave functions written down by hand."""
    well = Well(d=1.3, V_L=4.0, V_R=6.0, Delta=0.3, alpha_L=0.02, alpha_R=0.03)
    E, k = 1.1, 2.0
    u = np.array([0.3, -0.7, 0.2, 0.5])
    residual = matching_matrix(well, E, k) @ u
    for s, (left, right) in {1: (0, 2), -1: (1, 3)}.items():
        kappa = np.sqrt((E - s * well.Delta) / well.c)
        qL = np.sqrt((well.V_L + s * well.Delta - E) / well.c)
        qR = np.sqrt((well.V_R + s * well.Delta - E) / well.c)
        # ψ(z) = [ψ(0) sin κ(d−z) + ψ(d) sin κz]/sin κd
        sin, cos = np.sin(kappa * well.d), np.cos(kappa * well.d)
        slope_0 = kappa * (u[right] - u[left] * cos) / sin
        slope_d = kappa * (u[right] * cos - u[left]) / sin
        other_0, other_d = (1, 3) if s == 1 else (0, 2)
        # c[ψ'(0+) − ψ'(0−)] = kα_L σ_x ψ(0) and c[ψ'(d+) − ψ'(d−)] = −kα_R σ_x ψ(d)
        jump_0 = slope_0 - qL * u[left] - k * well.alpha_L / well.c * u[other_0]
        jump_d = -qR * u[right] - slope_d + k * well.alpha_R / well.c * u[other_d]
        # Closed forms of the same numbers: only rounding, of terms of order 100.
        assert -jump_0 == pytest.approx(residual[left], abs=1e-12)
        assert -jump_d == pytest.approx(residual[right], abs=1e-12)


def test_count_broadcasts_and_returns_integers():
    E = np.linspace(0, 4, 5)[:, None]
    k = np.array([0.0, 1.0, 5.0])
    N = count_states(PAPER, E, k)
    assert N.shape == (5, 3)
    assert N.dtype.kind == "i"
    assert N[3, 2] == count_states(PAPER, 3.0, 5.0)
    assert count_states(PAPER, 3.0, 0.0).shape == ()
    assert count_states(PAPER, 3.0, -5.0) == count_states(PAPER, 3.0, 5.0)


def test_poles_and_thresholds_need_no_special_case():
    """Exactly at κ_s d = mπ, at κ_s = 0 and at the edge of the continuum."""
    well = Well(d=2.0, Delta=0.25)
    for s in (1, -1):
        for m in (0, 1, 3):
            pole = well.c * (m * np.pi / well.d) ** 2 + s * well.Delta
            around = count_states(well, pole + np.array([-1e-7, 0.0, 1e-7]), 3.0)
            assert around.min() == around.max()  # a pole of M is not a state
    assert count_states(well, well.continuum_edge, 0.0) >= count_states(well, 4.7, 0.0)


@pytest.mark.parametrize(
    ("E", "k", "name"),
    [
        (float("nan"), 1.0, "E"),
        (1.0, float("inf"), "k"),
        ("1", 1.0, "E"),
        (1.0, 1j, "k"),
        (4.76, 1.0, "E"),
        ([1.0, 4.76], 1.0, "barrier edge"),
    ],
)
def test_bad_energies_and_wave_numbers(E, k, name):
    for function in (count_states, matching_matrix):
        with pytest.raises(ValueError, match=name):
            function(PAPER, E, k)
