import adversary
import mpmath
import numpy as np
import pytest
from mpmath import iv

from qwlib import Well, count_states, fermi_states, precise, proofs
from qwlib.matching import FULL, SECTORS, Rule, symmetry

pytestmark = pytest.mark.filterwarnings("ignore::qwlib.UnboundedSpectrumWarning")


def hard_cases(number: int, seed: int):
    """Yield a rule of one well each, its sectors, the well, ε_F and a generator."""
    for each in range(number):
        rng = np.random.default_rng([seed, each])
        well, energy = adversary.hard_well(rng)
        rule = Rule.of_wells([well], energy)
        yield rule, SECTORS[symmetry(rule)[0]], well, energy, rng


def places(well, energy, rng):
    """Wave numbers at which a count is easy, and some at which rounding decides it."""
    k = fermi_states(well, energy).k
    scale = np.sqrt(abs(energy) / well.c) + 1 / well.d
    beside = (k[:, None] * (1 + np.array([-3e-16, 3e-16, 1e-14]))).ravel()[:30]
    return np.concatenate([[0.0], scale * 10 ** rng.uniform(-3, 1, 4), beside])


def test_count_by_intervals_is_that_of_sixty_digits():
    for rule, sectors, well, energy, rng in hard_cases(24, seed=1):
        for k in places(well, energy, rng)[:6]:
            found = [precise.sturm(sector, rule, 0, float(k)) for sector in sectors]
            if None not in found:
                assert sum(N for N, _ in found) == adversary.exact_count(well, energy, float(k))


def test_a_count_that_is_called_sure_is_right():
    """At roots to the last digit, where the sign of a double means nothing."""
    sure = wrong = 0
    for rule, sectors, well, energy, rng in hard_cases(24, seed=2):
        k = places(well, energy, rng)
        some = rule.take(np.zeros(k.size, dtype=np.intp))
        for sector in sectors:
            count = sector.sturm(some, k * k, k)
            for i in range(k.size):
                exact = precise.sturm(sector, rule, 0, float(k[i]))
                if exact is not None and exact[0] != count.N[i]:
                    wrong += 1
                    assert not count.sure[i], (well, energy, k[i], type(sector))
                sure += bool(count.sure[i])
    # The question has been put: doubles are wrong at many of these places, and sure at most.
    assert wrong > 10
    assert sure > 150


def test_rounding_stays_below_its_bound():
    """Of every minor, and not so far below that nothing would be sure."""
    largest = 0.0
    for rule, sectors, well, energy, rng in hard_cases(24, seed=3):
        k = places(well, energy, rng)
        some = rule.take(np.zeros(k.size, dtype=np.intp))
        for sector in sectors:
            bound, F = sector.rounding(some, k * k, k), sector.determinant(some, k * k, k)
            for i in range(k.size):
                exact = precise.sturm(sector, rule, 0, float(k[i]))
                if exact is not None and bound[i] > 0:
                    # `interior` takes exp(−γd) out with a γ of its own rounding.
                    slack = 1e-12 * abs(exact[1])
                    assert abs(F[i] - exact[1]) <= bound[i] + slack
                    largest = max(largest, abs(F[i] - exact[1]) / bound[i])
    assert largest > 1e-4


def test_rounding_of_a_long_phase_stays_below_its_bound():
    """κd is 450,000 here, and has lost as many units in the last place."""
    well = Well(d=5e4, alpha_L=0.046, alpha_R=-0.03)
    k = np.linspace(0.5, 8, 12)
    rule = Rule.of_well(well, 3.0).take(np.zeros(k.size, dtype=np.intp))
    exact = np.array([precise.sturm(FULL, rule, i, float(k[i]))[1] for i in range(k.size)])
    assert (np.abs(FULL.determinant(rule, k * k, k) - exact) <= FULL.rounding(rule, k * k, k)).all()


def test_sign_of_an_interval_is_that_of_all_its_numbers():
    ends = [(0, 1), (-1, 0), (-1, 1), (0, 0), (1, 2), (-2, -1)]
    assert [precise._sign(iv.mpf(pair)) for pair in ends] == [None, None, None, 0, 1, -1]


