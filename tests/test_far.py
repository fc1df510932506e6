"""States far out at the interfaces, where |α| is close to ħ²/m."""

import warnings
from fractions import Fraction

import adversary
import numpy as np
import pytest
from wells import E_F, PAPER

from qwlib import Well, far, fermi_states, precise
from qwlib.matching import FULL, Given, Rule
from qwlib.proofs import settled
from qwlib.search import solve


def far_cells(n: int, seed: int, off: tuple[float, float]):
    """Return a rule of wells with |α| close to ħ²/m, by 10**`off`, and a cell of each far out."""
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1, 1], (2, 2, n))
    alpha = Well().critical_rashba * signs[0] * (1 + signs[1] * 10 ** rng.uniform(*off, (2, n)))
    V, same = rng.uniform(1, 6, (2, n)), rng.random(n) < 0.3  # both sides all but the same
    columns = {
        "d": 10 ** rng.uniform(-1.5, 1, n),
        "V_L": V[0],
        "V_R": np.where(same, V[0], V[1]),
        "Delta": rng.uniform(-0.5, 0.5, n),
        "exchange": np.where(rng.random(n) < 0.5, "everywhere", "ferromagnet"),
        "alpha_L": alpha[0],
        "alpha_R": np.where(same, -np.nextafter(alpha[0], 0), alpha[1]),
        "mass": np.ones(n),
    }
    edge = np.minimum(columns["V_L"], columns["V_R"]) - np.abs(columns["Delta"])
    rule = Rule.of(columns, rng.uniform(-1, 0.95, n) * edge)
    k1 = rule.q_size * 10 ** rng.uniform(-0.5, 1.5, n)
    return rule, k1, k1 * (1 + 10 ** rng.uniform(-3, 0.3, n))


@pytest.mark.parametrize("off", [(-1, 0.3), (-4, -1), (-9, -3)])
def test_what_is_proven_far_out_is_so(off):
    """Against the count, where doubles decide that."""
    rule, k1, k2 = far_cells(50000, 3, off)
    k = k1 + np.linspace(0, 1, 9)[:, None] * (k2 - k1)
    found = [FULL.sturm(rule, row * row, row) for row in k]
    N = np.ma.array([each.N for each in found], mask=[~each.sure for each in found])
    for signs, places in ((far.signs(rule, k1, k2), N), (far.signs(rule, k1), N[-1:])):
        decided = (signs != 0).all(axis=0)
        negative = (signs < 0).sum(axis=0)
        right = places[:, decided] == negative[decided]
        assert right.count() > 5000  # it says something
        assert right.all()
    rise, way = np.ma.diff(N, axis=0), far.way(rule, k1, k2)
    for direction in (-1, 1):
        move = (rise * direction)[:, way == direction]
        assert not (move < 0).any()
        assert (move > 0).sum() >= (25 if off[1] < 0 else 0)


def test_states_far_out_are_those_of_the_matching_matrix():
    """From the determinant of one interface, and from the null vector of all of M."""
    rule, *_ = far_cells(300, 5, (-3, -1.5))
    roots, doubt = solve(rule)
    well, k = roots.well, roots.k
    apart = far.apart(rule.take(well), k, k) & (k > 2 * rule.q_size[well])
    one = np.nonzero(apart & (doubt[well] == 0))[0]
    k, rule, amplitude = k[one], rule.take(well[one]), roots.amplitude[one].T.reshape(2, 2, -1)
    assert one.size > 40
    side = np.abs(amplitude).sum(axis=1).argmax(axis=0)
    # Not two that tunnelling or rounding mixes.
    clear = np.abs(amplitude[1 - side, :, np.arange(one.size)]).max(axis=1) < 1e-10
    u, velocity, overlap = far.one_interface(FULL, rule, k, side)
    other = np.sign((u * amplitude).sum(axis=(0, 1))) * amplitude
    # What 2⁻⁵³ becomes over |α|m/ħ² − 1.
    assert clear.sum() > 25
    assert np.abs(u - other)[..., clear] == pytest.approx(0, abs=1e-11)
    assert overlap[clear] == pytest.approx(roots.overlap[one][clear], rel=1e-9)
    assert velocity == pytest.approx(roots.velocity_over_c[one], rel=1e-9)
    below, above = (far.one_determinant(rule, k * (1 + e), side) for e in (-1e-9, 1e-9))
    assert (below * above < 0).all()


@pytest.mark.parametrize(
    ("off", "energy", "number"),
    # The state leaves for k = ∞, and comes back on the other side where ε_F < V/2.
    [(0.0, E_F, 12), (-1e-15, E_F, 13), (1e-15, 2.0, 11), (-1e-5, E_F, 13)],
)
@pytest.mark.filterwarnings("ignore::qwlib.UnboundedSpectrumWarning")
def test_within_rounding_of_critical(off, energy, number):
    well = PAPER.replace(alpha_L=PAPER.critical_rashba * (1 + off))
    alpha, step = well.alpha_L, 1e-6
    wells = [well]  # and two states each: in two sectors, in one, at k that agree but for rounding
    wells += [well.replace(alpha_R=other) for other in (-alpha, np.nextafter(-alpha, 0))]
    wells += [other.replace(Delta=0.0) for other in wells[1:]]
    for each in wells:
        states, *beside = (fermi_states(each, energy + e) for e in (0, -step, step))
        assert states.certified
        assert adversary.contradiction(each, energy, states, np.random.default_rng(1)) == ""
        slope = 2 * step / (beside[1].k - beside[0].k)
        assert states.velocity == pytest.approx(slope, rel=1e-4)
    assert len(fermi_states(well, energy)) == number


def test_of_two_states_that_all_but_agree_each_is_at_one_interface():
    well = PAPER.replace(alpha_L=PAPER.critical_rashba * (1 - 1e-5))
    states = fermi_states(well.replace(alpha_R=np.nextafter(-well.alpha_L, 0)), E_F)
    # k² goes as the inverse of 1 − |α|m/ħ², in which |α| differs by its last digit.
    assert states.k[0] / states.k[1] - 1 == pytest.approx(2.0**-54 / 1e-5, rel=0.7)
    sides = np.abs(states.amplitude[:2]).argmax(axis=1) // 2
    assert sorted(sides) == [0, 1]


def test_how_far_past_critical_loses_no_digit():
    alpha = PAPER.critical_rashba * (1 + np.array([0.0, 3e-16, -1e-15, 1e-3, 1.0, -1.0]))
    c = Fraction(PAPER.c)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rule = Rule.of_wells([PAPER.replace(alpha_L=a) for a in alpha], E_F)
    exact = [float((Fraction(float(a)) / c) ** 2 - 4) for a in alpha]
    assert far.past_critical(rule)[0] == pytest.approx(exact, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("given", "k"),
    [
        (
            Given(
                2.2056187635283863e-07,
                0.7333384769688848,
                68851.67470694116,
                2.223143555466621e-07,
                3.3347153331999315e-07,
                0.7448553198469348,
                0.0,
                1.139866519534045,
                0.0073333847696888475,
            ),
            1.0078221768377376,
        ),
        (
            Given(
                -6.455383307976746e-08,
                0.08667008191981109,
                6495.601162653713,
                7.583237790587472e-08,
                1.1374856685881207e-07,
                10.01303505560078,
                0.0,
                0.13471215673981712,
                0.0008667008191981109,
            ),
            10.748512521689472,
        ),
    ],
)
def test_nothing_is_said_where_gamma_is_a_small_difference(given, k):
    """An exchange far above the barriers, and a coupling for which the sign is within rounding."""
    rule, k = Rule.of_given(given), np.array([k, np.nextafter(k, 99)])
    some = rule.take(np.zeros(2, dtype=np.intp))
    N = np.array([precise.sturm(FULL, rule, 0, float(one))[0] for one in k])
    signs = far.signs(some, k, k)
    assert ((signs < 0).sum(axis=0) <= N).all()
    assert ((signs > 0).sum(axis=0) <= 2 - N).all()
    assert N[0] == N[1] or not settled(some, k[:1].repeat(2), 1.1 * k).any()