def test_side_of_a_pole_makes_no_difference_to_the_count(monkeypatch):
    """With digits that do not tell on which side of a pole of M the point lies."""
    well = Well(alpha_L=0.046, alpha_R=-0.02)
    E = well.Delta + well.c * (2 * np.pi / well.d) ** 2
    rule = Rule.of_well(well, E)
    N = adversary.exact_count(well, E + 9 * well.c, 3.0)  # no state is near
    assert precise.sturm(FULL, rule, 0, 3.0, 0.0)[0] == N
    monkeypatch.setattr(precise, "BITS", (30,))
    assert precise.sturm(FULL, rule, 0, 3.0, 0.0)[0] == N


def test_what_takes_more_digits_than_there_are_is_not_decided(monkeypatch):
    """At a root of F."""
    well = Well()
    k = float(fermi_states(well, 3.0).k[3])
    rule = Rule.of_well(well, 3.0)
    assert precise.sturm(FULL, rule, 0, k) is not None
    monkeypatch.setattr(precise, "BITS", (30,))
    assert precise.sturm(FULL, rule, 0, k) is None
    assert precise.sharpened(FULL, rule, 0, k, 1e-13, (k * (1 - 1e-9), k * (1 + 1e-9))) is None


def test_a_bound_that_is_just_met_proves_nothing():
    """A slope of M that is not negative may be zero."""
    rule = Rule.of_well(Well(alpha_L=0.046, alpha_R=0.02), 3.0)
    just = np.abs(np.stack([rule.a, rule.a], axis=1))
    assert not proofs.beats(rule, just, 1.0).any()
    assert proofs.beats(rule, just * (1 + 1e-15), 1.0).all()


@pytest.mark.parametrize("V", [1e-300, 1e-308, 1e-320])
def test_what_underflows_is_left_to_intervals(V):
    """Where the coupling balances the barriers, F is a difference of numbers of no more digits."""
    well = Well(d=1.0, V_L=V, V_R=V, Delta=V / 10, alpha_L=0.05, alpha_R=0.0)
    rule = Rule.of_well(well, 0.0)
    balance = 2 * np.sqrt(V / well.c) / (0.05 / well.c)
    k = balance * np.linspace(0.98, 1.02, 41)
    N = [precise.sturm(FULL, rule, 0, float(one), 0.0)[0] for one in k]
    assert set(N) == {0, 1}
    assert count_states(well, 0.0, k).tolist() == N
    assert not FULL.sturm(rule.take(np.zeros(k.size, dtype=int)), 0 * k, k).sure.any()


def test_wave_number_that_rounding_blurs():
    """Half of ħ²/m, no exchange, ε_F at the bottom of a subband: a root at k of 1e-8."""
    well = Well(
        d=3.579296408229982,
        V_L=0.12509768386427708,
        V_R=0.12509768386427708,
        Delta=0.0,
        alpha_L=0.019503647009266205,
        alpha_R=0.019503647009266205,
        mass=1.8949263533907794,
        exchange="ferromagnet",
    )
    energy = 0.040408335748080275
    states = fermi_states(well, energy)
    assert states.certified
    assert len(states) == 4
    # Its two spins are mirror images, so each k occurs twice; by the scalar rule of one of them,
    # κ cos κd (q₀ + q₁) = sin κd (κ² − q₀q₁), with q₀ and q₁ = q ± k α/c.
    with mpmath.workdps(50):
        c, d, V, alpha = map(mpmath.mpf, (well.c, well.d, well.V_L, well.alpha_L))

        def rule(k):
            kappa = mpmath.sqrt(energy / c - k * k)
            q = mpmath.sqrt((V - energy) / c + k * k)
            q0, q1 = q + k * alpha / c, q - k * alpha / c
            return kappa * mpmath.cos(kappa * d) * (q0 + q1) - mpmath.sin(kappa * d) * (
                kappa**2 - q0 * q1
            )

        for k in states.k[::2]:
            root = mpmath.findroot(rule, (k * (1 - 1e-9), k * (1 + 1e-9)), solver="anderson")
            assert k == pytest.approx(float(root), rel=1e-12)  # what `precise.CLOSE` promises
    assert states.k[2] == states.k[3] == pytest.approx(9.45e-9, rel=1e-2)
